"""Every forgery of orders, settlements and closed years is named by its comparison, and honest work by none."""

import datetime as dt
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.db import connections, transaction

from tests import factories
from vouchers.budget import checks, orders
from vouchers.disbursement.models import Payment
from vouchers.review import agreements
from vouchers.review.funding import offer_of
from vouchers.review.part import accept_part
from vouchers.review.services import fire

pytestmark = pytest.mark.django_db(transaction=True)
QUIET = SimpleNamespace(report=lambda done, total, message: None)
SUBSIDY = 3_180_000
TABLES = (
    "vouchers_order", "vouchers_settlementshare", "ledger_closedyear", "ledger_transfer", "ledger_account",
    "vouchers_claim", "vouchers_claimevent", "vouchers_decision", "vouchers_filingqueue", "vouchers_voucher",
    "audit_auditentry", "accounts_officer", "vouchers_call",
)  # fmt: skip
TRANSFER = """
    INSERT INTO ledger_transfer (kind, source, target, amount_fen, key, subject, reason, note, actor, at, recorded_at, entry_id)
    SELECT '{}', '{}', '{}', 5, '{}', 'x', '', 'x', 'user:1 x', now(), now(), min(id) FROM audit_auditentry"""
POOL = "pool:compute_voucher:2025"
LABELS = {
    "没有对应业务记录的资金变动": [
        TRANSFER.format("adjust", "treasury", POOL, "adjust:evil"),
        TRANSFER.format("adjust", "statute", "cap:compute_voucher:2025:1", "adjust:evil"),
        TRANSFER.format("top_up", "treasury", POOL, "top_up:evil"),
        TRANSFER.format("lapse", POOL, "treasury", "lapse:evil"),
        TRANSFER.format("carry", POOL, "pool:compute_voucher:2026", "carry:evil"),
        "UPDATE ledger_transfer SET amount_fen = 6 WHERE key = 'top_up:order:{top_up}'",
        "UPDATE ledger_transfer SET note = 'y' WHERE key = 'top_up:order:{top_up}'",
        "UPDATE vouchers_order SET state = 'void' WHERE id = {top_up}",
    ],
    "已办结的资金办理单没有对应的转账": [
        "UPDATE vouchers_order SET amount_fen = amount_fen + 1 WHERE id = {top_up}",
        "UPDATE vouchers_order SET amount_fen = amount_fen + 1 WHERE id = {recover}",
        "UPDATE vouchers_order SET kind = 'fund' WHERE id = {top_up}",
        "DELETE FROM ledger_closedyear",
        "UPDATE ledger_transfer SET key = 'top_up:x' WHERE key = 'top_up:order:{top_up}'",
    ],
    "资金办理单的编制人、签批人为同一人或当日没有该岗位": [
        "UPDATE vouchers_order SET signed_by_id = prepared_by_id WHERE id = {top_up}",
        "UPDATE vouchers_order SET signed_by_id = {signer} WHERE id = {top_up}",
        "UPDATE accounts_officer SET valid_until = '2020-02-01' WHERE role = 'approver'",
    ],
    "资金办理单与审计记录不符": [
        "UPDATE vouchers_order SET amount_fen = 7 WHERE id = {top_up}",
        "DELETE FROM audit_auditentry WHERE subject = 'order:{settle}' AND action = 'order.sign'",
        "UPDATE vouchers_order SET digest = 'x' WHERE id = {settle}",
    ],
    "结算份额合计与资金池或结算单不符": [
        "UPDATE vouchers_settlementshare SET share_fen = share_fen - 1 WHERE claim_id = {shared}",
        "DELETE FROM vouchers_settlementshare WHERE claim_id = {shared}",
        "UPDATE vouchers_order SET amount_fen = amount_fen - 1 WHERE id = {settle}",
    ],
    "结算份额没有对应的占用或核定结论": [
        "UPDATE vouchers_settlementshare SET share_fen = share_fen - 1 WHERE claim_id = {shared}",
        "DELETE FROM ledger_transfer WHERE key = 'hold:settlement:{settle}:{shared}'",
        "DELETE FROM vouchers_decision WHERE claim_id = {shared} AND event_id IS NULL",
    ],
    "按比例结算的申请在结算之外占用了资金": [
        TRANSFER.format("hold", "pool:compute_voucher:2024", "held:{shared}", "hold:event:1"),
    ],
    "已结账年度的资金池仍有余额": ["UPDATE ledger_account SET balance_fen = 5 WHERE key = 'pool:compute_voucher:2024'"],
    "已结账年度有不应发生的资金变动": [
        TRANSFER.format("top_up", "treasury", "pool:compute_voucher:2024", "top_up:late"),
        TRANSFER.format("hold", "cap:compute_voucher:2024:1", "capused:1", "hold:late"),
    ],
    "年度结账没有已办结的办理单": [
        "UPDATE ledger_closedyear SET period = 'compute_voucher:2023'",
        "UPDATE vouchers_order SET state = 'void' WHERE id = {close}",
    ],
    "已结账年度仍有未终止的算力券": ["UPDATE vouchers_voucher SET state = 'issued' WHERE fiscal_year = 2024"],
    "接受部分安排的申请所得与其同意的金额不符": [
        "UPDATE ledger_transfer SET amount_fen = amount_fen + 1 WHERE key = 'hold:event:{part_event}'",
        "UPDATE vouchers_decision SET granted_fen = granted_fen + 1 WHERE event_id = {part_event}",
        "DELETE FROM vouchers_decision WHERE event_id = {part_event}",
    ],
    "核定额超过申请已同意或分得的金额": [
        "UPDATE vouchers_claim SET granted_fen = granted_fen + 1 WHERE id = {part}",
        "UPDATE vouchers_claim SET granted_fen = granted_fen + 1 WHERE id = {shared}",
    ],
    "资金用完截止以后仍有新的提交": [
        "UPDATE vouchers_call SET shortage = 'first_come' WHERE fiscal_year = 2025;"
        "UPDATE vouchers_filingqueue SET closed_at = '2020-01-01' WHERE fiscal_year = 2025",
    ],
    "的份额与签批时不一致": ["UPDATE vouchers_settlementshare SET asked_fen = asked_fen + 1 WHERE claim_id = {shared}"],
}  # fmt: skip


@pytest.fixture
def ids():
    """A year settled pro rata and closed; and one with a top-up, a recovery and a part accepted."""
    office, product = factories.office(), factories.product()
    until = settings.CLOCK.today() + dt.timedelta(days=5)
    old = factories.call(pool_fen=SUBSIDY, year=2024, shortage="pro_rata", filing_until=until)
    days = {"paid_on": dt.date(2024, 6, 20), "issued_on": dt.date(2024, 6, 10)}
    firms = [factories.firm(n, old, reviewer=office.reviewer) for n in (1, 2)]
    shared = [factories.submitted(firm, product, n, **days) for n, firm in enumerate(firms, start=1)]
    factories.pass_days(10)

    def signed(order, signer):
        order = orders.sign(order, actor=signer, seen=order.digest)
        orders.run(f"order:{order.pk}", QUIET)
        order.refresh_from_db()
        assert order.state == "done", order.outcome
        return order.pk

    said = {"citation": "文", "actor": office.preparer}
    settle = signed(orders.prepare_settlement("compute_voucher", 2024, until, **said), office.approver)
    for claim, firm in zip(shared, firms, strict=True):
        fire(claim, "withdraw", actor=firm.actor)
    close = signed(orders.prepare_close("compute_voucher", 2024, 0, None, **said), office.approver)
    call = factories.call(pool_fen=2 * SUBSIDY)
    payer, holder, head = (factories.firm(n, call, reviewer=office.reviewer) for n in (3, 4, 5))
    paid = factories.drive(factories.ready(payer, product, 3), "paid", payer, office)
    factories.submitted(holder, product, 4, gross_fen=10_000_000)
    part = factories.submitted(head, product, 5)
    top_up = signed(orders.prepare_top_up("compute_voucher", 2025, 5, **said), office.approver)
    part.refresh_from_db()
    event = accept_part(part, offer_of(part)[0], actor=head.actor)
    recover = signed(orders.prepare_recover(Payment.objects.get(claim=paid), 1_000, **said), office.signer)
    return {
        "settle": settle, "close": close, "top_up": top_up, "recover": recover, "shared": shared[0].pk, "part": part.pk,
        "part_event": event.pk, "signer": office.signer.user.pk,
    }  # fmt: skip


@contextmanager
def forged(monkeypatch, *statements):
    """What the room finds is looked for in the owner's transaction, where the forgery is."""
    monkeypatch.setattr(agreements, "connection", connections["owner"])
    owned = checks.Order.objects.using("owner")
    monkeypatch.setattr(checks, "Order", SimpleNamespace(objects=owned))
    with transaction.atomic("owner"), connections["owner"].cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(
            """SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname) FROM pg_constraint
               WHERE contype = 'c' AND conrelid::regclass::text = ANY (%s)""",
            [list(TABLES)],
        )
        for (drop,) in cursor.fetchall():
            cursor.execute(drop)
        for statement in statements:
            cursor.execute(statement)
        yield
        transaction.set_rollback(True, "owner")
    monkeypatch.undo()


def test_every_forgery_is_named_by_its_comparison(ids, monkeypatch):
    assert checks.check_budget() == []
    assert checks.CHECKS.keys() <= LABELS.keys() | {"同一期申报结算了不止一次"}
    missed = []
    for title, statements in LABELS.items():
        for statement in statements:
            with forged(monkeypatch, statement.format(**ids)):
                problems = checks.check_budget()
            if not any(title in problem for problem in problems):
                missed.append((title, statement, problems))
    assert missed == []
