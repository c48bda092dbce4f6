"""The one function that decides, for real claims and for `manage.py assess` alike."""

from __future__ import annotations

from fractions import Fraction

from vouchers.policy import AgreementLaw, Governing
from vouchers.rules import agreements, clauses, further_words, parameters, words
from vouchers.rules.basis import Basis, basis_of
from vouchers.rules.cuts import cut
from vouchers.rules.decision import Decision, LineResult, Step
from vouchers.rules.facts import Facts
from vouchers.rules.further_lines import further_lines
from vouchers.rules.lines import plain_line
from vouchers.rules.terms import CallTerms, TermsError

_NOTHING = Fraction(0)


def decide(facts: Facts, law: Governing, terms: CallTerms) -> Decision:
    """What follows from `facts` under `law` and the call's `terms`.

    Pure: the same arguments give the same Decision. Raises CallExceedsLaw where the terms, or an agreement, break a
    clause, and TermsError where facts, law and terms are not of one scheme and fiscal year.
    """
    basis = basis_of(law, terms)
    if facts.scheme != terms.scheme or facts.fiscal_year != terms.fiscal_year:
        raise TermsError("申报事实与申报通知的项目或年度不一致，请核对。")
    scope, finding = _scope(facts, law)
    trace, citations = [scope], [scope.citation]
    if not finding and not parameters.filing_window(facts, terms):
        finding = "outside_filing"
        trace.append(further_words.filing_step(facts, terms))
    if finding:
        lines, computed_fen, granted_fen, binding = _nothing(facts, finding), 0, 0, "none"
    else:
        lines = _lines(facts, basis, trace, citations)
        computed_fen = sum([line.subsidy_fen for line in lines])
        trace.append(words.computed_step(sum([not line.reason for line in lines]), computed_fen, law))
        granted_fen, binding = cut(lines, computed_fen, facts, basis, trace)
    return Decision(
        law_id=law.id,
        call_version=terms.version,
        eligible=not finding,
        computed_fen=computed_fen,
        granted_fen=granted_fen,
        binding=binding,
        lines=tuple(lines),
        findings=(finding,) if finding else (),
        citations=tuple(dict.fromkeys(citations)),
        trace=tuple(trace),
    )


def _scope(facts: Facts, law: Governing) -> tuple[Step, str]:
    """Whether the applicant is supported at all: the step that says so, and the finding where it is not."""
    if isinstance(law, AgreementLaw):
        return agreements.standing(facts, law)
    in_scope = clauses.scope(facts.applicant, law)
    return words.scope_step(facts, law, in_scope), "" if in_scope else "not_in_scope"


def _nothing(facts: Facts, reason: str) -> list[LineResult]:
    refs = [line.ref for line in facts.lines] + [red.ref for red in facts.reversals]
    return [LineResult(ref, 0, _NOTHING, 0, reason) for ref in refs]


def _lines(facts: Facts, basis: Basis, trace: list[Step], citations: list[str]) -> list[LineResult]:
    """Every line's result, ordinary lines first, explained in `trace`."""
    nets = {line.ref: (line.amount_fen, line.tax_fen, line.paid_fen) for line in facts.lines}
    for red in facts.reversals:
        amount_fen, tax_fen, paid_fen = nets[red.reverses]
        nets[red.reverses] = (amount_fen + red.amount_fen, tax_fen + red.tax_fen, paid_fen + red.paid_fen)
    if basis.further or facts.agreed:
        results = further_lines(facts, basis, nets, trace, citations)
    else:
        results = [plain_line(line, nets[line.ref], basis, trace, citations) for line in facts.lines]
    originals = {line.ref: line for line in facts.lines} if facts.reversals else {}
    for red in facts.reversals:
        results.append(LineResult(red.ref, 0, _NOTHING, 0, "reverses"))
        trace.append(words.reversal_step(red, originals[red.reverses], basis.law))
    return results
