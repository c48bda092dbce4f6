"""What a step means: which way it leads, which dates it sets, and which money it moves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from django.conf import settings
from django.utils import timezone

from applicants.selectors import is_sanctioned
from vouchers import workflow
from vouchers.calls.calendar import add_working_days
from vouchers.calls.services import freeze
from vouchers.claims import binding
from vouchers.claims.completeness import Incomplete, deficiencies_of
from vouchers.claims.dossier import Dossier
from vouchers.claims.models import Claim
from vouchers.claims.services import require_open
from vouchers.ledger import services as ledger
from vouchers.ledger.selectors import held_fen, is_closed, paid_fen
from vouchers.review import funding, steps
from vouchers.review.errors import NotFunded, ReviewRefused, Sanctioned, TooEarly, TooLate
from vouchers.review.flags import refuse_flagged
from vouchers.review.models import ClaimEvent, Decision


def choose_target(claim: Claim, verb: str, amount_fen: int | None) -> str | None:
    """Which way a verb with several ways out leads; None where the table knows only one."""
    if verb == "approve" and claim.state == "reviewed":
        return "approved_once" if claim.granted_fen > claim.call.second_approval_above_fen else "approved"
    if verb == "recover":
        return "recovered" if amount_fen == paid_fen(claim.pk) else "paid"
    if verb == "dismiss":
        return claim.events.filter(verb="suspend").order_by("-version").values_list("source", flat=True).first()
    return None


def duty_of(verb: str, state: str) -> str:
    """The duty that firing `verb` from `state` exercises, or ""."""
    if verb == "approve":
        return "second_approve" if state == "approved_once" else "approve"
    return {"review": "review", "cut": "review", "batch": "finance_prepare"}.get(verb, "")


def plan_of(
    reading: steps.Reading, transition: workflow.Transition, now: dt.datetime, amount_fen: int | None = None
) -> funding.Plan:
    """Everything a step will change, after checking what it must respect. Locks the filing queue to decide anew.

    `amount_fen` is what the head of the queue was offered and accepts.
    """
    plan = funding.Plan()
    claim, verb = reading.claim, transition.verb
    refuse_flagged(claim, verb)
    dates = _dates_of(claim, verb, now)
    if verb in ("submit", "appeal"):
        plan = funding.place(claim, _prepare(reading, verb, now), now, reading.balances_fen)
    elif verb in ("resubmit", "review"):
        plan = funding.reassess(claim, _prepare(reading, verb, now))
    elif transition.target in workflow.CLOSED_UNPAID:
        binding.unbind(claim)
        plan = funding.close(claim)
    elif verb == "accept":
        require_voucher(claim)
        refuse_sanctioned(claim)
    elif verb == "accept_part":
        require_voucher(claim)
        plan = funding.take_part(claim, amount_fen)
    elif verb == "bounce" and claim.state == "paid":
        plan = funding.give_back(claim)
    elif verb in ("batch", "reassess"):
        # What was approved in the year is paid, and paid again after a return, though the year was closed since.
        require_voucher(claim, may_have_expired=verb == "batch")
    elif verb == "approve":
        seen_fen = reviewed_fen([claim.pk]).get(claim.pk)
        require_reviewed_amount(claim, held_fen=held_fen(claim.pk), reviewed_fen=seen_fen)
    plan.fields |= dates
    return plan


def decide_again(claim: Claim, plan: funding.Plan) -> funding.Plan:
    """The same turn on what the books say now that the filing queue is locked."""
    assert plan.dossier is not None  # only who takes a turn is sent back
    again = funding.place_again(claim, plan.dossier)
    again.fields = plan.fields | again.fields
    return again


def reviewed_fen(claim_ids: Collection[int]) -> dict[int, int]:
    """By claim, the amount of its latest review. In one query."""
    decisions = Decision.objects.filter(claim__in=claim_ids, event__verb="review").order_by("pk")
    return dict(decisions.values_list("claim", "granted_fen"))


def require_reviewed_amount(claim: Claim, *, held_fen: int, reviewed_fen: int | None) -> None:
    """Approval is for an amount that a reviewer saw and that is held in full. Raises `NotFunded` or `ReviewRefused`."""
    if claim.waiting or not 0 < claim.granted_fen == held_fen:
        raise NotFunded("该申请的金额尚未足额占用资金（仍在轮候），待资金到位后再审批。")
    if reviewed_fen != claim.granted_fen:
        raise ReviewRefused("轮候到资金时金额有变化，审核人员尚未核过新的金额。请退回重审。")


def _prepare(reading: steps.Reading, verb: str, now: dt.datetime) -> Dossier:
    """Before a decision: the claim is complete, the call can change no more, mended papers are bound again.

    Who takes a turn binds its papers in that turn.
    """
    claim = reading.claim
    require_voucher(claim)
    dossier = Dossier(claim, reading.papers)
    if verb in ("submit", "resubmit"):
        missing = deficiencies_of(claim, dossier)
        if missing:
            raise Incomplete(missing)
        freeze(claim.call, at=now)
    if verb == "resubmit":
        binding.bind(dossier, at=now)
    return dossier


def require_voucher(claim: Claim, *, may_have_expired: bool = False) -> None:
    """Raises `ReviewRefused` when the claim's voucher was revoked, or has expired where that matters."""
    if claim.voucher.state not in ("issued", "expired" if may_have_expired else "issued"):
        label = workflow.VOUCHER.states[claim.voucher.state].label
        raise ReviewRefused(f"算力券 {claim.voucher.serial_number} {label}，不能继续办理兑付。如有疑问请联系审核部门。")


def _dates_of(claim: Claim, verb: str, now: dt.datetime) -> dict:
    """The dates that a step sets on the claim, after checking those that it must respect."""
    today, call = timezone.localdate(now), claim.call
    if verb == "return":
        return {"correction_due": add_working_days(today, call.correction_days)}
    if verb == "publicise":
        return {"publicised_until": add_working_days(today, call.publicity_days)}
    if verb == "submit":
        require_open(call)
        return {"submitted_at": now}
    # CHECKs see to it that a returned claim has its deadline, and a publicised one its end.
    due, until = claim.correction_due or today, claim.publicised_until or today
    if verb == "resubmit" and today > due:
        raise TooLate(f"补正期限 {due} 已过，不能再提交。如有疑问请联系审核部门。")
    if verb == "expire" and not claim.waiting:
        raise ReviewRefused("该申请已占用资金，不随年度结账终止。请先办完或不予通过。")
    if verb == "lapse" and today <= due:
        raise TooEarly(f"补正期限 {due} 尚未届满。")
    if verb == "clear" and today <= until:
        raise TooEarly(f"公示期至 {until}，尚未届满。")
    if verb == "clear" and claim.objections.filter(state__in=workflow.OPEN_OBJECTIONS).exists():
        raise TooEarly("公示期间收到的异议尚未办结，不能结束公示。")
    if verb == "appeal" and today > (last := _appeal_until(claim)):
        raise TooLate(f"申请复核的期限为 {last}，已经届满。")
    return {}


def _appeal_until(claim: Claim) -> dt.date:
    refused_at = claim.events.filter(verb="reject").order_by("-version").values_list("at", flat=True)[0]
    return add_working_days(timezone.localdate(refused_at), claim.call.appeal_days)


def move_money(
    claim: Claim,
    event: ClaimEvent,
    plan: funding.Plan,
    *,
    actor_text: str,
    payment: int | None,
    amount_fen: int | None,
) -> None:
    """What the step does to the ledger once its event stands, beside what it holds (that is written with it)."""
    key, attempt, at = f"event:{event.pk}", f"payment:{payment}", event.at
    place = funding.ledger_place(claim)
    call, closed = claim.call, False
    if plan.hold_fen < 0 or event.verb == "recover":
        closed = is_closed(call.scheme, call.fiscal_year)
    if plan.hold_fen < 0:
        ledger.release(*place, -plan.hold_fen, event=key, actor=actor_text, at=at)
        if closed:
            # Nothing is given out of a closed year any more: what comes back goes on to the treasury.
            ledger.lapse(call.scheme, call.fiscal_year, -plan.hold_fen, event=key, actor=actor_text, at=at)
    if event.verb == "pay":
        ledger.pay(claim.pk, claim.granted_fen, payment=attempt, actor=actor_text, at=at)
    elif event.verb == "bounce" and event.source == "paid":
        ledger.bounce(claim.pk, claim.granted_fen, payment=attempt, event=key, actor=actor_text, at=at)
    elif event.verb == "recover":
        if not amount_fen or not 0 < amount_fen <= paid_fen(claim.pk):
            raise ReviewRefused("追回金额须大于零，且不超过已拨付金额。")
        ledger.recover(
            *place,
            amount_fen,
            payment=attempt,
            to="treasury" if closed else call.recovered_to,
            restores_cap=call.recovery_restores_cap and not closed,
            event=key,
            actor=actor_text,
            at=at,
        )


def require_payment(claim: Claim, verb: str, payment: int | None, amount_fen: int | None) -> None:
    """What finance does to a batched claim follows from its payment out, which has moved already.

    So nobody takes a claim out of a batch that the bank has, nothing is paid that was never sent, and nothing is taken
    back but by an order of just that amount that a second person signed.
    """
    follows = {"unbatch": "dropped", "pay": "paid", "bounce": "failed", "recover": "paid"}
    if verb in follows and not claim.payments.filter(pk=payment or 0, state=follows[verb]).exists():
        raise ReviewRefused(f"没有与此对应的拨付记录，不能{workflow.CLAIM.verb_labels[verb]}。请在拨付批次中办理。")
    signed = {"orders__kind": "recover", "orders__state": "signed", "orders__amount_fen": amount_fen}
    if verb == "recover" and not claim.payments.filter(pk=payment or 0, **signed).exists():
        raise ReviewRefused(
            "追回须有两人签批的资金办理单，没有与此金额对应的办理单。请先在“资金办理”中编制，由另一人签批。"
        )


def refuse_sanctioned(claim: Claim, sanctioned: bool | None = None) -> None:
    """Raises `Sanctioned` when the organisation is on a list of the untrustworthy today (失信惩戒).

    `sanctioned` says so where it was looked up already.
    """
    if is_sanctioned(claim.organisation.uscc, settings.CLOCK.today()) if sanctioned is None else sanctioned:
        raise Sanctioned(
            f"{claim.organisation} 目前列入失信名单，不能受理或拨付。请先核实名单，或暂停、不予通过该申请。"
        )
