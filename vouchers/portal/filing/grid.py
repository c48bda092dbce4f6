"""Payments against invoices: for each payment the invoices of its payee, with what is matched and what is open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vouchers.claims.matching import Side, plain_name, suggest
from vouchers.claims.models import Claim
from vouchers.claims.papers import Invoice, PaymentMade
from vouchers.claims.selectors import earlier_payments, invoices_of, open_fen, payments_of
from vouchers.money import MoneyError, parse_yuan, yuan


@dataclass
class Cell:
    """How much of one payment paid one invoice; `value` as the clerk sees it, `over` when it is too much."""

    invoice: Invoice
    name: str
    value: str
    fen: int
    over: bool = False


@dataclass
class PaidRow:
    """One payment with its cells."""

    payment: PaymentMade
    open_fen: int
    cells: list[Cell] = field(default_factory=list)

    @property
    def given_fen(self) -> int:
        """What is put to invoices."""
        return sum(cell.fen for cell in self.cells)

    @property
    def rest_fen(self) -> int:
        """What is put to none; below zero when it is too much."""
        return self.open_fen - self.given_fen


@dataclass
class Grid:
    """Every payment, and every invoice with what is still unpaid of it."""

    rows: list[PaidRow]
    invoices: list[Invoice]
    unpaid: dict[int, int]

    def unpaid_invoices(self) -> list[tuple[Invoice, int]]:
        """Invoices that payments do not cover yet, or cover beyond their total."""
        return [(bill, self.unpaid[bill.pk]) for bill in self.invoices if self.unpaid[bill.pk]]


def grid_of(claim: Claim, *, typed: Mapping[tuple[int, int], str] | None = None) -> Grid:
    """The matching as it stands, or as the clerk typed it."""
    bills = [bill for bill in invoices_of(claim) if not bill.red]
    kept = {(m.payment_id, m.invoice_id): m.amount_fen for m in claim.allocations.all()}
    payments = list(payments_of(claim))
    known = {payment.pk for payment in payments}
    payments += [p for p in earlier_payments(claim, known)[:20] if any(_same(p, bill) for bill in bills)]
    rows = [_row(payment, bills, kept, typed or {}) for payment in payments]
    unpaid = {bill.pk: open_fen(bill) for bill in bills}
    for row in rows:
        for cell in row.cells:
            unpaid[cell.invoice.pk] -= cell.fen
    for row in rows:
        for cell in row.cells:
            cell.over = cell.over or bool(cell.fen) and (row.rest_fen < 0 or unpaid[cell.invoice.pk] < 0)
    return Grid(rows, bills, unpaid)


def _row(payment: PaymentMade, bills: list[Invoice], kept: Mapping, typed: Mapping) -> PaidRow:
    row = PaidRow(payment, open_fen(payment))
    for bill in bills:
        pair = (payment.pk, bill.pk)
        if pair not in kept and not _same(payment, bill):
            continue
        value, fen, wrong = yuan(kept[pair]) if pair in kept else "", kept.get(pair, 0), False
        if pair in typed:
            value = typed[pair]
            try:
                fen = parse_yuan(value.replace(",", "").strip() or "0", exact=False)
            except MoneyError:
                wrong = True
        row.cells.append(Cell(bill, f"cell_{pair[0]}_{pair[1]}", value, fen, wrong or fen < 0))
    return row


def proposal(claim: Claim, grid: Grid) -> dict[tuple[int, int], int]:
    """What to put to each invoice beside what is matched already."""
    payments = [Side(row.payment.pk, row.payment.payee_name, row.payment.paid_on, row.rest_fen) for row in grid.rows]
    bills = [Side(b.pk, b.seller_name, b.issued_on, grid.unpaid[b.pk]) for b in grid.invoices]
    return suggest(payments, bills)


def _same(payment: PaymentMade, bill: Invoice) -> bool:
    return plain_name(payment.payee_name) == plain_name(bill.seller_name)
