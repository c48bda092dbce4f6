"""What the bureau decides each year inside the law (年度申报通知), as far as it changes a decision.

Only parameters that the rules really use stand here. A new one gets a default, so that terms stored with old
decisions still read.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from fractions import Fraction

from vouchers.money import RATE_UNIT
from vouchers.policy import TAX_BASES, Law
from vouchers.rules.stored import Stored


class TermsError(ValueError):
    """Terms that make no sense by themselves. Its text is Chinese, for whoever drafts the call."""


@dataclass(frozen=True, slots=True)
class CallTerms(Stored):
    """One version of one year's call. Rates are exact Fractions of whole ten-thousandths, money is fen.

    `excludes_related_party` and `excludes_subsidised_elsewhere` are conditions on which the law is silent.
    `shortage` is how the pool is spent when it is short: waitlist, first_come or pro_rata. Here it only words the trace.
    """

    scheme: str
    fiscal_year: int
    version: int
    citation: str
    local_rate: Fraction
    external_rate: Fraction
    annual_cap_fen: int
    appropriation_fen: int
    tax_basis: str
    spend_from: dt.date
    spend_until: dt.date
    excludes_related_party: bool = True
    excludes_subsidised_elsewhere: bool = True
    shortage: str = "waitlist"

    def __post_init__(self) -> None:
        for rate in (self.local_rate, self.external_rate):
            if not isinstance(rate, Fraction) or not 0 <= rate <= 1 or RATE_UNIT % rate.denominator:
                raise TermsError("补助比例须在 0 与 1 之间，最多四位小数，例如 0.30。")
        if self.annual_cap_fen < 0 or self.appropriation_fen < 0:
            raise TermsError("年度限额和资金总额都不能小于零。")
        if self.tax_basis not in TAX_BASES:
            raise TermsError(f"计税口径“{self.tax_basis}”不认识：只能是 {'、'.join(TAX_BASES)} 之一。")
        if self.spend_from > self.spend_until:
            raise TermsError("费用发生期的起日晚于止日，请核对。")
        if {self.spend_from.year, self.spend_until.year} != {self.fiscal_year}:
            raise TermsError(f"费用发生期须在 {self.fiscal_year} 年度之内：限额和资金都按年度计算。")


def default_terms(law: Law) -> CallTerms:
    """The terms of `law`'s fiscal year where no call says otherwise: every rate and amount at its ceiling, the
    law's own tax basis, no related party, nothing subsidised elsewhere. Version 0.
    """
    window = law.spend_window()
    return CallTerms(
        scheme=law.scheme,
        fiscal_year=law.fiscal_year,
        version=0,
        citation="缺省口径（按政策上限）",
        local_rate=law.local_rate.value,
        external_rate=law.external_rate.value,
        annual_cap_fen=law.annual_cap.value,
        appropriation_fen=law.pool.value,
        tax_basis=law.tax_basis.value,
        spend_from=window.first,
        spend_until=window.last,
    )
