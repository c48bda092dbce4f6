"""What was frozen with a claim is read exactly, or refused."""

import pytest

from vouchers import rules
from vouchers.management.cases import facts_from

from .builders import LAW, TERMS, ordinary_case


def stored_facts() -> dict:
    return facts_from(ordinary_case()).to_json()


def test_facts_are_stored_in_plain_values():
    stored = stored_facts()
    assert stored["lines"][0]["paid_fen"] == 10_600_000
    assert stored["lines"][0]["paid_on"] == "2025-03-15"
    assert TERMS.to_json()["local_rate"] == "0.30"


def test_a_key_that_came_later_takes_its_default():
    stored = stored_facts()
    del stored["lines"][0]["label"]
    del stored["reversals"]
    assert rules.Facts.from_json(stored) == facts_from(ordinary_case())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("cap_used_fen", 1.0),
        ("cap_used_fen", "1"),
        ("cap_used_fen", True),
        ("cap_used_fen", -1),
        ("fiscal_year", None),
        ("pool_available_fen", "all"),
        ("lines", {}),
        ("lines", [[]]),
        ("applicant", "x"),
        ("surprise", 1),
    ],
)
def test_anything_malformed_is_refused(key, value):
    with pytest.raises(rules.StoredError):
        rules.Facts.from_json({**stored_facts(), key: value})


@pytest.mark.parametrize("key", ["scheme", "lines", "applicant", "pool_available_fen"])
def test_a_missing_key_without_default_is_refused(key):
    stored = stored_facts()
    del stored[key]
    with pytest.raises(rules.StoredError):
        rules.Facts.from_json(stored)


@pytest.mark.parametrize(("key", "value"), [("local_rate", 0.3), ("local_rate", "30%"), ("spend_from", "20250101x")])
def test_malformed_terms_are_refused(key, value):
    with pytest.raises(rules.StoredError):
        rules.CallTerms.from_json({**TERMS.to_json(), key: value})


def test_a_float_is_never_stored():
    terms = rules.LineResult("L1", 1, LAW.local_rate.value, 1.5, "")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        terms.to_json()


@pytest.mark.parametrize("data", [None, [], "{}", 1])
def test_only_an_object_is_read(data):
    with pytest.raises(rules.StoredError):
        rules.Decision.from_json(data)
