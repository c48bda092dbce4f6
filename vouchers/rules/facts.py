"""The plain facts of a case. Money is int fen, days are dates; nothing here looks anything up."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass

from vouchers.policy import SERVICES
from vouchers.rules.stored import Stored

# Where the service was computed: 本市智能算力资源, 外地.
LOCATIONS = ("local", "external")


class FactsError(ValueError):
    """Facts that contradict themselves. `code` is for programs; the text is Chinese, for whoever entered them."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Applicant(Stored):
    """Who asks: unified social credit code, category (a code of the law, or "other"), city of registration."""

    uscc: str
    category: str
    city: str


@dataclass(frozen=True, slots=True)
class Line(Stored):
    """One ordinary invoice line (discounts inside it) and what was paid on it; amounts ≥ 0.

    `amount_fen` is without tax, `tax_fen` the tax, `paid_fen` what left the bank on `paid_on`. `cut_fen` is what the
    reviewer took off its base (核减), for `cut_reason`. `label` is what people call the line in explanations (an
    invoice number, say); reason and label decide nothing, and `ref` stands in for the label.
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

    def __post_init__(self) -> None:
        if self.amount_fen < 0 or self.tax_fen < 0 or self.paid_fen < 0 or self.cut_fen < 0:
            raise FactsError("malformed_value", f"“{self.ref}”不是红字，金额、税额、已付款和核减额都不能小于零。")
        if self.service not in SERVICES or self.location not in LOCATIONS:
            raise FactsError("malformed_value", f"“{self.ref}”的算力类型或所在地不认识，请核对。")


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
class Facts(Stored):
    """One case. `cap_used_fen`: obtained or held under this year's cap before it.

    `pool_available_fen`: what the pool still has, or None when the pool does not cut at decision time (a call with a
    waiting list: the amount is decided in full and waits for money). `allotment`: what a shortage or a recovery left
    the claim, None where neither did.
    """

    scheme: str
    fiscal_year: int
    applicant: Applicant
    cap_used_fen: int
    pool_available_fen: int | None
    lines: tuple[Line, ...]
    reversals: tuple[Reversal, ...] = ()
    allotment: Allotment | None = None

    def __post_init__(self) -> None:
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


def _first_repeated(facts: Facts) -> str:
    """The first ref that stands a second time; there is one."""
    refs = [line.ref for line in facts.lines] + [reversal.ref for reversal in facts.reversals]
    return next(ref for ref, count in Counter(refs).items() if count > 1)
