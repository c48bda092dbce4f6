"""From a claim's papers to the plain facts that the rules decide on.

A payment spreads over the lines of the invoice it paid in proportion, and an invoice paid in several steps is cut
into as many parts, so that each part has one day of payment and no fen counts twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction

from vouchers import money, rules
from vouchers.claims.dossier import Asked, Bill, Dossier, Item
from vouchers.claims.models import Claim
from vouchers.claims.standing import standing_of


def facts_of(
    claim: Claim,
    *,
    applicant: rules.Applicant,
    cap_used_fen: int,
    pool_available_fen: int | None,
    dossier: Dossier | None = None,
) -> rules.Facts:
    """The facts of `claim` as its papers stand.

    `cap_used_fen` is what the applicant holds or was paid under this year's cap apart from this claim;
    `pool_available_fen` what the pool can give it now (None: the pool does not cut, the claim waits its turn).
    """
    dossier = dossier or Dossier(claim)
    lines: list[rules.Line] = []
    reversals: list[rules.Reversal] = []
    elsewhere_fen = dossier.allocated_elsewhere()
    for invoice_id, claim_lines in dossier.claimed().items():
        parts = list(_parts_of(dossier, dossier.invoices[invoice_id], claim_lines, elsewhere_fen[invoice_id]))
        for red in dossier.red_letters[invoice_id]:
            reversals += _reversals(red, dossier.invoice_lines[red.pk], claim_lines, parts)
        lines += [_within_paid(part, reversals) for part in parts] if claim.call.tax_basis == "incl_tax" else parts
    asked = standing_of(claim)
    if asked.other_schemes:
        lines = [replace(line, other_schemes=asked.other_schemes) for line in lines]
    return rules.Facts(
        scheme=claim.call.scheme,
        fiscal_year=claim.call.fiscal_year,
        applicant=applicant,
        cap_used_fen=cap_used_fen,
        pool_available_fen=pool_available_fen,
        lines=tuple(lines),
        reversals=tuple(reversals),
        filed_on=asked.filed_on,
        years_used_fen=asked.years_used_fen,
        contracts=asked.contracts,
        agreed=asked.agreed,
    )


def _parts_of(dossier: Dossier, invoice: Bill, claim_lines: list[Asked], elsewhere_fen: int) -> Iterable[rules.Line]:
    """One line of facts for each claimed line and payment."""
    every_line, allocations = dossier.invoice_lines[invoice.pk], dossier.paid_on(invoice.pk)
    nets = _net_of_discounts(every_line)
    gross = [amount_fen + tax_fen for amount_fen, tax_fen in nets]
    if not sum(gross) or not allocations:
        return
    paid_fen = [allocation.amount_fen for allocation in allocations]
    open_fen = money.share(max(invoice.total_fen - elsewhere_fen, 0), gross)
    for claim_line in claim_lines:
        at = next(i for i, line in enumerate(every_line) if line.pk == claim_line.invoice_line_id)
        amount_fen, tax_fen = nets[at]
        if not gross[at]:
            continue
        # What other claims have not used of this line, tax and amount in the line's own proportion.
        amount_part, tax_part = money.share(min(open_fen[at], gross[at]), [amount_fen, tax_fen])
        amounts = money.share(amount_part, paid_fen)
        taxes = money.share(tax_part, paid_fen)
        paid_parts = _cumulative(paid_fen, elsewhere_fen, Fraction(gross[at], sum(gross)))
        cuts = _cuts(claim_line.cut_fen, [min(a + t, p) for a, t, p in zip(amounts, taxes, paid_parts, strict=True)])
        for i, allocation in enumerate(allocations):
            yield rules.Line(
                ref=f"{claim_line.pk}-{allocation.payment_id}",
                service=claim_line.service,
                location=claim_line.location,
                invoice_date=invoice.issued_on,
                amount_fen=amounts[i],
                tax_fen=taxes[i],
                paid_fen=paid_parts[i],
                paid_on=allocation.payment.paid_on,
                seller_related=claim_line.seller_related,
                subsidised_elsewhere=claim_line.subsidised_elsewhere,
                label=f"{invoice.number} 第 {claim_line.invoice_line.position} 行",
                cut_fen=cuts[i],
                cut_reason=claim_line.cut_reason,
                contract=claim_line.contract,
                contract_fen=claim_line.contract_fen,
                signed_on=claim_line.signed_on,
                service_from=claim_line.service_from,
                service_until=claim_line.service_until,
                classes=tuple(claim_line.classes),
            )


def _cuts(cut_fen: int, bases_fen: list[int]) -> list[int]:
    """What the reviewer cut off a line, spread over its parts as their bases are; never more than there is."""
    return money.share(min(cut_fen, sum(bases_fen)), bases_fen)


def _cumulative(paid_fen: list[int], before_fen: int, share: Fraction) -> list[int]:
    """The line's share of each payment, rounded down on the running sum of all that was paid on the invoice.

    Rounded each for itself, a hundred small payments would make a line of half an invoice worth more than half.
    """
    parts, total_fen, given_fen = [], before_fen, money.portion(before_fen, share)
    for fen in paid_fen:
        total_fen += fen
        upto_fen = money.portion(total_fen, share)
        parts.append(upto_fen - given_fen)
        given_fen = upto_fen
    return parts


def _within_paid(part: rules.Line, reversals: list[rules.Reversal]) -> rules.Line:
    """`part` with no more invoice, net of its red letters, than was paid on it, net of refunds.

    For calls under which the whole invoice counts as soon as anything was paid (`incl_tax`): else two years' claims
    would each count the whole of an invoice that each paid half of.
    """
    mine = [red for red in reversals if red.reverses == part.ref]
    limit_fen = part.paid_fen + sum(red.paid_fen - red.amount_fen - red.tax_fen for red in mine)
    gross_fen = part.amount_fen + part.tax_fen
    if gross_fen <= limit_fen:
        return part
    amount_fen, tax_fen = money.share(max(limit_fen, 0), [part.amount_fen, part.tax_fen])
    return replace(part, amount_fen=amount_fen, tax_fen=tax_fen)


def _net_of_discounts(lines: list[Item], sign: int = 1) -> list[tuple[int, int]]:
    """Amount and tax of every line, each discount line taken off the line above it and left with nothing.

    `sign` is -1 for a red letter, where lines are below zero and discounts above; what comes out is not below zero.
    """
    nets: list[list[int]] = []
    parent = 0
    for i, line in enumerate(lines):
        amount_fen, tax_fen = sign * line.amount_fen, sign * line.tax_fen
        nets.append([amount_fen, tax_fen])
        if amount_fen < 0 and i:
            nets[parent][0] += amount_fen
            nets[parent][1] += tax_fen
            nets[i] = [0, 0]
        else:
            parent = i
    return [(max(amount, 0), max(tax, 0)) for amount, tax in nets]


def _reversals(
    red: Bill, red_lines: list[Item], claim_lines: list[Asked], parts: list[rules.Line]
) -> Iterable[rules.Reversal]:
    """What a red letter takes off the claimed parts of the invoice it names.

    A red line that bears the name and tax rate of exactly one claimed line reduces that one. Any other is taken
    off all claimed lines in proportion: rather too much off than a fen too little.
    """
    nets = _net_of_discounts(red_lines, sign=-1)
    if not any(amount_fen + tax_fen for amount_fen, tax_fen in nets):
        return
    refunds = money.share(-red.refunded_fen, [amount_fen + tax_fen for amount_fen, tax_fen in nets])
    for red_line, net, refund_fen in zip(red_lines, nets, refunds, strict=True):
        named = [line.pk for line in claim_lines if _same_item(line.invoice_line, red_line)]
        hit = [part for part in parts if len(named) != 1 or part.ref.startswith(f"{named[0]}-")]
        weights = [part.amount_fen + part.tax_fen for part in hit]
        if not sum(weights) or not sum(net):
            continue
        amounts, taxes = money.share(-net[0], weights), money.share(-net[1], weights)
        refunded = money.share(refund_fen, weights)
        for part, amount_fen, tax_fen, paid_fen in zip(hit, amounts, taxes, refunded, strict=True):
            yield rules.Reversal(
                ref=f"{part.ref}-R{red_line.pk}",
                reverses=part.ref,
                amount_fen=amount_fen,
                tax_fen=tax_fen,
                paid_fen=paid_fen,
                label=f"发票 {red.number}",
            )


def _same_item(line: Item, red_line: Item) -> bool:
    return (line.name, line.tax_rate) == (red_line.name, red_line.tax_rate)
