"""Deciding a claim's amount, and what the decision asks of the pool.

The pool is spent in the order of first complete submission. Under a `waitlist` call a claim that the pool cannot give
its whole amount waits, and nobody passes it, unless the head accepts what there is; under `first_come` it is cut to what
is left, and the filing ends with it; under `pro_rata` it waits for the settlement of its window (`vouchers.budget`).
Whoever asks the pool for money holds the lock of the year's filing queue, so that number and money come in one order.
"""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from dataclasses import dataclass, field, replace

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from vouchers import rules
from vouchers.calls.services import terms_of
from vouchers.claims import binding
from vouchers.claims.dossier import Dossier
from vouchers.claims.facts import facts_of
from vouchers.claims.models import Claim, FilingQueue
from vouchers.claims.services import require_filing_open
from vouchers.ledger import services as ledger
from vouchers.ledger.selectors import held_fen, paid_fen, pool_and_room_fen, pool_available_fen
from vouchers.money import grouped
from vouchers.policy import governing
from vouchers.review.bounds import is_bounded, lock_bounds
from vouchers.review.errors import NothingToGrant, ReviewRefused
from vouchers.review.models import Decision
from vouchers.rules.stored import Stored


@dataclass(frozen=True, slots=True)
class Case(Stored):
    """A decision with the facts and terms it rests on: stored together, it can be decided again for ever."""

    facts: rules.Facts
    terms: rules.CallTerms
    decision: rules.Decision

    def again(self, cap_used_fen: int, allotment: rules.Allotment | None) -> Case:
        """The same lines and terms, with another use of the cap and another allotment; the pool does not cut."""
        facts = replace(self.facts, cap_used_fen=cap_used_fen, pool_available_fen=None, allotment=allotment)
        return Case(facts, self.terms, rules.decide(facts, governing(facts.scheme, facts.fiscal_year), self.terms))


@dataclass
class Plan:
    """What a step will change beside the state: columns of the claim, a new decision, and the change of its hold.

    `hold_fen` is fen to hold more (above zero) or to give back (below). A claim that takes its turn in the filing queue
    has a `purse`, which the queue's lock must find unchanged, and the `dossier` to decide on again where it does not;
    its number, and whether it waits instead of holding, are known under that lock only. `unbound` are papers that are
    bound with the step.
    """

    fields: dict = field(default_factory=dict)
    case: Case | None = None
    hold_fen: int = 0
    purse: Purse | None = None
    dossier: Dossier | None = None
    unbound: Dossier | None = None


class Purse:
    """What the books say before a decision: true until the hold when it was read under the queue's lock.

    `room_fen` is None while the applicant's cap is not open. `cap_used_fen` is what the applicant holds or was paid
    under the year's cap, without what this claim holds.
    """

    def __init__(self, claim: Claim, *, held_fen: int, balances_fen: tuple[int | None, int | None] | None = None):
        """`balances_fen` are those of pool and cap, where they were read already."""
        call = claim.call
        self.held_fen = held_fen
        if balances_fen is None:
            balances_fen = pool_and_room_fen(call.scheme, call.fiscal_year, claim.organisation_id)
        self.pool_fen, self.room_fen = balances_fen[0] or 0, balances_fen[1]
        room_fen = call.annual_cap_fen if self.room_fen is None else self.room_fen
        # From the room that is really left: an adjustment of the cap counts, too.
        self.cap_used_fen = max(call.annual_cap_fen - room_fen - held_fen, 0)


def place(
    claim: Claim, dossier: Dossier, now: dt.datetime, balances_fen: tuple[int | None, int | None] | None = None
) -> Plan:
    """First complete submission (or appeal): the claim's amount, and the turn in which it asks the pool for it.

    Nothing is locked: the decision is made before the turn comes, on `balances_fen` of pool and cap as they were read
    with the claim, and made again in the rare case that books or invoices say something else by then. Under
    `first_come`, where every submission changes what the next can get, that is no rare case: all is locked at once. So
    it is where other years' claims count.
    """
    if claim.call.shortage != "first_come" and not is_bounded(claim.call):
        # A claim that seems worth nothing is looked at once more: papers that others use are told first.
        with suppress(NothingToGrant):
            return _turn(claim, dossier, Purse(claim, held_fen=0, balances_fen=balances_fen), unbound=dossier)
    binding.bind(dossier, at=now)
    lock_queue(claim)
    if claim.state == "draft":
        # An appeal is no new filing: what it asks for was given back when it was refused.
        require_filing_open(claim.call)
    return _turn(claim, dossier, Purse(claim, held_fen=0))


def place_again(claim: Claim, dossier: Dossier) -> Plan:
    """The same turn on what books and invoices say now that all of them are locked, and bound."""
    binding.read_bound(dossier)
    return _turn(claim, dossier, Purse(claim, held_fen=0))


def _turn(claim: Claim, dossier: Dossier, purse: Purse, unbound: Dossier | None = None) -> Plan:
    pool_fen = purse.pool_fen if claim.call.shortage == "first_come" else None
    case = decide(claim, purse, pool_fen=pool_fen, dossier=dossier)
    return Plan(_amounts(case.decision), case, case.decision.granted_fen, purse, dossier, unbound)


def reassess(claim: Claim, dossier: Dossier) -> Plan:
    """Decide again after a correction or at review. The hold follows: down freely, up only if the pool has it.

    A claim that still waits keeps its place and waits for its new amount.
    """
    lock_queue(claim)
    purse, allotment = Purse(claim, held_fen=held_fen(claim.pk)), allotment_of(claim)
    if claim.waiting:
        case = decide(claim, purse, pool_fen=None, dossier=dossier, allotment=allotment)
        return Plan(_amounts(case.decision), case)
    pool_fen = None
    if claim.call.shortage == "pro_rata":
        # What was given back since the settlement is the next window's.
        allotment = allotment and replace(allotment, amount_fen=min(allotment.amount_fen, purse.held_fen))
    else:
        pool_fen = purse.held_fen + (0 if somebody_waits(claim) else purse.pool_fen)
    case = decide(claim, purse, pool_fen=pool_fen, dossier=dossier, allotment=allotment)
    return Plan(_amounts(case.decision), case, case.decision.granted_fen - purse.held_fen)


def offer_of(claim: Claim) -> tuple[int, int] | None:
    """What the head of the queue may accept now instead of waiting: what the pool has, and the whole amount.

    None for whoever does not wait in a queue, is not its head, or while the pool has nothing.
    """
    if not claim.waiting or claim.call.shortage != "waitlist" or claim.state == "returned":
        return None
    if waiting_of(claim).filter(queue_number__lt=claim.queue_number).exists():
        return None
    pool_fen = Purse(claim, held_fen=0).pool_fen
    return (pool_fen, claim.granted_fen) if 0 < pool_fen < claim.granted_fen else None


def take_part(claim: Claim, seen_fen: int | None) -> Plan:
    """The head of the queue accepts `seen_fen`, all that the pool has, and waives the rest. Raises `ReviewRefused`."""
    lock_queue(claim)
    offer = offer_of(claim)
    if offer is None:
        raise ReviewRefused(
            "这份申请现在不能选择部分安排：它不在轮候的第 1 位，或资金已经足额。请刷新页面查看最新情况。"
        )
    pool_fen, asked_fen = offer
    if seen_fen != pool_fen:
        raise ReviewRefused(
            f"资金池余额刚刚变为 {grouped(pool_fen)} 元，与您看到的不同，没有办理。请按新的余额重新选择。"
        )
    allotment = rules.Allotment("part", pool_fen, asked_fen, pool_fen)
    case = _decide_again(claim, Purse(claim, held_fen=0), allotment)
    return Plan(_amounts(case.decision) | {"waiting": False}, case, case.decision.granted_fen)


def give_back(claim: Claim) -> Plan:
    """A payment that arrived comes back (退票): what was recovered of it meanwhile is paid no second time."""
    left_fen = paid_fen(claim.pk)
    if left_fen == claim.granted_fen:
        return Plan()
    allotment = rules.Allotment("recovered", left_fen, claim.granted_fen, left_fen)
    # The room it takes was there when it was granted, and is its own still.
    case = _decide_again(claim, Purse(claim, held_fen=claim.granted_fen), allotment)
    return Plan(_amounts(case.decision), case)


def close_when_spent(claim: Claim) -> None:
    """Under `first_come`, the year's filing ends with the claim that takes the last of the pool.

    The clock is read under the queue's lock, so that nobody who was in time was submitted later than the end.
    """
    call = claim.call
    if call.shortage == "first_come" and not pool_available_fen(call.scheme, call.fiscal_year):
        queue = FilingQueue.objects.filter(scheme=call.scheme, fiscal_year=call.fiscal_year, closed_at=None)
        queue.update(closed_at=settings.CLOCK.now())


def allotment_of(claim: Claim) -> rules.Allotment | None:
    """What a shortage left the claim, as its latest decision says; it holds for every later one."""
    path = "result__facts__allotment"
    stored = claim.decisions.order_by("-pk").values_list(path, flat=True).first()
    return rules.Allotment.from_json(stored) if stored else None


def close(claim: Claim) -> Plan:
    """The claim ends unpaid: everything it held goes back, and its place in the queue is gone."""
    return Plan({"waiting": False}, None, -held_fen(claim.pk))


def serve(claim: Claim, *, actor_text: str, at: dt.datetime) -> bool:
    """Give the head of the queue its money if the pool now has all of it; the caller holds claim and queue locks.

    Decided anew, because the applicant's room under the annual cap may have changed while it waited. Returns whether
    the claim waits no longer.
    """
    purse = Purse(claim, held_fen=0)
    try:
        again = claim.state == "returned"
        case = _decide_again(claim, purse, None) if again else decide(claim, purse, pool_fen=None)
    except NothingToGrant:
        # The applicant's other claims took its whole cap: nothing to wait for, and the reviewer sees why.
        _write(claim, {"waiting": False, "granted_fen": 0})
        return True
    if purse.pool_fen < case.decision.granted_fen:
        return False
    _write(claim, {"waiting": False, **_amounts(case.decision)})
    keep(claim, case, at)
    key, cap_fen = f"serve:{claim.pk}:{claim.version}", claim.call.annual_cap_fen
    ledger.hold(*ledger_place(claim), case.decision.granted_fen, cap_fen, event=key, actor=actor_text, at=at)
    return True


def keep(claim: Claim, case: Case, at: dt.datetime) -> None:
    """Keep the decision of a claim that was served; every other is kept with its step (`vouchers.review.steps`)."""
    row_of(case, claim.pk, claim.call_id, at).save(force_insert=True)


def row_of(case: Case, claim_id: int, call_id: int, at: dt.datetime) -> Decision:
    """The decision of `case` as a row, not saved yet."""
    decision = case.decision
    return Decision(
        claim_id=claim_id,
        call_id=call_id,
        law_id=decision.law_id,
        result=case.to_json(),
        computed_fen=decision.computed_fen,
        granted_fen=decision.granted_fen,
        binding=decision.binding,
        made_at=at,
    )


def decide(
    claim: Claim,
    purse: Purse,
    *,
    pool_fen: int | None,
    dossier: Dossier | None = None,
    allotment: rules.Allotment | None = None,
) -> Case:
    """Let the rules decide the claim as its papers stand. Raises `NothingToGrant`."""
    organisation, call = claim.organisation, claim.call
    facts = facts_of(
        claim,
        applicant=rules.Applicant(organisation.uscc, organisation.category, organisation.city),
        cap_used_fen=purse.cap_used_fen,
        pool_available_fen=pool_fen,
        dossier=dossier,
    )
    return _case(replace(facts, allotment=allotment) if allotment else facts, terms_of(call))


def _decide_again(claim: Claim, purse: Purse, allotment: rules.Allotment | None) -> Case:
    """The claim as it was last decided: its papers are as they were then, or are being corrected and prove nothing."""
    last = Case.from_json(claim.decisions.order_by("-pk").values_list("result", flat=True)[0])
    case = last.again(purse.cap_used_fen, allotment)
    if not case.decision.granted_fen:
        raise NothingToGrant(case.decision)
    return case


def _case(facts: rules.Facts, terms: rules.CallTerms) -> Case:
    decision = rules.decide(facts, governing(facts.scheme, facts.fiscal_year), terms)
    if not decision.granted_fen:
        raise NothingToGrant(decision)
    return Case(facts, terms, decision)


def ledger_place(claim: Claim) -> tuple[int, str, int, int]:
    """How the ledger knows a claim: its id, scheme, fiscal year and applicant."""
    return claim.pk, claim.call.scheme, claim.call.fiscal_year, claim.organisation_id


def lock_queue(claim: Claim) -> None:
    """Lock the year's filing queue, and what the applicant has of caps beyond the year, until the transaction ends.

    The year's first submission makes the queue here, before the bounds: who had those already and waited for the queue,
    while somebody else with the queue waits for them, would wait for ever.
    """
    year = (claim.call.scheme, claim.call.fiscal_year)
    with connection.cursor() as cursor:
        while True:
            cursor.execute(
                "SELECT FROM vouchers_filingqueue WHERE scheme = %s AND fiscal_year = %s FOR NO KEY UPDATE", year
            )
            if cursor.rowcount:
                break
            # Waits for who is making it at this moment; a queue that is there then is locked in the next round.
            cursor.execute(
                "INSERT INTO vouchers_filingqueue (scheme, fiscal_year, last_number) VALUES (%s, %s, 0)"
                " ON CONFLICT DO NOTHING",
                year,
            )
    lock_bounds(claim)


def waiting_of(claim: Claim) -> QuerySet[Claim]:
    """The claims of the same scheme and year that wait for money."""
    year = {"call__scheme": claim.call.scheme, "call__fiscal_year": claim.call.fiscal_year}
    return Claim.objects.filter(waiting=True, **year)


def somebody_waits(claim: Claim) -> bool:
    """Whether another claim of the year waits for money."""
    return waiting_of(claim).exclude(pk=claim.pk).exists()


def _write(claim: Claim, fields: dict) -> None:
    Claim.objects.filter(pk=claim.pk).update(**fields)
    for name, value in fields.items():
        setattr(claim, name, value)


def _amounts(decision: rules.Decision) -> dict:
    return {"computed_fen": decision.computed_fen, "granted_fen": decision.granted_fen}
