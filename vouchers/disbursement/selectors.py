"""Which batches there are, what waits to be paid, and what one batch holds."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Sum

from applicants.models import OrganisationName
from vouchers.calls.models import Call
from vouchers.claims.models import Claim
from vouchers.disbursement.models import Batch, Payment

_LIVE = ~Q(payments__state="dropped")


@dataclass(frozen=True)
class Waiting:
    """What waits to be paid from one year's pool, and the call under which a batch for it is opened."""

    call: Call
    count: int
    total_fen: int


def waiting() -> list[Waiting]:
    """Payable claims by scheme and year, the latest year first; each with the latest version of its call."""
    keys = ("call__scheme", "call__fiscal_year")
    rows = Claim.objects.filter(state="payable").order_by().values_list(*keys).annotate(Count("pk"), Sum("granted_fen"))
    calls: dict[tuple[str, int], Call] = {}
    for call in Call.objects.filter(published_at__isnull=False).order_by("version"):
        calls[call.scheme, call.fiscal_year] = call
    found = [Waiting(calls[scheme, year], count, fen) for scheme, year, count, fen in rows]
    return sorted(found, key=lambda each: (-each.call.fiscal_year, each.call.scheme))


def payable(call: Call) -> QuerySet[Claim]:
    """Payable claims of the same scheme and year as `call`, with the `name` that each enterprise was last known by."""
    names = OrganisationName.objects.filter(organisation=OuterRef("organisation_id")).order_by("-valid_from")
    rows = Claim.objects.filter(state="payable", call__scheme=call.scheme, call__fiscal_year=call.fiscal_year)
    named = rows.annotate(name=Subquery(names.values("name")[:1])).select_related("organisation", "call")
    return named.order_by("organisation__district", "number")


def batches() -> QuerySet[Batch]:
    """Every batch, the newest first, with how many live payments it has (`count`), their sum, and how many arrived."""
    rows = Batch.objects.annotate(
        count=Count("payments", filter=_LIVE),
        total_fen=Sum("payments__amount_fen", filter=_LIVE, default=0),
        arrived=Count("payments", filter=Q(payments__state="paid")),
    )
    people = ("call", "created_by", "frozen_by", "signed_by", "released_by")
    return rows.select_related(*people).order_by("-created_at", "-pk")


def live_payments(batch: Batch) -> list[Payment]:
    """The batch's payments in the order of its roster: by district, then by claim number."""
    rows = batch.payments.exclude(state="dropped").select_related("claim__organisation", "claim__call", "batch")
    return list(rows.order_by("claim__organisation__district", "claim__number"))
