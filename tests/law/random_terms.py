"""Random calls with every parameter, and random facts that they ask for, for the properties."""

import datetime as dt
import random
from dataclasses import replace
from fractions import Fraction

from vouchers import policy, rules
from vouchers.management.cases import facts_from
from vouchers.rules import terms as choices

from .builders import LAW
from .random_cases import random_case

START, END = dt.date(2025, 1, 1), dt.date(2025, 12, 31)
CLASSES = {"startup": Fraction(1, 2), "domestic_chip": Fraction(2, 5)}
# The law of Wuxi, supposed to know classes and further caps, so that a call may use them.
RICH = replace(
    LAW,
    rate_classes=policy.Value(
        {code: policy.RateClass(rate, code) for code, rate in CLASSES.items()}, START, "文本未规定", "假设", silent=True
    ),
)


def day(rng: random.Random) -> dt.date:
    return dt.date(2024, 6, 1) + dt.timedelta(days=rng.randint(0, 800))


def amount(rng: random.Random, top: int) -> int:
    return rng.choice([0, 1, 99, 100, rng.randint(0, top), rng.randint(0, 100_000)])


def random_terms(rng: random.Random) -> rules.CallTerms:
    """Terms of 2025 in which about half of all parameters are set."""

    def maybe(value, plain):
        return value if rng.random() < 0.5 else plain

    first = maybe(dt.date(2025, rng.randint(1, 6), rng.randint(1, 28)), START)
    rates = [Fraction(rng.randint(0, 3000), 10_000), Fraction(rng.randint(0, 1500), 10_000)]
    return replace(
        rules.default_terms(LAW),
        local_rate=maybe(rates[0], Fraction(3, 10)),
        external_rate=maybe(rates[1], Fraction(3, 20)),
        annual_cap_fen=maybe(amount(rng, 100_000_000), 200_000_000),
        tax_basis=rng.choice(["paid", "incl_tax", "excl_tax"]),
        spend_from=first,
        spend_until=maybe(dt.date(2025, rng.randint(7, 12), rng.randint(1, 28)), END),
        excludes_related_party=rng.random() < 0.7,
        excludes_subsidised_elsewhere=rng.random() < 0.7,
        filing_from=maybe(dt.date(2025, 3, 1), None),
        filing_until=maybe(dt.date(2026, 1, 31), None),
        cap_year=maybe(rng.choice(choices.CAP_YEARS), "paid"),
        minimum_spend_fen=maybe(amount(rng, 100_000_000), 0),
        minimum_grant_fen=maybe(amount(rng, 20_000_000), 0),
        rounding_unit_fen=maybe(rng.choice(choices.ROUNDING_UNITS), 1),
        rounding_mode=rng.choice(choices.ROUNDING_MODES),
        rounding_at=rng.choice(choices.ROUNDING_PLACES),
        allocation=rng.choice(choices.ALLOCATIONS),
        proration=maybe(rng.choice(choices.PRORATIONS), ""),
        within_contract=rng.random() < 0.3,
        class_rates=tuple(
            rules.ClassRate(code, Fraction(rng.randint(0, rate.numerator * 10_000 // rate.denominator), 10_000))
            for code, rate in CLASSES.items()
            if rng.random() < 0.5
        ),
        contract_cap_fen=maybe(amount(rng, 30_000_000), None),
        claim_cap_fen=maybe(amount(rng, 100_000_000), None),
        years_cap_fen=maybe(amount(rng, 300_000_000), None),
        excludes_schemes=maybe(("negotiated_compute",), ()),
    )


def random_facts(rng: random.Random, number: int = 0) -> rules.Facts:
    """Facts of 2025 that say most of what any call may ask."""
    case = random_case(rng, number) | {"fiscal_year": 2025}
    facts = facts_from(case)
    amounts = {name: rng.choice([None, amount(rng, 600_000_000)]) for name in ("K1", "K2")}
    lines = []
    for line in facts.lines:
        contract = rng.choice(["K1", "K2", "K1", ""])
        start = rng.choice([None, day(rng), day(rng)])
        lines.append(
            replace(
                line,
                invoice_date=rng.choice([line.invoice_date, day(rng)]),
                cut_fen=rng.choice([0, 0, 0, amount(rng, 1_000_000)]),
                contract=contract,
                contract_fen=amounts.get(contract),
                signed_on=rng.choice([None, day(rng)]),
                service_from=start,
                service_until=start and start + dt.timedelta(days=rng.choice([0, 1, 30, 365, 729])),
                classes=tuple(code for code in CLASSES if rng.random() < 0.3),
                other_schemes=("negotiated_compute",) if rng.random() < 0.1 else (),
            )
        )
    uses = tuple(
        rules.ContractUse(name, amount(rng, 100_000_000), amount(rng, 10_000_000))
        for name in amounts
        if rng.random() < 0.3
    )
    return replace(
        facts,
        applicant=replace(facts.applicant, classes=tuple(c for c in CLASSES if rng.random() < 0.2)),
        lines=tuple(lines),
        filed_on=rng.choice([None, day(rng), dt.date(2025, 11, 1)]),
        years_used_fen=amount(rng, 200_000_000),
        pool_available_fen=rng.choice([facts.pool_available_fen, None]),
        contracts=uses,
    )
