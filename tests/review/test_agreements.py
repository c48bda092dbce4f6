"""Every forgery is named by the comparison that is meant for it, and honest work by none.

Each forgery is written by the tables' owner with the triggers off, so that it shows what the comparison alone sees,
and is rolled back.
"""

from contextlib import contextmanager

import pytest
from django.conf import settings
from django.db import connections, transaction

from tests import factories
from vouchers.disbursement import audit_batches
from vouchers.disbursement import services as disbursement
from vouchers.documents.services import file_document
from vouchers.review import agreements
from vouchers.review.services import fire

pytestmark = pytest.mark.django_db(transaction=True)

TABLES = (
    "vouchers_claim", "vouchers_claimevent", "vouchers_voucher", "vouchers_voucherevent", "vouchers_decision",
    "vouchers_allocation", "vouchers_call", "vouchers_batch", "vouchers_payment", "ledger_transfer",
    "audit_auditentry", "accounts_officer", "applicants_bankaccount", "applicants_organisation", "vouchers_verification",
    "vouchers_document",
)  # fmt: skip


# No CHECK stands in the way either: what the database refuses is tried elsewhere.
DROP_CHECKS = """
    SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname) FROM pg_constraint
    WHERE contype = 'c' AND conrelid::regclass::text = ANY (%s)"""


@pytest.fixture
def ids():
    """Claims of every fate, by what was done with them: their ids, and those of what belongs to them."""
    office, product = factories.office(), factories.product()
    call = factories.call(pool_fen=6 * 3_180_000, second_approval_above_fen=3_180_000)
    firms = [factories.firm(number, call, reviewer=office.reviewer) for number in range(1, 9)]
    made = [factories.submitted(firm, product, number) for number, firm in enumerate(firms[:6], start=1)]
    served = factories.submitted(firms[6], product, 7)
    waiting = factories.submitted(firms[7], product, 8)
    assert (served.waiting, waiting.waiting) == (True, True)
    paid, bounced, recovered, withdrawn, returned, rejected = made
    for claim, firm, ways in (
        (paid, firms[0], "accept review approve publicise clear suspend dismiss batch pay"),
        (bounced, firms[1], "accept review approve publicise clear batch pay bounce"),
        (recovered, firms[2], "accept review approve publicise clear batch pay recover"),
        (withdrawn, firms[3], "withdraw"),
        (returned, firms[4], "return resubmit"),
        (rejected, firms[5], "accept reject"),
    ):
        for verb in ways.split():
            factories.take(claim, verb, firm, office)
    for claim in (served, waiting):
        claim.refresh_from_db()
        assert not claim.waiting, "what was given back serves the queue at once"
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT id FROM vouchers_payment WHERE claim_id = %s", [paid.pk])
        payment = cursor.fetchone()[0]
    return {
        "paid": paid.pk, "bounced": bounced.pk, "recovered": recovered.pk, "withdrawn": withdrawn.pk,
        "returned": returned.pk, "rejected": rejected.pk, "served": served.pk, "call": call.pk, "payment": payment,
        "number": f"'{paid.number}'", "voucher": paid.voucher_id, "firm": firms[0].organisation.pk,
        "stranger": firms[1].clerk.pk, "finance": office.preparer.user.pk, "approver": office.second.user.pk,
    }  # fmt: skip


@contextmanager
def forged(monkeypatch, *statements):
    """What the comparisons find is looked for in the owner's transaction, where the forgery is."""
    monkeypatch.setattr(agreements, "connection", connections["owner"])
    with transaction.atomic("owner"), connections["owner"].cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(DROP_CHECKS, [list(TABLES)])
        for drop in cursor.fetchall():
            cursor.execute(drop[0])
        for statement in statements:
            cursor.execute(statement)
            assert cursor.rowcount > 0, f"changes nothing: {statement}"
        yield
        transaction.set_rollback(True, "owner")
    monkeypatch.undo()


EVENT = "UPDATE vouchers_claimevent SET {} WHERE claim_id = {} AND verb = '{}'"
AUDIT = (
    "INSERT INTO audit_auditentry (at, recorded_at, actor, action, subject, ok, detail, request_id, ip)"
    " SELECT at, now(), actor, action, subject, ok, detail, '', '' FROM audit_auditentry WHERE {}"
)
TRANSFER = (
    "INSERT INTO ledger_transfer (kind, source, target, amount_fen, key, subject, actor, at, recorded_at, reason, note,"
    " entry_id) VALUES ('{0}', '{1}', '{2}', 5, '{0}:evil', 'x', 'system', now(), now(), '', 'x', 1)"
)
POOL = "pool:compute_voucher:2025"
# Comparison, and the forgeries that it must name; {…} is filled from `ids`.
FORGERIES = {
    "核定额与最新核定结论不符": [
        "UPDATE vouchers_claim SET granted_fen = 0 WHERE id = {paid}",
        "UPDATE vouchers_claim SET granted_fen = 0 WHERE id = {served}",
    ],
    "在办或已拨付的申请没有对应的付款凭证": ["DELETE FROM vouchers_allocation WHERE claim_id = {paid}"],
    "核定结论与所属申请或办理记录不符": [
        "UPDATE vouchers_decision SET event_id = NULL WHERE claim_id = {withdrawn}",
        "UPDATE vouchers_decision SET claim_id = {returned} WHERE claim_id = {withdrawn}",
        "UPDATE vouchers_decision SET made_at = now() WHERE claim_id = {served} AND event_id IS NULL",
        "DELETE FROM vouchers_decision WHERE claim_id = {withdrawn}",
        "DELETE FROM audit_auditentry WHERE action = 'claim.serve' AND subject = 'claim:{served}'",
        "UPDATE audit_auditentry SET detail = jsonb_set(detail, '{{granted_fen}}', '1') WHERE action = 'claim.serve'",
    ],
    "已发布的申报通知没有发布记录": [
        "UPDATE vouchers_call SET published_at = published_at + interval '1 second' WHERE id = {call}",
        "DELETE FROM audit_auditentry WHERE action = 'call.publish'",
    ],
    "办理记录不连续，或与上一步的状态不衔接": [
        EVENT.format("version = 90", "{paid}", "pay"),
        EVENT.format("version = 0", "{rejected}", "submit"),
        EVENT.format("source = 'accepted'", "{rejected}", "submit"),
        EVENT.format("target = 'accepted'", "{paid}", "review"),
        "DELETE FROM vouchers_claimevent WHERE claim_id = {rejected} AND verb = 'accept'",
    ],
    "办理记录的操作、状态、身份或职责不合办理规则": [
        EVENT.format("verb = 'clear'", "{paid}", "accept"),
        EVENT.format("role = 'approver'", "{paid}", "accept"),
        EVENT.format("duty = 'review'", "{paid}", "accept"),
        EVENT.format("duty = 'second_approve'", "{paid}", "approve"),
        EVENT.format("target = 'publicised'", "{paid}", "dismiss"),
    ],
    "超过二次审批金额的申请未经二次审批": [
        "UPDATE vouchers_call SET second_approval_above_fen = 3179999 WHERE id = {call}",
        EVENT.format("target = 'approved_once'", "{paid}", "approve"),
    ],
    "办理人当日不具有该岗位或不是该单位成员": [
        EVENT.format("actor_id = {finance}", "{paid}", "approve"),
        EVENT.format("actor_id = {stranger}", "{paid}", "submit"),
        "UPDATE accounts_officer SET valid_until = '2020-02-01' WHERE user_id = {finance}",
        "UPDATE vouchers_voucherevent SET actor_id = {finance} WHERE voucher_id = {voucher}",
    ],
    "办理记录与审计记录不符": [
        EVENT.format("at = at - interval '400 days'", "{paid}", "approve"),
        EVENT.format("actor_id = {approver}", "{paid}", "approve"),
        EVENT.format("reason = 'x'", "{paid}", "approve"),
        "DELETE FROM audit_auditentry WHERE subject = 'claim:{paid}' AND action = 'claim.approve'",
        "UPDATE audit_auditentry SET subject = 'claim:0' WHERE subject = 'claim:{paid}' AND action = 'claim.approve'",
        AUDIT.format("subject = 'claim:{paid}' AND action = 'claim.approve'"),
    ],
    "算力券办理记录不连续或不合办理规则": [
        "UPDATE vouchers_voucher SET state = 'revoked' WHERE id = {voucher}",
        "UPDATE vouchers_voucherevent SET version = 50 WHERE voucher_id = {voucher}",
        "UPDATE vouchers_voucherevent SET role = 'applicant' WHERE voucher_id = {voucher}",
        "UPDATE vouchers_voucherevent SET source = 'refused' WHERE voucher_id = {voucher}",
        "DELETE FROM vouchers_voucherevent WHERE voucher_id = {voucher}",
    ],
    "算力券办理记录与审计记录不符": [
        "UPDATE vouchers_voucherevent SET at = now() WHERE voucher_id = {voucher}",
        "DELETE FROM audit_auditentry WHERE subject = 'voucher:{voucher}' AND action = 'voucher.issue'",
        AUDIT.format("subject = 'voucher:{voucher}' AND action = 'voucher.issue'"),
    ],
    "申请的资金或额度出自（退至）不属于它的账户": [
        "UPDATE ledger_transfer SET source = 'cap:compute_voucher:2025:999' WHERE target = 'capused:{paid}'",
        "UPDATE ledger_transfer SET source = 'pool:compute_voucher:2024' WHERE target = 'held:{paid}'",
        "UPDATE ledger_transfer SET target = 'pool:compute_voucher:2024' WHERE source = 'held:{withdrawn}'",
        "UPDATE ledger_transfer SET target = 'treasury' WHERE source = 'paid:{recovered}' AND kind = 'recover'",
        TRANSFER.format("hold", POOL, "held:0"),
    ],
    "申请的资金变动没有对应的办理记录": [
        TRANSFER.format("hold", POOL, "held:{paid}"),
        TRANSFER.format("release", "held:{paid}", POOL),
        TRANSFER.format("recover", "paid:{paid}", POOL),
        TRANSFER.format("bounce", "paid:{paid}", "held:{paid}"),
        TRANSFER.format("hold", POOL, "held:{paid}").replace("hold:evil", "hold:serve:{paid}:1"),
        "UPDATE ledger_transfer SET key = 'hold:event:' || repeat('9', 80) WHERE target = 'held:{paid}'",
        "UPDATE ledger_transfer SET at = now() WHERE target = 'held:{paid}' AND kind = 'hold'",
        "UPDATE ledger_transfer SET amount_fen = 1 WHERE target = 'held:{served}'",
        EVENT.format("verb = 'accept'", "{paid}", "submit"),
    ],
    "账上的拨付没有对应的付款或拨付办理记录": [
        TRANSFER.format("pay", "held:{paid}", "paid:{paid}"),
        "UPDATE ledger_transfer SET amount_fen = 5 WHERE key = 'pay:payment:{payment}'",
        "UPDATE vouchers_payment SET state = 'sent' WHERE id = {payment}",
        "UPDATE vouchers_payment SET state = 'failed' WHERE id = {payment}",
        "UPDATE vouchers_payment SET claim_id = {withdrawn} WHERE id = {payment}",
        EVENT.format("verb = 'recover', reason = 'x'", "{paid}", "pay"),
    ],
    "拨入资金与申报通知的资金总额或资金安排记录不符": [
        TRANSFER.format("fund", "treasury", POOL),
        "UPDATE ledger_transfer SET amount_fen = amount_fen + 1 WHERE kind = 'fund' AND source = 'treasury'",
        "UPDATE vouchers_call SET appropriation_fen = appropriation_fen + 1 WHERE id = {call}",
        "DELETE FROM audit_auditentry WHERE action = 'budget.appropriate'",
    ],
    "单位年度上限与申报通知不符": [
        TRANSFER.format("fund", "statute", "cap:compute_voucher:2025:999999"),
        "UPDATE ledger_transfer SET amount_fen = 1 WHERE target = 'cap:compute_voucher:2025:{firm}' AND kind = 'fund'",
    ],
    "收款账户与其最后一次修改记录不符": [
        "UPDATE applicants_bankaccount SET fingerprint = 'z' WHERE organisation_id = {firm}",
        "DELETE FROM applicants_bankaccount WHERE organisation_id = {firm}",
        "DELETE FROM applicants_historicalbankaccount WHERE organisation_id = {firm}",
    ],
    "单位资料与其最后一次修改记录不符": ["UPDATE applicants_organisation SET category = 'university' WHERE id = {firm}"],
    "工作人员岗位与其最后一次修改记录不符": ["UPDATE accounts_officer SET role = 'approver' WHERE user_id = {finance}"],
}  # fmt: skip


def test_every_forgery_is_named_by_its_comparison(ids, monkeypatch):
    with forged(monkeypatch):
        assert agreements.check_agreements() == []
    # What stands between balances and states is tried in test_replay.
    assert (agreements.STEPS | agreements.MONEY).keys() | {title for title, _ in agreements._histories()} <= set(
        FORGERIES
    )
    missed = []
    for title, statements in FORGERIES.items():
        for statement in statements:
            with forged(monkeypatch, statement.format(**ids)):
                problems = agreements.check_agreements()
            if not any(problem.startswith(f"{title}：") for problem in problems):
                missed.append((title, statement, problems))
    assert missed == []


def test_a_claim_that_was_served_nothing_because_its_cap_was_used_up_is_no_problem():
    office, product = factories.office(), factories.product()
    call = factories.call(pool_fen=3_180_000 + 1_000_000, annual_cap_fen=3_180_000)
    firm = factories.firm(1, call, reviewer=office.reviewer)
    other = factories.firm(2, call, reviewer=office.reviewer)
    first = factories.submitted(other, product, 1)
    waiting = [factories.submitted(firm, product, number) for number in (2, 3)]
    fire(first, "withdraw", actor=other.actor)
    for claim in waiting:
        claim.refresh_from_db()
    assert [(claim.granted_fen, claim.waiting) for claim in waiting] == [(3_180_000, False), (0, False)]
    assert agreements.check_agreements() == []


@pytest.fixture
def batch():
    """One released batch of two claims, the first of them paid; made by the services alone."""
    office, product = factories.office(), factories.product()
    call = factories.call()
    firms = [factories.firm(number, call, reviewer=office.reviewer) for number in (1, 2)]
    claims = [factories.ready(firm, product, number) for number, firm in enumerate(firms, start=1)]
    for claim, firm in zip(claims, firms, strict=True):
        factories.drive(claim, "payable", firm, office)
    batch = disbursement.open_batch(call, approval_reference="批复", actor=office.preparer)
    payments = disbursement.add_claims(batch, claims, actor=office.preparer)
    batch = disbursement.freeze(batch, actor=office.preparer)
    batch = disbursement.sign(batch, actor=office.signer, seen_digest=batch.digest)
    papers = [("letter", f"{batch.papers_subject}:claim:{claim.pk}") for claim in claims]
    for number, (kind, subject) in enumerate([*papers, ("roster", batch.papers_subject)]):
        file_document(
            kind=kind, subject=subject, title="t", file_name="t.pdf", short_code=f"{batch.pk}-{number}", content=b"%PDF"
        )
    batch = disbursement.release(batch, actor=office.preparer)
    disbursement.record_answer(
        payments[0], "pay", reference="r", answered_on=settings.CLOCK.today(), actor=office.preparer
    )
    return {
        "batch": batch.pk, "paid": payments[0].pk, "sent": payments[1].pk, "sent_claim": claims[1].pk,
        "reviewer": office.reviewer.user.pk, "preparer": office.preparer.user.pk,
    }  # fmt: skip


OF_BATCHES = {
    "已入批次的申请没有唯一的在途付款": [
        "UPDATE vouchers_payment SET state = 'dropped' WHERE id = {sent}",
        "DELETE FROM vouchers_payment WHERE id = {sent}",
        "UPDATE vouchers_batch SET state = 'reconciled' WHERE id = {batch}",
    ],
    "付款与申请的办理状态不符": [
        "UPDATE vouchers_claim SET state = 'payable' WHERE id = {sent_claim}",
        "UPDATE vouchers_payment SET state = 'sent' WHERE id = {paid}",
        "UPDATE vouchers_payment SET state = 'paid' WHERE id = {sent}",
        "UPDATE vouchers_payment SET amount_fen = 1 WHERE id = {sent}",
    ],
    "付款与批次的办理状态不符": [
        "UPDATE vouchers_batch SET state = 'open' WHERE id = {batch}",
        "UPDATE vouchers_payment SET state = 'prepared' WHERE id = {sent}",
    ],
    "封存人、签批人或发送人当日不是财务人员": [
        "UPDATE vouchers_batch SET signed_by_id = {reviewer} WHERE id = {batch}",
        "UPDATE accounts_officer SET valid_until = '2020-02-01' WHERE user_id = {preparer}",
    ],
    "签批人与编制封存人为同一人": [
        "UPDATE vouchers_batch SET signed_by_id = frozen_by_id WHERE id = {batch}",
    ],
    "批次的封存、签批或发送与审计记录不符": [
        "UPDATE vouchers_batch SET digest = '00' WHERE id = {batch}",
        "UPDATE vouchers_batch SET released_at = '2020-01-01' WHERE id = {batch}",
        "DELETE FROM audit_auditentry WHERE action = 'batch.sign'",
    ],
    "封存或发送时税务平台没有确认发票": [
        "DELETE FROM vouchers_verification WHERE id = (SELECT max(id) FROM vouchers_verification)",
        "UPDATE vouchers_verification SET status = 'NOT_FOUND'",
        "UPDATE vouchers_verification SET status = 'UNAVAILABLE'",
        "UPDATE vouchers_verification SET asked_at = '2020-01-01', asked_on = '2020-01-01'",
        "UPDATE vouchers_verification SET asked_at = '2030-01-01', asked_on = '2030-01-01'",
    ],
    "文书与生成时的审计记录不符": [
        "UPDATE vouchers_document SET sha256 = repeat('0', 64) WHERE kind = 'roster'",
        "UPDATE vouchers_document SET short_code = 'FORGED' WHERE kind = 'roster'",
        "UPDATE vouchers_document SET subject = 'batch:0:x' WHERE kind = 'roster'",
        "DELETE FROM audit_auditentry WHERE action = 'document.file'",
    ],
    "已发送的批次缺少汇总表或通知书": [
        "DELETE FROM vouchers_document WHERE kind = 'roster'",
        "DELETE FROM vouchers_document WHERE subject LIKE '%:claim:{sent_claim}'",
    ],
}


def test_every_forgery_of_a_batch_is_named(batch, monkeypatch):
    assert audit_batches.check_batches() == []
    assert set(OF_BATCHES) == set(audit_batches.CHECKS)
    for title, statements in OF_BATCHES.items():
        for forgery in statements:
            with forged(monkeypatch, forgery.format(**batch)):
                # The digests are read through the ORM, which waits for this transaction; they are tried below.
                monkeypatch.setattr(audit_batches, "_changed_digests", list)
                problems = audit_batches.check_batches()
            assert any(problem.startswith(f"{title}：") for problem in problems), (title, forgery, problems)


@pytest.mark.parametrize("change", ["payee_name = 'x'", "bank_name = 'x'", "state = 'dropped'"])
def test_a_sealed_payee_account_or_list_that_changed_is_named(batch, change):
    with connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE vouchers_payment DISABLE TRIGGER USER")
        try:
            cursor.execute(f"UPDATE vouchers_payment SET {change} WHERE id = %s", [batch["sent"]])
        finally:
            cursor.execute("ALTER TABLE vouchers_payment ENABLE TRIGGER USER")
    assert any("封存签批时不一致" in problem for problem in audit_batches.check_batches())
