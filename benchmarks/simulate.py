"""How many lines a second does a what-if decide, a year of claims at once?

    python benchmarks/simulate.py [cases]

The yardstick is `decide` on the same cases, one by one, whose amounts the what-if must match to the fen before anything
is timed. Timed are `decide_many` (every case by itself) and `run_year` (caps and pool in order of filing), under a plain
call and under one that sets every parameter. The table of the year is made once and asked many times; making it is timed
apart. One core, processor time, the best of some rounds taken in turns.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.decide_against_zen import random_case
from vouchers import policy
from vouchers.management.cases import facts_from
from vouchers.rules import Facts, decide, default_terms
from vouchers.rules.many import NAMES, decide_many
from vouchers.rules.table import table_of
from vouchers.rules.year import run_year

ROUNDS = 5


def rich_facts(rng: random.Random, number: int) -> Facts:
    """A case with everything that calls may ask of its lines, of one of a thousand applicants."""
    facts = facts_from(random_case(rng, number))
    lines = []
    for line in facts.lines:
        start = line.paid_on.replace(day=1)
        asked = {"contract": rng.choice("AB"), "contract_fen": 300_000_000, "signed_on": start}
        lines.append(replace(line, **asked, service_from=start, service_until=start.replace(year=start.year + 1)))
    applicant = replace(facts.applicant, uscc=f"F{rng.randrange(1000)}")
    return replace(facts, applicant=applicant, lines=tuple(lines), filed_on=facts.lines[0].paid_on)


def best(works: dict[str, Callable[[], object]], count: int) -> dict[str, float]:
    """How many of `count` a second of processor time, for each of `works`."""
    seconds = dict.fromkeys(works, float("inf"))
    for _ in range(ROUNDS):
        for name, work in works.items():
            start = time.process_time()
            work()
            seconds[name] = min(seconds[name], time.process_time() - start)
    return {name: count / spent for name, spent in seconds.items()}


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    rng = random.Random(20250701)
    cases = [rich_facts(rng, number) for number in range(count)]
    lines = sum(len(case.lines) for case in cases)
    law = policy.law_for("compute_voucher", 2025)
    plain = default_terms(law)
    every = replace(
        plain, local_rate=Fraction(1, 4), tax_basis="excl_tax", proration="inclusive", cap_year="service", within_contract=True,
        allocation="high_first", rounding_unit_fen=100, rounding_at="total", minimum_spend_fen=100_000,
        minimum_grant_fen=50_000, claim_cap_fen=50_000_000, years_cap_fen=400_000_000,
    )  # fmt: skip
    start = time.process_time()
    table = table_of(cases)
    making = lines / (time.process_time() - start)

    sample = cases[:2_000]
    for terms in (plain, every):
        told = [(d.computed_fen, d.granted_fen, d.binding) for d in (decide(case, law, terms) for case in sample)]
        columns = [column.tolist() for column in decide_many(table_of(sample), law, terms)]
        found = [(computed, granted, NAMES[binding]) for computed, granted, binding in zip(*columns, strict=True)]
        assert told == found

    print(f"{count} cases, {lines} lines; decide() and decide_many() agree on {len(sample)} of them under both calls")
    sample_lines = sum(len(case.lines) for case in sample)
    yardstick = best({"decide()": lambda: [decide(case, law, plain) for case in sample]}, sample_lines)["decide()"]
    rates = best(
        {
            "decide_many, plain call": lambda: decide_many(table, law, plain),
            "decide_many, every parameter": lambda: decide_many(table, law, every),
            "run_year, plain call": lambda: run_year(table, law, plain, pool_fen=5_000_000_000),
            "run_year, every parameter": lambda: run_year(table, law, every, pool_fen=5_000_000_000),
        },
        lines,
    )
    for name, rate in {"decide(), case by case": yardstick, "making the table": making, **rates}.items():
        print(f"{name:32}{rate:14,.0f} lines/s {rate / yardstick:8.1f} × decide()")


if __name__ == "__main__":
    main()
