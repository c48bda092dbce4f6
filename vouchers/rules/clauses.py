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
from vouchers.policy import Law, Value
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


def in_force(day: dt.date, law: Law) -> bool:
    """本实施意见自2024年1月1日起实施，各项内容除有明确规定时限或者另有规定以外，有效期至2025年12月31日。

    Whether the law covers what happened on `day`.
    """
    return day in law.in_force.value


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


def local_rate(terms: CallTerms, law: Law) -> Fraction:
    """对重点企业和单位使用本市智能算力资源服务的，通过“算力券”方式给予不超过实际支付智能算力费用 30%的补助

    The call's rate for computing in the city. Raises CallExceedsLaw.
    """
    return _rate_within(terms.local_rate, law.local_rate, "本市算力")


def external_rate(terms: CallTerms, law: Law) -> Fraction:
    """对重点企业和单位使用外地智能算力资源服务的，通过“算力券”方式给予不超过实际支付智能算力费用 15%的补助

    The call's rate for computing elsewhere. Raises CallExceedsLaw.
    """
    return _rate_within(terms.external_rate, law.external_rate, "外地算力")


def annual_cap(terms: CallTerms, law: Law) -> int:
    """每年每家企业和单位获得补助最高不超过 200 万元

    The most one applicant may obtain in the fiscal year, local and external together, in fen. Raises CallExceedsLaw.
    """
    return _fen_within(terms.annual_cap_fen, law.annual_cap, "单位年度限额")


def pool(terms: CallTerms, law: Law) -> int:
    """每年统筹安排资金 5000 万元发放“算力券”

    The fen that the call appropriates for the fiscal year. Raises CallExceedsLaw.
    """
    return _fen_within(terms.appropriation_fen, law.pool, "年度资金总额")


# ---- Conditions of the call, on which the law is silent -------------------------------------------------------


def fiscal_year(line: Line, terms: CallTerms) -> bool:
    """Whether the line was paid in the fiscal year that the call is for: caps and pool are counted by year."""
    return line.paid_on.year == terms.fiscal_year


def spend_window(line: Line, terms: CallTerms) -> bool:
    """Whether the line was paid on a day that the call takes, within its fiscal year."""
    return terms.spend_from <= line.paid_on <= terms.spend_until


def related_party(line: Line, terms: CallTerms) -> bool:
    """Whether the call shuts the line out because seller and applicant are related (关联方)."""
    return line.seller_related and terms.excludes_related_party


def subsidised_elsewhere(line: Line, terms: CallTerms) -> bool:
    """Whether the call shuts the line out because another scheme has already subsidised it."""
    return line.subsidised_elsewhere and terms.excludes_subsidised_elsewhere


def check_terms(terms: CallTerms, law: Law) -> None:
    """Refuse terms that exceed `law`: raises CallExceedsLaw naming the first clause they break.

    Terms of another scheme or year than the law's are a TermsError.
    """
    if (terms.scheme, terms.fiscal_year) != (law.scheme, law.fiscal_year):
        raise TermsError("申报通知与政策的项目或年度不一致，请核对。")
    local_rate(terms, law)
    external_rate(terms, law)
    annual_cap(terms, law)
    pool(terms, law)
    for day in (terms.spend_from, terms.spend_until):
        if not in_force(day, law):
            raise CallExceedsLaw(f"费用发生期含 {day}，不在政策有效期内", law.in_force)


def _rate_within(rate: Fraction, ceiling: Value[Fraction], what: str) -> Fraction:
    if rate > ceiling.value:
        raise CallExceedsLaw(f"{what}补助比例 {money.percent(rate)} 高于 {money.percent(ceiling.value)}", ceiling)
    return rate


def _fen_within(fen: int, ceiling: Value[int], what: str) -> int:
    if fen > ceiling.value:
        raise CallExceedsLaw(f"{what} {money.grouped(fen)} 元高于 {money.grouped(ceiling.value)} 元", ceiling)
    return fen
