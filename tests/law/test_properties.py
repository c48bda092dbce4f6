"""What must hold of every decision, whatever the facts."""

import json
import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from vouchers import money, policy, rules
from vouchers.management.cases import facts_from

from .builders import LAW, SCHEME, TERMS, ordinary_case
from .random_cases import random_case

BASES = ("paid", "incl_tax", "excl_tax")
SEEDS = st.integers(0, 2**32)


def drawn(seed: int, tax_basis: str = "paid") -> tuple[rules.Facts, policy.Law, rules.CallTerms]:
    """Random facts with at least one ordinary line, their law, and terms on `tax_basis`."""
    rng = random.Random(seed)
    case = random_case(rng)
    while not any("reverses" not in row for row in case["lines"]):
        case = random_case(rng)
    facts = facts_from(case)
    law = policy.law_for(SCHEME, facts.fiscal_year)
    return facts, law, replace(rules.default_terms(law), tax_basis=tax_basis)


@given(SEEDS, st.sampled_from(BASES))
def test_nothing_exceeds_rate_cap_or_pool(seed, tax_basis):
    facts, law, terms = drawn(seed, tax_basis)
    decision = rules.decide(facts, law, terms)
    for line in decision.lines:
        assert 0 <= line.subsidy_fen <= line.rate * line.base_fen
        assert line.rate <= law.local_rate.value
    assert 0 <= decision.granted_fen <= decision.computed_fen == sum(line.subsidy_fen for line in decision.lines)
    assert decision.granted_fen <= max(0, law.annual_cap.value - facts.cap_used_fen)
    assert decision.granted_fen <= facts.pool_available_fen
    assert (decision.binding == "none") == (decision.granted_fen == decision.computed_fen)


@given(SEEDS, st.sampled_from(["paid", "excl_tax"]))
def test_no_line_gets_more_than_its_rate_of_what_was_really_paid(seed, tax_basis):
    facts, law, terms = drawn(seed, tax_basis)
    paid = {line.ref: line.paid_fen for line in facts.lines}
    for red in facts.reversals:
        paid[red.reverses] += red.paid_fen
    for line in rules.decide(facts, law, terms).lines:
        assert line.subsidy_fen <= line.rate * max(0, paid.get(line.ref, 0))


@given(SEEDS, st.sampled_from(BASES), st.integers(1, 10**9))
def test_paying_more_never_lowers_the_amount(seed, tax_basis, extra_fen):
    facts, law, terms = drawn(seed, tax_basis)
    first = facts.lines[0]
    more = replace(facts, lines=(replace(first, paid_fen=first.paid_fen + extra_fen), *facts.lines[1:]))
    less_fen, more_fen = (rules.decide(f, law, terms).granted_fen for f in (facts, more))
    assert less_fen <= more_fen


@given(SEEDS, st.sampled_from(BASES), st.randoms(use_true_random=False))
def test_the_order_of_lines_changes_no_sum(seed, tax_basis, shuffler):
    facts, law, terms = drawn(seed, tax_basis)
    lines, reversals = list(facts.lines), list(facts.reversals)
    shuffler.shuffle(lines)
    shuffler.shuffle(reversals)
    one = rules.decide(facts, law, terms)
    other = rules.decide(replace(facts, lines=tuple(lines), reversals=tuple(reversals)), law, terms)
    assert (one.computed_fen, one.granted_fen, one.binding) == (other.computed_fen, other.granted_fen, other.binding)
    assert set(one.lines) == set(other.lines)


@given(SEEDS, st.sampled_from(["paid", "incl_tax"]), *[st.integers(0, 10**9)] * 3)
def test_a_red_letter_never_raises_the_amount(seed, tax_basis, amount_fen, tax_fen, refund_fen):
    # Not so by the letter of excl_tax: taking back tax alone leaves more of a payment without tax.
    facts, law, terms = drawn(seed, tax_basis)
    red = rules.Reversal("RX", facts.lines[0].ref, -amount_fen, -tax_fen, -refund_fen)
    before = rules.decide(facts, law, terms)
    after = rules.decide(replace(facts, reversals=(*facts.reversals, red)), law, terms)
    assert after.computed_fen <= before.computed_fen
    assert after.granted_fen <= before.granted_fen


@given(SEEDS, st.sampled_from(BASES))
def test_the_same_facts_are_decided_the_same(seed, tax_basis):
    assert rules.decide(*drawn(seed, tax_basis)) == rules.decide(*drawn(seed, tax_basis))


@given(SEEDS, st.sampled_from(BASES))
def test_facts_terms_and_decision_survive_json_exactly(seed, tax_basis):
    facts, law, terms = drawn(seed, tax_basis)
    for thing in (facts, terms, rules.decide(facts, law, terms)):
        text = json.dumps(thing.to_json(), ensure_ascii=False)
        back = type(thing).from_json(json.loads(text))
        assert back == thing
        assert json.dumps(back.to_json(), ensure_ascii=False) == text


@given(SEEDS)
def test_what_was_stored_is_decided_again_the_same(seed):
    facts, law, terms = drawn(seed)
    stored = [json.dumps(thing.to_json()) for thing in (facts, terms, rules.decide(facts, law, terms))]
    old_facts, old_terms, old = (
        kind.from_json(json.loads(text))
        for kind, text in zip((rules.Facts, rules.CallTerms, rules.Decision), stored, strict=True)
    )
    fresh = rules.decide(old_facts, policy.law_for(old_facts.scheme, old_facts.fiscal_year), old_terms)
    assert fresh.outcome() == old.outcome()


@given(SEEDS, st.sampled_from(BASES))
def test_the_trace_explains_every_line_and_ends_with_the_amount(seed, tax_basis):
    facts, law, terms = drawn(seed, tax_basis)
    decision = rules.decide(facts, law, terms)
    assert all(step.citation and step.text.endswith("。") for step in decision.trace)
    if decision.eligible:
        by_ref = {step.ref: step for step in decision.trace if step.ref}
        assert {line.ref: line.subsidy_fen for line in decision.lines} == {
            ref: step.amount_fen for ref, step in by_ref.items()
        }
        assert decision.trace[-1].rule == "granted"
        assert money.grouped(decision.granted_fen) in decision.trace[-1].text
    assert decision.trace[-1].amount_fen == decision.granted_fen


def test_a_pool_that_does_not_cut_leaves_the_amount_and_says_so():
    facts = replace(facts_from(ordinary_case()), pool_available_fen=None)
    decision = rules.decide(facts, LAW, TERMS)
    assert (decision.granted_fen, decision.binding) == (3_180_000, "none")
    assert any("轮候" in step.text for step in decision.trace)


def test_the_trace_calls_a_line_by_its_label():
    facts = facts_from(ordinary_case())
    named = replace(facts, lines=(replace(facts.lines[0], label="发票 24112000000048542163 第 1 行"),))
    decision = rules.decide(named, LAW, TERMS)
    assert any("24112000000048542163" in step.text for step in decision.trace)
    assert not any("L1" in step.text for step in decision.trace)


def test_the_citations_name_the_clauses_a_decision_rests_on():
    facts = facts_from(ordinary_case())
    assert rules.decide(facts, LAW, TERMS).citations == ("二（三）7",)
    early = replace(facts, lines=(replace(facts.lines[0], invoice_date=LAW.in_force.value.first.replace(year=2023)),))
    assert rules.decide(early, LAW, TERMS).citations == ("二（三）7", "文末施行条款")
