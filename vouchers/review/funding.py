"""Deciding a claim's amount, and what the decision asks of the pool.

The pool is spent in the order of first complete submission. Under a `waitlist` call a claim that the pool cannot give
its whole amount waits, and nobody passes it; under `first_come` it is cut to what is left. Whoever asks the pool for
money holds the lock of the year's filing queue, so that number and money come in one order.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace

from django.db import connection

from vouchers import rules
from vouchers.calls.services import terms_of
from vouchers.claims.dossier import Dossier
from vouchers.claims.facts import facts_of
from vouchers.claims.models import Claim, FilingQueue
from vouchers.ledger import services as ledger
from vouchers.ledger.selectors import held_fen, pool_and_room_fen
from vouchers.policy import law_for
from vouchers.review.errors import NothingToGrant
from vouchers.review.models import ClaimEvent, Decision
from vouchers.rules.stored import Stored


@dataclass(frozen=True, slots=True)
class Case(Stored):
    """A decision with the facts and terms it rests on: stored together, it can be decided again for ever."""

    facts: rules.Facts
    terms: rules.CallTerms
    decision: rules.Decision


@dataclass
class Plan:
    """What a step will change beside the state: columns of the claim, a new decision, and the change of its hold.

    `hold_fen` is fen to hold more (above zero) or to give back (below).
    """

    fields: dict = field(default_factory=dict)
    case: Case | None = None
    hold_fen: int = 0


class Purse:
    """What the books say before a decision; read under the queue's lock, so that it stays true until the hold.

    `cap_used_fen` is what the applicant holds or was paid under the year's cap, without what this claim holds.
    """

    def __init__(self, claim: Claim, *, held_fen: int):
        call = claim.call
        self.held_fen = held_fen
        self.pool_fen, room_fen = pool_and_room_fen(call.scheme, call.fiscal_year, claim.organisation_id)
        if room_fen is None:
            room_fen = call.annual_cap_fen
        # From the room that is really left: an adjustment of the cap counts, too.
        self.cap_used_fen = max(call.annual_cap_fen - room_fen - held_fen, 0)


def place(claim: Claim, dossier: Dossier) -> Plan:
    """First complete submission (or appeal): the claim's number, its amount, and whether it is held or waits."""
    number = next_number(claim)
    purse = Purse(claim, held_fen=0)
    waits_for_turn = claim.call.shortage == "waitlist"
    case = decide(claim, purse, pool_fen=None if waits_for_turn else purse.pool_fen, dossier=dossier)
    decision = case.decision
    waiting = waits_for_turn and (purse.pool_fen < decision.granted_fen or somebody_waits(claim))
    return Plan(
        {"queue_number": number, "waiting": waiting, **_amounts(decision)},
        case,
        0 if waiting else decision.granted_fen,
    )


def reassess(claim: Claim, dossier: Dossier) -> Plan:
    """Decide again after a correction or at review. The hold follows: down freely, up only if the pool has it.

    A claim that still waits keeps its place and waits for its new amount.
    """
    lock_queue(claim)
    purse = Purse(claim, held_fen=held_fen(claim.pk))
    if claim.waiting:
        case = decide(claim, purse, pool_fen=None, dossier=dossier)
        return Plan(_amounts(case.decision), case)
    spare = 0 if somebody_waits(claim) else purse.pool_fen
    case = decide(claim, purse, pool_fen=purse.held_fen + spare, dossier=dossier)
    return Plan(_amounts(case.decision), case, case.decision.granted_fen - purse.held_fen)


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
        case = _decide_again(claim, purse) if claim.state == "returned" else decide(claim, purse, pool_fen=None)
    except NothingToGrant:
        # The applicant's other claims took its whole cap: nothing to wait for, and the reviewer sees why.
        _write(claim, {"waiting": False, "granted_fen": 0})
        return True
    if purse.pool_fen < case.decision.granted_fen:
        return False
    plan = Plan({"waiting": False, **_amounts(case.decision)}, case, case.decision.granted_fen)
    _write(claim, plan.fields)
    carry_out(claim, plan, None, key=f"serve:{claim.pk}:{claim.version}", actor_text=actor_text, at=at)
    return True


def decide(claim: Claim, purse: Purse, *, pool_fen: int | None, dossier: Dossier | None = None) -> Case:
    """Let the rules decide the claim as its papers stand. Raises `NothingToGrant`."""
    organisation, call = claim.organisation, claim.call
    facts = facts_of(
        claim,
        applicant=rules.Applicant(organisation.uscc, organisation.category, organisation.city),
        cap_used_fen=purse.cap_used_fen,
        pool_available_fen=pool_fen,
        dossier=dossier,
    )
    return _case(facts, terms_of(call))


def _decide_again(claim: Claim, purse: Purse) -> Case:
    """The claim as it was last submitted: its papers are being corrected and prove nothing just now."""
    last = Case.from_json(claim.decisions.order_by("-pk").values_list("result", flat=True)[0])
    facts = replace(last.facts, cap_used_fen=purse.cap_used_fen, pool_available_fen=None)
    return _case(facts, last.terms)


def _case(facts: rules.Facts, terms: rules.CallTerms) -> Case:
    decision = rules.decide(facts, law_for(facts.scheme, facts.fiscal_year), terms)
    if not decision.granted_fen:
        raise NothingToGrant(decision)
    return Case(facts, terms, decision)


def carry_out(
    claim: Claim, plan: Plan, event: ClaimEvent | None, *, key: str, actor_text: str, at: dt.datetime
) -> None:
    """Keep the plan's decision with its facts, and move its money."""
    if plan.case is not None:
        decision = plan.case.decision
        Decision.objects.create(
            claim=claim,
            event=event,
            call=claim.call,
            law_id=decision.law_id,
            result=plan.case.to_json(),
            computed_fen=decision.computed_fen,
            granted_fen=decision.granted_fen,
            binding=decision.binding,
            made_at=at,
        )
    place = ledger_place(claim)
    if plan.hold_fen > 0:
        ledger.hold(*place, plan.hold_fen, claim.call.annual_cap_fen, event=key, actor=actor_text, at=at)
    elif plan.hold_fen < 0:
        ledger.release(*place, -plan.hold_fen, event=key, actor=actor_text, at=at)


def ledger_place(claim: Claim) -> tuple[int, str, int, int]:
    """How the ledger knows a claim: its id, scheme, fiscal year and applicant."""
    return claim.pk, claim.call.scheme, claim.call.fiscal_year, claim.organisation_id


def lock_queue(claim: Claim) -> None:
    """Lock the year's filing queue until the end of the transaction."""
    _queue(claim, "UPDATE vouchers_filingqueue SET last_number = last_number")


def next_number(claim: Claim) -> int:
    """Lock the year's filing queue and draw the next number in the order of submission."""
    return _queue(claim, "UPDATE vouchers_filingqueue SET last_number = last_number + 1")


def _queue(claim: Claim, update: str) -> int:
    """One round trip locks the row and answers: every other submission of the year waits behind it."""
    year = (claim.call.scheme, claim.call.fiscal_year)
    with connection.cursor() as cursor:
        for _ in range(2):
            cursor.execute(f"{update} WHERE scheme = %s AND fiscal_year = %s RETURNING last_number", year)
            row = cursor.fetchone()
            if row is not None:
                return row[0]
            FilingQueue.objects.bulk_create([FilingQueue(scheme=year[0], fiscal_year=year[1])], ignore_conflicts=True)
    raise RuntimeError(f"no filing queue for {year}")


def somebody_waits(claim: Claim) -> bool:
    """Whether another claim of the year waits for money."""
    same_year = Claim.objects.filter(
        waiting=True, call__scheme=claim.call.scheme, call__fiscal_year=claim.call.fiscal_year
    )
    return same_year.exclude(pk=claim.pk).exists()


def _write(claim: Claim, fields: dict) -> None:
    Claim.objects.filter(pk=claim.pk).update(**fields)
    for name, value in fields.items():
        setattr(claim, name, value)


def _amounts(decision: rules.Decision) -> dict:
    return {"computed_fen": decision.computed_fen, "granted_fen": decision.granted_fen}
