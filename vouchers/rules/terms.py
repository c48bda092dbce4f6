"""What the bureau decides each year inside the law (年度申报通知), as far as it changes a decision.

Only parameters that the rules really use stand here. A new one gets a default, so that terms stored with old
decisions still read.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from vouchers.money import FEN_IN_A_YUAN, MAX_FEN, RATE_UNIT
from vouchers.policy import TAX_BASES, Governing
from vouchers.rules.stored import Stored, later

# By which day a cost belongs to a year, and so to that year's caps and pool.
CAP_YEARS = ("paid", "invoiced", "service", "signed", "filed")
# Units to which amounts are rounded: 分, 角, 元 (0.0001 万元), 百元, 万元.
ROUNDING_UNITS = (1, 10, FEN_IN_A_YUAN, 100 * FEN_IN_A_YUAN, 10_000 * FEN_IN_A_YUAN)
ROUNDING_MODES = ("down", "half_up", "up")
ROUNDING_PLACES = ("line", "total")
# Which lines bear a cut that goes across rates; empty where the call does not say.
ALLOCATIONS = ("", "filed", "high_first", "low_first", "proportional")
# How days of service are counted: not at all, as a difference of dates, or with both ends.
PRORATIONS = ("", "exclusive", "inclusive")


class TermsError(ValueError):
    """Terms that make no sense by themselves. Its text is Chinese, for whoever drafts the call."""


@dataclass(frozen=True, slots=True)
class ClassRate(Stored):
    """The rate of a class beyond local and external, by its code in the law."""

    code: str
    rate: Fraction


@dataclass(frozen=True, slots=True)
class CallTerms(Stored):
    """One version of one year's call. Rates are exact Fractions of whole ten-thousandths, money is fen.

    `excludes_related_party` and `excludes_subsidised_elsewhere` are conditions on which the law is silent; so is all
    from `filing_from` on, each read by one function of vouchers.rules.parameters. A cap of None is no cap. `shortage`
    is how a pool that is too small is spent: waitlist, first_come or pro_rata. Here it only words the trace.
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
    filing_from: dt.date | None = later(None)
    filing_until: dt.date | None = later(None)
    cap_year: str = later("paid")
    minimum_spend_fen: int = later(0)
    minimum_grant_fen: int = later(0)
    rounding_unit_fen: int = later(1)
    rounding_mode: str = later("down")
    rounding_at: str = later("line")
    allocation: str = later("")
    proration: str = later("")
    within_contract: bool = later(False)
    class_rates: tuple[ClassRate, ...] = later(())
    contract_cap_fen: int | None = later(None)
    claim_cap_fen: int | None = later(None)
    years_cap_fen: int | None = later(None)
    excludes_schemes: tuple[str, ...] = later(())
    shortage: str = later("waitlist")

    def __post_init__(self) -> None:
        for rate in (self.local_rate, self.external_rate, *(item.rate for item in self.class_rates)):
            if not isinstance(rate, Fraction) or not 0 <= rate <= 1 or RATE_UNIT % rate.denominator:
                raise TermsError("补助比例须在 0 与 1 之间，最多四位小数，例如 0.30。")
        if self.annual_cap_fen < 0 or self.appropriation_fen < 0:
            raise TermsError("年度限额和资金总额都不能小于零。")
        if self.tax_basis not in TAX_BASES:
            raise TermsError(f"计税口径“{self.tax_basis}”不认识：只能是 {'、'.join(TAX_BASES)} 之一。")
        if self.spend_from > self.spend_until:
            raise TermsError("费用发生期的起日晚于止日，请核对。")
        # Where the day of filing makes the year, what is filed may have been spent earlier.
        if self.cap_year != "filed" and {self.spend_from.year, self.spend_until.year} != {self.fiscal_year}:
            raise TermsError(f"费用发生期须在 {self.fiscal_year} 年度之内：限额和资金都按年度计算。")
        self._check_choices()
        self._check_amounts()

    def _check_choices(self) -> None:
        for value, known, what in (
            (self.cap_year, CAP_YEARS, "费用归属年度"),
            (self.rounding_unit_fen, ROUNDING_UNITS, "取整单位"),
            (self.rounding_mode, ROUNDING_MODES, "取整方式"),
            (self.rounding_at, ROUNDING_PLACES, "取整环节"),
            (self.allocation, ALLOCATIONS, "限额分摊方式"),
            (self.proration, PRORATIONS, "跨期合同折算方式"),
        ):
            if value not in known:
                raise TermsError(f"{what}“{value}”不认识：只能是 {'、'.join(map(str, known))} 之一。")
        if len({item.code for item in self.class_rates}) < len(self.class_rates):
            raise TermsError("同一个比例档次写了两次，请只留一个。")
        if self.scheme in self.excludes_schemes:
            raise TermsError("项目不能与自身互斥，请从互斥项目中去掉本项目。")

    def _check_amounts(self) -> None:
        if self.minimum_spend_fen < 0 or self.minimum_grant_fen < 0:
            raise TermsError("最低费用和最低补助额都不能小于零。")
        if any(cap is not None and cap < 0 for cap in (self.contract_cap_fen, self.claim_cap_fen, self.years_cap_fen)):
            raise TermsError("各项上限都不能小于零；不设上限的请留空。")
        if self.filing_from and self.filing_until and self.filing_from > self.filing_until:
            raise TermsError("申报期的起日晚于止日，请核对。")


def default_terms(law: Governing) -> CallTerms:
    """The terms of `law`'s fiscal year where no call says otherwise: every rate and amount at its ceiling, the
    law's own tax basis, no related party, nothing subsidised elsewhere, and what the law's file says of calls
    (`law.call`: published practice, each with its citation). Version 0.
    """
    window = law.spend_window()
    default: dict[str, Any] = {
        "local_rate": law.local_rate.value,
        "external_rate": law.external_rate.value,
        # A ceiling that the text does not state is none.
        "annual_cap_fen": MAX_FEN if law.annual_cap.value is None else law.annual_cap.value,
        "appropriation_fen": MAX_FEN if law.pool.value is None else law.pool.value,
        "tax_basis": law.tax_basis.value,
        "spend_from": window.first,
        "spend_until": window.last,
        "class_rates": tuple(ClassRate(code, item.rate) for code, item in law.classes().items()),
        "contract_cap_fen": law.contract_cap.value if law.contract_cap else None,
        "claim_cap_fen": law.claim_cap.value if law.claim_cap else None,
        "years_cap_fen": law.years_cap.value if law.years_cap else None,
    }
    return CallTerms(
        scheme=law.scheme,
        fiscal_year=law.fiscal_year,
        version=0,
        citation="缺省口径（按政策上限）",
        **{**default, **{name: value.value for name, value in law.call.items()}},
    )
