"""Invoices that look like one another although their numbers differ: for officers to look at, never for applicants."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import Q

from vouchers.claims.papers import Invoice, InvoiceLine

# Of one invoice, so many that look like it are told.
MOST_ALIKE = 5
_Key = tuple[str, object, int]


def alike(mine: Iterable[Invoice]) -> dict[int, list[Invoice]]:
    """By invoice, others of the same seller, day, total and lines: those that a claim has bound, and the same
    organisation's. Two queries for however many; each found has its `organisation`.
    """
    rows = [each for each in mine if not each.red]
    if not rows:
        return {}
    wanted: dict[_Key, list[Invoice]] = defaultdict(list)
    for row in rows:
        wanted[_key(row)].append(row)
    near = Invoice.objects.filter(
        Q(bound_at__isnull=False) | Q(organisation__in={row.organisation_id for row in rows}),
        seller_id__in={row.seller_id for row in rows},
        issued_on__in={row.issued_on for row in rows},
        total_fen__in={row.total_fen for row in rows},
        red=False,
    ).select_related("organisation")
    candidates = [row for row in near.order_by("pk") if _key(row) in wanted]
    lines = _lines_of([*rows, *candidates])
    found: dict[int, list[Invoice]] = defaultdict(list)
    for other in candidates:
        for row in wanted[_key(other)]:
            same = row.pk != other.pk and lines[row.pk] == lines[other.pk]
            if same and len(found[row.pk]) < MOST_ALIKE:
                found[row.pk].append(other)
    return {pk: others for pk, others in found.items() if others}


def _key(row: Invoice) -> _Key:
    return row.seller_id, row.issued_on, row.total_fen


def _lines_of(rows: list[Invoice]) -> dict[int, list[tuple]]:
    found: dict[int, list[tuple]] = defaultdict(list)
    values = InvoiceLine.objects.filter(invoice__in=rows).order_by("invoice", "position")
    for invoice, name, amount_fen, tax_fen in values.values_list("invoice_id", "name", "amount_fen", "tax_fen"):
        found[invoice].append(("".join(name.split()), amount_fen, tax_fen))
    return found
