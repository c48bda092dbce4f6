"""The rules once more, naively and independently: from contracts.md alone, on raw JSON, in Decimal yuan.

Nothing of vouchers is imported. Slow and flat on purpose; it shares no structure with the rules it checks.
"""

from decimal import ROUND_FLOOR, Decimal
from fractions import Fraction

CENT = Decimal("0.01")
ZERO = Decimal("0.00")
SUPPORTED = {"cluster_enterprise", "digital_enterprise", "research_institute", "university"}


def floor_to_cent(amount: Fraction) -> Decimal:
    return (Decimal(amount.numerator * 100 // amount.denominator) / 100).quantize(CENT, ROUND_FLOOR)


def why_not(case: dict, line: dict) -> str:
    checks = [
        (line["service"] != "intelligent", "not_intelligent"),
        (line["seller_related"], "related_party"),
        (line["subsidised_elsewhere"], "subsidised_elsewhere"),
        (not "2024-01-01" <= line["paid_on"] <= "2025-12-31", "not_in_force"),
        (not "2024-01-01" <= line["invoice_date"] <= "2025-12-31", "not_in_force"),
        (line["paid_on"][:4] != str(case["fiscal_year"]), "other_year"),
    ]
    return next((reason for applies, reason in checks if applies), "")


def base_of(case: dict, line: dict, tax_basis: str) -> Decimal:
    family = [line] + [red for red in case["lines"] if red.get("reverses") == line["ref"]]
    amount, tax, paid = (sum(Decimal(row[key]) for row in family) for key in ("amount", "tax", "paid"))
    if tax_basis == "paid":
        return max(ZERO, min(amount + tax, paid))
    if tax_basis == "incl_tax":
        return max(ZERO, amount + tax) if paid > 0 else ZERO
    # Nothing invoiced, or nothing paid, leaves no share to take; and the base is never more than was paid.
    if amount + tax <= 0 or paid <= 0:
        return ZERO
    without_tax = floor_to_cent(Fraction(paid) * Fraction(amount) / Fraction(amount + tax))
    return max(ZERO, min(amount, without_tax, paid))


def oracle(case: dict, tax_basis: str = "paid") -> dict:
    """What `assess` must answer, but for law, citations and trace."""
    applicant = case["applicant"]
    in_scope = applicant["category"] in SUPPORTED and applicant["city"] == "无锡市"
    lines, computed = [], ZERO
    for line in case["lines"]:
        if not in_scope:
            reason = "not_in_scope"
        elif "reverses" in line:
            reason = "reverses"
        else:
            reason = why_not(case, line)
        base, rate, subsidy = ZERO, ZERO, ZERO
        if not reason:
            base = base_of(case, line, tax_basis)
            rate = Decimal("0.30") if line["location"] == "local" else Decimal("0.15")
            subsidy = (base * rate).quantize(CENT, ROUND_FLOOR)
        computed += subsidy
        numbers = {"base": str(base), "rate": str(rate), "subsidy": str(subsidy)}
        lines.append({"ref": line["ref"], **numbers, "reason": reason})
    room = max(ZERO, Decimal("2000000.00") - Decimal(case["cap_used"]))
    pool = Decimal(case["pool_available"])
    granted = min(computed, room, pool)
    binding = "none" if granted == computed else "annual_cap" if granted == room else "pool"
    return {
        "case": case["case"],
        "eligible": in_scope,
        "computed": str(computed),
        "granted": str(granted),
        "binding": binding,
        "lines": lines,
        "findings": [] if in_scope else ["not_in_scope"],
    }
