"""What a read invoice is, and how reading fails. Plain data, no behaviour."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field


class UnreadableInvoice(Exception):
    """The file is no invoice this room can read. `message` is Chinese and says what to do next."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Warning:
    """A doubt about an invoice that was read: which field to look at again, in a clerk's words.

    `blocks`: the file contradicts itself so that no one should decide on it before it is explained or replaced.
    """

    code: str
    message: str
    blocks: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """Where a value stands: page from 0, edges as shares of the page's width and height from its upper left corner.

    `field` is a key of FIELD_NAMES, or `lines.<index>.<key of LINE_NAMES>`.
    """

    field: str
    page: int
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Seal:
    """One seal or signature in the file, verified offline. It speaks of tampering, never of whether the tax
    platform knows the invoice.

    `kind` is `ofd` or `pdf`; `signer` the certificate's name as far as it can be read; `intact` whether every byte it
    vouches for is unchanged; `message` says the result in a clerk's words.
    """

    kind: str
    signer: str
    intact: bool
    message: str


@dataclass(frozen=True, slots=True)
class Line:
    """One item row. Quantity, unit price and rate stay as printed; a tax printed `***` is 0."""

    name: str
    spec: str
    unit: str
    quantity: str
    unit_price: str
    amount_fen: int
    tax_rate: str
    tax_fen: int


@dataclass(frozen=True, slots=True)
class Invoice:
    """One invoice as its file states it; whether it is genuine, only the tax platform knows.

    Amounts are fen: `amount_fen` without tax, `total_fen` with it (价税合计). `code` and `check_code` are
    empty for 数电票. A red letter (`red`) has negative amounts, and `reverses` names its blue invoice.
    """

    carrier: str
    kind: str
    number: str
    code: str
    check_code: str
    date: datetime.date
    buyer_name: str
    buyer_id: str
    seller_name: str
    seller_id: str
    amount_fen: int
    tax_fen: int
    total_fen: int
    red: bool
    reverses: str
    remark: str
    lines: tuple[Line, ...]
    warnings: tuple[Warning, ...]
    # Two files that state the same are equal wherever they print it.
    boxes: tuple[Box, ...] = field(default=(), compare=False)
    seals: tuple[Seal, ...] = ()


# The names people know the header fields by; the keys are those of `Printed.fields`.
FIELD_NAMES = {
    "number": "发票号码",
    "code": "发票代码",
    "check_code": "校验码",
    "date": "开票日期",
    "buyer_name": "购买方名称",
    "buyer_id": "购买方纳税人识别号",
    "seller_name": "销售方名称",
    "seller_id": "销售方纳税人识别号",
    "amount": "合计金额（不含税）",
    "tax": "合计税额",
    "total": "价税合计",
    "words": "价税合计（大写）",
    "remark": "备注",
}
LINE_NAMES = {
    "name": "项目名称",
    "spec": "规格型号",
    "unit": "单位",
    "quantity": "数量",
    "unit_price": "单价",
    "amount": "金额",
    "tax_rate": "税率/征收率",
    "tax": "税额",
}


@dataclass(slots=True)
class Printed:
    """What a reader found in its carrier, still as text: `fields` by FIELD_NAMES, a dict by LINE_NAMES each line.

    `blue` is the carrier's own word on the kind of letter: True blue, False red, None silent.
    `reverses` is the blue invoice's number where the carrier has a field of its own for it.
    """

    carrier: str
    kind: str
    fields: dict[str, str]
    lines: list[dict[str, str]]
    blue: bool | None = None
    reverses: str = ""
    warnings: list[Warning] = field(default_factory=list)
