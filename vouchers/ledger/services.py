"""The verbs that move money. Each is one movement: money and room under the yearly cap, both or neither.

Claims, applicants and events are named by their ids; the ledger knows nothing else of them. A movement's key is
its kind and the event or payment that caused it, so calling a verb again for the same cause answers what it
answered first, and moves nothing. Amounts are fen, greater than zero; `at` is the caller's clock (aware), `actor`
a text. Every verb raises a `vouchers.ledger.errors.LedgerError` when it is refused; nothing has moved then.

Each fen that a claim holds is resolved at most once: it lies in the claim's held account, which is never below
zero, and leaves it by one transfer, to where it came from (release) or to the claim's paid account (pay).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from django.db import Error

from vouchers.ledger import kinds
from vouchers.ledger.errors import translated
from vouchers.ledger.models import Account
from vouchers.prepared import Prepared


@dataclass(frozen=True, slots=True)
class Move:
    """One transfer to be posted: `amount_fen` from account `source` to account `target`.

    `reason` is one of `kinds.ADJUST_REASONS`, for an adjustment only; `note` a citation or explanation;
    `original` the key of the payment that a bounce or recovery reverses. `room`, for a hold, release or recovery, is the
    account of the yearly cap under which the same room is taken, or given back, in the same movement.
    """

    kind: str
    source: str
    target: str
    amount_fen: int
    key: str
    subject: str
    reason: str = ""
    note: str = ""
    original: str | None = None
    room: str | None = None

    def __post_init__(self):
        if type(self.amount_fen) is not int:
            raise TypeError("money is an int of fen")


@dataclass(frozen=True, slots=True)
class Hold:
    """What one of many claims holds: `amount_fen`, under the cap of its applicant, whose whole is `cap_fen`."""

    claim_id: int
    applicant_id: int
    amount_fen: int
    cap_fen: int


@dataclass(frozen=True, slots=True)
class Posted:
    """A movement made: its audit entry and when the database recorded it. `replayed`: it had been made before."""

    entry_id: int
    recorded_at: dt.datetime
    replayed: bool = field(compare=False)


_FIELDS = tuple(field.name for field in fields(Move))
_encode = json.JSONEncoder(ensure_ascii=False).encode


def _json(moves: Sequence[Move]) -> str:
    return _encode([{name: getattr(move, name) for name in _FIELDS} for move in moves])


def post(moves: Sequence[Move], *, actor: str, at: dt.datetime, openings: Sequence[Move] = ()) -> Posted:
    """Make one movement of all `moves`, or none of them. The one way to the ledger.

    `openings` are transfers from `statute` that open a yearly cap; one is made only if its cap is not open yet.
    A refusal ends the transaction: who expects one and wants to go on wraps the call in `transaction.atomic()`.
    """
    return _ask(_POST, _json(moves), _json(openings), actor, at)


_POST = Prepared("ledger_post", ("jsonb", "jsonb", "text", "timestamptz"), "SELECT * FROM ledger_post($1, $2, $3, $4)")
_HOLD = Prepared(
    "ledger_hold",
    ("text", "text", "text", "bigint", "bigint", "text", "text", "timestamptz"),
    "SELECT * FROM ledger_hold($1, $2, $3, $4, $5, $6, $7, $8)",
)


def _ask(movement: Prepared, *values: Any) -> Posted:
    try:
        row = movement.one(*values)
    except Error as error:
        meaning = translated(error)
        if meaning is error:
            raise
        raise meaning from error
    assert row is not None  # a function's answer is always a row
    return Posted(*row)


def fund(
    scheme: str, year: int, amount_fen: int, *, event: str, citation: str, actor: str, at: dt.datetime
) -> Posted:  # fmt: skip
    """Put the year's appropriation into the pool, by the document `citation`."""
    pool = kinds.pool(scheme, year)
    return post([Move("fund", "treasury", pool, amount_fen, f"fund:{event}", pool, note=citation)], actor=actor, at=at)


def top_up(
    scheme: str, year: int, amount_fen: int, *, event: str, citation: str, actor: str, at: dt.datetime
) -> Posted:  # fmt: skip
    """Add to the year's pool, by the document `citation`."""
    pool = kinds.pool(scheme, year)
    move = Move("top_up", "treasury", pool, amount_fen, f"top_up:{event}", pool, note=citation)
    return post([move], actor=actor, at=at)


def hold(
    claim_id: object, scheme: str, year: int, applicant_id: object, amount_fen: int, cap_fen: int, *,
    event: str, actor: str, at: dt.datetime, cap_year: int | None = None,
) -> Posted:  # fmt: skip
    """Reserve `amount_fen` of the year's pool, and the same room under the applicant's cap, for a claim.

    `cap_fen` is the whole cap of the call, opened on first use; `cap_year` the year it counts in, where that is not
    the pool's. Raises `InsufficientFunds` naming the pool or the cap, and `CapDiffers`.
    """
    if type(amount_fen) is not int or type(cap_fen) is not int:
        raise TypeError("money is an int of fen")
    pool, cap = kinds.pool(scheme, year), kinds.cap(scheme, cap_year or year, applicant_id)
    return _ask(_HOLD, str(claim_id), pool, cap, amount_fen, cap_fen, event, actor, at)


def hold_many(
    holds: Sequence[Hold], scheme: str, year: int, *, event: str, actor: str, at: dt.datetime
) -> Posted:  # fmt: skip
    """Hold for many claims in one movement, at most some thousands. `event` names what they all follow from."""
    pool = kinds.pool(scheme, year)
    caps = {kinds.cap(scheme, year, each.applicant_id): each.cap_fen for each in holds}
    # A cap that is open may have been adjusted since; who holds the queue's lock is the only one to open others.
    known = set(Account.objects.filter(key__in=list(caps)).values_list("key", flat=True))
    moves = [
        Move(
            "hold", pool, kinds.held(each.claim_id), each.amount_fen, f"hold:{event}:{each.claim_id}",
            f"claim:{each.claim_id}", room=kinds.cap(scheme, year, each.applicant_id),
        )
        for each in holds
    ]  # fmt: skip
    openings = [
        Move("fund", "statute", cap, fen, f"fund:{cap}", cap, note="年度上限")
        for cap, fen in caps.items()
        if cap not in known
    ]
    return post(moves, actor=actor, at=at, openings=openings)


def release(
    claim_id: object, scheme: str, year: int, applicant_id: object, amount_fen: int, *,
    event: str, actor: str, at: dt.datetime, cap_year: int | None = None,
) -> Posted:  # fmt: skip
    """Give back `amount_fen` of what a claim holds, to the pool and under the cap it came from."""
    cap = kinds.cap(scheme, cap_year or year, applicant_id)
    subject = f"claim:{claim_id}"
    move = Move(
        "release", kinds.held(claim_id), kinds.pool(scheme, year), amount_fen, f"release:{event}", subject, room=cap
    )
    return post([move], actor=actor, at=at)


def pay(claim_id: object, amount_fen: int, *, payment: str, actor: str, at: dt.datetime) -> Posted:
    """What a claim holds was paid out. `payment` names the attempt, such as "payment:7"."""
    move = Move("pay", kinds.held(claim_id), kinds.paid(claim_id), amount_fen, f"pay:{payment}", f"claim:{claim_id}")
    return post([move], actor=actor, at=at)


def bounce(
    claim_id: object, amount_fen: int, *, payment: str, event: str, actor: str, at: dt.datetime
) -> Posted:  # fmt: skip
    """The bank sent `payment` back (退票): the claim holds the money again, and its room stays taken."""
    move = Move(
        "bounce", kinds.paid(claim_id), kinds.held(claim_id), amount_fen, f"bounce:{event}", f"claim:{claim_id}",
        original=f"pay:{payment}",
    )  # fmt: skip
    return post([move], actor=actor, at=at)


def recover(
    claim_id: object, scheme: str, year: int, applicant_id: object, amount_fen: int, *,
    payment: str, to: str, restores_cap: bool, event: str, actor: str, at: dt.datetime, cap_year: int | None = None,
) -> Posted:  # fmt: skip
    """Take back `amount_fen` of `payment`, to the year's "pool" or the "treasury", whatever `to` says.

    `restores_cap`: the applicant gets the room under its cap back. All that bounced or was recovered of one payment
    never exceeds it: raises `ExceedsOriginal`.
    """
    account = {"pool": kinds.pool(scheme, year), "treasury": "treasury"}[to]
    move = Move(
        "recover", kinds.paid(claim_id), account, amount_fen, f"recover:{event}", f"claim:{claim_id}",
        original=f"pay:{payment}",
        room=kinds.cap(scheme, cap_year or year, applicant_id) if restores_cap else None,
    )  # fmt: skip
    return post([move], actor=actor, at=at)


def lapse(scheme: str, year: int, amount_fen: int, *, event: str, actor: str, at: dt.datetime) -> Posted:
    """Unspent money of the year's pool returns to the treasury."""
    pool = kinds.pool(scheme, year)
    return post([Move("lapse", pool, "treasury", amount_fen, f"lapse:{event}", pool)], actor=actor, at=at)


def carry(
    scheme: str, year: int, to_year: int, amount_fen: int, *, event: str, actor: str, at: dt.datetime
) -> Posted:  # fmt: skip
    """Unspent money of the year's pool goes into the pool of the later year `to_year`."""
    pool, later = kinds.pool(scheme, year), kinds.pool(scheme, to_year)
    return post([Move("carry", pool, later, amount_fen, f"carry:{event}", pool)], actor=actor, at=at)


def adjust(
    account: str, delta_fen: int, *, reason: str, note: str, event: str, actor: str, at: dt.datetime
) -> Posted:  # fmt: skip
    """Correct a pool or a yearly cap by `delta_fen` (not zero): more of it, or less where that is negative.

    `account` is `kinds.pool(…)` or `kinds.cap(…)`; `reason` is one of `kinds.ADJUST_REASONS`, `note` explains it.
    """
    outside = "treasury" if kinds.kind_of(account) == "pool" else "statute"
    source, target = (outside, account) if delta_fen > 0 else (account, outside)
    move = Move("adjust", source, target, abs(delta_fen), f"adjust:{event}", account, reason, note)
    return post([move], actor=actor, at=at)
