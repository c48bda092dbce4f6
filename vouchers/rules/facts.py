"""The plain facts of a case. Money is int fen, days are dates; nothing here looks anything up."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

from vouchers.policy import SERVICES
from vouchers.rules.stored import Stored, later

# Where the service was computed: 本市智能算力资源, 外地.
LOCATIONS = ("local", "external")


class FactsError(ValueError):
    """Facts that contradict themselves. `code` is for programs; the text is Chinese, for whoever entered them."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Applicant(Stored):
    """Who asks: unified social credit code, category (a code of the law, or "other"), city of registration.

    `classes` are codes of rate classes that the applicant as a whole is in (a start-up, say).
    """

    uscc: str
    category: str
    city: str
    classes: tuple[str, ...] = later(())


@dataclass(frozen=True, slots=True)
class Line(Stored):
    """One ordinary invoice line (discounts inside it) and what was paid on it; amounts ≥ 0.

    `amount_fen` is without tax, `tax_fen` the tax, `paid_fen` what left the bank on `paid_on`. `cut_fen` is what the
    reviewer took off its base (核减), for `cut_reason`. `label` is what people call the line in explanations (an
    invoice number, say); reason and label decide nothing, and `ref` stands in for the label.

    What only some calls ask for: the `contract` (its number, its amount, the day it was signed), the first and last
    day of service, codes of rate classes the line is in, and the other schemes that have already paid for it.
    """

    ref: str
    service: str
    location: str
    invoice_date: dt.date
    amount_fen: int
    tax_fen: int
    paid_fen: int
    paid_on: dt.date
    seller_related: bool
    subsidised_elsewhere: bool
    label: str = ""
    cut_fen: int = 0
    cut_reason: str = ""
    contract: str = later("")
    contract_fen: int | None = later(None)
    signed_on: dt.date | None = later(None)
    service_from: dt.date | None = later(None)
    service_until: dt.date | None = later(None)
    classes: tuple[str, ...] = later(())
    other_schemes: tuple[str, ...] = later(())

    def __post_init__(self) -> None:
        if self.amount_fen < 0 or self.tax_fen < 0 or self.paid_fen < 0 or self.cut_fen < 0:
            raise FactsError("malformed_value", f"“{self.ref}”不是红字，金额、税额、已付款和核减额都不能小于零。")
        if self.service not in SERVICES or self.location not in LOCATIONS:
            raise FactsError("malformed_value", f"“{self.ref}”的算力类型或所在地不认识，请核对。")
        if self.contract_fen is not None and self.contract_fen < 0:
            raise FactsError("malformed_value", f"“{self.ref}”的合同金额不能小于零。")
        if (self.service_from is None) != (self.service_until is None):
            raise FactsError("malformed_value", f"“{self.ref}”的服务期须同时写起日和止日。")
        if self.service_from and self.service_until and self.service_from > self.service_until:
            raise FactsError("malformed_value", f"“{self.ref}”的服务期起日晚于止日，请核对。")


@dataclass(frozen=True, slots=True)
class Reversal(Stored):
    """A red-letter (红字) line: it takes back part or all of the line `reverses`; amounts ≤ 0, `paid_fen` refunded."""

    ref: str
    reverses: str
    amount_fen: int
    tax_fen: int
    paid_fen: int
    label: str = ""

    def __post_init__(self) -> None:
        if self.amount_fen > 0 or self.tax_fen > 0 or self.paid_fen > 0:
            raise FactsError("malformed_value", f"“{self.ref}”是红字，金额、税额、退款都不能大于零。")


# What can leave a claim less than its rules would grant, for good.
ALLOTMENTS = ("part", "pro_rata", "recovered")


@dataclass(frozen=True, slots=True)
class Allotment(Stored):
    """The most that a claim may get, whatever its lines are worth.

    `kind` is "part" (the head of the queue accepted what the pool had and waived the rest), "pro_rata" (its share of
    one settlement) or "recovered" (part of what was paid was taken back for good). `asked_fen` is what stood against
    it: what the claim asked for, all claims of the settlement together, or the amount once paid; `pool_fen` what there
    was to give.
    """

    kind: str
    amount_fen: int
    asked_fen: int
    pool_fen: int

    def __post_init__(self) -> None:
        if self.kind not in ALLOTMENTS or min(self.amount_fen, self.asked_fen, self.pool_fen) < 0:
            raise FactsError("malformed_value", "安排额的类型不认识，或金额小于零。")


@dataclass(frozen=True, slots=True)
class ContractUse(Stored):
    """What earlier claims already had of one contract: the spending that counted, and what was granted on it."""

    contract: str
    base_fen: int
    granted_fen: int

    def __post_init__(self) -> None:
        if self.base_fen < 0 or self.granted_fen < 0:
            raise FactsError("malformed_value", f"合同“{self.contract}”已用的费用和补助都不能小于零。")


@dataclass(frozen=True, slots=True)
class Agreed(Stored):
    """The agreement (一事一议) that a claim rests on: what was agreed, this tranche, and what earlier ones had.

    `exception` is the written reason for a rate above what the text allows 原则上, empty where there is none.
    """

    reference: str
    rate: Fraction
    cost_fen: int
    grant_fen: int
    tranche_fen: int
    used_fen: int
    exception: str = ""

    def __post_init__(self) -> None:
        if min(self.cost_fen, self.grant_fen, self.tranche_fen, self.used_fen) < 0:
            raise FactsError("malformed_value", "协议的成本、补贴、本期金额和已用金额都不能小于零。")


@dataclass(frozen=True, slots=True)
class Facts(Stored):
    """One case. `cap_used_fen`: obtained or held under this year's cap before it.

    `pool_available_fen`: what the pool still has, or None when the pool does not cut at decision time (a call with a
    waiting list: the amount is decided in full and waits for money). `allotment`: what a shortage or a recovery left
    the claim, None where neither did.

    What only some calls ask for: the day of filing, what the applicant obtained in all years together before this case
    (`years_used_fen`), what earlier claims had of each contract, and the agreement of a case-by-case scheme.
    """

    scheme: str
    fiscal_year: int
    applicant: Applicant
    cap_used_fen: int
    pool_available_fen: int | None
    lines: tuple[Line, ...]
    reversals: tuple[Reversal, ...] = ()
    filed_on: dt.date | None = later(None)
    years_used_fen: int = later(0)
    contracts: tuple[ContractUse, ...] = later(())
    agreed: Agreed | None = later(None)
    allotment: Allotment | None = later(None)

    def __post_init__(self) -> None:
        if self.years_used_fen < 0:
            raise FactsError("malformed_value", "多年累计已获补助不能小于零。")
        if self.cap_used_fen < 0 or (self.pool_available_fen is not None and self.pool_available_fen < 0):
            raise FactsError("malformed_value", "本年度已用额度和资金池余额都不能小于零。")
        ordinary = {line.ref for line in self.lines}
        if len(ordinary | {r.ref for r in self.reversals}) < len(self.lines) + len(self.reversals):
            raise FactsError("repeated_ref", f"编号“{_first_repeated(self)}”出现了不止一次，请给每一行不同的编号。")
        for reversal in self.reversals:
            if reversal.reverses not in ordinary:
                raise FactsError(
                    "reversal_without_original",
                    f"红字“{reversal.ref}”冲销的“{reversal.reverses}”不是本案中的蓝字行，请一并提供原发票行。",
                )
        amounts: dict[str, int | None] = {}
        for line in self.lines:
            if line.contract and amounts.setdefault(line.contract, line.contract_fen) != line.contract_fen:
                raise FactsError("contract_conflict", f"合同“{line.contract}”在各行写的合同金额不一致，请核对。")


def _first_repeated(facts: Facts) -> str:
    """The first ref that stands a second time; there is one."""
    refs = [line.ref for line in facts.lines] + [reversal.ref for reversal in facts.reversals]
    return next(ref for ref, count in Counter(refs).items() if count > 1)
