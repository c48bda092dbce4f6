"""One line's part in the amount, where the call asks for nothing beyond rates, tax basis and windows."""

from __future__ import annotations

from fractions import Fraction

from vouchers import money
from vouchers.policy import AgreementLaw, Governing
from vouchers.rules import clauses, words
from vouchers.rules.basis import Basis
from vouchers.rules.decision import LineResult, Step
from vouchers.rules.facts import Line
from vouchers.rules.terms import CallTerms

Net = tuple[int, int, int]
NOTHING = Fraction(0)


def plain_line(line: Line, net: Net, basis: Basis, trace: list[Step], citations: list[str]) -> LineResult:
    """The result of one line, explained in `trace`; `net` is its amount, tax and payment less its red letters."""
    law, terms = basis.law, basis.terms
    reason = exclusion(line, law, terms)
    if reason:
        return excluded(line, reason, basis, trace, citations)
    base_fen = base_after_cut(line, net, terms, trace)
    rate = basis.rates[line.location]
    subsidy_fen = money.portion(base_fen, rate)
    phrase = basis.rate_words[line.location]
    trace.append(words.counted_step(line, net, base_fen, subsidy_fen, phrase, terms.tax_basis, law))
    return LineResult(line.ref, base_fen, rate, subsidy_fen, reason_of(line, base_fen))


def excluded(line: Line, reason: str, basis: Basis, trace: list[Step], citations: list[str]) -> LineResult:
    """The result of a line that does not count, explained in `trace`."""
    trace.append(words.excluded_step(line, reason, basis.terms, basis.law))
    if reason == "not_in_force":
        citations.append(basis.law.in_force.citation)
    return LineResult(line.ref, 0, NOTHING, 0, reason)


def base_after_cut(line: Line, net: Net, terms: CallTerms, trace: list[Step]) -> int:
    """The fen that are subsidised, less what a reviewer took off, which `trace` then tells."""
    base_fen = clauses.base(*net, terms.tax_basis)
    if line.cut_fen:
        base_fen, before_fen = max(0, base_fen - line.cut_fen), base_fen
        trace.append(words.cut_step(line, before_fen, base_fen))
    return base_fen


def reason_of(line: Line, base_fen: int) -> str:
    """Why a line that counts is worth nothing, where a reviewer's cut left nothing; else empty."""
    return "" if base_fen or not line.cut_fen else "reviewer_cut"


def exclusion(line: Line, law: Governing, terms: CallTerms) -> str:
    """The first reason for which the line does not count, or an empty text."""
    reason = conditions(line, law, terms)
    if reason:
        return reason
    if not (clauses.in_force(line.paid_on, law) and clauses.in_force(line.invoice_date, law)):
        return "not_in_force"
    if not clauses.fiscal_year(line.paid_on, terms):
        return "other_year"
    return "" if clauses.spend_window(line.paid_on, terms) else "outside_window"


def conditions(line: Line, law: Governing, terms: CallTerms) -> str:
    """The first reason, of those that know no dates, for which the line does not count, or an empty text.

    What an agreement pays for is said by the agreement.
    """
    if not isinstance(law, AgreementLaw) and not clauses.service(line, law):
        return "not_intelligent"
    if clauses.related_party(line, terms):
        return "related_party"
    return "subsidised_elsewhere" if clauses.subsidised_elsewhere(line, terms) else ""
