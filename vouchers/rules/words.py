"""The Chinese of an explanation: every step of a decision in words that an applicant understands.

Nothing here decides. Pages and letters show these steps as “为什么是这个金额”.
"""

from __future__ import annotations

from vouchers.money import grouped, percent
from vouchers.policy import Governing, Law
from vouchers.rules.decision import Step
from vouchers.rules.facts import Allotment, Facts, Line, Reversal
from vouchers.rules.terms import CallTerms

REASONS = {
    "": "计入",
    "not_in_scope": "申报主体不在支持范围",
    "not_intelligent": "不是智能算力服务",
    "related_party": "销售方是关联方",
    "subsidised_elsewhere": "已获其他补助",
    "not_in_force": "开票或付款不在政策有效期内",
    "other_year": "不是本年度付款",
    "outside_window": "付款不在申报通知的费用发生期内",
    "reviewer_cut": "审核核减",
    "reverses": "红字冲销，已从原发票行扣除",
    "outside_filing": "不在申报期内提交",
    "no_agreement": "没有生效的“一事一议”协议",
    "excluded_scheme": "已享受与本项目互斥的项目",
    "missing_contract": "缺少合同编号或合同金额",
    "missing_day": "缺少判断年度所需的日期",
}
BINDINGS = {
    "none": "未受限额影响",
    "min_spend": "未达到最低费用",
    "contract_cap": "受单份合同上限所限",
    "claim_cap": "受单次申请上限所限",
    "tranche": "受协议本期金额所限",
    "agreement": "受协议总额所限",
    "annual_cap": "受单位年度限额所限",
    "years_cap": "受多年累计上限所限",
    "pool": "受资金池余额所限",
    "min_grant": "未达到最低补助额",
    "part": "申报单位接受部分安排",
    "pro_rata": "按比例结算",
    "recovered": "部分已追回",
}
# What a binding took away, as a row of a sum.
CUTS = {
    "min_spend": "未达到最低费用，不予补助",
    "contract_cap": "超过单份合同上限的部分",
    "claim_cap": "超过单次申请上限的部分",
    "tranche": "超过协议本期金额的部分",
    "agreement": "超过协议总额的部分",
    "annual_cap": "超过年度上限的部分",
    "years_cap": "超过多年累计上限的部分",
    "pool": "超过资金池余额的部分",
    "min_grant": "未达到最低补助额，不予补助",
    "part": "接受部分安排，放弃的部分",
    "pro_rata": "按比例结算未安排的部分",
    "recovered": "已追回，不再拨付的部分",
}
Net = tuple[int, int, int]

_PLACES = {"local": "本市智能算力", "external": "外地智能算力"}
BASES = {
    "paid": "以发票净额与实付净额中较小者",
    "incl_tax": "有实际付款，以发票价税合计净额",
    "excl_tax": "以不含税净额与实付净额的不含税部分中较小者",
}


def scope_step(facts: Facts, law: Law, in_scope: bool) -> Step:
    """Whether the applicant is supported, and as what."""
    category = law.scope_categories.value.get(facts.applicant.category, "其他单位")
    given = f"申报主体类别为{category}，所在城市为{facts.applicant.city}"
    outcome = "属于支持范围" if in_scope else "不在支持范围，不予补助"
    return Step("scope", law.scope_categories.citation, given, outcome, None if in_scope else 0)


def rate_words(location: str, terms: CallTerms, law: Governing) -> str:
    """At which rate a location is subsidised, and who set it where it lies below the law's ceiling."""
    rate, ceiling = (
        (terms.local_rate, law.local_rate) if location == "local" else (terms.external_rate, law.external_rate)
    )
    set_by = " " if rate == ceiling.value else f"（{terms.citation}确定，政策上限 {percent(ceiling.value)}）"
    return f"{_PLACES[location]}按 {percent(rate)}{set_by}补助，不足一分的舍去"


def counted_step(
    line: Line, net: Net, base_fen: int, subsidy_fen: int, rate: str, tax_basis: str, law: Governing
) -> Step:
    """What a line is worth; `net` is its amount, tax and payment less what red letters took back, `rate` in words."""
    basis = "以核减后的" if line.cut_fen else BASES[tax_basis]
    outcome = f"{basis} {grouped(base_fen)} 元为基数，{rate}" if base_fen else "没有可补助的净额，补助为零"
    citation = law.local_rate.citation if line.location == "local" else law.external_rate.citation
    return Step("line", citation, line_given(line, net, tax_basis), outcome, subsidy_fen, line.ref)


def line_given(line: Line, net: Net, tax_basis: str) -> str:
    """What a line says, and what red letters left of it."""
    amount_fen, tax_fen, paid_fen = net
    gross_fen = line.amount_fen + line.tax_fen
    given = f"发票行 {line.label or line.ref}，价税合计 {grouped(gross_fen)} 元，实际支付 {grouped(line.paid_fen)} 元"
    if amount_fen + tax_fen != gross_fen or paid_fen != line.paid_fen:
        given += f"，扣除红字冲销和退款后，发票净额 {grouped(amount_fen + tax_fen)} 元，实付净额 {grouped(paid_fen)} 元"
    if tax_basis == "excl_tax":
        given += f"，其中不含税净额 {grouped(amount_fen)} 元"
    return given


def cut_step(line: Line, before_fen: int, after_fen: int) -> Step:
    """What the reviewer took off a line's base, and why."""
    given = f"发票行 {line.label or line.ref}，审核核减 {grouped(line.cut_fen)} 元，理由：{line.cut_reason or '未填写'}"
    outcome = f"补助基数由 {grouped(before_fen)} 元减为 {grouped(after_fen)} 元"
    return Step("cut", "审核核减", given, outcome, after_fen - before_fen, line.ref)


def excluded_step(line: Line, reason: str, terms: CallTerms, law: Governing) -> Step:
    """Why a line does not count."""
    citation, fact = _exclusion_words(line, reason, terms, law)
    return Step("excluded", citation, f"发票行 {line.label or line.ref}，{fact}", "不计入补助", 0, line.ref)


def _exclusion_words(line: Line, reason: str, terms: CallTerms, law: Governing) -> tuple[str, str]:
    """Where the reason stands, and the fact that meets it."""
    if reason == "not_intelligent" and isinstance(law, Law):
        return law.service.citation, "所购服务不是智能算力"
    if reason == "related_party":
        return terms.citation, "销售方与申报主体存在关联关系"
    if reason == "subsidised_elsewhere":
        return terms.citation, "该费用已获得其他补助"
    if reason in ("excluded_scheme", "missing_contract", "missing_day"):
        return terms.citation, REASONS[reason]
    if reason == "not_in_force":
        window = law.in_force.value
        days = f"开票日 {line.invoice_date}、付款日 {line.paid_on}"
        days = days if terms.cap_year == "paid" else _day_words(line, terms)
        return law.in_force.citation, f"{days} 不都在政策有效期 {window.first} 至 {window.last} 内"
    if reason == "other_year":
        return law.annual_cap.citation, f"{_day_words(line, terms)} 不在 {terms.fiscal_year} 年度内"
    window_words = f"{terms.spend_from} 至 {terms.spend_until}"
    day = f"付款日 {line.paid_on}" if terms.cap_year == "filed" else _day_words(line, terms)
    return terms.citation, f"{day} 不在费用发生期 {window_words} 内"


def _day_words(line: Line, terms: CallTerms) -> str:
    """The day by which the call judges a line."""
    return {
        "paid": f"付款日 {line.paid_on}",
        "invoiced": f"开票日 {line.invoice_date}",
        "service": f"服务期 {line.service_from} 至 {line.service_until}",
        "signed": f"合同签订日 {line.signed_on}",
        "filed": "申报日",
    }[terms.cap_year]


def reversal_step(reversal: Reversal, original: Line, law: Governing) -> Step:
    """That a red letter was taken off the line it names."""
    taken = grouped(-(reversal.amount_fen + reversal.tax_fen))
    given = f"红字 {reversal.label or reversal.ref}，冲销 {taken} 元，退款 {grouped(-reversal.paid_fen)} 元"
    outcome = f"从发票行 {original.label or original.ref} 中扣除，本身不计补助"
    return Step("reverses", law.tax_basis.citation, given, outcome, 0, reversal.ref)


def computed_step(count: int, computed_fen: int, law: Governing) -> Step:
    """The sum of the lines."""
    given = f"计入的发票行 {count} 行" if count else "没有可计入的发票行"
    outcome = f"{'各行补助相加，' if count else ''}测算额 {grouped(computed_fen)} 元"
    return Step("computed", law.local_rate.citation, given, outcome, computed_fen)


def cap_step(cap_fen: int, used_fen: int, room_fen: int, binds: bool, terms: CallTerms, law: Governing) -> Step:
    """What the annual cap leaves."""
    set_by = "" if cap_fen == law.annual_cap.value else f"（{terms.citation}确定）"
    given = f"每家单位 {terms.fiscal_year} 年度最高 {grouped(cap_fen)} 元{set_by}，此前已获得或已占用 {grouped(used_fen)} 元"
    outcome = f"还可获得 {grouped(room_fen)} 元，{'测算额超出，按此核减' if binds else '测算额未超出'}"
    return Step("annual_cap", law.annual_cap.citation, given, outcome, room_fen)


def pool_step(pool_fen: int | None, binds: bool, terms: CallTerms, law: Governing) -> Step:
    """What the pool leaves; None means that it does not cut now."""
    if pool_fen is None:
        later = "申报期满后一并按比例结算" if terms.shortage == "pro_rata" else "资金不足的按提交顺序轮候"
        outcome = f"核定时不按余额核减，{later}"
        return Step("pool", law.pool.citation, f"{terms.fiscal_year} 年度资金池", outcome)
    outcome = "不足以按测算额安排，按余额核减" if binds else "足以安排"
    given = f"{terms.fiscal_year} 年度资金池可用余额 {grouped(pool_fen)} 元"
    return Step("pool", law.pool.citation, given, outcome, pool_fen)


def allotment_step(allotment: Allotment, binds: bool, terms: CallTerms) -> Step:
    """What a part accepted, a settlement or a recovery left the claim."""
    amount, asked, pool = (grouped(fen) for fen in (allotment.amount_fen, allotment.asked_fen, allotment.pool_fen))
    given, outcome = {
        "part": (
            f"轮候到第 1 位时资金池有 {pool} 元，应安排 {asked} 元",
            f"申报单位接受先安排 {amount} 元，其余放弃，不再轮候",
        ),
        "pro_rata": (
            f"本期结算：待安排的申报合计 {asked} 元，资金池可分配 {pool} 元",
            f"按比例分得 {amount} 元，不足一分的余数按大小和提交顺序分配",
        ),
        "recovered": (
            f"原已拨付 {asked} 元，其中一部分已追回，之后银行退回 {pool} 元",
            f"已追回的不再拨付，最多再拨付 {amount} 元",
        ),
    }[allotment.kind]
    return Step(
        "allotment", terms.citation, given, outcome if binds else f"{outcome}；核定额未超出", allotment.amount_fen
    )


def granted_step(computed_fen: int, granted_fen: int, binding: str, law: Governing) -> Step:
    """The amount in the end."""
    citation = law.pool.citation if binding == "pool" else law.annual_cap.citation
    given = f"测算额 {grouped(computed_fen)} 元，{BINDINGS[binding]}"
    return Step("granted", citation, given, f"核定补助 {grouped(granted_fen)} 元", granted_fen)
