"""What the books say. Anyone may read; amounts are fen. An account that does not exist yet has nothing."""

from django.db.models import Q, QuerySet, Sum

from vouchers.ledger import kinds
from vouchers.ledger.models import Account, Transfer


def balance(key: str) -> int:
    """The balance of the account with this key."""
    return Account.objects.filter(key=key).values_list("balance_fen", flat=True).first() or 0


def pool_available_fen(scheme: str, year: int) -> int:
    """What the year's pool can still give."""
    return balance(kinds.pool(scheme, year))


def held_fen(claim_id: object) -> int:
    """What a claim holds."""
    return balance(kinds.held(claim_id))


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
    found = Account.objects.in_bulk([kinds.pool(scheme, year), kinds.cap(scheme, year, applicant_id)])
    pool, cap = found.get(kinds.pool(scheme, year)), found.get(kinds.cap(scheme, year, applicant_id))
    return (pool.balance_fen if pool else 0), (cap.balance_fen if cap else None)
