"""The Chinese of the call's further parameters, step by step. Nothing here decides."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from vouchers.money import grouped, percent
from vouchers.policy import Governing
from vouchers.rules import words
from vouchers.rules.basis import Basis
from vouchers.rules.decision import LineResult, Step
from vouchers.rules.facts import Agreed, Facts, Line
from vouchers.rules.terms import CallTerms

_UNITS = {1: "一分", 10: "一角", 100: "一元", 10_000: "百元", 1_000_000: "万元"}
_ORDERS = {
    "filed": "按申报顺序由前向后安排",
    "high_first": "先安排比例高的行",
    "low_first": "先安排比例低的行",
    "proportional": "各行同比例安排",
}
_ROOMS = {
    "claim_cap": "单次申请最高",
    "tranche": "协议本期最高",
    "agreement": "协议总额尚余",
    "years_cap": "多年累计尚可获得",
}


def filing_step(facts: Facts, terms: CallTerms) -> Step:
    """That the case was filed on a day that the call does not take."""
    window = f"{terms.filing_from or '发布之日'} 至 {terms.filing_until or '另行通知'}"
    return Step("scope", terms.citation, f"申报日 {facts.filed_on} 不在申报期 {window} 内", "不予补助", 0)


def line_step(
    line: Line, net: words.Net, base_fen: int, subsidy_fen: int, rate: str, basis: Basis, adjusted: bool
) -> Step:
    """What a line is worth; `adjusted` where steps before this one changed its base."""
    law, terms = basis.law, basis.terms
    given = words.line_given(line, net, terms.tax_basis)
    from_what = "以上述调整后的" if adjusted else words.BASES[terms.tax_basis]
    outcome = f"{from_what} {grouped(base_fen)} 元为基数，{rate}" if base_fen else "没有可补助的净额，补助为零"
    citation = law.local_rate.citation if line.location == "local" else law.external_rate.citation
    return Step("line", citation, given, outcome, subsidy_fen, line.ref)


def rounding_words(terms: CallTerms) -> str:
    """How a subsidy is rounded."""
    unit = _UNITS[terms.rounding_unit_fen]
    how = {"down": f"不足{unit}的舍去", "half_up": f"四舍五入到{unit}", "up": f"不足{unit}的按{unit}计"}[
        terms.rounding_mode
    ]
    return how if terms.rounding_at == "line" else f"各行合计后{how}"


def class_rate_words(code: str, rate: Fraction, terms: CallTerms, law: Governing) -> str:
    """At which rate a class is subsidised, and that only the higher one holds."""
    name = law.classes()[code].words
    return f"属于“{name}”，按 {percent(rate)} 补助（几档同时符合的只按最高一档），{rounding_words(terms)}"


def agreed_rate_words(agreed: Agreed, terms: CallTerms) -> str:
    """The rate of an agreement."""
    return f"按协议 {agreed.reference} 约定的 {percent(agreed.rate)} 补助，{rounding_words(terms)}"


def proration_step(line: Line, days: tuple[int, int], before_fen: int, after_fen: int, terms: CallTerms) -> Step:
    """Which part of the base falls into the year."""
    counted, whole = days
    how = "首尾日期相减" if terms.proration == "exclusive" else "首尾两日都计"
    given = (
        f"发票行 {line.label or line.ref}，服务期 {line.service_from} 至 {line.service_until} 共 {whole} 天，"
        f"其中在费用发生期内 {counted} 天（{how}）"
    )
    outcome = f"{grouped(before_fen)} 元 × {counted} ÷ {whole}，折算为 {grouped(after_fen)} 元"
    return Step("proration", terms.citation, given, outcome, after_fen - before_fen, line.ref)


def contract_step(line: Line, used_fen: int, before_fen: int, after_fen: int, terms: CallTerms) -> Step:
    """That the contract's amount is all that counts."""
    given = f"合同 {line.contract} 金额 {grouped(line.contract_fen or 0)} 元，此前已计入 {grouped(used_fen)} 元"
    order = f"（{_ORDERS[terms.allocation]}）" if terms.allocation else ""
    outcome = f"发票行 {line.label or line.ref} 的基数由 {grouped(before_fen)} 元减为 {grouped(after_fen)} 元{order}"
    return Step("within_contract", terms.citation, given, outcome, after_fen - before_fen, line.ref)


def minimum_spend_step(spent_fen: int, reached: bool, terms: CallTerms) -> Step:
    """Whether enough was spent."""
    given = f"计入的费用 {grouped(spent_fen)} 元，最低须达到 {grouped(terms.minimum_spend_fen)} 元"
    return Step("min_spend", terms.citation, given, "已达到" if reached else "未达到，不予补助", None if reached else 0)


def contract_cap_step(kept_fen: int, computed_fen: int, terms: CallTerms, law: Governing) -> Step:
    """What the cap of each contract leaves."""
    citation = law.contract_cap.citation if law.contract_cap else terms.citation
    cuts = f"超出，合计减为 {grouped(kept_fen)} 元" if kept_fen < computed_fen else "均未超出"
    return Step("contract_cap", citation, f"每份合同最高 {grouped(terms.contract_cap_fen or 0)} 元", cuts, kept_fen)


def room_step(name: str, room_fen: int, cuts: bool, facts: Facts, basis: Basis) -> Step:
    """What the application, the agreement or several years leave; `name` is the binding."""
    law, terms, agreed = basis.law, basis.terms, facts.agreed
    law_cap = {"claim_cap": law.claim_cap, "years_cap": law.years_cap}.get(name)
    citation = law_cap.citation if law_cap else agreed.reference if agreed else terms.citation
    given = f"{_ROOMS[name]} {grouped(room_fen)} 元"
    if name == "years_cap":
        given += f"（累计最高 {grouped(terms.years_cap_fen or 0)} 元，此前已获得 {grouped(facts.years_used_fen)} 元）"
    return Step(name, citation, given, "测算额超出，按此核减" if cuts else "测算额未超出", room_fen)


def whole_units_step(before_fen: int, after_fen: int, terms: CallTerms) -> Step:
    """That what was cut is in whole units."""
    given, unit = f"核减后 {grouped(before_fen)} 元", _UNITS[terms.rounding_unit_fen]
    return Step("rounding", terms.citation, given, f"不足{unit}的舍去，为 {grouped(after_fen)} 元", after_fen)


def minimum_grant_step(granted_fen: int, reached: bool, terms: CallTerms) -> Step:
    """Whether there is enough to pay."""
    given = f"可核定 {grouped(granted_fen)} 元，最低补助额 {grouped(terms.minimum_grant_fen)} 元"
    return Step("min_grant", terms.citation, given, "已达到" if reached else "未达到，不予补助", None if reached else 0)


def allocation_step(lines: Sequence[LineResult], granted_fen: int, terms: CallTerms) -> Step:
    """Which lines bear the cut."""
    parts = "、".join(f"{line.ref} {grouped(line.granted_fen or 0)} 元" for line in lines if line.subsidy_fen)
    return Step(
        "allocation", terms.citation, f"核减的金额{_ORDERS[terms.allocation]}", f"各行分得 {parts}", granted_fen
    )


def standing_step(agreed: Agreed | None, law: Governing) -> Step:
    """The agreement that a claim rests on, or that there is none."""
    if agreed is None:
        return Step("scope", law.local_rate.citation, "没有生效的“一事一议”协议", "不予补助", 0)
    given = f"“一事一议”协议 {agreed.reference}，成本（费用）{grouped(agreed.cost_fen)} 元，补贴总额 {grouped(agreed.grant_fen)} 元"
    reason = f"；比例高于原则上限，理由：{agreed.exception}" if agreed.exception else ""
    return Step("scope", law.local_rate.citation, given + reason, "据此补贴")
