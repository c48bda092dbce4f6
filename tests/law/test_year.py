"""A year under supposed rules is what deciding its cases one after the other gives."""

import datetime as dt
import random
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouchers import rules
from vouchers.management.cases import facts_from
from vouchers.rules.sharing import settled
from vouchers.rules.table import table_of
from vouchers.rules.year import compare, run_year

from .builders import LAW, TERMS, ordinary_case
from .random_terms import RICH, random_facts, random_terms

FIRMS = ("91320214MA1XPQ3F0P", "91110000MA00000A1X", "91440300MA00000B2Y")


def one_after_the_other(
    cases: list[rules.Facts], terms: rules.CallTerms, pool_fen: int | None, grows=()
) -> list[int]:  # fmt: skip
    """What each is granted by `decide` when its turn comes; None for a pool that does not cut."""
    ahead = sorted(grows)
    used, base, subsidy = defaultdict(int), defaultdict(int), defaultdict(int)
    before: dict[str, int] = {}
    granted, dry = [], False
    for facts in cases:
        uscc = facts.applicant.uscc
        before.setdefault(uscc, facts.years_used_fen)
        names = {line.contract for line in facts.lines if line.contract}
        while not dry and ahead and facts.filed_on and ahead[0][0] <= facts.filed_on:
            pool_fen = max(pool_fen + ahead.pop(0)[1], 0)
        now = replace(
            facts,
            cap_used_fen=used[uscc],
            years_used_fen=before[uscc] + used[uscc],
            pool_available_fen=pool_fen,
            contracts=tuple(rules.ContractUse(n, base[uscc, n], subsidy[uscc, n]) for n in sorted(names)),
        )
        decision = rules.decide(now, RICH, terms)
        for line, result in zip(facts.lines, decision.lines, strict=False):
            base[uscc, line.contract] += result.base_fen
            subsidy[uscc, line.contract] += result.subsidy_fen
        used[uscc] += decision.granted_fen
        granted.append(decision.granted_fen)
        if pool_fen is not None:
            dry = dry or "pool" in cut_by(decision, pool_fen)
            pool_fen = 0 if dry else pool_fen - decision.granted_fen
    return granted


def cut_by(decision: rules.Decision, pool_fen: int) -> set[str]:
    """Which steps lowered the amount; the pool may do so before a minimum does."""
    found = {decision.binding}
    if any(step.rule == "pool" and "不足以" in step.outcome for step in decision.trace):
        found.add("pool")
    return found


def a_year(rng: random.Random, size: int = 12) -> list[rules.Facts]:
    """Cases of three firms; what a contract is worth stays the same all year."""
    worth = {(uscc, name): rng.randint(0, 600_000_000) for uscc in FIRMS for name in ("K1", "K2")}
    cases = []
    for number in range(size):
        facts, uscc = random_facts(rng, number), rng.choice(FIRMS)
        lines = tuple(replace(line, contract_fen=worth.get((uscc, line.contract))) for line in facts.lines)
        applicant = replace(facts.applicant, uscc=uscc)
        cases.append(replace(facts, applicant=applicant, lines=lines, contracts=()))
    return cases


@settings(max_examples=100)
@given(st.integers(0, 2**32))
def test_a_year_is_what_one_decision_after_the_other_gives(seed):
    rng = random.Random(seed)
    terms, cases = random_terms(rng), a_year(rng)
    year = run_year(table_of(cases), RICH, terms, pool_fen=10**15)
    assert year.granted.tolist() == one_after_the_other(cases, terms, None)
    assert year.dry_at is None


@settings(max_examples=100)
@given(st.integers(0, 2**32), st.integers(0, 500_000_000))
def test_first_come_cuts_the_last_one_as_decisions_would(seed, pool_fen):
    rng = random.Random(seed)
    terms, cases = random_terms(rng), a_year(rng)
    year = run_year(table_of(cases), RICH, terms, pool_fen=pool_fen, shortage="first_come")
    assert year.given.tolist() == one_after_the_other(cases, terms, pool_fen)
    assert year.given_fen <= pool_fen


def ordinary_year(count: int) -> list[rules.Facts]:
    """`count` firms' cases of 31,800 yuan each, filed a day after the other."""
    facts = facts_from(ordinary_case())
    return [
        replace(
            facts,
            applicant=replace(facts.applicant, uscc=f"F{i}"),
            filed_on=dt.date(2026, 1, 1) + dt.timedelta(days=i),
        )
        for i in range(count)
    ]


def test_under_a_waiting_list_nobody_passes_the_one_that_the_pool_cannot_serve():
    year = run_year(table_of(ordinary_year(4)), LAW, TERMS, pool_fen=3_180_000 * 2 + 3_179_999)
    assert (year.given.tolist(), year.dry_at) == ([3_180_000, 3_180_000, 0, 0], 2)
    assert year.granted_fen == 4 * 3_180_000


@pytest.mark.parametrize(("pool_fen", "dry_at"), [(4 * 3_180_000, None), (10_000_000, 0)])
def test_pro_rata_gives_out_the_pool_to_the_fen(pool_fen, dry_at):
    year = run_year(table_of(ordinary_year(4)), LAW, TERMS, pool_fen=pool_fen, shortage="pro_rata")
    assert year.given_fen == min(pool_fen, 4 * 3_180_000)
    assert year.dry_at == dry_at


def test_the_minimum_grant_drops_out_once():
    assert settled([100, 900], 500, 60) == [0, 500]
    assert settled([100, 900], 500, 50) == [50, 450]
    assert settled([100, 100], 100, 80) == [0, 0]


def test_a_change_names_winners_losers_and_the_day_the_pool_is_dry():
    table = table_of(ordinary_year(4))
    before = run_year(table, LAW, TERMS, pool_fen=3_180_000 * 3)
    half = rules.changed_terms(TERMS, {"local_rate": "0.15"})
    found = compare(table, before, run_year(table, LAW, half, pool_fen=3_180_000 * 3))
    assert (found.winners, found.losers) == (1, 3)
    assert found.applicants[3] == ("F3", 0, 1_590_000)
    assert (found.dry_before, found.dry_after) == (dt.date(2026, 1, 4), None)


def test_a_change_sums_the_claims_of_an_applicant_and_keeps_both_years():
    cases = ordinary_year(3)
    cases[2] = replace(cases[2], applicant=cases[0].applicant)
    table = table_of(cases)
    before = run_year(table, LAW, TERMS, pool_fen=3_180_000 * 3)
    after = run_year(table, LAW, rules.changed_terms(TERMS, {"local_rate": "0.15"}), pool_fen=1_590_000 * 3 - 1)
    found = compare(table, before, after)
    assert found.applicants == (("F0", 6_360_000, 1_590_000), ("F1", 3_180_000, 1_590_000))
    assert (found.before, found.after) == (before, after)
    assert (found.dry_before, found.dry_after) == (None, dt.date(2026, 1, 3))


def test_a_year_is_a_waiting_list_unless_it_says_otherwise():
    table, pool_fen = table_of(ordinary_year(2)), 3_180_000 + 5
    plain = run_year(table, LAW, TERMS, pool_fen=pool_fen)
    assert plain.given.tolist() == [3_180_000, 0]
    assert plain.given.dtype == plain.granted.dtype == np.int64
    assert run_year(table, LAW, TERMS, pool_fen=pool_fen, shortage="first_come").given.tolist() == [3_180_000, 5]


@pytest.mark.parametrize("shortage", ["waitlist", "first_come", "pro_rata"])
def test_a_year_tells_what_each_claim_is_worth_whatever_the_pool_has(shortage):
    year = run_year(table_of(ordinary_year(3)), LAW, TERMS, pool_fen=3_180_000, shortage=shortage)
    assert year.computed.tolist() == [3_180_000] * 3
    assert len(year.granted) == len(year.given) == 3
    assert (year.given.dtype, year.given_fen) == (np.int64, 3_180_000)


def in_order_of_days(rng: random.Random) -> tuple[list[rules.Facts], list[tuple[dt.date, int]]]:
    """A year whose cases are filed one day after another, and what came to the pool, or left it, meanwhile."""
    begin = dt.date(2025, 1, 1)
    days = sorted(rng.randint(0, 300) for _ in range(12))
    cases = [replace(facts, filed_on=begin + dt.timedelta(days)) for facts, days in zip(a_year(rng), days, strict=True)]
    grows = [(begin + dt.timedelta(rng.randint(0, 330)), rng.randint(-(10**7), 5 * 10**8)) for _ in range(3)]
    return cases, grows


@settings(max_examples=60)
@given(st.integers(0, 2**32))
def test_a_pool_that_grows_cuts_each_as_decide_would_on_its_day(seed):
    rng = random.Random(seed)
    terms, (cases, grows) = random_terms(rng), in_order_of_days(rng)
    terms = replace(terms, filing_from=None, filing_until=None)
    pool_fen = rng.randint(0, 10**8)
    year = run_year(table_of(cases), RICH, terms, pool_fen=pool_fen, shortage="first_come", grows=grows)
    assert year.given.tolist() == one_after_the_other(cases, terms, pool_fen, grows)


def waiting_list(granted, days, pool_fen, grows):
    """The plain story of a waiting list, day by day: money comes in the morning, then people file, then heads are served."""
    queue, given, left = [], [0] * len(granted), pool_fen

    def serve():
        nonlocal left
        while queue and granted[queue[0]] <= left:
            head = queue.pop(0)
            given[head] = granted[head]
            left -= granted[head]

    for day in sorted({*days, *(day for day, _ in grows)}):
        for _, fen in sorted(each for each in grows if each[0] == day):
            left = max(left + fen, 0)
            serve()
        for case in [at for at, filed in enumerate(days) if filed == day]:
            queue.append(case)
            serve()
    return given


@settings(max_examples=60)
@given(st.integers(0, 2**32))
def test_a_waiting_list_is_served_when_its_money_comes(seed):
    rng = random.Random(seed)
    cases, grows = in_order_of_days(rng)
    terms = replace(random_terms(rng), filing_from=None, filing_until=None)
    pool_fen = rng.randint(0, 10**8)
    year = run_year(table_of(cases), RICH, terms, pool_fen=pool_fen, grows=grows)
    days = [facts.filed_on for facts in cases]
    assert year.granted.tolist() == one_after_the_other(cases, terms, None)
    assert year.given.tolist() == waiting_list(year.granted.tolist(), days, pool_fen, grows)
    later = max(days) + dt.timedelta(1)
    assert run_year(table_of(cases), RICH, terms, pool_fen=pool_fen, grows=[(later, 0)]).given.tolist() == (
        run_year(table_of(cases), RICH, terms, pool_fen=pool_fen).given.tolist()
    )


def test_a_settlement_shares_what_there_is_at_the_end():
    table = table_of(ordinary_year(4))
    grown = run_year(
        table, LAW, TERMS, pool_fen=3_180_000, shortage="pro_rata", grows=[(dt.date(2025, 9, 1), 3_180_000)]
    )  # fmt: skip
    assert grown.given.tolist() == run_year(
        table, LAW, TERMS, pool_fen=6_360_000, shortage="pro_rata"
    ).given.tolist()  # fmt: skip
