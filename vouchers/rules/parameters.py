"""The call's further parameters, on which the law is silent: one function each. All are pure, in int fen.

A call that does not set them decides as if they were not there. Other cities' texts do state some of them
(vouchers/policy/elsewhere); how each is used there is told where it is not plain.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from fractions import Fraction

from vouchers import money
from vouchers.rules.facts import Applicant, Facts, Line
from vouchers.rules.terms import CallTerms

# Rates are whole ten-thousandths, so that sums of base × rate stay whole numbers.
UNIT = money.RATE_UNIT


def filing_window(facts: Facts, terms: CallTerms) -> bool:
    """The law is silent on when to file. Whether the case was filed on a day that the call takes (申报期).

    A case that does not say when it was filed is not judged by it: the portal takes none outside.
    """
    if facts.filed_on is None:
        return True
    return (terms.filing_from or dt.date.min) <= facts.filed_on <= (terms.filing_until or dt.date.max)


def counted_day(line: Line, filed_on: dt.date | None, terms: CallTerms) -> dt.date | None:
    """The law is silent on the year in which a cost counts (费用归属年度). The day by which the call judges it.

    `paid`: the day of payment. `invoiced`: of the invoice. `service`: the last day of service. `signed`: of the
    contract. `filed`: of the claim. None when the facts do not say it.
    """
    match terms.cap_year:
        case "paid":
            return line.paid_on
        case "invoiced":
            return line.invoice_date
        case "service":
            return line.service_until
        case "signed":
            return line.signed_on
    return filed_on


def service_days(line: Line, terms: CallTerms) -> tuple[int, int]:
    """The law is silent on contracts that run beyond the year (跨期合同按天数折算). Days of service that fall into the
    spend window, and all days of service.

    `exclusive` takes the difference of two dates (Nanning: 2025-03-01 to 12-31 is 305), `inclusive` counts both ends
    (306). Service of a single day is one day in both. Nothing when the facts do not say when service was given.
    """
    if line.service_from is None or line.service_until is None:
        return 0, 0
    if line.service_from == line.service_until:
        return int(terms.spend_from <= line.service_from <= terms.spend_until), 1
    both_ends = int(terms.proration == "inclusive")
    first, last = max(line.service_from, terms.spend_from), min(line.service_until, terms.spend_until)
    whole = (line.service_until - line.service_from).days + both_ends
    return max((last - first).days + both_ends, 0), whole


def prorated(base_fen: int, days: tuple[int, int], terms: CallTerms) -> int:
    """The law is silent on contracts that run beyond the year. The part of the base that its days in the window have.

    Rounded to the call's unit, as Nanning's published example does (305/729 × 20 万 = 8.3676 万); never more than
    the base.
    """
    counted, whole = days
    part = money.rounded(Fraction(base_fen * counted, whole), terms.rounding_unit_fen, _mode(terms))
    return min(part, base_fen)


def exclusive(line: Line, terms: CallTerms) -> bool:
    """The law is silent on other schemes (项目互斥). Whether one that excludes this one has already paid for the line."""
    return any(scheme in terms.excludes_schemes for scheme in line.other_schemes)


def highest_rate(line: Line, applicant: Applicant, own: Fraction, terms: CallTerms) -> tuple[Fraction, str]:
    """The law is silent on which rate holds where several apply: the higher only (就高不重复).

    The rate, and the code of the class that gives it; an empty code where it is the rate of the place.
    """
    rate, code = own, ""
    for item in terms.class_rates:
        if item.rate > rate and (item.code in line.classes or item.code in applicant.classes):
            rate, code = item.rate, item.code
    return rate, code


def allocated(total_fen: int, amounts_fen: Sequence[int], rates: Sequence[Fraction], order: str) -> list[int]:
    """The law is silent on which lines bear a cut that goes across rates (限额跨比例时的分摊). `total_fen` over lines of
    `amounts_fen`, none more than its own.

    `filed`: in the order of the lines. `high_first`, `low_first`: the higher, or lower, rate is kept first, equal ones
    in order. `proportional`: all in proportion, residues by largest remainder.
    """
    if order == "proportional":
        return money.share(min(total_fen, sum(amounts_fen)), amounts_fen)
    sign = {"high_first": -1, "low_first": 1}.get(order, 0)
    parts = [0] * len(amounts_fen)
    for i in sorted(range(len(amounts_fen)), key=lambda i: sign * rates[i]):
        parts[i] = min(amounts_fen[i], total_fen)
        total_fen -= parts[i]
    return parts


def within_contract(
    contract_fen: int, used_fen: int, bases_fen: Sequence[int], rates: Sequence[Fraction], order: str
) -> list[int]:
    """The law is silent on the contract's amount (不超过合同金额). The bases of one contract's lines, so that together
    and with what earlier claims counted they do not exceed it. Which line gives way is `allocated`'s business.
    """
    return allocated(max(contract_fen - used_fen, 0), bases_fen, rates, order)


def rounded_line(base_fen: int, rate: Fraction, ceiling: Fraction, terms: CallTerms) -> int:
    """The law is silent on rounding (取整). One line's subsidy in whole units of the call.

    Where rounding up would exceed what the law's rate allows of the base, it is rounded down instead.
    """
    return _rounded_within(base_fen * _units(rate), base_fen * _units(ceiling), terms)


def rounded_total(
    bases_fen: Sequence[int], rates: Sequence[Fraction], ceilings: Sequence[Fraction], terms: CallTerms
) -> list[int]:
    """The law is silent on where to round (合计取整). Every line's subsidy when only their sum is rounded.

    The rounded sum is spread over the lines in proportion to what each is worth exactly, residues by largest
    remainder: so a line may have up to a fen more than its rate, all together never.
    """
    exact = [base_fen * _units(rate) for base_fen, rate in zip(bases_fen, rates, strict=True)]
    limit = sum(base_fen * _units(rate) for base_fen, rate in zip(bases_fen, ceilings, strict=True))
    return money.share(_rounded_within(sum(exact), limit, terms), exact)


def minimum_spend(spent_fen: int, terms: CallTerms) -> bool:
    """The law is silent on a least spending (最低费用). Whether what counts of the case's spending reaches it."""
    return spent_fen >= terms.minimum_spend_fen


def minimum_grant(granted_fen: int, terms: CallTerms) -> bool:
    """The law is silent on a least grant (最低补助额). Whether the grant, after every cut, reaches it."""
    return granted_fen >= terms.minimum_grant_fen


def contract_room(contract: str, facts: Facts, terms: CallTerms) -> int:
    """The law is silent on a cap for each contract (单份合同上限). What one contract may still be granted, in fen."""
    used_fen = sum(use.granted_fen for use in facts.contracts if use.contract == contract)
    return max((terms.contract_cap_fen or 0) - used_fen, 0)


def within_contract_caps(
    amounts_fen: Sequence[int], rates: Sequence[Fraction], contracts: Sequence[str], facts: Facts, terms: CallTerms
) -> list[int]:
    """The law is silent on a cap for each contract (单份合同上限). What each line keeps of its amount."""
    kept = [0] * len(amounts_fen)
    for contract in dict.fromkeys(contracts):
        at = [i for i, other in enumerate(contracts) if other == contract]
        amounts = [amounts_fen[i] for i in at]
        room_fen = min(contract_room(contract, facts, terms), sum(amounts))
        for i, part in zip(at, allocated(room_fen, amounts, [rates[i] for i in at], terms.allocation), strict=True):
            kept[i] = part
    return kept


def claim_cap(terms: CallTerms) -> int | None:
    """The law is silent on a cap for each application (单次申请上限). The most that one case may be granted, in fen."""
    return terms.claim_cap_fen


def years_room(facts: Facts, terms: CallTerms) -> int | None:
    """The law is silent on a cap over several years (多年累计上限). What the applicant may still obtain under it."""
    return None if terms.years_cap_fen is None else max(terms.years_cap_fen - facts.years_used_fen, 0)


def whole_units(granted_fen: int, terms: CallTerms) -> int:
    """The law is silent on rounding. What a cap or the pool left of an amount, down to whole units of the call."""
    return money.rounded(granted_fen, terms.rounding_unit_fen, "down")


def _mode(terms: CallTerms) -> money.RoundingMode:
    return terms.rounding_mode  # type: ignore[return-value]  # CallTerms takes no other


def _units(rate: Fraction) -> int:
    """`rate` in whole ten-thousandths."""
    return rate.numerator * (UNIT // rate.denominator)


def _rounded_within(exact: int, limit: int, terms: CallTerms) -> int:
    """`exact` ten-thousandths of a fen in the call's units, but no more than `limit` of them."""
    rounded_fen = money.rounded(Fraction(exact, UNIT), terms.rounding_unit_fen, _mode(terms))
    return rounded_fen if rounded_fen * UNIT <= limit else money.rounded(Fraction(exact, UNIT), terms.rounding_unit_fen)
