"""The one function that decides, for real claims and for `manage.py assess` alike."""

from __future__ import annotations

from fractions import Fraction

from vouchers import money
from vouchers.policy import Law
from vouchers.rules import clauses, words
from vouchers.rules.decision import Decision, LineResult, Step
from vouchers.rules.facts import Facts, Line
from vouchers.rules.terms import CallTerms, TermsError

_NOTHING = Fraction(0)


def decide(facts: Facts, law: Law, terms: CallTerms) -> Decision:
    """What follows from `facts` under `law` and the call's `terms`.

    Pure: the same arguments give the same Decision. Raises CallExceedsLaw where the terms break a clause, and
    TermsError where facts, law and terms are not of one scheme and fiscal year.
    """
    clauses.check_terms(terms, law)
    if (facts.scheme, facts.fiscal_year) != (terms.scheme, terms.fiscal_year):
        raise TermsError("申报事实与申报通知的项目或年度不一致，请核对。")
    in_scope = clauses.scope(facts.applicant, law)
    trace = [words.scope_step(facts, law, in_scope)]
    citations = [law.scope_categories.citation]
    if in_scope:
        lines = _lines(facts, law, terms, trace, citations)
    else:
        refs = [line.ref for line in facts.lines] + [red.ref for red in facts.reversals]
        lines = [LineResult(ref, 0, _NOTHING, 0, "not_in_scope") for ref in refs]
    computed_fen = sum(line.subsidy_fen for line in lines)
    granted_fen, binding = computed_fen, "none"
    if in_scope:
        trace.append(words.computed_step(sum(not line.reason for line in lines), computed_fen, law))
        granted_fen, binding = _cut(computed_fen, facts, law, terms, trace)
    return Decision(
        law_id=law.id,
        call_version=terms.version,
        eligible=in_scope,
        computed_fen=computed_fen,
        granted_fen=granted_fen,
        binding=binding,
        lines=tuple(lines),
        findings=() if in_scope else ("not_in_scope",),
        citations=tuple(dict.fromkeys(citations)),
        trace=tuple(trace),
    )


def _lines(facts: Facts, law: Law, terms: CallTerms, trace: list[Step], citations: list[str]) -> list[LineResult]:
    """Every line's result, ordinary lines first, explained in `trace`."""
    rates = {"local": clauses.local_rate(terms, law), "external": clauses.external_rate(terms, law)}
    rate_words = {location: words.rate_words(location, terms, law) for location in rates}
    nets = {line.ref: (line.amount_fen, line.tax_fen, line.paid_fen) for line in facts.lines}
    for red in facts.reversals:
        amount_fen, tax_fen, paid_fen = nets[red.reverses]
        nets[red.reverses] = (amount_fen + red.amount_fen, tax_fen + red.tax_fen, paid_fen + red.paid_fen)
    results = []
    for line in facts.lines:
        reason = _exclusion(line, law, terms)
        if reason:
            results.append(LineResult(line.ref, 0, _NOTHING, 0, reason))
            trace.append(words.excluded_step(line, reason, terms, law))
            if reason == "not_in_force":
                citations.append(law.in_force.citation)
            continue
        rate, net = rates[line.location], nets[line.ref]
        base_fen = clauses.base(*net, terms.tax_basis)
        if line.cut_fen:
            base_fen, before_fen = max(0, base_fen - line.cut_fen), base_fen
            trace.append(words.cut_step(line, before_fen, base_fen))
        subsidy_fen = money.portion(base_fen, rate)
        results.append(
            LineResult(line.ref, base_fen, rate, subsidy_fen, "" if base_fen or not line.cut_fen else "reviewer_cut")
        )
        phrase = rate_words[line.location]
        trace.append(words.counted_step(line, net, base_fen, subsidy_fen, phrase, terms.tax_basis, law))
    originals = {line.ref: line for line in facts.lines} if facts.reversals else {}
    for red in facts.reversals:
        results.append(LineResult(red.ref, 0, _NOTHING, 0, "reverses"))
        trace.append(words.reversal_step(red, originals[red.reverses], law))
    return results


def _exclusion(line: Line, law: Law, terms: CallTerms) -> str:
    """The first reason for which the line does not count, or an empty text."""
    if not clauses.service(line, law):
        return "not_intelligent"
    if clauses.related_party(line, terms):
        return "related_party"
    if clauses.subsidised_elsewhere(line, terms):
        return "subsidised_elsewhere"
    if not (clauses.in_force(line.paid_on, law) and clauses.in_force(line.invoice_date, law)):
        return "not_in_force"
    if not clauses.fiscal_year(line, terms):
        return "other_year"
    return "" if clauses.spend_window(line, terms) else "outside_window"


def _cut(computed_fen: int, facts: Facts, law: Law, terms: CallTerms, trace: list[Step]) -> tuple[int, str]:
    """The fen granted and what cut them; on a tie the cap is named before the pool."""
    cap_fen = clauses.annual_cap(terms, law)
    room_fen = max(0, cap_fen - facts.cap_used_fen)
    granted_fen, binding = computed_fen, "none"
    if room_fen < granted_fen:
        granted_fen, binding = room_fen, "annual_cap"
    trace.append(words.cap_step(cap_fen, facts.cap_used_fen, room_fen, binding == "annual_cap", terms, law))
    pool_fen = facts.pool_available_fen
    if pool_fen is not None and pool_fen < granted_fen:
        granted_fen, binding = pool_fen, "pool"
    trace.append(words.pool_step(pool_fen, binding == "pool", terms, law))
    if facts.allotment is not None:
        if binds := facts.allotment.amount_fen < granted_fen:
            granted_fen, binding = facts.allotment.amount_fen, facts.allotment.kind
        trace.append(words.allotment_step(facts.allotment, binds, terms))
    trace.append(words.granted_step(computed_fen, granted_fen, binding, law))
    return granted_fen, binding
