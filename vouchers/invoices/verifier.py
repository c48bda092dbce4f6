"""Asking the tax platform whether an invoice is genuine and stands: the question, the answer, and who may give it.

Only the platform knows; a parsed invoice proves nothing. A reader of this room never asks: the review room does,
through whichever `InvoiceVerifier` the bureau has.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

# The platform allows five a day and invoice; three leave the enterprise two of its own.
MOST_A_DAY = 3
# Nothing older is kept there.
YEARS_KEPT = 5


class Status(StrEnum):
    """What the platform says. QUOTA and UNAVAILABLE say nothing of the invoice at all."""

    MATCH = "MATCH"
    MISMATCH = "MISMATCH"
    NOT_FOUND = "NOT_FOUND"
    VOID = "VOID"
    RED_FULL = "RED_FULL"
    RED_PART = "RED_PART"
    TOO_NEW = "TOO_NEW"
    TOO_OLD = "TOO_OLD"
    QUOTA = "QUOTA"
    UNAVAILABLE = "UNAVAILABLE"


STATUS_LABELS = {
    "MATCH": "一致",
    "MISMATCH": "不一致",
    "NOT_FOUND": "查无此票",
    "VOID": "已作废",
    "RED_FULL": "已全额红冲",
    "RED_PART": "已部分红冲",
    "TOO_NEW": "当日开具，次日再查",
    "TOO_OLD": "超过可查年限",
    "QUOTA": "当日查验次数已满",
    "UNAVAILABLE": "平台未能答复",
}
# The invoice was reversed: what follows is the way of a red letter.
REVERSED = frozenset({Status.VOID, Status.RED_FULL, Status.RED_PART})
# The platform answered, and the answer speaks against the invoice.
AGAINST = frozenset({Status.MISMATCH, Status.NOT_FOUND}) | REVERSED
# Legacy forms are asked for with the amount without tax, 数电票 with the total.
_LEGACY_DIGITS = (10, 12)


@dataclass(frozen=True, slots=True)
class Query:
    """What the platform is asked. Amounts are fen; `check_code` and `code` are empty for 数电票."""

    kind: str
    code: str
    number: str
    date: dt.date
    amount_excl_fen: int
    amount_incl_fen: int
    check_code: str

    @property
    def legacy(self) -> bool:
        """Whether it is a form before 数电票."""
        return len(self.code) in _LEGACY_DIGITS

    @property
    def amount_fen(self) -> int:
        """The amount that this kind is asked for with."""
        return self.amount_excl_fen if self.legacy else self.amount_incl_fen


@dataclass(frozen=True, slots=True)
class Result:
    """The platform's answer. `fields` is what it states, if it states anything; `raw_sha256` vouches for its bytes."""

    status: Status
    provider: str
    fields: dict[str, str] | None = None
    provider_ref: str = ""
    raw_sha256: str = ""


class InvoiceVerifier(Protocol):
    """Somebody who can ask the platform: a service of the tax authority, or a double in tests."""

    name: str

    def verify(self, query: Query) -> Result:
        """The answer; a platform that does not answer is UNAVAILABLE, never an exception."""
        ...


def refusal_of(query: Query, today: dt.date) -> str:
    """Why asking now would waste an attempt, in words; empty when it may be asked."""
    if query.legacy != bool(query.code) or not query.number.isdigit() or len(query.number) not in (8, 20):
        return "发票代码或号码不完整，查验不会有结果。请先对照原件核对。"
    if query.legacy and not query.check_code and "专" not in query.kind:
        return "普通发票查验需要校验码，这张发票没有读到校验码。请先对照原件补充。"
    if query.date > today:
        return f"开票日期 {query.date} 晚于今天，查验不会有结果。请先对照原件核对。"
    return ""


class Double:
    """A verifier for tests and demonstrations: answers what it was told, MATCH for everything else."""

    name = "fake"

    def __init__(self, answers: dict[str, Status] | None = None):
        self.answers = answers or {}
        self.asked: list[Query] = []

    def verify(self, query: Query) -> Result:
        """The status given for the number."""
        self.asked.append(query)
        return Result(self.answers.get(query.number, Status.MATCH), self.name)
