"""`fire`: the only writer of a claim's or voucher's state.

One transaction holds the whole step: the state by compare-and-set, the event, what it means for the money, the audit
entry and the message to the applicant. Locks are taken in one order everywhere: claim, filing queue, ledger accounts,
and at COMMIT the head of the audit chain.
"""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.locks import refuse_when_locked
from applicants.selectors import is_member
from audit.services import record
from vouchers import workflow
from vouchers.claims.binding import InvoiceInUse
from vouchers.claims.models import Claim, Voucher
from vouchers.claims.papers import InvoiceClash
from vouchers.messages.services import tell
from vouchers.review import consequences, funding, notices, promotion, steps
from vouchers.review.actors import SYSTEM_ACTOR, Actor, refuse_second_duty
from vouchers.review.errors import ReasonMissing, StaleClaim
from vouchers.review.models import ClaimEvent, VoucherEvent

__all__ = ["SYSTEM_ACTOR", "Actor", "fire", "fire_voucher"]


def fire(
    claim: Claim,
    verb: str,
    *,
    actor: Actor,
    reason: str = "",
    seen_version: int | None = None,
    payment: int | None = None,
    amount_fen: int | None = None,
) -> ClaimEvent:
    """Take one step with a claim.

    Where it leads follows from the claim, nobody chooses it. `seen_version` is the version on the person's screen: a
    stale screen never overwrites. `payment` is the id of the payment out that a pay, bounce or recovery is about;
    `amount_fen` what a recovery brings back, by a signed order of just that (`vouchers.budget.orders`), or what the head
    of the queue accepts instead of its whole amount. Raises `workflow.IllegalTransition`, a `ReviewRefused`, a
    `ClaimError` or a refusal of the ledger; nothing has changed then.
    """
    try:
        with refuse_when_locked(), transaction.atomic():
            return _step(claim.pk, verb, actor, reason.strip(), seen_version, payment, amount_fen)
    except InvoiceInUse as clash:
        # Outside the transaction that failed: the bureau must hear of it although nothing was submitted.
        _report_clash(claim, clash, actor)
        raise


def _step(claim_id, verb, actor, reason, seen_version, payment, amount_fen) -> ClaimEvent:
    now = settings.CLOCK.now()
    reading = steps.read(claim_id, verb, actor.user, timezone.localdate(now))
    claim = reading.claim
    if seen_version is not None and seen_version != claim.version:
        raise StaleClaim
    target = consequences.choose_target(claim, verb, amount_fen)
    transition = workflow.CLAIM.step(verb, claim.state, target)
    role = actor.capacity(transition, is_member=reading.is_member)
    if transition.needs_reason and not reason:
        raise ReasonMissing(f"请填写{workflow.CLAIM.verb_labels[verb]}的理由，申请单位将看到该理由。")
    duty = consequences.duty_of(verb, claim.state)
    refuse_second_duty(claim.pk, actor.user, duty)
    consequences.require_payment(claim, verb, payment, amount_fen)
    event = ClaimEvent(
        claim=claim,
        version=claim.version + 1,
        verb=verb,
        source=transition.source,
        target=transition.target,
        role=role,
        actor=actor.user,
        duty=duty,
        reason=reason,
        at=now,
    )
    plan = consequences.plan_of(reading, transition, now, amount_fen)
    while not steps.write(claim, event, plan, notices.message(claim, event, plan.fields), actor_text=actor.text):
        plan = consequences.decide_again(claim, plan)
    consequences.move_money(claim, event, plan, actor_text=actor.text, payment=payment, amount_fen=amount_fen)
    if plan.hold_fen > 0:
        funding.close_when_spent(claim)
    if claim.call.shortage == "waitlist" and (plan.hold_fen < 0 or verb == "recover"):
        promotion.promote_after_commit(claim.call.scheme, claim.call.fiscal_year)
    return event


def fire_voucher(voucher: Voucher, verb: str, *, actor: Actor, reason: str = "") -> VoucherEvent:
    """Take one step with a voucher. Raises `workflow.IllegalTransition` or a `ReviewRefused`."""
    with refuse_when_locked(), transaction.atomic():
        voucher = Voucher.objects.select_related("organisation").get(pk=voucher.pk)
        transition = workflow.VOUCHER.step(verb, voucher.state)
        is_own = actor.user is not None and is_member(actor.user, voucher.organisation)
        role = actor.capacity(transition, is_member=is_own)
        if transition.needs_reason and not reason.strip():
            raise ReasonMissing(f"请填写{workflow.VOUCHER.verb_labels[verb]}的理由，申领单位将看到该理由。")
        moved = Voucher.objects.filter(pk=voucher.pk, state=voucher.state, version=voucher.version)
        if not moved.update(state=transition.target, version=voucher.version + 1):
            raise StaleClaim
        event = VoucherEvent.objects.create(
            voucher=voucher,
            version=voucher.version + 1,
            verb=verb,
            source=voucher.state,
            target=transition.target,
            role=role,
            actor=actor.user,
            reason=reason.strip(),
            at=settings.CLOCK.now(),
        )
        record(
            actor=actor.text,
            action=f"voucher.{verb}",
            subject=f"voucher:{voucher.pk}",
            at=event.at,
            detail={"from": event.source, "to": event.target, "reason": event.reason},
        )
        label = workflow.VOUCHER.states[event.target].for_applicant()
        tell(
            voucher.organisation,
            f"算力券 {voucher.serial_number}：{label}",
            f"贵单位 {voucher.fiscal_year} 年度算力券 {voucher.serial_number} 当前状态：{label}。"
            + (f"\n理由：{event.reason}" if event.reason else ""),
        )
    return event


def _report_clash(claim: Claim, clash: InvoiceInUse, actor: Actor) -> None:
    at: dt.datetime = settings.CLOCK.now()
    with transaction.atomic():
        InvoiceClash.objects.create(claim=claim, code=clash.invoice.code, number=clash.invoice.number, found_at=at)
        record(
            actor=actor.text,
            action="invoice.clash",
            subject=f"claim:{claim.pk}",
            at=at,
            ok=False,
            detail={"number": clash.invoice.number},
        )
