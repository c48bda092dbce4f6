"""One verb for many claims as one step: a fixed number of queries, however many they are.

Each claim is judged as `fire` judges it, by the same functions; what they look up is read for all claims at once. The
database keeps all its guards: history, duties and audit trail are the same, claim by claim.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.errors import Refused
from accounts.locks import refuse_when_locked
from accounts.selectors import roles_of
from applicants.models import Organisation
from applicants.selectors import acting_for, sanctions_in_force
from vouchers import workflow
from vouchers.calls.calendar import add_working_days
from vouchers.calls.models import Call
from vouchers.claims.models import Claim, Voucher
from vouchers.ledger.selectors import held_by
from vouchers.prepared import Prepared
from vouchers.review import consequences, notices
from vouchers.review.actors import Actor, duties_on, refuse_other_duty
from vouchers.review.errors import StaleClaim, TogetherRefused
from vouchers.review.flags import RESTING, flags_by, refuse_flag
from vouchers.review.models import ClaimEvent, ReversalFlag

# Verbs that neither decide an amount nor move money.
TOGETHER = ("accept", "approve", "publicise")


@dataclass(frozen=True, slots=True)
class _Known:
    """What the checks of a verb look up, for all claims at once."""

    firms: Collection[int]  # those that the actor acts for
    roles: Collection[str]
    duties: Mapping[int, str]
    held_fen: Mapping[int, int]
    reviewed_fen: Mapping[int, int]
    sanctioned: Collection[str]
    publicised_until: Mapping[int, dt.date]  # by call
    flags: Mapping[int, ReversalFlag]


def fire_many(seen: Mapping[int, int | None], verb: str, *, actor: Actor, reason: str = "") -> int:
    """Fire one of `TOGETHER` at many claims: all or none. Returns how many they are.

    `seen` maps each claim's id to the version on the person's screen (None: whichever it is). Raises
    `TogetherRefused`, which names each claim that was refused and says why; nothing has changed then.
    """
    if verb not in TOGETHER:
        raise ValueError(f"{verb} is not a verb for many claims at once")
    with refuse_when_locked(), transaction.atomic():
        now = settings.CLOCK.now()
        claims = _read(seen)
        known = _known(claims, verb, actor, timezone.localdate(now))
        events, refused = [], []
        for claim in claims:
            try:
                events.append(_judged(claim, verb, actor, reason.strip(), seen[claim.pk], known, now))
            except (Refused, workflow.IllegalTransition) as refusal:
                refused.append((claim.number, str(refusal)))
        if refused or len(claims) < len(seen):
            raise TogetherRefused(refused or [("", str(StaleClaim()))])
        _write(events, known, actor.text)
    return len(events)


def _read(claim_ids: Collection[int]) -> list[Claim]:
    """Lock the claims in the order of their ids, and read them with their calls, firms and vouchers."""
    claims = list(Claim.objects.select_for_update().filter(pk__in=claim_ids).order_by("pk"))
    calls = Call.objects.in_bulk({claim.call_id for claim in claims})
    firms = Organisation.objects.in_bulk({claim.organisation_id for claim in claims})
    vouchers = Voucher.objects.in_bulk({claim.voucher_id for claim in claims})
    for claim in claims:
        claim.call, claim.organisation = calls[claim.call_id], firms[claim.organisation_id]
        claim.voucher = vouchers[claim.voucher_id]
    return claims


def _known(claims: list[Claim], verb: str, actor: Actor, today: dt.date) -> _Known:
    ids, user = [claim.pk for claim in claims], actor.user
    approve, accept, publicise = verb == "approve", verb == "accept", verb == "publicise"
    windows = {claim.call_id: claim.call.publicity_days for claim in claims} if publicise else {}
    ends = {days: add_working_days(today, days) for days in set(windows.values())}
    return _Known(
        firms=acting_for(user, today) if user else (),
        roles=roles_of(user, today) if user else (),
        duties=duties_on(ids, user) if approve and user else {},
        held_fen=held_by(ids) if approve else {},
        reviewed_fen=consequences.reviewed_fen(ids) if approve else {},
        sanctioned=set(sanctions_in_force(today).values_list("uscc", flat=True)) if accept else (),
        publicised_until={call: ends[days] for call, days in windows.items()},
        flags=flags_by(ids) if verb in RESTING else {},
    )


def _judged(
    claim: Claim, verb: str, actor: Actor, reason: str, seen_version: int | None, known: _Known, now: dt.datetime
) -> ClaimEvent:
    """The event that `verb` makes of the claim. Raises what `fire` raises."""
    if seen_version is not None and seen_version != claim.version:
        raise StaleClaim
    transition = workflow.CLAIM.step(verb, claim.state, consequences.choose_target(claim, verb, None))
    firm = claim.organisation
    is_member = firm.pk in known.firms or firm.merged_into_id in known.firms
    role = actor.capacity(transition, is_member=is_member, roles=known.roles)
    refuse_flag(known.flags.get(claim.pk))
    duty = consequences.duty_of(verb, claim.state)
    if duty:
        refuse_other_duty(known.duties.get(claim.pk), duty)
    if verb == "accept":
        consequences.require_voucher(claim)
        consequences.refuse_sanctioned(claim, sanctioned=firm.uscc in known.sanctioned)
    elif verb == "approve":
        held_fen, reviewed_fen = known.held_fen.get(claim.pk, 0), known.reviewed_fen.get(claim.pk)
        consequences.require_reviewed_amount(claim, held_fen=held_fen, reviewed_fen=reviewed_fen)
    return ClaimEvent(
        claim=claim, version=claim.version + 1, verb=verb, source=transition.source, target=transition.target,
        role=role, actor=actor.user, duty=duty, reason=reason, at=now,
    )  # fmt: skip


_WRITING = Prepared(
    "take_steps",
    ("text", "bigint", "text", "timestamptz", "text", "bigint[]", "integer[]", "text[]", "text[]", "text[]", "text[]",
     "date[]", "text[]", "text[]"),
    f"SELECT vouchers_take_steps({', '.join(f'${n}' for n in range(1, 15))})",
)  # fmt: skip


def _write(events: list[ClaimEvent], known: _Known, actor_text: str) -> None:
    """Write all events with what they mean. Raises `StaleClaim`."""
    if not events:
        return
    one = events[0]
    told = [notices.message(event.claim, event, {}) for event in events]
    row = _WRITING.one(
        one.verb, one.actor_id, one.reason, one.at, actor_text,
        [event.claim_id for event in events], [event.version for event in events],
        [event.source for event in events], [event.target for event in events],
        [event.role for event in events], [event.duty for event in events],
        [known.publicised_until.get(event.claim.call_id) for event in events],
        [message and message.subject for message in told], [message and message.body for message in told],
    )  # fmt: skip
    if row != (len(events),):
        raise StaleClaim
