"""Every clause has an example that passes and one that fails because of that clause alone (tests/law/*.yaml).

An example starts from the ordinary case, says what follows (`gives`), changes exactly one thing (`but`) and says what
follows then. It is about a decision, or about the terms of a call, or about an agreement.
"""

from pathlib import Path

import pytest
import yaml

from vouchers import money, policy, rules
from vouchers.management.cases import facts_from

from .builders import LAW, changed, ordinary_case, terms_with

FILES = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(Path(__file__).parent.glob("*.yaml"))
}
EXAMPLES = [
    pytest.param(body["clause"], example, id=f"{name}-{number}")
    for name, body in FILES.items()
    for number, example in enumerate(body["examples"])
]


def follows(example: dict, changes: dict) -> dict | str:
    """What the rules make of the example with `changes`: an outcome to compare with `gives` or `then`."""
    if "agreement" in example:
        return of_agreement({**example["agreement"], **changes})
    if example["gives"] == "accepted":
        return of_terms({**example["call"], **changes})
    call_changes = {key.removeprefix("call."): value for key, value in changes.items() if key.startswith("call.")}
    fact_changes = {key: value for key, value in changes.items() if not key.startswith("call.")}
    terms = terms_with({**example.get("call", {}), **call_changes})
    facts = facts_from(changed(changed(ordinary_case(), example["facts"]), fact_changes))
    return in_yuan(rules.decide(facts, LAW, terms))


def of_agreement(agreement: dict) -> str:
    law = policy.agreement_for(agreement["scheme"], 2025)
    amounts = rules.Agreement(money.parse_yuan(agreement["cost"]), money.parse_yuan(agreement["grant"]))
    try:
        rules.check_agreement(amounts, law)
    except rules.CallExceedsLaw as refusal:
        return f"refused{' in principle' if refusal.in_principle else ''} by {refusal.clause}"
    return "accepted"


def of_terms(call: dict) -> str:
    try:
        rules.check_terms(terms_with(call), LAW)
    except rules.CallExceedsLaw as refusal:
        return f"refused by {refusal.clause}"
    return "accepted"


def in_yuan(decision: rules.Decision) -> dict:
    return {
        "eligible": decision.eligible,
        "findings": list(decision.findings),
        "computed": money.yuan(decision.computed_fen),
        "granted": money.yuan(decision.granted_fen),
        "binding": decision.binding,
        "reasons": [line.reason for line in decision.lines],
        "bases": [money.yuan(line.base_fen) for line in decision.lines],
        "rates": [money.rate_text(line.rate) for line in decision.lines],
    }


def assert_follows(clause: str, expected: dict | str, found: dict | str) -> None:
    if isinstance(expected, str):
        assert found == (f"{expected} by {clause}" if expected.startswith("refused") else expected)
    else:
        assert {key: found[key] for key in expected} == expected


@pytest.mark.parametrize(("clause", "example"), EXAMPLES)
def test_an_example_of_the_law_comes_out_as_its_sentence_says(clause, example):
    assert_follows(clause, example["gives"], follows(example, {}))
    assert len(example["but"]) == 1, "one thing alone may change"
    assert_follows(clause, example["then"], follows(example, example["but"]))
    assert example["gives"] != example["then"]
    assert example["sentence"]


def test_every_clause_of_the_law_has_its_example():
    clauses = {value.clause for law in policy.all_laws() for value in law.values().values()}
    assert clauses == {body["clause"] for body in FILES.values()} - {""}
