"""From what the lines are worth to what is granted: minimums, caps and the pool, one after the other.

Each that cuts is named by `binding`; where several would, the last that lowered the amount.
"""

from __future__ import annotations

from dataclasses import replace

from vouchers.rules import further_words, parameters, words
from vouchers.rules.basis import Basis
from vouchers.rules.decision import LineResult, Step
from vouchers.rules.facts import Facts


def cut(lines: list[LineResult], computed_fen: int, facts: Facts, basis: Basis, trace: list[Step]) -> tuple[int, str]:
    """The fen granted and what cut them; on a tie the cap is named before the pool. What was allotted comes last of all.

    Where the call says how lines bear a cut, each of `lines` gets its part.
    """
    law, terms, asked = basis.law, basis.terms, basis.further or facts.agreed is not None
    granted_fen, binding = _before_year(lines, computed_fen, facts, basis, trace) if asked else (computed_fen, "none")
    cap_fen, used_fen = basis.cap_fen, facts.cap_used_fen
    room_fen = cap_fen - used_fen if cap_fen > used_fen else 0
    if room_fen < granted_fen:
        granted_fen, binding = room_fen, "annual_cap"
    if law.annual_cap.value is not None:
        trace.append(words.cap_step(cap_fen, used_fen, room_fen, binding == "annual_cap", terms, law))
    if asked:
        granted_fen, binding = _years(granted_fen, binding, facts, basis, trace)
    pool_fen = facts.pool_available_fen
    if pool_fen is not None and pool_fen < granted_fen:
        granted_fen, binding = pool_fen, "pool"
    trace.append(words.pool_step(pool_fen, binding == "pool", terms, law))
    if asked:
        granted_fen, binding = _last_of_all(granted_fen, binding, computed_fen, basis, trace)
    if facts.allotment is not None:
        binds = facts.allotment.amount_fen < granted_fen
        trace.append(words.allotment_step(facts.allotment, binds, terms))
        if binds:
            granted_fen, binding = facts.allotment.amount_fen, facts.allotment.kind
    trace.append(words.granted_step(computed_fen, granted_fen, binding, law))
    if terms.allocation:
        _allocate(lines, granted_fen, facts, basis, trace)
    return granted_fen, binding


def _before_year(
    lines: list[LineResult], computed_fen: int, facts: Facts, basis: Basis, trace: list[Step]
) -> tuple[int, str]:
    """Least spending, contracts, the application, and the agreement a claim rests on."""
    terms, agreed = basis.terms, facts.agreed
    granted_fen, binding = computed_fen, "none"
    if terms.minimum_spend_fen:
        spent_fen = sum(line.base_fen for line in lines)
        reached = parameters.minimum_spend(spent_fen, terms)
        trace.append(further_words.minimum_spend_step(spent_fen, reached, terms))
        if not reached and granted_fen:
            granted_fen, binding = 0, "min_spend"
    if terms.contract_cap_fen is not None:
        kept_fen = sum(_within_contract_caps(lines, facts, basis))
        if kept_fen < granted_fen:
            granted_fen, binding = kept_fen, "contract_cap"
        trace.append(further_words.contract_cap_step(kept_fen, computed_fen, terms, basis.law))
    rooms: list[tuple[str, int | None]] = [("claim_cap", parameters.claim_cap(terms))]
    if agreed:
        rooms += [("tranche", agreed.tranche_fen), ("agreement", max(agreed.grant_fen - agreed.used_fen, 0))]
    for name, room_fen in rooms:
        if room_fen is not None:
            cuts = room_fen < granted_fen
            granted_fen, binding = (room_fen, name) if cuts else (granted_fen, binding)
            trace.append(further_words.room_step(name, room_fen, cuts, facts, basis))
    return granted_fen, binding


def _years(granted_fen: int, binding: str, facts: Facts, basis: Basis, trace: list[Step]) -> tuple[int, str]:
    """What several years together leave."""
    room_fen = parameters.years_room(facts, basis.terms)
    if room_fen is None:
        return granted_fen, binding
    cuts = room_fen < granted_fen
    trace.append(further_words.room_step("years_cap", room_fen, cuts, facts, basis))
    return (room_fen, "years_cap") if cuts else (granted_fen, binding)


def _last_of_all(granted_fen: int, binding: str, computed_fen: int, basis: Basis, trace: list[Step]) -> tuple[int, str]:
    """What was cut is in whole units still, and nothing below the least grant is paid."""
    terms = basis.terms
    if granted_fen < computed_fen:
        granted_fen, before_fen = parameters.whole_units(granted_fen, terms), granted_fen
        if granted_fen < before_fen:
            trace.append(further_words.whole_units_step(before_fen, granted_fen, terms))
    if terms.minimum_grant_fen and granted_fen:
        reached = parameters.minimum_grant(granted_fen, terms)
        trace.append(further_words.minimum_grant_step(granted_fen, reached, terms))
        if not reached:
            granted_fen, binding = 0, "min_grant"
    return granted_fen, binding


def _within_contract_caps(lines: list[LineResult], facts: Facts, basis: Basis) -> list[int]:
    """What each of the ordinary lines keeps under the cap of its contract."""
    terms, ordinary = basis.terms, lines[: len(facts.lines)]
    amounts = [line.subsidy_fen for line in ordinary]
    if terms.contract_cap_fen is None:
        return amounts
    rates = [line.rate for line in ordinary]
    contracts = [line.contract for line in facts.lines]
    return parameters.within_contract_caps(amounts, rates, contracts, facts, terms)


def _allocate(lines: list[LineResult], granted_fen: int, facts: Facts, basis: Basis, trace: list[Step]) -> None:
    """Each ordinary line's part of what was granted."""
    kept = _within_contract_caps(lines, facts, basis)
    rates = [line.rate for line in lines[: len(kept)]]
    parts = parameters.allocated(granted_fen, kept, rates, basis.terms.allocation)
    lines[:] = [replace(line, granted_fen=part) for line, part in zip(lines, [*parts, *[0] * len(lines)], strict=False)]
    if granted_fen < sum(line.subsidy_fen for line in lines):
        trace.append(further_words.allocation_step(lines, granted_fen, basis.terms))
