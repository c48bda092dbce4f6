"""Which payment paid which invoice: a proposal that the clerk accepts or changes. Pure; money is int fen."""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Side:
    """A payment (to whom, when, what of it is open) or an invoice (by whom, when, what of it is unpaid)."""

    pk: int
    party: str
    on: dt.date
    open_fen: int


def suggest(payments: Iterable[Side], invoices: Iterable[Side]) -> dict[tuple[int, int], int]:
    """How much of each payment to put to each invoice, by (payment, invoice).

    Payee and seller are the same firm. Whole amounts that agree come first, the nearest in time; what is left is put
    to the invoices in the order of their dates. Never more than is open on either side.
    """
    paid = sorted((p for p in payments if p.open_fen > 0), key=lambda p: (p.on, p.pk))
    billed = sorted((b for b in invoices if b.open_fen > 0), key=lambda b: (b.on, b.pk))
    left_paid = {p.pk: p.open_fen for p in paid}
    left_billed = {b.pk: b.open_fen for b in billed}
    found: dict[tuple[int, int], int] = {}

    def put(payment: Side, invoice: Side) -> None:
        fen = min(left_paid[payment.pk], left_billed[invoice.pk])
        if fen > 0:
            found[payment.pk, invoice.pk] = found.get((payment.pk, invoice.pk), 0) + fen
            left_paid[payment.pk] -= fen
            left_billed[invoice.pk] -= fen

    for payment in paid:
        same = [b for b in billed if _same(b, payment) and left_billed[b.pk] == payment.open_fen]
        if same:
            put(payment, min(same, key=lambda b: (abs(b.on - payment.on), b.pk)))
    for payment in paid:
        for invoice in billed:
            if _same(invoice, payment):
                put(payment, invoice)
    return found


def _same(invoice: Side, payment: Side) -> bool:
    return plain_name(invoice.party) == plain_name(payment.party) != ""


def plain_name(name: str) -> str:
    """A firm's name without the differences that typing makes: width, brackets, blanks."""
    return "".join(unicodedata.normalize("NFKC", name).split()).casefold()
