"""Other terms, other laws: what somebody wrote as changes, made into terms and a law to decide under.

For what-if questions alone. Nothing here is stored, and no claim is decided by it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from vouchers.policy import Governing, LawFileError, read_term, read_value
from vouchers.rules.terms import CallTerms, ClassRate, TermsError


def changed_terms(terms: CallTerms, changes: Mapping[str, Any]) -> CallTerms:
    """`terms` with `changes`: names as in the `call` of a law file, amounts and rates as text ("2000000.00", "0.30").

    Raises TermsError (Chinese) for a name or value that makes no sense.
    """
    named: dict[str, Any] = {}
    try:
        for name, raw in changes.items():
            term, value = read_term(name, raw)
            named[term] = value
    except LawFileError as problem:
        raise TermsError(str(problem)) from problem
    if "class_rates" in named:
        named["class_rates"] = tuple(ClassRate(code, rate) for code, rate in named["class_rates"].items())
    return dataclasses.replace(terms, **named)


def changed_law(law: Governing, changes: Mapping[str, Any]) -> Governing:
    """`law` with other values, written as in a law file. Their clauses stay: only the numbers are supposed.

    Raises TermsError (Chinese) for a name or value that makes no sense.
    """
    values: dict[str, Any] = {}
    try:
        for name, raw in changes.items():
            value = read_value(type(law), name, raw)
            known = getattr(law, name) or law.in_force
            values[name] = dataclasses.replace(known, value=value)
    except LawFileError as problem:
        raise TermsError(str(problem)) from problem
    return dataclasses.replace(law, **values)
