"""What follows from law and call: `decide(facts, law, terms) -> Decision`. Plain Python, int fen, no clock.

To decide a stored case again: `decide(facts, policy.governing(facts.scheme, facts.fiscal_year), terms)`, and compare
the two by `outcome()`.
"""

from vouchers.rules.agreements import Agreement, check_agreement
from vouchers.rules.changes import changed_law, changed_terms
from vouchers.rules.clauses import CallExceedsLaw, check_terms
from vouchers.rules.decision import Decision, LineResult, Step
from vouchers.rules.engine import decide
from vouchers.rules.facts import (
    LOCATIONS,
    Agreed,
    Allotment,
    Applicant,
    ContractUse,
    Facts,
    FactsError,
    Line,
    Reversal,
)
from vouchers.rules.stored import StoredError
from vouchers.rules.terms import CallTerms, ClassRate, TermsError, default_terms
from vouchers.rules.words import BINDINGS, CUTS, REASONS

__all__ = [
    "BINDINGS",
    "CUTS",
    "LOCATIONS",
    "REASONS",
    "Agreed",
    "Agreement",
    "Allotment",
    "Applicant",
    "CallExceedsLaw",
    "CallTerms",
    "ClassRate",
    "ContractUse",
    "Decision",
    "Facts",
    "FactsError",
    "Line",
    "LineResult",
    "Reversal",
    "Step",
    "StoredError",
    "TermsError",
    "changed_law",
    "changed_terms",
    "check_agreement",
    "check_terms",
    "decide",
    "default_terms",
]
