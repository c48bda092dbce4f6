"""Everything a claim's amount rests on, loaded by one query, however many invoices it has.

Plain rows by SQL that is planned once a connection: every submission loads them (benchmarks/submission.py).
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from vouchers.claims.models import Claim
from vouchers.prepared import Prepared

# The claim's id is $1. A step reads the same columns beside the claim itself (`vouchers.review.steps`).
PAPERS_WITH = """
asked AS (SELECT * FROM vouchers_claimline WHERE claim_id = $1),
matched AS (SELECT * FROM vouchers_allocation WHERE claim_id = $1),
own AS (
  SELECT * FROM vouchers_invoice WHERE id = ANY (ARRAY(
    SELECT item.invoice_id FROM asked JOIN vouchers_invoiceline AS item ON item.id = asked.invoice_line_id
    UNION ALL SELECT invoice_id FROM matched))),
red AS (
  SELECT letter.*, own.id AS original FROM vouchers_invoice AS letter
  JOIN own ON letter.organisation_id = own.organisation_id AND letter.reverses = own.code || own.number
  WHERE letter.red AND letter.withdrawn_at IS NULL)
"""
PAPERS_COLUMNS = """
  (SELECT json_agg(json_build_object(
     'pk', id, 'code', code, 'number', number, 'issued_on', issued_on, 'buyer_id', buyer_id, 'seller_id', seller_id,
     'total_fen', total_fen, 'red', red, 'refunded_fen', refunded_fen, 'allocated_fen', allocated_fen,
     'original', original,
     'doubted', warnings <> '[]' OR seals <> '[]' OR kind !~ '[专普]'
       OR EXISTS (SELECT FROM vouchers_invoicecopy AS copy WHERE copy.invoice_id = bill.id)) ORDER BY id)
   FROM (SELECT *, NULL AS original FROM own UNION ALL SELECT * FROM red) AS bill),
  (SELECT json_agg(json_build_object(
     'pk', id, 'invoice_id', invoice_id, 'position', position, 'name', name, 'tax_rate', tax_rate,
     'amount_fen', amount_fen, 'tax_fen', tax_fen) ORDER BY invoice_id, position)
   FROM vouchers_invoiceline WHERE invoice_id = ANY (ARRAY(SELECT id FROM own UNION ALL SELECT id FROM red))),
  (SELECT json_agg(json_build_object(
     'pk', id, 'invoice_line_id', invoice_line_id, 'service', service, 'location', location,
     'seller_related', seller_related, 'subsidised_elsewhere', subsidised_elsewhere,
     'cut_fen', coalesce(cut.amount_fen, 0), 'cut_reason', coalesce(cut.reason, ''),
     'contract', contract, 'contract_fen', contract_fen, 'signed_on', signed_on, 'service_from', service_from,
     'service_until', service_until, 'classes', classes) ORDER BY id)
   FROM asked LEFT JOIN LATERAL (
     SELECT amount_fen, reason FROM vouchers_linecut
     WHERE claim_id = $1 AND invoice_line_id = asked.invoice_line_id ORDER BY id DESC LIMIT 1) AS cut ON true),
  (SELECT json_agg(json_build_object(
     'pk', matched.id, 'invoice_id', invoice_id, 'amount_fen', matched.amount_fen, 'live', live,
     'payment_id', payment_id, 'serial_number', serial_number, 'paid_on', paid_on, 'paid_fen', payment.amount_fen)
     ORDER BY invoice_id, payment_id)
   FROM matched JOIN vouchers_paymentmade AS payment ON payment.id = payment_id),
  ARRAY(SELECT DISTINCT CASE WHEN starts_with(stored_name, 'quarantine/') THEN 'held' ELSE kind::text END
    FROM vouchers_attachment WHERE claim_id = $1)
"""
PAPERS = Prepared("claim_papers", ("bigint",), f"WITH {PAPERS_WITH} SELECT {PAPERS_COLUMNS}")


@dataclass(slots=True)
class Bill:
    """An invoice, as far as an amount depends on it. `original` is the id of the invoice a red letter is against;
    `allocated_fen` what live claims say was paid on it,
    `doubted` whether `vouchers.claims.doubts` may have something to say of it beside its lines."""

    pk: int
    code: str
    number: str
    issued_on: dt.date
    buyer_id: str
    seller_id: str
    total_fen: int
    red: bool
    refunded_fen: int
    allocated_fen: int
    original: int | None = None
    doubted: bool = False


@dataclass(slots=True)
class Item:
    """A line of an invoice."""

    pk: int
    invoice_id: int
    position: int
    name: str
    tax_rate: str
    amount_fen: int
    tax_fen: int


@dataclass(slots=True)
class Asked:
    """An invoice line that the claim asks a subsidy for, with what a reviewer cut off it last."""

    pk: int
    invoice_line_id: int
    invoice_line: Item
    service: str
    location: str
    seller_related: bool
    subsidised_elsewhere: bool
    cut_fen: int
    cut_reason: str
    contract: str = ""
    contract_fen: int | None = None
    signed_on: dt.date | None = None
    service_from: dt.date | None = None
    service_until: dt.date | None = None
    classes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Paid:
    """A bank transfer."""

    pk: int
    serial_number: str
    paid_on: dt.date
    amount_fen: int


@dataclass(slots=True)
class Match:
    """What of a payment paid an invoice, in this claim."""

    pk: int
    invoice_id: int
    amount_fen: int
    live: bool
    invoice: Bill
    payment: Paid

    @property
    def payment_id(self) -> int:
        """The payment's id."""
        return self.payment.pk


_DAYS = ("signed_on", "service_from", "service_until")


def _day(text: str | None) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None


class Dossier:
    """A claim's lines, its invoices with all their lines and red letters, and the payments matched to them.

    `kinds` are those of the materials enclosed; `held` stands for any that no virus scanner has cleared. `papers` are
    the columns of `PAPERS_COLUMNS` where they were read already.
    """

    def __init__(self, claim: Claim, papers: Sequence | None = None):
        bills, items, asked, matched, kinds = (rows or [] for rows in papers or PAPERS.one(claim.pk) or ())
        self.kinds = set(kinds)
        read = [Bill(**{**row, "issued_on": dt.date.fromisoformat(row["issued_on"])}) for row in bills]
        self.invoices = {bill.pk: bill for bill in read if bill.original is None}
        self.red_letters: dict[int, list[Bill]] = defaultdict(list)
        for bill in read:
            if bill.original is not None:
                self.red_letters[bill.original].append(bill)
        self.invoice_lines: dict[int, list[Item]] = defaultdict(list)
        by_id = {}
        for row in items:
            item = by_id[row["pk"]] = Item(**row)
            self.invoice_lines[item.invoice_id].append(item)
        self.lines = [
            Asked(invoice_line=by_id[row["invoice_line_id"]], **row | {name: _day(row[name]) for name in _DAYS})
            for row in asked
        ]
        self.allocations = [self._match(row) for row in matched]

    def _match(self, row: dict) -> Match:
        paid_on = dt.date.fromisoformat(row["paid_on"])
        payment = Paid(row["payment_id"], row["serial_number"], paid_on, row["paid_fen"])
        invoice = self.invoices[row["invoice_id"]]
        return Match(row["pk"], row["invoice_id"], row["amount_fen"], row["live"], invoice, payment)

    def claimed(self) -> dict[int, list[Asked]]:
        """The claimed lines of each invoice, by its id."""
        by_invoice = defaultdict(list)
        for line in self.lines:
            by_invoice[line.invoice_line.invoice_id].append(line)
        return by_invoice

    def paid_on(self, invoice_id: int) -> list[Match]:
        """What was paid on an invoice, in this claim."""
        return [match for match in self.allocations if match.invoice_id == invoice_id]

    def allocated_elsewhere(self) -> dict[int, int]:
        """By invoice, the fen that other live claims say were paid on it: that part is no longer this claim's."""
        sums = {pk: bill.allocated_fen for pk, bill in self.invoices.items()}
        for match in self.allocations:
            if match.live:
                sums[match.invoice_id] -= match.amount_fen
        return sums

    def bind_with(self, sums: dict[int, int]) -> None:
        """The claim's allocations are live now, and what live claims say was paid on each invoice is `sums`."""
        for pk, bill in self.invoices.items():
            bill.allocated_fen = sums[pk]
        for match in self.allocations:
            match.live = True
