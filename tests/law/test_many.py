"""Deciding many cases at once gives what `decide` gives each, to the fen, under every call."""

import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from vouchers import rules
from vouchers.management.cases import facts_from
from vouchers.rules.many import NAMES, decide_many, spending
from vouchers.rules.table import table_of

from .builders import LAW, TERMS, ordinary_case
from .random_terms import RICH, random_facts, random_terms


def differing(cases: list[rules.Facts], terms: rules.CallTerms) -> list:
    """Where the two disagree."""
    table = table_of(cases)
    found = zip(*(column.tolist() for column in decide_many(table, RICH, terms)), strict=True)
    decided = [rules.decide(facts, RICH, terms) for facts in cases]
    told = [(d.computed_fen, d.granted_fen, d.binding) for d in decided]
    lines = [line.base_fen for d, f in zip(decided, cases, strict=True) for line in d.lines[: len(f.lines)]]
    assert spending(table, RICH, terms).base.tolist() == lines
    return [
        (i, was, now) for i, (was, now) in enumerate(zip(told, found, strict=True)) if was != (*now[:2], NAMES[now[2]])
    ]


@settings(max_examples=150)
@given(st.integers(0, 2**32))
def test_many_at_once_are_decided_as_each_by_itself(seed):
    rng = random.Random(seed)
    terms = random_terms(rng)
    assert differing([random_facts(rng, number) for number in range(12)], terms) == []


def test_a_plain_call_over_many_cases_is_decided_the_same():
    rng = random.Random(3)
    assert differing([random_facts(rng, number) for number in range(500)], TERMS) == []


def test_the_random_calls_go_everywhere():
    rng, bindings, reasons = random.Random(11), set(), set()
    for _ in range(400):
        terms = random_terms(rng)
        for number in range(4):
            decision = rules.decide(random_facts(rng, number), RICH, terms)
            bindings.add(decision.binding)
            reasons |= {line.reason for line in decision.lines}
    assert bindings == set(rules.BINDINGS) - {"tranche", "agreement", "part", "pro_rata", "recovered"}
    assert reasons == set(rules.REASONS) - {"no_agreement"}


def test_exactly_the_minimum_grant_is_granted_and_a_fen_below_it_is_not():
    facts = facts_from(ordinary_case())
    for minimum_fen, granted in ((3_180_000, 3_180_000), (3_180_001, 0)):
        terms = replace(TERMS, minimum_grant_fen=minimum_fen)
        assert rules.decide(facts, LAW, terms).granted_fen == granted
        assert decide_many(table_of([facts]), LAW, terms)[1].tolist() == [granted]
