"""What a call may say, and that nothing beyond the law is ever applied."""

import datetime as dt
from dataclasses import replace
from fractions import Fraction

import pytest

from vouchers import policy, rules
from vouchers.management.cases import facts_from

from .builders import LAW, SCHEME, TERMS, ordinary_case


def test_default_terms_are_the_ceilings_of_the_law():
    assert (TERMS.local_rate, TERMS.external_rate) == (Fraction(3, 10), Fraction(3, 20))
    assert (TERMS.annual_cap_fen, TERMS.appropriation_fen) == (200_000_000, 5_000_000_000)
    assert (TERMS.spend_from, TERMS.spend_until) == (dt.date(2025, 1, 1), dt.date(2025, 12, 31))
    assert (TERMS.tax_basis, TERMS.version) == ("paid", 0)
    assert TERMS.excludes_related_party
    assert TERMS.excludes_subsidised_elsewhere
    rules.check_terms(TERMS, LAW)


@pytest.mark.parametrize("year", [2024, 2025])
def test_every_year_of_the_law_has_lawful_default_terms(year):
    law = policy.law_for(SCHEME, year)
    rules.check_terms(rules.default_terms(law), law)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"local_rate": Fraction(3001, 10_000)}, "30.01% 高于 30%"),
        ({"external_rate": Fraction(3, 10)}, "30% 高于 15%"),
        ({"annual_cap_fen": 200_000_001}, "2,000,000.01 元高于 2,000,000.00 元"),
        ({"appropriation_fen": 5_000_000_001}, "50,000,000.01 元高于 50,000,000.00 元"),
    ],
)
def test_a_call_beyond_the_law_is_refused_with_the_clause_it_breaks(change, words):
    beyond = replace(TERMS, **change)
    with pytest.raises(rules.CallExceedsLaw, match=words) as refusal:
        rules.check_terms(beyond, LAW)
    assert refusal.value.citation == "二（三）7"
    assert refusal.value.clause in str(refusal.value)
    with pytest.raises(rules.CallExceedsLaw):
        rules.decide(facts_from(ordinary_case()), LAW, beyond)


def test_a_spend_window_outside_the_law_is_refused_with_its_last_clause():
    window = policy.Window(dt.date(2024, 1, 1), dt.date(2025, 6, 30))
    shorter = replace(LAW, in_force=replace(LAW.in_force, value=window))
    with pytest.raises(rules.CallExceedsLaw, match="2025-12-31") as refusal:
        rules.check_terms(TERMS, shorter)
    assert refusal.value.citation == "文末施行条款"


@pytest.mark.parametrize(
    "change",
    [
        {"local_rate": 0.3},
        {"local_rate": Fraction(1, 3)},
        {"external_rate": Fraction(-1, 10)},
        {"external_rate": Fraction(11, 10)},
        {"annual_cap_fen": -1},
        {"appropriation_fen": -1},
        {"tax_basis": "gross"},
        {"spend_from": dt.date(2025, 12, 31), "spend_until": dt.date(2025, 1, 1)},
        {"spend_from": dt.date(2024, 12, 31)},
        {"spend_until": dt.date(2026, 1, 1)},
    ],
)
def test_terms_that_make_no_sense_are_refused(change):
    with pytest.raises(rules.TermsError):
        replace(TERMS, **change)


def test_a_call_may_set_everything_to_nothing():
    nothing = replace(TERMS, local_rate=Fraction(0), external_rate=Fraction(0), annual_cap_fen=0, appropriation_fen=0)
    assert rules.decide(facts_from(ordinary_case()), LAW, nothing).granted_fen == 0


def test_terms_of_another_year_or_scheme_than_the_law_are_refused():
    facts = facts_from(ordinary_case())
    other_year = rules.default_terms(policy.law_for(SCHEME, 2024))
    with pytest.raises(rules.TermsError, match="不一致"):
        rules.check_terms(other_year, LAW)
    with pytest.raises(rules.TermsError, match="不一致"):
        rules.decide(facts, policy.law_for(SCHEME, 2024), other_year)
    with pytest.raises(rules.TermsError, match="不一致"):
        rules.check_terms(replace(TERMS, scheme="other_scheme"), LAW)


def test_a_call_below_the_ceilings_decides():
    lower = replace(TERMS, version=3, citation="锡工信〔2026〕1号", local_rate=Fraction(1, 4), annual_cap_fen=2_000_000)
    decision = rules.decide(facts_from(ordinary_case()), LAW, lower)
    assert (decision.computed_fen, decision.granted_fen) == (2_650_000, 2_000_000)
    assert (decision.binding, decision.call_version) == ("annual_cap", 3)
    explained = "".join(step.text for step in decision.trace)
    assert "锡工信〔2026〕1号确定，政策上限 30%" in explained
    assert "20,000.00 元（锡工信〔2026〕1号确定）" in explained


@pytest.mark.parametrize(
    ("cost_fen", "grant_fen"),
    [(-1, 0), (0, -1)],
)
def test_an_agreement_has_no_negative_amounts(cost_fen, grant_fen):
    with pytest.raises(rules.FactsError):
        rules.Agreement(cost_fen, grant_fen)


def test_an_agreement_over_nothing_is_within_every_ceiling():
    for scheme in ("intelligent_construction", "negotiated_compute"):
        rules.check_agreement(rules.Agreement(0, 0), policy.agreement_for(scheme, 2025))


def test_a_what_if_may_suppose_rate_classes_and_names_what_it_cannot_read():
    changed = rules.changed_terms(
        rules.default_terms(policy.law_for(SCHEME, 2025)), {"class_rates": {"startup": "0.40"}}
    )
    assert [(each.code, each.rate) for each in changed.class_rates] == [("startup", Fraction(2, 5))]
    with pytest.raises(rules.TermsError, match="no_such_term"):
        rules.changed_terms(changed, {"no_such_term": "1"})
