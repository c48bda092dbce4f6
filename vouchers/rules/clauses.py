"""What each clause says, one function a clause. The first paragraph of a docstring is the clause, verbatim.

The functions after the line are the conditions of a call (申报通知), on which the law is silent. All are pure:
`law` gives the ceilings, `terms` what the bureau decided inside them. A ceiling is checked where its value is used,
so that no decision can apply terms that exceed the law.
"""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from typing import Any

from vouchers import money
from vouchers.policy import Governing, Law, Value
from vouchers.rules.facts import Applicant, Line
from vouchers.rules.terms import CallTerms, TermsError


class CallExceedsLaw(TermsError):
    """Terms, or an agreement, beyond what a clause allows. Carries the clause and where it stands.

    `in_principle`: the clause itself says 原则上, so that a reasoned exception is thinkable.
    """

    def __init__(self, what: str, limit: Value[Any], *, in_principle: bool = False):
        super().__init__(f"{what}，超出政策规定，请改到规定以内。依据{limit.citation}：“{limit.clause}”。")
        self.citation = limit.citation
        self.clause = limit.clause
        self.in_principle = in_principle


def scope(applicant: Applicant, law: Law) -> bool:
    """重点支持无锡市“465”现代产业集群企业、从事数字技术研发及应用的企业与科研院所、高校购买算力服务

    Whether the applicant is of a category and a city that the law supports.
    """
    return applicant.category in law.scope_categories.value and applicant.city == law.scope_city.value


def service(line: Line, law: Law) -> bool:
    """智能算力费用

    Whether the line bought the kind of computing that is subsidised: no general or super computing, no storage.
    """
    return line.service == law.service.value


def in_force(day: dt.date, law: Governing) -> bool:
    """本实施意见自2024年1月1日起实施，各项内容除有明确规定时限或者另有规定以外，有效期至2025年12月31日。

    Whether the law covers what happened on `day`.
    """
    window = law.in_force.value
    return window.first <= day <= window.last


def base(net_amount_fen: int, net_tax_fen: int, net_paid_fen: int, tax_basis: str) -> int:
    """实际支付智能算力费用

    The fen that are subsidised, from amounts net of red letters; never below zero. `paid`: the smaller of invoice and
    payment. `incl_tax`: the invoice, if anything was paid. `excl_tax`: the smaller of the amount without tax and the
    payment without the tax in it, rounded down.
    """
    invoice_fen = net_amount_fen + net_tax_fen
    if invoice_fen <= 0 or net_paid_fen <= 0:
        return 0
    if tax_basis == "incl_tax":
        return invoice_fen
    if tax_basis == "paid":
        return min(invoice_fen, net_paid_fen)
    # A red letter may take back more tax than there was; what was paid then still bounds the base.
    without_tax = money.portion(net_paid_fen, Fraction(net_amount_fen, invoice_fen))
    return max(0, min(net_amount_fen, without_tax, net_paid_fen))


def local_rate(terms: CallTerms, law: Governing) -> Fraction:
    """对重点企业和单位使用本市智能算力资源服务的，通过“算力券”方式给予不超过实际支付智能算力费用 30%的补助

    The call's rate for computing in the city. Raises CallExceedsLaw.
    """
    return _rate_within(terms.local_rate, law.local_rate, "本市算力")


def external_rate(terms: CallTerms, law: Governing) -> Fraction:
    """对重点企业和单位使用外地智能算力资源服务的，通过“算力券”方式给予不超过实际支付智能算力费用 15%的补助

    The call's rate for computing elsewhere. Raises CallExceedsLaw.
    """
    return _rate_within(terms.external_rate, law.external_rate, "外地算力")


def annual_cap(terms: CallTerms, law: Governing) -> int:
    """每年每家企业和单位获得补助最高不超过 200 万元

    The most one applicant may obtain in the fiscal year, local and external together, in fen. Raises CallExceedsLaw.
    """
    return _fen_within(terms.annual_cap_fen, law.annual_cap, "单位年度限额")


def pool(terms: CallTerms, law: Governing) -> int:
    """每年统筹安排资金 5000 万元发放“算力券”

    The fen that the call appropriates for the fiscal year. Raises CallExceedsLaw.
    """
    return _fen_within(terms.appropriation_fen, law.pool, "年度资金总额")


# ---- Conditions of the call, on which the law is silent -------------------------------------------------------


def fiscal_year(day: dt.date, terms: CallTerms) -> bool:
    """Whether `day` (that of payment, unless the call says otherwise) lies in the fiscal year that the call is for:
    caps and pool are counted by year."""
    return day.year == terms.fiscal_year


def spend_window(day: dt.date, terms: CallTerms) -> bool:
    """Whether `day` (that of payment, unless the call says otherwise) is one that the call takes."""
    return terms.spend_from <= day <= terms.spend_until


def related_party(line: Line, terms: CallTerms) -> bool:
    """Whether the call shuts the line out because seller and applicant are related (关联方)."""
    return line.seller_related and terms.excludes_related_party


def subsidised_elsewhere(line: Line, terms: CallTerms) -> bool:
    """Whether the call shuts the line out because another scheme has already subsidised it."""
    return line.subsidised_elsewhere and terms.excludes_subsidised_elsewhere


def class_rates(terms: CallTerms, law: Governing) -> None:
    """Every class that the call names is the law's, at no more than its rate. Raises CallExceedsLaw or TermsError.

    Silent in Wuxi; other cities pay more for start-ups or domestic chips.
    """
    for item in terms.class_rates:
        ceilings = law.rate_classes if isinstance(law, Law) else None
        if ceilings is None or item.code not in ceilings.value:
            raise TermsError(f"政策没有规定比例档次“{item.code}”，请删去或改正。")
        ceiling = ceilings.value[item.code]
        if item.rate > ceiling.rate:
            words = f"{ceiling.words}补助比例 {money.percent(item.rate)} 高于 {money.percent(ceiling.rate)}"
            raise CallExceedsLaw(words, ceilings)


def further_caps(terms: CallTerms, law: Governing) -> None:
    """Where the law caps a contract, an application or several years together, so does the call. Raises CallExceedsLaw.

    Silent in Wuxi.
    """
    for cap_fen, ceiling, what in (
        (terms.contract_cap_fen, law.contract_cap, "单份合同上限"),
        (terms.claim_cap_fen, law.claim_cap, "单次申请上限"),
        (terms.years_cap_fen, law.years_cap, "多年累计上限"),
    ):
        if ceiling is not None:
            _fen_within(money.MAX_FEN if cap_fen is None else cap_fen, ceiling, what)


def check_terms(terms: CallTerms, law: Governing) -> None:
    """Refuse terms that exceed `law`: raises CallExceedsLaw naming the first clause they break.

    Terms of another scheme or year than the law's are a TermsError.
    """
    if (terms.scheme, terms.fiscal_year) != (law.scheme, law.fiscal_year):
        raise TermsError("申报通知与政策的项目或年度不一致，请核对。")
    local_rate(terms, law)
    external_rate(terms, law)
    annual_cap(terms, law)
    pool(terms, law)
    class_rates(terms, law)
    further_caps(terms, law)
    for day in (terms.spend_from, terms.spend_until):
        if not in_force(day, law):
            raise CallExceedsLaw(f"费用发生期含 {day}，不在政策有效期内", law.in_force)


def _rate_within(rate: Fraction, ceiling: Value[Fraction], what: str) -> Fraction:
    if rate > ceiling.value:
        raise CallExceedsLaw(f"{what}补助比例 {money.percent(rate)} 高于 {money.percent(ceiling.value)}", ceiling)
    return rate


def _fen_within(fen: int, ceiling: Value[Any], what: str) -> int:
    if ceiling.value is not None and fen > ceiling.value:
        raise CallExceedsLaw(f"{what} {money.grouped(fen)} 元高于 {money.grouped(ceiling.value)} 元", ceiling)
    return fen
