"""Text, data and code of the law say the same: words verbatim, numbers equal, every value read by a rule."""

import ast
import inspect
import re
from fractions import Fraction
from pathlib import Path

import pytest

from vouchers import money, policy, rules
from vouchers.rules import agreements, clauses, further_lines, lines

FOLDER = Path(policy.__file__).parent
VALUES = [
    pytest.param(name, value, id=f"{law.scheme}-{law.fiscal_year}-{name}")
    for law in policy.all_laws()
    for name, value in law.values().items()
]


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def first_paragraph(function) -> str:
    return squeezed((inspect.getdoc(function) or "").split("\n\n")[0])


def functions_of(module) -> list:
    return [f for _, f in inspect.getmembers(module, inspect.isfunction) if f.__module__ == module.__name__]


@pytest.mark.parametrize(("name", "value"), VALUES)
def test_a_clause_stands_word_for_word_in_the_official_text(name, value):
    official = (FOLDER / "wuxi-compute-opinions-draft.txt").read_text(encoding="utf-8")
    assert squeezed(value.clause) in squeezed(official)
    assert value.citation


@pytest.mark.parametrize(("name", "value"), VALUES)
def test_a_number_is_the_one_its_clause_states(name, value):
    if isinstance(value.value, Fraction):
        stated = re.search(r"(\d+)\s*%", value.clause)
        assert value.value == Fraction(int(stated[1]), 100)
    elif type(value.value) is int:
        stated = re.search(r"(\d+)\s*万元", value.clause)
        assert value.value == int(stated[1]) * 10_000 * money.FEN_IN_A_YUAN
    elif isinstance(value.value, policy.Window):
        days = [tuple(map(int, found)) for found in re.findall(r"(\d+)年(\d+)月(\d+)日", value.clause)]
        assert days == [(day.year, day.month, day.day) for day in (value.value.first, value.value.last)]
    elif name == "in_principle":
        assert value.value == ("原则上" in value.clause)


def test_every_clause_opens_the_docstring_of_one_function():
    openings = [first_paragraph(function) for module in (clauses, agreements) for function in functions_of(module)]
    for law in policy.all_laws():
        for value in law.values().values():
            assert openings.count(squeezed(value.clause)) == 1, value.clause


def test_every_value_of_the_law_is_read_by_a_rule():
    """A value that no rule reads would be a promise of the law that nobody keeps."""
    read = {
        node.attr
        for path in Path(rules.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "law"
    }
    assert {name for law in policy.all_laws() for name in law.values()} <= read


def test_every_reason_has_words_for_people():
    given = {
        node.value
        for function in (lines.exclusion, lines.conditions, further_lines._exclusion)
        for returned in ast.walk(ast.parse(inspect.getsource(function)))
        if isinstance(returned, ast.Return)
        for node in ast.walk(returned)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert len(given - {"", "filed"}) == 9
    elsewhere = {"", "not_in_scope", "outside_filing", "no_agreement", "reviewer_cut", "reverses"}
    assert (given - {"filed"}) | elsewhere == set(rules.REASONS)
