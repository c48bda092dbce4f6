"""What the books say. Anyone may read; amounts are fen. An account that does not exist yet has nothing."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.db.models import BigIntegerField, Case, F, Q, QuerySet, Sum, When
from django.db.models.functions import Cast, Substr, TruncDate

from vouchers.ledger import kinds
from vouchers.ledger.models import Account, ClosedYear, Transfer
from vouchers.prepared import Prepared


def balance(key: str) -> int:
    """The balance of the account with this key."""
    return Account.objects.filter(key=key).values_list("balance_fen", flat=True).first() or 0


def pool_available_fen(scheme: str, year: int) -> int:
    """What the year's pool can still give."""
    return balance(kinds.pool(scheme, year))


def held_fen(claim_id: object) -> int:
    """What a claim holds."""
    return balance(kinds.held(claim_id))


def held_by(claim_ids: Iterable[object]) -> dict[Any, int]:
    """What each of the claims holds, in one query; those that never held anything are left out."""
    keys = {kinds.held(claim_id): claim_id for claim_id in claim_ids}
    rows = Account.objects.filter(key__in=list(keys)).values_list("key", "balance_fen")
    return {keys[key]: fen for key, fen in rows}


def paid_fen(claim_id: object) -> int:
    """What a claim was paid, less what came back."""
    return balance(kinds.paid(claim_id))


def cap_room_fen(scheme: str, year: int, applicant_id: object, cap_fen: int) -> int:
    """The room an applicant has left under the year's cap; all of `cap_fen` while the cap is not open yet."""
    key = kinds.cap(scheme, year, applicant_id)
    left = Account.objects.filter(key=key).values_list("balance_fen", flat=True).first()
    return cap_fen if left is None else left


def cap_used_fen(scheme: str, year: int, applicant_id: object) -> int:
    """The room that all claims of an applicant take under the year's cap: held, paid, and recovered for good."""
    key = kinds.cap(scheme, year, applicant_id)
    opened = Transfer.objects.filter(Q(target=key, source="statute") | Q(source=key, target="statute")).aggregate(
        into=Sum("amount_fen", filter=Q(target=key), default=0), out=Sum("amount_fen", filter=Q(source=key), default=0)
    )
    return opened["into"] - opened["out"] - balance(key)


def sums_by_kind() -> dict[str, int]:
    """The sum of the balances of each kind of account; all of them together are zero."""
    rows = Account.objects.values_list("kind").annotate(Sum("balance_fen")).order_by()
    return {kind: int(total) for kind, total in rows}


def transfers_of_claim(claim_id: object) -> QuerySet[Transfer]:
    """Every transfer of a claim, money and room, in order."""
    mine = [kinds.held(claim_id), kinds.paid(claim_id), kinds.cap_used(claim_id)]
    return Transfer.objects.filter(Q(source__in=mine) | Q(target__in=mine)).order_by("id")


def statement(key: str) -> QuerySet[Transfer]:
    """Every transfer into and out of one account, the newest first."""
    return Transfer.objects.filter(Q(source=key) | Q(target=key)).order_by("-id")


def pool_and_room_fen(scheme: str, year: int, applicant_id: object) -> tuple[int, int | None]:
    """What the year's pool can still give, and the room left under the applicant's cap (None while it is not open
    yet): one query for a decision.
    """
    return _POOL_AND_ROOM.one(kinds.pool(scheme, year), kinds.cap(scheme, year, applicant_id)) or (0, None)


_POOL_AND_ROOM = Prepared(
    "pool_and_room",
    ("text", "text"),
    """SELECT coalesce((SELECT balance_fen FROM ledger_account WHERE key = $1), 0),
              (SELECT balance_fen FROM ledger_account WHERE key = $2)""",
)


def total_fen(keys: Iterable[str] | QuerySet) -> int:
    """The sum of the balances of the accounts with these keys; a query that selects keys costs one round trip."""
    return int(Account.objects.filter(key__in=keys).aggregate(total=Sum("balance_fen", default=0))["total"])


def accounts(text: str = "", kind: str = "") -> QuerySet[Account]:
    """Accounts by their keys: of one kind where told, whose key holds `text`."""
    rows = Account.objects.order_by("key")
    rows = rows.filter(kind=kind) if kind else rows
    return rows.filter(key__contains=text) if text else rows


def account(key: str) -> Account | None:
    """The account with this key."""
    return Account.objects.filter(key=key).first()


def sums_of(key: str) -> dict[str, tuple[int, int]]:
    """What moved into and out of one account, by kind of transfer."""
    into = Sum("amount_fen", filter=Q(target=key), default=0)
    out = Sum("amount_fen", filter=Q(source=key), default=0)
    rows = statement(key).order_by().values("kind").annotate(came=into, went=out).values_list("kind", "came", "went")
    return {kind: (int(came), int(went)) for kind, came, went in rows}


def keys_of(kind: str, claims: QuerySet) -> QuerySet:
    """The keys of the claims' accounts of this kind (held, paid or capused), as a query; `claims` selects their ids."""
    ids = Cast(Substr("key", len(kind) + 2), BigIntegerField())
    return Account.objects.filter(kind=kind).annotate(claim=ids).filter(claim__in=claims).values("key")


def transfers_between(first: dt.datetime, end: dt.datetime) -> QuerySet[Transfer]:
    """Every transfer from the moment `first` until just before `end`, in order."""
    return Transfer.objects.filter(at__gte=first, at__lt=end).order_by("id")


def rooms_fen(places: Iterable[tuple[str, int, int]]) -> dict[tuple[str, int, int], int]:
    """The room left under each cap of (scheme, year, applicant) in one query; caps not open yet are left out."""
    keys = {kinds.cap(*place): place for place in places}
    rows = Account.objects.filter(key__in=list(keys)).values_list("key", "balance_fen")
    return {keys[key]: fen for key, fen in rows}


def closed_year(scheme: str, year: int) -> ClosedYear | None:
    """When and by which order the year's books were closed; None while they are open."""
    return ClosedYear.objects.filter(period=kinds.period(scheme, year)).first()


def is_closed(scheme: str, year: int) -> bool:
    """Whether the year's books are closed."""
    return ClosedYear.objects.filter(period=kinds.period(scheme, year)).exists()


def cap_opened_fen(scheme: str, year: int, applicant_id: object) -> int | None:
    """The whole of an applicant's cap as the books have it, adjustments included; None while it is not open."""
    key = kinds.cap(scheme, year, applicant_id)
    came = Sum("amount_fen", filter=Q(target=key, source="statute"))
    went = Sum("amount_fen", filter=Q(source=key, target="statute"), default=0)
    sums = Transfer.objects.filter(Q(target=key) | Q(source=key)).aggregate(came=came, went=went)
    return None if sums["came"] is None else sums["came"] - sums["went"]


def is_appropriated(scheme: str, year: int) -> bool:
    """Whether the year's appropriation is in the pool; it comes once."""
    return Transfer.objects.filter(key=f"fund:{kinds.appropriation(scheme, year)}").exists()


def payment_left_fen(payment: str) -> int:
    """What of a payment, named like "payment:7", neither bounced nor was recovered."""
    made = Transfer.objects.filter(key=f"pay:{payment}").aggregate(fen=Sum("amount_fen", default=0))["fen"]
    back = Transfer.objects.filter(Q(original=f"pay:{payment}"), kind__in=kinds.REVERSING)
    # Only what left the paid account: the room that goes back with a recovery is the same money seen twice.
    return int(made - back.filter(source__kind="paid").aggregate(fen=Sum("amount_fen", default=0))["fen"])


def held_by_day(key: str) -> list[tuple[dt.date, int]]:
    """What claims held of the pool `key`, less what they gave back, day by day in order."""
    sign = Case(When(source=key, then=F("amount_fen")), default=-F("amount_fen"))
    moved = Transfer.objects.filter(Q(source=key, kind="hold") | Q(target=key, kind="release"))
    rows = moved.annotate(day=TruncDate("at")).values("day").annotate(fen=Sum(sign)).order_by("day")
    return [(row["day"], int(row["fen"])) for row in rows]


def grown_by_day(scheme: str, year: int) -> list[tuple[dt.date, int]]:
    """What was added to the year's pool beside its appropriation, or taken from it, day by day in order: top-ups,
    adjustments and what was carried into it. What a close carries on or gives back is the year's end, and not here.
    """
    key = kinds.pool(scheme, year)
    sign = Case(When(target=key, then=F("amount_fen")), default=-F("amount_fen"))
    moved = Transfer.objects.filter(
        Q(target=key, kind__in=("top_up", "adjust", "carry")) | Q(source=key, kind="adjust")
    )
    rows = moved.annotate(day=TruncDate("at")).values("day").annotate(fen=Sum(sign)).order_by("day")
    return [(row["day"], int(row["fen"])) for row in rows]


def recovered_out_fen(paid_keys: QuerySet) -> int:
    """What was recovered for the treasury of the payments into these accounts (a query of keys, as `keys_of` gives)."""
    rows = Transfer.objects.filter(kind="recover", target="treasury", source__in=paid_keys)
    return int(rows.aggregate(fen=Sum("amount_fen", default=0))["fen"])
