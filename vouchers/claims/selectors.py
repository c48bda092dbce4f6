"""What of vouchers and claims an enterprise sees. Whoever asks for another's gets nothing."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import BigIntegerField, Count, Exists, F, OuterRef, Prefetch, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from applicants.models import Organisation
from vouchers.claims.agreements import Agreement, Tranche
from vouchers.claims.models import Claim, Voucher
from vouchers.claims.papers import Allocation, Attachment, ClaimLine, Invoice, PaymentMade
from vouchers.claims.services import EDITABLE


def _own(organisation: Organisation) -> Q:
    """The organisation's, and those of the ones that merged into it: rights and duties passed over."""
    return Q(organisation=organisation) | Q(organisation__merged_into=organisation)


def claims_of(organisation: Organisation) -> QuerySet[Claim]:
    """Every claim of the enterprise, the newest first."""
    rows = Claim.objects.filter(_own(organisation))
    return rows.select_related("organisation", "call", "voucher").order_by("-created_at", "-pk")


def vouchers_of(organisation: Organisation) -> QuerySet[Voucher]:
    """Every voucher of the enterprise, the newest first."""
    rows = Voucher.objects.filter(_own(organisation))
    return rows.select_related("organisation", "call").order_by("-fiscal_year", "-applied_at")


def agreements_of(organisation: Organisation) -> QuerySet[Agreement]:
    """The enterprise's agreements (一事一议) that are or were in force, with their tranches, the newest first."""
    rows = Agreement.objects.filter(_own(organisation), state__in=("in_force", "ended"))
    tranches = Tranche.objects.prefetch_related(Prefetch("claims", Claim.objects.order_by("pk")))
    return rows.prefetch_related(Prefetch("tranches", tranches.order_by("position"))).order_by("-approved_at", "-pk")


def invoices_of(claim: Claim) -> QuerySet[Invoice]:
    """The invoices of the claim: claimed, matched, or entered from a file of its own; and those that no claim uses.

    Each has `asked` (how many of its lines are claimed here), `size` (how many it has), `paid_here` (fen matched to
    it here) and `live_here` (of that, what counts already).
    """
    asked = ClaimLine.objects.filter(claim=claim, invoice_line__invoice=OuterRef("pk")).order_by()
    here = Allocation.objects.filter(claim=claim, invoice=OuterRef("pk")).order_by()
    other_lines = ClaimLine.objects.filter(invoice_line__invoice=OuterRef("pk"))
    free = Q(attachment=None) & ~Exists(other_lines) & ~Exists(Allocation.objects.filter(invoice=OuterRef("pk")))
    rows = Invoice.objects.filter(organisation=claim.organisation_id)
    ours = Exists(asked) | Exists(here) | Q(attachment__claim=claim)
    rows = rows.filter(ours | free if claim.state in EDITABLE else ours)
    return rows.annotate(
        asked=_count(asked, "invoice_line__invoice"),
        size=Count("lines"),
        paid_here=_sum(here, "invoice"),
        live_here=_sum(here.filter(live=True), "invoice"),
    ).order_by("pk")


def earlier_invoices(claim: Claim, mine: Iterable[int]) -> QuerySet[Invoice]:
    """Invoices that other claims brought in and of which something is open yet; `mine` are those of `invoices_of`."""
    rows = Invoice.objects.filter(organisation=claim.organisation_id, red=False, total_fen__gt=F("allocated_fen"))
    return rows.exclude(pk__in=mine).order_by("-issued_on", "pk")


def payments_of(claim: Claim) -> QuerySet[PaymentMade]:
    """The payments of the claim: matched here, proved by a receipt of its own; and those that no claim uses.

    Each has `given_here` (fen matched here) and `live_here`.
    """
    here = Allocation.objects.filter(claim=claim, payment=OuterRef("pk")).order_by()
    free = Q(attachment=None) & ~Exists(Allocation.objects.filter(payment=OuterRef("pk")))
    rows = PaymentMade.objects.filter(organisation=claim.organisation_id)
    ours = Exists(here) | Q(attachment__claim=claim)
    rows = rows.filter(ours | free if claim.state in EDITABLE else ours)
    return (
        rows.annotate(given_here=_sum(here, "payment"), live_here=_sum(here.filter(live=True), "payment"))
        .select_related("attachment")
        .order_by("paid_on", "pk")
    )


def earlier_payments(claim: Claim, mine: Iterable[int]) -> QuerySet[PaymentMade]:
    """Payments that other claims brought in and of which something is open yet; `mine` are those of `payments_of`."""
    rows = PaymentMade.objects.filter(organisation=claim.organisation_id, amount_fen__gt=F("allocated_fen"))
    return rows.exclude(pk__in=mine).order_by("-paid_on", "pk")


def open_fen(row: Invoice | PaymentMade) -> int:
    """What other claims have left of an invoice or payment of `invoices_of` or `payments_of`, for this claim."""
    total = row.total_fen if isinstance(row, Invoice) else row.amount_fen
    return max(total - (row.allocated_fen - getattr(row, "live_here", 0)), 0)


def files_of(claim: Claim) -> QuerySet[Attachment]:
    """The claim's files in order, each with `invoice_number` and `payment_serial` when one rests on it."""
    bill = Invoice.objects.filter(attachment=OuterRef("pk")).values("number")[:1]
    paid = PaymentMade.objects.filter(attachment=OuterRef("pk")).values("serial_number")[:1]
    return claim.attachments.select_related("uploaded_by").annotate(
        invoice_number=Subquery(bill), payment_serial=Subquery(paid)
    )


def place_in_queue(claim: Claim) -> int:
    """Which place a waiting claim has: 1 is served next."""
    return (
        Claim.objects.filter(
            waiting=True,
            call__scheme=claim.call.scheme,
            call__fiscal_year=claim.call.fiscal_year,
            queue_number__lt=claim.queue_number,
        ).count()
        + 1
    )


def _count(rows: QuerySet, by: str) -> Coalesce:
    return Coalesce(Subquery(rows.values(by).annotate(n=Count("pk")).values("n"), output_field=BigIntegerField()), 0)


def _sum(rows: QuerySet, by: str) -> Coalesce:
    return Coalesce(
        Subquery(rows.values(by).annotate(n=Sum("amount_fen")).values("n")), 0, output_field=BigIntegerField()
    )
