"""Programmes of other cities, as data alone, with their published figures (tests/law/cities/*.yaml).

Each example starts from the file's own applicant and line, says what follows, changes one thing, and says what follows
then. It goes through `assess`, by its `law` key: no code knows a city.
"""

from pathlib import Path

import pytest
import yaml

from vouchers import policy, rules
from vouchers.management.cases import assess

from .builders import changed, ordinary_case, ordinary_line

FOLDER = Path(__file__).parent / "cities"
CITIES = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.yaml"))}
EXAMPLES = [
    pytest.param(city, example, id=f"{name}-{number}")
    for name, city in CITIES.items()
    for number, example in enumerate(city["examples"])
]


def case_of(city: dict, example: dict) -> dict:
    """The case of an example, before anything is changed."""
    line = city["line"] | example.get("line", {})
    lines = [ordinary_line(**{**line, **row}) for row in example.get("lines", [{}])]
    case = ordinary_case() | {"law": city["law"], "fiscal_year": city["fiscal_year"], "lines": lines}
    case["applicant"] = {"uscc": case["applicant"]["uscc"], **city["applicant"]}
    return case | city.get("case", {}) | example.get("case", {})


def answer(case: dict, changes: dict) -> dict:
    """What `assess` says of the case with `changes`; "call." changes a term of the call."""
    call = {key.removeprefix("call."): value for key, value in changes.items() if key.startswith("call.")}
    facts = {key: value for key, value in changes.items() if not key.startswith("call.")}
    case = changed(case, facts) | ({"call": call} if call else {})
    for row in case["lines"]:
        if row.get("contract") == "":
            del row["contract"]
    found = assess(case)
    assert "error" not in found, found
    for key in ("base", "rate", "reason"):
        found[key + "s"] = [line[key] for line in found["lines"]]
    found["parts"] = [line.get("granted") for line in found["lines"]]
    return found


@pytest.mark.parametrize(("city", "example"), EXAMPLES)
def test_a_programme_gives_its_published_figures(city, example):
    case = case_of(city, example)
    before, after = answer(case, {}), answer(case, example["but"])
    assert {key: before[key] for key in example["gives"]} == example["gives"]
    assert {key: after[key] for key in example["then"]} == example["then"]
    assert example["gives"] != example["then"]
    assert before["law"] == city["law"]


def test_every_programme_on_file_has_its_figures_tested():
    assert {city["law"] for city in CITIES.values()} == set(policy.law_ids()) - {"wuxi-2024"}


def test_no_code_knows_a_city():
    """A law's id stands in its file and nowhere else."""
    for path in Path(rules.__file__).parents[1].rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert not [law_id for law_id in policy.law_ids() if law_id in text], path


def test_where_a_text_is_silent_the_file_says_so_in_words():
    for law_id in policy.law_ids():
        for law in policy.laws_of(law_id):
            for name, value in (law.values() | dict(law.call)).items():
                assert value.clause, (law_id, name)
                assert value.silent == (value.citation == "文本未规定"), (law_id, name)
    assert any(value.silent for law in policy.laws_of("shandong-2025") for value in law.values().values())


def test_a_law_of_another_city_decides_no_claim_here():
    assert policy.law_for("compute_voucher", 2025).id == "wuxi-2024"
    with pytest.raises(policy.NoLawInForce):
        policy.law_by_id("nanning-2025", "compute_voucher", 2024)
    with pytest.raises(policy.NoLawInForce):
        policy.law_by_id("nowhere", "compute_voucher", 2025)
