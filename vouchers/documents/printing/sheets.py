"""What is printed, as plain data: the roster of a batch and the letter to one enterprise.

Money is int fen, days are dates, everything else is text exactly as it should be read. Who may see a whole account
number is the caller's affair: `account` prints as given.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

STANDARD_DUTIES = (
    "请妥善保存算力服务合同、发票、付款凭证和算力交付凭证，按规定入账，配合监督检查和绩效评价。",
    "如有虚报、重复申报，或已计入的发票在拨付后红冲、作废、退款，请立即报告；多得的补助资金应当退回，"
    "拒不退回的，依照《财政违法行为处罚处分条例》（国务院令第427号）追回并处理。",
)


@dataclass(frozen=True, slots=True)
class Signature:
    """One place to sign: what for, who (empty: signed by hand) and on which day (None: dated by hand)."""

    role: str
    name: str = ""
    day: dt.date | None = None


@dataclass(frozen=True, slots=True)
class RosterRow:
    """One payment. `obtained_fen` (年度已补) is what the payee had of the year's cap before this payment."""

    number: int
    district: str
    payee: str
    uscc: str
    claim_number: str
    local_cost_fen: int
    external_cost_fen: int
    computed_fen: int
    obtained_fen: int
    amount_fen: int
    bank: str
    account: str
    remark: str = ""


@dataclass(frozen=True, slots=True)
class RosterSheet:
    """拨付汇总表 of one batch, as finance officers sign it.

    `approval` is the number of the approving document (批复文号), `basis` the policy with its clause, `funding` where
    the money comes from, `digest` the batch's frozen sha256 (may be empty). `verify_at` tells where `short_code` is
    checked.
    """

    title: str
    bureau: str
    batch_number: str
    approval: str
    basis: str
    scheme: str
    fiscal_year: int
    funding: str
    made_on: dt.date
    short_code: str
    verify_at: str
    signatures: tuple[Signature, ...]
    rows: tuple[RosterRow, ...]
    digest: str = ""

    @property
    def total_fen(self) -> int:
        """The sum of the amounts paid."""
        return sum(row.amount_fen for row in self.rows)


@dataclass(frozen=True, slots=True)
class LetterLine:
    """One invoice line: what it is, by whom, under which clause, on which base at which rate, and what it makes.

    `rate` is text as it should be read ("30%"); `note` says why a line does not count, empty where it does.
    """

    item: str
    provider: str
    place: str
    citation: str
    base_fen: int
    rate: str
    amount_fen: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class LetterStep:
    """One step of “为什么是这个金额”. `amount_fen` is what the step makes, None where it makes no amount."""

    citation: str
    text: str
    amount_fen: int | None = None


@dataclass(frozen=True, slots=True)
class LetterSheet:
    """拨款通知书 to one enterprise.

    `number` is the letter's own 文号 (may be empty), `basis` the policy and the call it rests on, `objection` how and
    until when to object, `contact` whom to ask. The amount is `amount_fen`; lines and steps explain it.
    """

    title: str
    bureau: str
    number: str
    payee: str
    uscc: str
    scheme: str
    fiscal_year: int
    claim_number: str
    batch_number: str
    approval: str
    amount_fen: int
    bank: str
    account: str
    basis: tuple[str, ...]
    lines: tuple[LetterLine, ...]
    steps: tuple[LetterStep, ...]
    objection: str
    contact: str
    made_on: dt.date
    short_code: str
    verify_at: str
    duties: tuple[str, ...] = STANDARD_DUTIES
