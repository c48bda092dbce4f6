"""The sheet that every amount stands on: base, cuts, rate, cap and pool, line by line, each with its clause."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from vouchers import rules
from vouchers.money import grouped, percent
from vouchers.review.funding import Case
from vouchers.rules import CUTS, REASONS, Decision

_PLACES = {"local": "本市智能算力", "external": "外地智能算力"}
_NAMED = 2
_NOT_CUT = ("资金池不足的按提交顺序轮候，不核减", "申报期满后一并按比例结算")


@dataclass(frozen=True)
class Row:
    """One line of the sheet; `look` is cut, sum or empty."""

    label: str
    note: str
    citation: str
    fen: int
    look: str = ""


@dataclass(frozen=True)
class Counted:
    """What became of one claimed line: the base and the subsidy it gives, or why it gives none."""

    base_fen: int = 0
    subsidy_fen: int = 0
    reason: str = ""


@dataclass
class Sheet:
    """An amount, and the rows that lead to it."""

    decision: Decision
    rows: list[Row] = field(default_factory=list)
    lines: dict[int, Counted] = field(default_factory=dict)

    @property
    def granted_fen(self) -> int:
        """The amount in the end."""
        return self.decision.granted_fen


def sheet_of(case: Case | None) -> Sheet | None:
    """The sheet of a decision; None where there is nothing to decide yet."""
    if case is None:
        return None
    by_ref = {line.ref: line for line in case.facts.lines}
    sheet = Sheet(case.decision, lines=_lines(case))
    paid_fen = sum(line.paid_fen for line in case.facts.lines)
    sheet.rows.append(Row("申报的付款", f"{len(case.facts.lines)}笔对应", "", paid_fen))
    sheet.rows += _excluded(case, by_ref)
    counted = [r for r in case.decision.lines if not r.reason and r.ref in by_ref]
    base_fen = sum(r.base_fen for r in counted)
    rest_fen = paid_fen + sum(row.fen for row in sheet.rows[1:]) - base_fen
    if rest_fen:
        look = "cut" if rest_fen > 0 else ""
        sheet.rows.append(Row("票款差额、红字冲销和核减", "按费用口径计算", "", -rest_fen, look))
    sheet.rows.append(Row("计入的费用", "", "", base_fen, "sum"))
    sheet.rows += _by_place(case, counted, by_ref)
    sheet.rows += _limits(case)
    return sheet


def _lines(case: Case) -> dict[int, Counted]:
    """By the id of the claimed line; facts cut a line into a part for each payment."""
    found: dict[int, Counted] = defaultdict(Counted)
    for result in case.decision.lines:
        pk, before = int(result.ref.partition("-")[0]), found[int(result.ref.partition("-")[0])]
        reason = before.reason or (result.reason if result.reason != "reverses" else "")
        found[pk] = Counted(before.base_fen + result.base_fen, before.subsidy_fen + result.subsidy_fen, reason)
    return dict(found)


def _excluded(case: Case, by_ref: dict[str, rules.Line]) -> list[Row]:
    """One row a reason, naming the first lines it meets."""
    citations = {step.ref: step.citation for step in case.decision.trace if step.ref}
    groups: dict[str, list[str]] = defaultdict(list)
    for result in case.decision.lines:
        if result.reason and result.ref in by_ref:
            groups[result.reason].append(result.ref)
    rows = []
    for reason, refs in groups.items():
        labels = list(dict.fromkeys(by_ref[ref].label for ref in refs))
        note = "；".join(labels[:_NAMED]) + (f"等{len(labels)}行" if len(labels) > _NAMED else "")
        fen = -sum(by_ref[ref].paid_fen for ref in refs)
        rows.append(Row(REASONS.get(reason, reason), note, citations.get(refs[0], ""), fen, "cut"))
    return rows


def _by_place(case: Case, counted: list[rules.LineResult], by_ref: dict[str, rules.Line]) -> list[Row]:
    rows = []
    citations = {step.ref: step.citation for step in case.decision.trace if step.rule == "line"}
    for place, label in _PLACES.items():
        mine = [r for r in counted if by_ref[r.ref].location == place and r.base_fen]
        if mine:
            base_fen = sum(r.base_fen for r in mine)
            note = f"{grouped(base_fen)} × {percent(mine[0].rate)}"
            rows.append(Row(label, note, citations.get(mine[0].ref, ""), sum(r.subsidy_fen for r in mine)))
    return rows


def _limits(case: Case) -> list[Row]:
    """What the annual cap and the pool take off."""
    steps = {step.rule: step for step in case.decision.trace}
    left_fen, rows = case.decision.computed_fen, []
    cap = steps.get("annual_cap")
    if cap is not None and cap.amount_fen is not None:
        cut_fen = max(left_fen - cap.amount_fen, 0)
        used = grouped(case.facts.cap_used_fen)
        note = f"上限{grouped(case.terms.annual_cap_fen)}，已占用{used}，还可获{grouped(cap.amount_fen)}"
        rows.append(Row("超过年度上限的部分", note, cap.citation, -cut_fen, "cut" if cut_fen else ""))
        left_fen -= cut_fen
    pool = steps.get("pool")
    if pool is not None:
        cut_fen = max(left_fen - pool.amount_fen, 0) if pool.amount_fen is not None else 0
        note = (
            _NOT_CUT[case.terms.shortage == "pro_rata"]
            if pool.amount_fen is None
            else f"资金池余额{grouped(pool.amount_fen)}"
        )
        rows.append(Row("资金池不足的部分", note, pool.citation, -cut_fen, "cut" if cut_fen else ""))
        left_fen -= cut_fen
    allotment = case.facts.allotment
    if allotment is not None and allotment.amount_fen < left_fen:
        rows.append(Row(CUTS[allotment.kind], "", case.terms.citation, allotment.amount_fen - left_fen, "cut"))
    return rows
