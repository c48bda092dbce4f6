"""The rules agree with an independent, naive reading of the contract on thousands of random cases."""

import random
from dataclasses import replace

import pytest

from vouchers import money, policy, rules
from vouchers.management.cases import assess, facts_from

from .builders import SCHEME
from .oracle import oracle
from .random_cases import random_case


@pytest.mark.parametrize("seed", range(4))
def test_assess_answers_as_the_oracle_does(seed):
    rng = random.Random(seed)
    bindings, reasons = set(), set()
    for number in range(1_000):
        case = random_case(rng, number)
        expected, answer = oracle(case), assess(case)
        assert {key: answer.get(key) for key in expected} == expected, case
        bindings.add(answer["binding"])
        reasons |= {line["reason"] for line in answer["lines"]}
    # The cases must have gone everywhere, or the agreement would mean little.
    assert bindings == {"none", "annual_cap", "pool"}
    of_the_contract = {"not_in_scope", "not_intelligent", "related_party", "subsidised_elsewhere", "not_in_force"}
    assert reasons == {"", "reverses", "other_year"} | of_the_contract


@pytest.mark.parametrize("tax_basis", ["excl_tax", "incl_tax"])
def test_other_tax_bases_agree_with_the_oracle_too(tax_basis):
    rng = random.Random(tax_basis)
    for number in range(1_000):
        case = random_case(rng, number)
        law = policy.law_for(SCHEME, case["fiscal_year"])
        terms = replace(rules.default_terms(law), tax_basis=tax_basis)
        expected = oracle(case, tax_basis)
        decision = rules.decide(facts_from(case), law, terms)
        bases = {line["ref"]: line["base"] for line in expected["lines"]}
        assert {line.ref: money.yuan(line.base_fen) for line in decision.lines} == bases, case
        assert money.yuan(decision.granted_fen) == expected["granted"], case
