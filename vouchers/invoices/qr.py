"""The QR code of an invoice: a second witness for number, date, amount and check code.

`01,<type>,<code>,<number>,<amount>,<yyyymmdd>,<check code>,<4 hex>[,]`: code and check code are empty for 数电票. The
amount is without tax for the older forms, with it for 数电票, and loses its trailing zeros. What the last field is
made of is not public, so it is not judged.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import zxingcpp

from vouchers.invoices.invoice import FIELD_NAMES, Invoice, Warning
from vouchers.invoices.text import day, fen
from vouchers.money import yuan

KINDS = {
    "31": "数电专票",
    "32": "数电普票",
    "10": "电子普票",
    "20": "电子专票",
    "01": "纸质专票",
    "04": "纸质普票",
    "14": "电子普票",
}
_WITHOUT_TAX = frozenset({"10", "20", "01", "04", "14"})
_WITH_TAX = frozenset({"31", "32", "51", "61"})
_PAYLOAD = re.compile(
    r"01,([0-9]{2}),([0-9]{0,12}),([0-9]{8,20}),(-?[0-9]+(?:\.[0-9]*)?|-?\.[0-9]+),([0-9]{8}),([0-9]{0,20}),[0-9A-Fa-f]*,?"
)


@dataclass(frozen=True, slots=True)
class Payload:
    """What the code states. `amount` is text as coded; which amount it is, `type` tells. `date` None: no such day."""

    type: str
    code: str
    number: str
    amount: str
    date: datetime.date | None
    check_code: str

    @property
    def kind(self) -> str:
        """The kind of invoice by its type; empty for types that are none for compute."""
        return KINDS.get(self.type, "")

    @property
    def amount_field(self) -> str:
        """`amount` or `total`: the field that the amount is of; empty where the type does not tell."""
        return "amount" if self.type in _WITHOUT_TAX else "total" if self.type in _WITH_TAX else ""

    def fields(self) -> dict[str, str]:
        """What it states under the keys of Printed.fields, for readers that lack a field of their own."""
        stated = {"number": self.number, "code": self.code, "check_code": self.check_code}
        stated["date"] = self.date.isoformat() if self.date else ""
        if self.amount_field:
            stated[self.amount_field] = self.amount
        return {field: text for field, text in stated.items() if text}


def decode(image: Any) -> list[str]:
    """The texts of the QR codes in a picture (a PIL image), none where there are none."""
    found = zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    return [code.text for code in found if code.valid]


def parse(payload: str) -> Payload | None:
    """The statement of an invoice's QR code, or None for any other text."""
    match = _PAYLOAD.fullmatch(payload.strip())
    if match is None:
        return None
    kind, code, number, amount, date, check_code = match.groups()
    try:
        on: datetime.date | None = day(date)
    except ValueError:
        on = None
    return Payload(kind, code, number, amount, on, check_code)


def filled_in(payload: Payload, read: Mapping[str, str]) -> list[Warning]:
    """The doubt about fields that the code alone states and that nothing `read` on the page confirms."""
    alone = [FIELD_NAMES[field] for field in payload.fields() if not read.get(field, "").strip()]
    if not alone:
        return []
    names = "、".join(f"“{name}”" for name in alone)
    return [Warning("from_qr", f"{names}没有在票面文字中读到，已按二维码填写，请对照原件核对。")]


def compare(payload: Payload, invoice: Invoice) -> list[Warning]:
    """One blocking warning `qr_mismatch` that names every field on which the code and the invoice differ."""
    differing = [
        f"{FIELD_NAMES[field]}：二维码是“{said}”，读出的是“{read or '空'}”"
        for field, said, read in _statements(payload, invoice)
        if said != read
    ]
    if payload.kind and payload.kind != invoice.kind and invoice.kind in KINDS.values():
        differing.append(f"发票种类：二维码是“{payload.kind}”，读出的是“{invoice.kind}”")
    if not differing:
        return []
    message = f"二维码与发票内容不一致（{'；'.join(differing)}）。文件可能被改动过，请对照税务平台核实。"
    return [Warning("qr_mismatch", message, blocks=True)]


def _statements(payload: Payload, invoice: Invoice) -> list[tuple[str, str, str]]:
    """Field, what the code says and what was read, wherever the code says something."""
    stated = [
        ("number", payload.number, invoice.number),
        ("code", payload.code, invoice.code),
        ("check_code", payload.check_code, invoice.check_code or payload.check_code),
        ("date", payload.date.isoformat() if payload.date else "", invoice.date.isoformat()),
    ]
    if payload.amount_field:
        read_fen = invoice.amount_fen if payload.amount_field == "amount" else invoice.total_fen
        stated.append((payload.amount_field, _yuan(payload.amount), yuan(read_fen)))
    return [statement for statement in stated if statement[1]]


def _yuan(amount: str) -> str:
    """The amount with two decimals; as coded where it is no amount in fen."""
    try:
        return yuan(fen(amount.replace("-.", "-0.") if amount.startswith("-") else "0" + amount))
    except ValueError:
        return amount
