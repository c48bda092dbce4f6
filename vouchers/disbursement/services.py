"""Batches: gathered, frozen, signed, released, answered by the bank."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping

from django.conf import settings
from django.db import connection, transaction

from accounts.errors import Refused
from accounts.locks import refuse_when_locked
from accounts.models import User
from accounts.selectors import roles_of
from applicants.names import names_match
from applicants.selectors import current_account, name_on
from audit.services import record
from vouchers import workflow
from vouchers.calls.models import Call
from vouchers.claims.models import Claim
from vouchers.disbursement.checks import account_changed, doubts_of
from vouchers.disbursement.models import Batch, Payment
from vouchers.documents.services import find
from vouchers.documents.storage import FileDamaged
from vouchers.invoices.text import tidy
from vouchers.jobs.models import Job
from vouchers.jobs.services import request
from vouchers.ledger.selectors import held_fen
from vouchers.review.actors import refuse_second_duty
from vouchers.review.consequences import refuse_sanctioned
from vouchers.review.errors import SamePerson
from vouchers.review.models import ClaimDuty
from vouchers.review.services import Actor, fire

EXPORT = "batch_export"
ROSTER, LETTER, WORKBOOK = "roster", "letter", "roster_xlsx"
# A batch is one document that one person can vouch for.
MAX_CLAIMS = 3000
# What one click may move: all or nothing within the time that a page is given.
MAX_AT_ONCE = 500


class BatchRefused(Refused):
    """A step with a batch that was not taken; nothing has changed."""


def open_batch(call: Call, *, approval_reference: str, actor: Actor) -> Batch:
    """Open a batch for payable claims of `call`; `approval_reference` is the number of the approving document."""
    officer = require_finance(actor)
    if not approval_reference.strip():
        raise BatchRefused("请填写批复文号。")
    with refuse_when_locked(), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval('vouchers_serial')")
            number = f"PC{call.fiscal_year}-{cursor.fetchone()[0]:06d}"
        batch = Batch.objects.create(
            number=number,
            call=call,
            approval_reference=approval_reference,
            created_at=settings.CLOCK.now(),
            created_by=officer,
        )
        _record(batch, "open", actor)
    return batch


def add_claims(
    batch: Batch, claims: Iterable[Claim], *, actor: Actor, seen: Mapping[int, int] | None = None
) -> list[Payment]:
    """Put payable claims into an open batch: all of them or none, in the order of their ids.

    `seen` are the versions that the screen showed, by the claims' ids.
    """
    with refuse_when_locked(), transaction.atomic():
        batch = _locked(batch, "open")
        chosen = sorted(claims, key=lambda claim: claim.pk)
        if batch.payments.exclude(state="dropped").count() + len(chosen) > MAX_CLAIMS:
            raise BatchRefused(f"一个批次最多 {MAX_CLAIMS} 笔，请分批编制。")
        payments = []
        for claim in chosen:
            # One pool, one appropriation: versions of the same year's call may share a batch.
            if (claim.call.scheme, claim.call.fiscal_year) != (batch.call.scheme, batch.call.fiscal_year):
                raise BatchRefused(f"申请 {claim.number} 不属于本批次的券种和年度，不能列入。")
            fire(claim, "batch", actor=actor, seen_version=(seen or {}).get(claim.pk))
            payments.append(Payment.objects.create(batch=batch, claim=claim, amount_fen=held_fen(claim.pk)))
    return payments


def remove_claim(payment: Payment, *, actor: Actor) -> None:
    """Take a claim out of an open batch; it is payable again."""
    with refuse_when_locked(), transaction.atomic():
        _locked(payment.batch, "open")
        # As it stands now: a second click finds it dropped, and must not take the claim out of another batch. Payments of
        # an open batch are moved under the batch's lock alone.
        payment = Payment.objects.select_related("claim").get(pk=payment.pk)
        _move_payment(payment, "drop")
        fire(payment.claim, "unbatch", actor=actor, payment=payment.pk)


def freeze(batch: Batch, *, actor: Actor, seen: str | None = None) -> Batch:
    """Copy every payee and account, and close the list; `seen` is the `stamp_of` what the screen showed.

    Raises `BatchRefused` naming each claim whose organisation has no account, or one in another name, and
    `Sanctioned` for one on a list of the untrustworthy.
    """
    require_finance(actor)
    with refuse_when_locked(), transaction.atomic():
        batch = _locked(batch, "open")
        payments = _live(batch)
        _refuse_stale(batch, payments, seen)
        if not payments:
            raise BatchRefused("批次中没有申请，不能封存。请先选择待拨付的申请。")
        _refuse_doubtful(payments, "封存")
        for payment in payments:
            if payment.claim.state != "batched":
                raise BatchRefused(f"申请 {payment.claim.number} 已不在批次中，不能封存。请先移出后重新选择。")
            refuse_second_duty(payment.claim_id, actor.user, "finance_prepare")
            refuse_sanctioned(payment.claim)
            _copy_account(payment)
        return _step(batch, "freeze", actor, frozen_by=actor.user, digest=digest_of(payments))


def sign(batch: Batch, *, actor: Actor, seen_digest: str) -> Batch:
    """The second finance officer vouches for exactly the payees, accounts and amounts with `seen_digest`."""
    require_finance(actor)
    with refuse_when_locked(), transaction.atomic():
        batch = _locked(batch, "frozen")
        payments = _live(batch)
        if seen_digest != batch.digest or digest_of(payments) != batch.digest:
            raise BatchRefused("批次内容与您看到的不一致，未签批。请刷新页面重新核对。")
        for payment in payments:
            refuse_second_duty(payment.claim_id, actor.user, "finance_sign")
        return _step(batch, "sign", actor, signed_by=actor.user)


def start_export(batch: Batch, *, actor: Actor) -> Job:
    """Ask for the roster and the letters of a signed batch; the same job when one is already under way."""
    require_finance(actor)
    if batch.state not in ("signed", "released", "reconciled"):
        raise BatchRefused("批次签批后才能生成拨付文书。")
    with refuse_when_locked(), transaction.atomic():
        job = request(EXPORT, f"batch:{batch.pk}", requested_by=actor.user)
        _record(batch, "export", actor)
    return job


def release(batch: Batch, *, actor: Actor) -> Batch:
    """Hand the signed batch to the bank. Blocked when an account changed after freezing or a payee is sanctioned."""
    require_finance(actor)
    with refuse_when_locked(), transaction.atomic():
        batch = _locked(batch, "signed")
        payments = _live(batch)
        if digest_of(payments) != batch.digest:
            raise BatchRefused("批次内容与签批时不一致，不能发送。请取消批次后重新编制。")
        require_papers(batch, payments)
        _refuse_doubtful(payments, "发送")
        today = settings.CLOCK.today()
        changed = [
            payment.claim.number
            for payment in payments
            if account_changed(payment, current_account(payment.claim.organisation, today))
        ]
        if changed:
            raise BatchRefused(
                f"封存后收款账户有变更，不能发送：{'、'.join(changed)}。请取消批次，核实账户后重新编制。"
            )
        for payment in payments:
            if payment.claim.state != "batched":
                raise BatchRefused(f"申请 {payment.claim.number} 已不在批次中，不能发送。请取消批次后重新编制。")
            _refuse_reviewers(payment, actor)
            refuse_sanctioned(payment.claim)
            _move_payment(payment, "send")
        return _step(batch, "release", actor, released_by=actor.user)


def record_answer(
    payment: Payment,
    answer: str,
    *,
    reference: str,
    answered_on: dt.date,
    actor: Actor,
    message: str = "",
    seen_state: str | None = None,
) -> Payment:
    """Enter the bank's answer: `pay` (arrived), `fail` (退票) or `lose` (outcome unknown, to be asked again).

    Only the answer moves a payment after release. An arrival posts the claim's money as paid; a failure makes the
    claim payable again, and an arrival that the bank takes back later brings its money back to the hold.
    `seen_state` is the payment's state on the screen: a stale screen never takes back what arrived since.
    """
    require_finance(actor)
    # A bank's words are copied from anywhere: no sign that turns or hides the letters around it.
    reference, message = tidy(reference), tidy(message)
    with refuse_when_locked(), transaction.atomic():
        payment = Payment.objects.select_for_update().select_related("claim", "batch").get(pk=payment.pk)
        before = payment.state
        if seen_state not in (None, before):
            raise BatchRefused(f"这笔付款刚刚被他人登记为“{payment.get_state_display()}”，请核对最新状态后再登记。")
        transition = workflow.PAYMENT.step(answer, before)
        _refuse_reviewers(payment, actor)
        if transition.needs_reason and not message.strip():
            raise BatchRefused("请填写银行退票原因。")
        payment.state, payment.bank_reference = transition.target, reference
        payment.bank_message, payment.answered_on = message, answered_on
        payment.save(update_fields=["state", "bank_reference", "bank_message", "answered_on"])
        if answer == "pay":
            fire(payment.claim, "pay", actor=actor, payment=payment.pk)
        elif answer == "fail":
            fire(payment.claim, "bounce", actor=actor, payment=payment.pk, reason=message)
        record(
            actor=actor.text,
            action=f"payment.{answer}",
            subject=f"payment:{payment.pk}",
            at=settings.CLOCK.now(),
            detail={"from": before, "to": payment.state, "reference": reference, "amount_fen": payment.amount_fen},
        )
    return payment


def record_arrivals(batch: Batch, *, reference: str, answered_on: dt.date, actor: Actor, seen: str) -> int:
    """Every payment that still waits for the bank arrived: all of them or none; how many. `seen` as for `freeze`."""
    with refuse_when_locked(), transaction.atomic():
        batch = _locked(batch, "released")
        payments = _live(batch)
        _refuse_stale(batch, payments, seen)
        waiting = [payment for payment in payments if payment.state in ("sent", "unknown")][:MAX_AT_ONCE]
        if not waiting:
            raise BatchRefused("每笔付款都已有银行答复，没有需要登记的。")
        for payment in waiting:
            record_answer(payment, "pay", reference=reference, answered_on=answered_on, actor=actor)
    return len(waiting)


def reconcile(batch: Batch, *, actor: Actor) -> Batch:
    """Close a released batch once the bank has answered for every payment."""
    require_finance(actor)
    with refuse_when_locked(), transaction.atomic():
        batch = _locked(batch, "released")
        open_count = batch.payments.filter(state__in=["sent", "unknown"]).count()
        if open_count:
            raise BatchRefused(f"还有 {open_count} 笔没有银行答复，不能对账。")
        return _step(batch, "reconcile", actor)


def cancel(batch: Batch, *, actor: Actor, reason: str, seen: str | None = None) -> Batch:
    """Cancel a batch that was not released; its claims are payable again. `seen` as for `freeze`."""
    require_finance(actor)
    if not reason.strip():
        raise BatchRefused("请填写取消批次的理由。")
    with refuse_when_locked(), transaction.atomic():
        batch = Batch.objects.select_for_update().get(pk=batch.pk)
        workflow.BATCH.step("cancel", batch.state)
        payments = _live(batch)
        _refuse_stale(batch, payments, seen)
        for payment in payments:
            _move_payment(payment, "drop")
            fire(payment.claim, "unbatch", actor=actor, payment=payment.pk)
        return _step(batch, "cancel", actor, reason=reason)


def require_papers(batch: Batch, payments: list[Payment]) -> None:
    """Raises `BatchRefused` unless the roster and every letter of this very batch are filed and whole."""
    subject = batch.papers_subject
    try:
        missing = find(ROSTER, subject) is None or any(
            find(LETTER, f"{subject}:claim:{payment.claim_id}") is None for payment in payments
        )
    except FileDamaged as error:
        raise BatchRefused(f"拨付文书已损坏，不能发送：{error}。请联系系统管理员。") from error
    if missing:
        raise BatchRefused("拨付汇总表和通知书尚未生成，请先生成并核对后再发送。")


def _refuse_doubtful(payments: list[Payment], step: str) -> None:
    """No money for invoices that were reversed, or that the tax platform has not confirmed since the approval."""
    doubts, numbers = doubts_of(payments), {payment.claim_id: payment.claim.number for payment in payments}
    if doubts:
        words = "\n".join(f"· {numbers[pk]}：{'；'.join(said)}" for pk, said in list(doubts.items())[:5])
        more = f"\n等 {len(doubts)} 件" if len(doubts) > 5 else ""
        raise BatchRefused(
            f"以下申请的发票还不能拨付，不能{step}：\n{words}{more}\n请在申请页办理税务查验，或移出批次。"
        )


def digest_of(payments: list[Payment]) -> str:
    """sha256 over what a signature vouches for: claim, payee, bank, account and amount of every payment."""
    lines = [
        "\x1f".join([str(p.claim_id), p.payee_name, p.bank_name, p.account_number, str(p.amount_fen)]) for p in payments
    ]
    return hashlib.sha256("\x1e".join(lines).encode()).hexdigest()


def stamp_of(batch: Batch, payments: Iterable[Payment]) -> str:
    """What a screen shows of a batch and its live payments, in short: another stamp, another screen."""
    lines = sorted(f"{p.pk}:{p.claim_id}:{p.amount_fen}:{p.state}" for p in payments)
    return hashlib.sha256("\n".join([batch.state, *lines]).encode()).hexdigest()[:32]


def _refuse_stale(batch: Batch, payments: list[Payment], seen: str | None) -> None:
    if seen not in (None, stamp_of(batch, payments)):
        raise BatchRefused("批次在您打开页面之后有变动，本次操作没有执行。请核对最新内容后再办理。")


def _copy_account(payment: Payment) -> None:
    organisation, today = payment.claim.organisation, settings.CLOCK.today()
    account, name = current_account(organisation, today), name_on(organisation, today)
    if account is None:
        raise BatchRefused(f"申请 {payment.claim.number}：{name} 没有登记收款账户，请联系该单位补充。")
    if not names_match(account.holder_name, name):
        raise BatchRefused(
            f"申请 {payment.claim.number}：账户户名“{account.holder_name}”与单位名称“{name}”不一致，不能拨付。"
        )
    if payment.amount_fen != held_fen(payment.claim_id):
        raise BatchRefused(f"申请 {payment.claim.number} 的占用资金与拨付金额不一致，请联系系统管理员核查账目。")
    payment.bank_account, payment.payee_name = account, account.holder_name
    payment.bank_name, payment.account_number = account.bank_name, account.number
    payment.account_fingerprint = account.fingerprint
    payment.save()


def _refuse_reviewers(payment: Payment, actor: Actor) -> None:
    """Whoever reviewed or approved a claim neither sends its money nor enters the bank's answer."""
    judged = ClaimDuty.objects.filter(
        claim=payment.claim_id, user=actor.user, duty__in=["review", "approve", "second_approve"]
    ).first()
    if judged is not None:
        raise SamePerson(
            f"您已在申请 {payment.claim.number} 中承担“{judged.get_duty_display()}”，"
            "不能再办理拨付。请转交其他财务人员。"
        )


def _live(batch: Batch) -> list[Payment]:
    payments = batch.payments.exclude(state="dropped").select_related("claim__organisation", "claim__call")
    return list(payments.order_by("claim_id"))


def _locked(batch: Batch, state: str) -> Batch:
    """The batch under a lock, in `state`; anything else means that somebody was quicker."""
    batch = Batch.objects.select_for_update(of=("self",)).select_related("call").get(pk=batch.pk)
    if batch.state != state:
        raise BatchRefused(f"批次 {batch.number} 目前为“{batch.get_state_display()}”，不能执行此操作。请刷新页面。")
    return batch


def _step(batch: Batch, verb: str, actor: Actor, reason: str = "", **fields) -> Batch:
    batch.state = workflow.BATCH.step(verb, batch.state).target
    stamps = {"freeze": "frozen_at", "sign": "signed_at", "release": "released_at"}
    if verb in stamps:
        fields[stamps[verb]] = settings.CLOCK.now()
    for name, value in fields.items():
        setattr(batch, name, value)
    batch.save()
    _record(batch, verb, actor, reason=reason)
    return batch


def _move_payment(payment: Payment, verb: str) -> None:
    payment.state = workflow.PAYMENT.step(verb, payment.state).target
    payment.save(update_fields=["state"])


def _record(batch: Batch, verb: str, actor: Actor, **detail) -> None:
    record(
        actor=actor.text,
        action=f"batch.{verb}",
        subject=f"batch:{batch.pk}",
        at=settings.CLOCK.now(),
        detail={"number": batch.number, "state": batch.state, "digest": batch.digest, **detail},
    )


def require_finance(actor: Actor) -> User:
    """The finance officer who acts. Raises `BatchRefused` for anybody else."""
    if actor.user is None or workflow.FINANCE not in roles_of(actor.user):
        raise BatchRefused("此操作只能由财务人员办理，您的账号没有这一权限。")
    return actor.user
