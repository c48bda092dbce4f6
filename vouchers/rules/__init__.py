"""What follows from law and call: `decide(facts, law, terms) -> Decision`. Plain Python, int fen, no clock.

To decide a stored case again: `decide(facts, policy.law_for(facts.scheme, facts.fiscal_year), terms)`, and compare
the two by `outcome()`.
"""

from vouchers.rules.agreements import Agreement, check_agreement
from vouchers.rules.clauses import CallExceedsLaw, check_terms
from vouchers.rules.decision import Decision, LineResult, Step
from vouchers.rules.engine import decide
from vouchers.rules.facts import LOCATIONS, Allotment, Applicant, Facts, FactsError, Line, Reversal
from vouchers.rules.stored import StoredError
from vouchers.rules.terms import CallTerms, TermsError, default_terms
from vouchers.rules.words import BINDINGS, REASONS

__all__ = [
    "BINDINGS",
    "LOCATIONS",
    "REASONS",
    "Agreement",
    "Allotment",
    "Applicant",
    "CallExceedsLaw",
    "CallTerms",
    "Decision",
    "Facts",
    "FactsError",
    "Line",
    "LineResult",
    "Reversal",
    "Step",
    "StoredError",
    "TermsError",
    "check_agreement",
    "check_terms",
    "decide",
    "default_terms",
]
