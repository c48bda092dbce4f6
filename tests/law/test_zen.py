"""zen-engine, another engine in another language, holds the Wuxi rules as a decision table and agrees on 20,000 cases.

The graph is that of benchmarks/decide_against_zen.py; the cases are those of the naive oracle, with every edge near.
"""

import random

import pytest
import zen

from benchmarks.decide_against_zen import graph, zen_input
from vouchers import policy, rules
from vouchers.management.cases import facts_from

from .builders import SCHEME
from .random_cases import random_case

SHARDS, CASES = 20, 1_000


@pytest.mark.parametrize("shard", range(SHARDS))
def test_zen_engine_decides_as_the_rules_do(shard):
    rng, engine = random.Random(f"zen {shard}"), zen.ZenEngine().create_decision(graph())
    bindings = set()
    for number in range(CASES):
        facts = facts_from(random_case(rng, number))
        law = policy.law_for(SCHEME, facts.fiscal_year)
        ours = rules.decide(facts, law, rules.default_terms(law))
        theirs = engine.evaluate(zen_input(facts))["result"]
        assert (ours.computed_fen, ours.granted_fen, ours.binding) == (
            theirs["computed"],
            theirs["granted"],
            theirs["binding"],
        ), facts
        ordinary = [(line.base_fen, line.subsidy_fen, line.reason) for line in ours.lines[: len(facts.lines)]]
        assert ordinary == [(line["base"], line["subsidy"], line["reason"]) for line in theirs["lines"]], facts
        bindings.add(ours.binding)
    assert bindings == {"none", "annual_cap", "pool"}
