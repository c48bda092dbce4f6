"""How an amount came about (核定过程): one row a clause, then every line for itself."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from vouchers import money
from vouchers.policy import governing
from vouchers.review.funding import Case
from vouchers.rules import CUTS, REASONS

_PLACES = {"local": "本市", "external": "外地"}


@dataclass(frozen=True)
class Row:
    """One row: what, where it stands, how many fen. `kind` is "", "cut" or "sum"."""

    label: str
    amount_fen: int
    cite: str = ""
    kind: str = ""
    small: str = ""


@dataclass(frozen=True)
class Sheet:
    """The rows and the final amount of one decision, with the law and the notice that it rests on."""

    rows: list[Row]
    steps: list
    granted_fen: int
    computed_fen: int
    law_title: str
    call_citation: str
    call_version: int


def sheet_of(case: Case) -> Sheet:
    """The decision of `case` as rows that add up."""
    facts, terms, decision = case.facts, case.terms, case.decision
    law = governing(facts.scheme, facts.fiscal_year)
    rows = [*_spent(case, law), *_rates(case, law)]
    rows.append(Row("测算额", decision.computed_fen, kind="sum"))
    lost = decision.granted_fen - decision.computed_fen
    if lost:
        steps = {step.rule: step for step in decision.trace}
        step = steps[decision.binding]
        rows.append(Row(CUTS[decision.binding], lost, step.citation, "cut", step.given))
    return Sheet(
        rows,
        list(decision.trace),
        decision.granted_fen,
        decision.computed_fen,
        law.title,
        terms.citation,
        terms.version,
    )


def _spent(case: Case, law) -> list[Row]:
    """From what the invoices say down to what counts; the difference of each row is its amount."""
    facts, decision = case.facts, case.decision
    results = {result.ref: result for result in decision.lines}
    cites = {step.ref: step.citation for step in decision.trace if step.rule == "excluded"}
    gross = sum(line.amount_fen + line.tax_fen for line in facts.lines)
    invoices = len({line.label for line in facts.lines})
    rows = [Row(f"申请的发票明细价税合计，{invoices} 行", gross)]
    out = [line for line in facts.lines if results[line.ref].reason not in ("", "reviewer_cut")]
    for reason, lines in groupby(
        sorted(out, key=lambda line: results[line.ref].reason), lambda x: results[x.ref].reason
    ):
        found = list(lines)
        lost = sum(line.amount_fen + line.tax_fen for line in found)
        rows.append(Row(f"剔除：{REASONS[reason]}", -lost, cites.get(found[0].ref, ""), "cut"))
    reversed_fen = sum(red.amount_fen + red.tax_fen for red in facts.reversals if not results[red.reverses].reason)
    if reversed_fen:
        rows.append(Row("红字发票冲销", reversed_fen, law.tax_basis.citation, "cut"))
    cut = -sum(step.amount_fen or 0 for step in decision.trace if step.rule == "cut")
    base = sum(result.base_fen for result in decision.lines)
    rest = base + cut - sum(row.amount_fen for row in rows)
    if rest:
        words = "尚未支付和不计入口径的部分" if facts.lines else ""
        rows.append(Row(words, rest, law.tax_basis.citation, "cut"))
    if cut:
        rows.append(Row("审核核减", -cut, "审核核减", "cut"))
    return [*rows, Row("计入的费用", base, kind="sum")]


def _rates(case: Case, law) -> list[Row]:
    """What the counted spending is worth, by place."""
    places = {line.ref: line.location for line in case.facts.lines}
    counted = [result for result in case.decision.lines if result.base_fen]
    counted.sort(key=lambda result: (places[result.ref] != "local", result.rate))
    rows = []
    for (place, rate), results in groupby(counted, lambda result: (places[result.ref], result.rate)):
        found = list(results)
        base, subsidy = sum(r.base_fen for r in found), sum(r.subsidy_fen for r in found)
        value = law.local_rate if place == "local" else law.external_rate
        rounded = "逐行舍去不足一分" if subsidy != money.portion(base, rate) else ""
        label = f"{_PLACES[place]}　{money.grouped(base)} × {money.percent(rate)}"
        rows.append(Row(label, subsidy, value.citation, small=rounded))
    return rows
