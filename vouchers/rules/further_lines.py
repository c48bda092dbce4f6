"""The lines of a case whose call asks for more: other years, contracts, days of service, classes, rounding."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from vouchers.policy import AgreementLaw
from vouchers.rules import clauses, further_words, parameters
from vouchers.rules.basis import Basis
from vouchers.rules.decision import LineResult, Step
from vouchers.rules.facts import Facts, Line
from vouchers.rules.lines import Net, base_after_cut, conditions, excluded, reason_of


@dataclass(slots=True)
class _Counted:
    """A line that counts, on its way to an amount: what it is worth, at which rate, and the steps that made it so."""

    line: Line
    net: Net
    base_fen: int
    rate: Fraction
    ceiling: Fraction
    code: str
    steps: list[Step] = field(default_factory=list)
    subsidy_fen: int = 0


def further_lines(
    facts: Facts, basis: Basis, nets: Mapping[str, Net], trace: list[Step], citations: list[str]
) -> list[LineResult]:
    """Every ordinary line's result in order, explained in `trace`."""
    results: dict[str, LineResult] = {}
    counted: list[_Counted] = []
    steps: dict[str, list[Step]] = {}
    for line in facts.lines:
        told = steps[line.ref] = []
        reason = _exclusion(line, facts, basis)
        if reason:
            results[line.ref] = excluded(line, reason, basis, told, citations)
        else:
            counted.append(_count(line, nets[line.ref], facts, basis, told))
    if basis.terms.within_contract:
        _hold_within_contracts(counted, facts, basis)
    _round(counted, basis)
    for item in counted:
        ref, base_fen, subsidy_fen = item.line.ref, item.base_fen, item.subsidy_fen
        phrase, adjusted = _rate_words(item, facts, basis), bool(item.steps)
        item.steps.append(
            further_words.line_step(item.line, item.net, base_fen, subsidy_fen, phrase, basis, adjusted=adjusted)
        )
        results[ref] = LineResult(ref, base_fen, item.rate, subsidy_fen, reason_of(item.line, base_fen))
    for line in facts.lines:
        trace += steps[line.ref]
    return [results[line.ref] for line in facts.lines]


def _rate_words(item: _Counted, facts: Facts, basis: Basis) -> str:
    if facts.agreed:
        return further_words.agreed_rate_words(facts.agreed, basis.terms)
    if item.code:
        return further_words.class_rate_words(item.code, item.rate, basis.terms, basis.law)
    return basis.rate_words[item.line.location].rpartition("，")[0] + "，" + further_words.rounding_words(basis.terms)


def _exclusion(line: Line, facts: Facts, basis: Basis) -> str:
    """The first reason for which the line does not count, or an empty text."""
    law, terms = basis.law, basis.terms
    if reason := conditions(line, law, terms):
        return reason
    if parameters.exclusive(line, terms):
        return "excluded_scheme"
    if basis.needs_contract and (not line.contract or (terms.within_contract and line.contract_fen is None)):
        return "missing_contract"
    day = parameters.counted_day(line, facts.filed_on, terms)
    if day is None or (terms.proration and line.service_from is None):
        return "missing_day"
    by_days = terms.cap_year == "service" and terms.proration
    if not _in_force(line, day, basis):
        return "not_in_force"
    if not by_days and not clauses.fiscal_year(day, terms):
        return "other_year"
    if by_days:
        return "" if parameters.service_days(line, terms)[0] else "outside_window"
    # Filed in the year, it was spent before.
    return "" if clauses.spend_window(line.paid_on if terms.cap_year == "filed" else day, terms) else "outside_window"


def _in_force(line: Line, day: dt.date, basis: Basis) -> bool:
    """Whether the law covers what the call judges the line by: its payment and invoice, or any day of its service."""
    law, terms = basis.law, basis.terms
    if terms.cap_year == "paid":
        return clauses.in_force(line.paid_on, law) and clauses.in_force(line.invoice_date, law)
    if terms.cap_year == "service" and line.service_from and line.service_until:
        window = law.in_force.value
        return line.service_from <= window.last and line.service_until >= window.first
    return clauses.in_force(line.paid_on if terms.cap_year == "filed" else day, law)


def _count(line: Line, net: Net, facts: Facts, basis: Basis, told: list[Step]) -> _Counted:
    """The line's base and rate, before its contract and rounding."""
    law, terms = basis.law, basis.terms
    base_fen = base_after_cut(line, net, terms, told)
    if terms.proration:
        days = parameters.service_days(line, terms)
        base_fen, before_fen = parameters.prorated(base_fen, days, terms), base_fen
        told.append(further_words.proration_step(line, days, before_fen, base_fen, terms))
    if facts.agreed:
        return _Counted(line, net, base_fen, facts.agreed.rate, facts.agreed.rate, "", told)
    own = basis.rates[line.location]
    ceiling = (law.local_rate if line.location == "local" else law.external_rate).value
    rate, code = parameters.highest_rate(line, facts.applicant, own, terms)
    if code and not isinstance(law, AgreementLaw):
        ceiling = law.classes()[code].rate
    return _Counted(line, net, base_fen, rate, ceiling, code, told)


def _hold_within_contracts(counted: list[_Counted], facts: Facts, basis: Basis) -> None:
    """No contract counts beyond its amount."""
    by_contract: dict[str, list[_Counted]] = {}
    for item in counted:
        by_contract.setdefault(item.line.contract, []).append(item)
    for contract, items in by_contract.items():
        used_fen = sum(use.base_fen for use in facts.contracts if use.contract == contract)
        contract_fen = items[0].line.contract_fen or 0
        bases, rates = [item.base_fen for item in items], [item.rate for item in items]
        kept = parameters.within_contract(contract_fen, used_fen, bases, rates, basis.terms.allocation)
        for item, kept_fen in zip(items, kept, strict=True):
            if kept_fen < item.base_fen:
                item.steps.append(
                    further_words.contract_step(item.line, used_fen, item.base_fen, kept_fen, basis.terms)
                )
                item.base_fen = kept_fen


def _round(counted: list[_Counted], basis: Basis) -> None:
    """Every line's subsidy, rounded as the call says."""
    terms = basis.terms
    if terms.rounding_at == "total":
        bases, rates = [item.base_fen for item in counted], [item.rate for item in counted]
        parts = parameters.rounded_total(bases, rates, [item.ceiling for item in counted], terms)
    else:
        parts = [parameters.rounded_line(item.base_fen, item.rate, item.ceiling, terms) for item in counted]
    for item, part in zip(counted, parts, strict=True):
        item.subsidy_fen = part
