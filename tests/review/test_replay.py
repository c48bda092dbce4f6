"""Recomputing decisions and comparing rooms: silent over honest work, loud and by name over every tampering."""

from contextlib import contextmanager

import pytest
from django.db import connections

from tests import factories
from vouchers.budget.services import promote_all
from vouchers.disbursement.books_check import latest_finding
from vouchers.disbursement.services import add_claims, open_batch
from vouchers.ledger import books
from vouchers.review.replay import check_agreements, check_calls, check_decisions, check_papers
from vouchers.review.services import fire
from vouchers.tasks import nightly

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def claims():
    """One claim of each fate, under a call whose pool has room for four: the fifth was served, the last still waits."""
    office, product = factories.office(), factories.product()
    call = factories.call(pool_fen=4 * 3_180_000)
    firms = [factories.firm(number, call, reviewer=office.reviewer) for number in range(1, 7)]
    made = [factories.submitted(firm, product, number) for number, firm in enumerate(firms, start=1)]
    paid, batched, withdrawn, returned, served, waiting = made
    for claim, firm in ((paid, firms[0]), (batched, firms[1])):
        for verb in ("accept", "review", "approve", "publicise", "clear"):
            factories.take(claim, verb, firm, office)
    for verb in ("batch", "pay"):
        factories.take(paid, verb, firms[0], office)
    batch = open_batch(call, approval_reference="测试批复", actor=office.preparer)
    add_claims(batch, [batched], actor=office.preparer)
    fire(withdrawn, "withdraw", actor=firms[2].actor)
    fire(returned, "return", actor=office.reviewer, reason="补正")
    allocation = returned.allocations.get()
    factories.claims.allocate(returned, allocation.payment, allocation.invoice, 7_777_777, user=firms[3].clerk)
    fire(returned, "resubmit", actor=firms[3].actor)
    promote_all()
    named = dict(paid=paid, batched=batched, withdrawn=withdrawn, submitted=returned, served=served, waiting=waiting)
    for claim in named.values():
        claim.refresh_from_db()
    assert (served.waiting, waiting.waiting) == (False, True)
    return named


@contextmanager
def tampered(table, key, column, value):
    """The owner, triggers off, sets `column` of the row `key` to the SQL expression `value`; undone afterwards."""
    name = "key" if table == "ledger_account" else "id"
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"SELECT {column}::text FROM {table} WHERE {name} = %s", [key])
        (was,) = cursor.fetchone()

        def write(expression, *params):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            cursor.execute(f"UPDATE {table} SET {column} = {expression} WHERE {name} = %s", [*params, key])
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")

        write(value)
        yield
        write("%s", was)


def test_honest_work_has_nothing_to_find(claims):
    assert check_decisions() == (10, [])
    assert check_agreements() == [] == check_papers() == check_calls()
    assert books.check().problems == []


def test_every_tampering_with_a_decision_is_found_by_its_name(claims):
    decision = claims["submitted"].decisions.latest("pk")
    changes = {
        "jsonb_set(result, '{decision,granted_fen}', '1')": ["重算结果不一致", "登记的金额"],
        "jsonb_set(result, '{facts,cap_used_fen}', '199999999')": ["重算结果不一致"],
        "jsonb_set(result, '{facts,lines,0,paid_fen}', '100')": ["重算结果不一致"],
        "jsonb_set(result, '{terms,local_rate}', '\"0.10\"')": ["重算结果不一致"],
        "jsonb_set(result, '{terms,local_rate}', '\"0.90\"')": ["无法重算"],
        "jsonb_set(result, '{facts,fiscal_year}', '2030')": ["无法重算"],
        "'{}'::jsonb": ["无法重算"],
    }
    for change, words in changes.items():
        with tampered("vouchers_decision", decision.pk, "result", change):
            count, problems = check_decisions()
        assert (count, len(problems)) == (10, len(words))
        for word, problem in zip(words, problems, strict=True):
            assert word in problem
            assert f"核定结论 {decision.pk}（申请 {decision.claim_id}）" in problem
    with tampered("vouchers_decision", decision.pk, "granted_fen", "granted_fen - 1"):
        assert [problem for problem in check_decisions()[1] if "登记的金额" in problem]
        assert check_agreements() == [f"核定额与最新核定结论不符：{claims['submitted'].number}"]
    assert check_decisions() == (10, [])


def test_every_disagreement_between_rooms_is_found_by_its_name(claims, caplog):
    claim, payment = claims["submitted"], claims["batched"].payments.get()
    allocation = claim.allocations.select_related("invoice", "payment").get()
    states, sums, decided, held, paid, closed, answered, matched = (
        "状态与最后一次办理记录不符", "发票或付款的已用金额与明细不符", "核定额与最新核定结论不符",
        "在办申请既未足额占用资金也不在轮候", "已拨付金额与核定额不符", "已结束的申请仍占用资金", "已到账的付款与账上拨付不符",
        "付款对应的占用与申请状态不符",
    )  # fmt: skip
    rows = [
        (("vouchers_claim", claim.pk, "state", "'accepted'"), {states: claim.number}),
        (("vouchers_claim", claim.pk, "version", "version + 1"), {states: claim.number}),
        (("vouchers_claim", claim.pk, "granted_fen", "granted_fen - 1"), {decided: claim.number, held: claim.number}),
        (("ledger_account", f"held:{claim.pk}", "balance_fen", "balance_fen - 1"), {held: claim.number}),
        (("ledger_account", f"paid:{claims['paid'].pk}", "balance_fen", "1"), {paid: claims["paid"].number}),
        (("ledger_account", f"held:{claims['withdrawn'].pk}", "balance_fen", "5"), {closed: claims["withdrawn"].number}),
        (("vouchers_invoice", allocation.invoice_id, "allocated_fen", "1"), {sums: allocation.invoice.number}),
        (("vouchers_paymentmade", allocation.payment_id, "allocated_fen", "1"), {sums: allocation.payment.serial_number}),
    ]  # fmt: skip
    for tampering, expected in rows:
        with tampered(*tampering):
            assert check_agreements() == [f"{title}：{number}" for title, number in expected.items()]
            nightly()
        for title in expected:
            assert title in caplog.text
        caplog.clear()
    # A payment said to have arrived that the ledger never paid.
    account = (
        "bank_account_id = (SELECT min(id) FROM applicants_bankaccount), payee_name = 'x', account_fingerprint = 'x'"
    )
    with tampered("vouchers_payment", payment.pk, "state", f"'paid', {account}"):
        assert check_agreements() == [f"{answered}：{claims['batched'].number}"]
    bare = "在办或已拨付的申请没有对应的付款凭证"
    # A match let go while its claim is under way, with the sums made to agree.
    with (
        tampered("vouchers_allocation", allocation.pk, "live", "false"),
        tampered("vouchers_invoice", allocation.invoice_id, "allocated_fen", "0"),
        tampered("vouchers_paymentmade", allocation.payment_id, "allocated_fen", "0"),
    ):
        assert check_agreements() == [f"{title}：{claim.number}" for title in (matched, bare)]
    assert check_agreements() == []


def test_every_change_of_a_paper_after_the_decision_is_found_by_its_claim(claims):
    for claim in (claims["submitted"], claims["paid"], claims["served"]):
        allocation, line = claim.allocations.get(), claim.lines.get()
        decision = claim.decisions.latest("pk")
        changes = [
            ("vouchers_paymentmade", allocation.payment_id, "paid_on", "paid_on + 1"),
            ("vouchers_invoice", allocation.invoice_id, "issued_on", "issued_on - 1"),
            ("vouchers_allocation", allocation.pk, "amount_fen", "amount_fen - 2"),
            ("vouchers_claimline", line.pk, "location", "'external'"),
            ("vouchers_claimline", line.pk, "seller_related", "true"),
            ("vouchers_claimline", line.pk, "subsidised_elsewhere", "true"),
            ("vouchers_decision", decision.pk, "result", "jsonb_set(result, '{facts,lines,0,paid_on}', '\"2025-06-19\"')"),
            ("vouchers_decision", decision.pk, "result", "jsonb_set(result, '{terms,citation}', '\"x\"')"),
            ("vouchers_decision", decision.pk, "result", "jsonb_set(result, '{facts,applicant,uscc}', '\"x\"')"),
            ("vouchers_decision", decision.pk, "result", "jsonb_set(result, '{facts,lines}', '[]')"),
        ]  # fmt: skip
        for change in changes:
            with tampered(*change):
                problems = check_papers()
            assert len(problems) == 1, (change, problems)
            assert claim.number in problems[0]
    assert check_papers() == []


def test_papers_may_still_change_where_no_money_rests_on_them(claims):
    allocation = claims["withdrawn"].allocations.get()
    with tampered("vouchers_paymentmade", allocation.payment_id, "paid_on", "paid_on + 1"):
        assert check_papers() == []


def test_a_published_call_beyond_the_law_is_found(claims):
    call = claims["paid"].call
    changes = {
        "local_rate": ("0.9", "90%"),
        "annual_cap_fen": ("annual_cap_fen * 1000", "不符合政策"),
        "law_id": ("'x'", "政策版本"),
        "fiscal_year": ("2031", "不符合政策"),
    }
    for column, (value, word) in changes.items():
        with tampered("vouchers_call", call.pk, column, value):
            (problem,) = check_calls()
        assert word in problem
        assert call.title in problem
    assert check_calls() == []


def test_the_nightly_work_tells_what_other_rooms_found(claims, caplog, monkeypatch):
    monkeypatch.setattr("vouchers.disbursement.books_check.check_batches", lambda: ["批次有误"])
    nightly()
    assert [record.getMessage() for record in caplog.records] == ["books: 批次有误"]
    entry, finding = latest_finding()
    assert (entry.actor, finding.problems) == ("system", ["批次有误"])
