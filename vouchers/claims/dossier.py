"""Everything a claim's amount rests on, loaded at once: a fixed number of queries, however many invoices it has."""

from __future__ import annotations

from collections import defaultdict

from vouchers.claims.models import Claim
from vouchers.claims.papers import Allocation, ClaimLine, Invoice, InvoiceLine


class Dossier:
    """A claim's lines, its invoices with all their lines and red letters, and the payments matched to them."""

    def __init__(self, claim: Claim):
        self.claim = claim
        self.lines: list[ClaimLine] = list(claim.lines.select_related("invoice_line__invoice").order_by("pk"))
        self.allocations: list[Allocation] = list(
            claim.allocations.select_related("payment", "invoice").order_by("invoice_id", "payment_id")
        )
        found = {line.invoice_line.invoice_id: line.invoice_line.invoice for line in self.lines}
        found |= {allocation.invoice_id: allocation.invoice for allocation in self.allocations}
        self.invoices: dict[int, Invoice] = found
        names = {invoice.code + invoice.number: pk for pk, invoice in found.items()}
        self.red_letters: dict[int, list[Invoice]] = defaultdict(list)
        for red in Invoice.objects.filter(organisation=claim.organisation_id, red=True, reverses__in=names).order_by(
            "pk"
        ):
            self.red_letters[names[red.reverses]].append(red)
        self.invoice_lines: dict[int, list[InvoiceLine]] = defaultdict(list)
        wanted = [*found, *(red.pk for reds in self.red_letters.values() for red in reds)]
        for line in InvoiceLine.objects.filter(invoice__in=wanted).order_by("invoice_id", "position"):
            self.invoice_lines[line.invoice_id].append(line)

    def claimed(self) -> dict[int, list[ClaimLine]]:
        """The claimed lines of each invoice, by its id."""
        by_invoice = defaultdict(list)
        for line in self.lines:
            by_invoice[line.invoice_line.invoice_id].append(line)
        return by_invoice

    def paid_on(self, invoice_id: int) -> list[Allocation]:
        """What was paid on an invoice, in this claim."""
        return [allocation for allocation in self.allocations if allocation.invoice_id == invoice_id]

    def allocated_elsewhere(self) -> dict[int, int]:
        """By invoice, the fen that other live claims say were paid on it: that part is no longer this claim's.

        Read from the running sums, as they stand now.
        """
        sums = dict(Invoice.objects.filter(pk__in=self.invoices).values_list("pk", "allocated_fen"))
        for allocation in self.allocations:
            if allocation.live:
                sums[allocation.invoice_id] -= allocation.amount_fen
        return sums
