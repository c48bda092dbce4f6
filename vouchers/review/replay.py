"""Recomputing what was decided, and comparing what the rooms say of one another. Read-only."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from django.db import connection

from vouchers import rules
from vouchers.ledger import books
from vouchers.policy import NoLawInForce, law_for
from vouchers.review.funding import Case
from vouchers.review.models import Decision
from vouchers.workflow import AWAITING_MONEY, CLOSED_UNPAID

log = logging.getLogger(__name__)

# What rows of different rooms must agree on, each as SQL that names the claims that do not.
AGREEMENTS = {
    "状态与最后一次办理记录不符": """
        SELECT c.number FROM vouchers_claim c
        LEFT JOIN LATERAL (SELECT version, target FROM vouchers_claimevent e
                           WHERE e.claim_id = c.id ORDER BY version DESC LIMIT 1) e ON true
        WHERE c.version <> coalesce(e.version, 0) OR c.state <> coalesce(e.target, 'draft')""",
    "核定额与最新核定结论不符": """
        SELECT c.number FROM vouchers_claim c
        LEFT JOIN LATERAL (SELECT computed_fen, granted_fen FROM vouchers_decision d
                           WHERE d.claim_id = c.id ORDER BY d.id DESC LIMIT 1) d ON true
        WHERE c.queue_number IS NOT NULL
          AND (c.granted_fen, c.computed_fen) IS DISTINCT FROM (d.granted_fen, d.computed_fen)
          AND c.granted_fen <> 0""",
    "在办申请既未足额占用资金也不在轮候": """
        SELECT c.number FROM vouchers_claim c
        LEFT JOIN ledger_account h ON h.key = 'held:' || c.id
        WHERE c.state IN %(alive)s
          AND coalesce(h.balance_fen, 0) <> CASE WHEN c.waiting THEN 0 ELSE c.granted_fen END""",
    "已拨付金额与核定额不符": """
        SELECT c.number FROM vouchers_claim c
        LEFT JOIN ledger_account p ON p.key = 'paid:' || c.id
        WHERE c.state = 'paid' AND coalesce(p.balance_fen, 0) + coalesce((
            SELECT sum(t.amount_fen) FROM ledger_transfer t
            WHERE t.kind = 'recover' AND t.source = p.key), 0) <> c.granted_fen""",
    "已结束的申请仍占用资金": """
        SELECT c.number FROM vouchers_claim c
        JOIN ledger_account h ON h.key = 'held:' || c.id
        WHERE c.state IN %(closed)s AND h.balance_fen <> 0""",
    "已到账的付款与账上拨付不符": """
        SELECT c.number FROM vouchers_payment p JOIN vouchers_claim c ON c.id = p.claim_id
        WHERE p.state = 'paid' AND NOT EXISTS (
            SELECT FROM ledger_transfer t WHERE t.key = 'pay:payment:' || p.id
            AND t.target = 'paid:' || p.claim_id AND t.amount_fen = p.amount_fen)""",
    "付款对应的占用与申请状态不符": """
        SELECT DISTINCT c.number FROM vouchers_claim c JOIN vouchers_allocation a ON a.claim_id = c.id
        WHERE c.state <> 'returned' AND a.live = (c.state = 'draft' OR c.state IN %(closed)s)""",
    "发票或付款的已用金额与明细不符": """
        SELECT i.number FROM vouchers_invoice i
        WHERE i.allocated_fen <> coalesce((SELECT sum(a.amount_fen) FROM vouchers_allocation a
                                           WHERE a.invoice_id = i.id AND a.live), 0)
        UNION ALL
        SELECT p.serial_number FROM vouchers_paymentmade p
        WHERE p.allocated_fen <> coalesce((SELECT sum(a.amount_fen) FROM vouchers_allocation a
                                           WHERE a.payment_id = p.id AND a.live), 0)""",
}


def check_decisions() -> tuple[int, list[str]]:
    """Recompute every stored decision from its frozen facts; how many there are, and what differs.

    In bounded memory, whatever their number.
    """
    count, problems = 0, list[str]()
    for decision in Decision.objects.order_by("pk").iterator(chunk_size=200):
        count += 1
        problems += _differences(decision)
    return count, problems


def _differences(stored: Decision) -> Iterator[str]:
    name = f"核定结论 {stored.pk}（申请 {stored.claim_id}）"
    try:
        case = Case.from_json(stored.result)
        was, facts = case.decision, case.facts
        again = rules.decide(facts, law_for(facts.scheme, facts.fiscal_year), case.terms)
    except (rules.StoredError, rules.FactsError, rules.TermsError, NoLawInForce) as error:
        yield f"{name}无法重算：{error}"
        return
    if again.outcome() != was.outcome():
        yield f"{name}重算结果不一致：原 {was.granted_fen} 分，重算 {again.granted_fen} 分。"
    if (was.computed_fen, was.granted_fen, was.binding, was.law_id) != (
        stored.computed_fen,
        stored.granted_fen,
        stored.binding,
        stored.law_id,
    ):
        yield f"{name}登记的金额与冻结的结论不一致。"


def check_agreements() -> list[str]:
    """Where claims, events, decisions, ledger and payments do not tell the same story."""
    problems = []
    with connection.cursor() as cursor:
        for title, sql in AGREEMENTS.items():
            cursor.execute(sql, {"alive": AWAITING_MONEY, "closed": CLOSED_UNPAID})
            problems += [f"{title}：{number}" for (number,) in cursor.fetchall()]
    return problems


def alarm_on_bad_books() -> None:
    """The nightly check. Every problem is logged as an error, which is what monitoring watches."""
    _, of_decisions = check_decisions()
    for problem in [*of_decisions, *check_agreements(), *books.check().problems]:
        log.error("books: %s", problem)
