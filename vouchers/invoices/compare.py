"""Two files of one invoice held against each other: XML = OFD = PDF, or it is told where they differ."""

from __future__ import annotations

from dataclasses import dataclass

from vouchers.invoices.invoice import FIELD_NAMES, LINE_NAMES, Invoice, Line
from vouchers.invoices.text import compact, decimal
from vouchers.money import grouped

# A difference in one of these is no matter of taste: two files say two things of one invoice.
GRAVE = frozenset({"date", "buyer_name", "buyer_id", "seller_name", "seller_id", "amount", "tax", "total", "lines"})
_MONEY = {"amount": "amount_fen", "tax": "tax_fen", "total": "total_fen"}


@dataclass(frozen=True, slots=True)
class Difference:
    """A field (a key of FIELD_NAMES, `lines`, or `lines.<index>.<key>`), and what each file says of it."""

    field: str
    label: str
    entered: str
    copy: str

    @property
    def grave(self) -> bool:
        """Whether it keeps the invoice from being used until somebody explains it."""
        head, _, rest = self.field.partition(".")
        return head in GRAVE and rest.rpartition(".")[2] not in ("spec", "unit", "quantity", "unit_price", "tax_rate")


def differences(entered: Invoice, copy: Invoice) -> list[Difference]:
    """Where two readings of one invoice differ; blanks, width and what a carrier does not show do not count."""
    found = [
        Difference(field, label, *said)
        for field, label in FIELD_NAMES.items()
        if field not in ("number", "words", "remark") and (said := _said(field, entered, copy))
    ]
    if entered.lines and copy.lines:
        found += _lines(entered.lines, copy.lines)
    return found


def _said(field: str, one: Invoice, two: Invoice) -> tuple[str, str] | None:
    if field in _MONEY:
        a, b = getattr(one, _MONEY[field]), getattr(two, _MONEY[field])
        return None if a == b else (grouped(a), grouped(b))
    a, b = str(getattr(one, field)), str(getattr(two, field))
    # A carrier that shows nothing contradicts nothing.
    return None if not a or not b or compact(a) == compact(b) else (a, b)


def _lines(one: tuple[Line, ...], two: tuple[Line, ...]) -> list[Difference]:
    if len(one) != len(two):
        return [Difference("lines", "明细行数", f"{len(one)} 行", f"{len(two)} 行")]
    return [
        Difference(f"lines.{index}.{key}", f"第 {index + 1} 行{label}", *said)
        for index, (a, b) in enumerate(zip(one, two, strict=True))
        for key, label in LINE_NAMES.items()
        if (said := _cell(key, a, b))
    ]


def _cell(key: str, one: Line, two: Line) -> tuple[str, str] | None:
    if key in ("amount", "tax"):
        a, b = getattr(one, f"{key}_fen"), getattr(two, f"{key}_fen")
        return None if a == b else (grouped(a), grouped(b))
    x, y = getattr(one, key), getattr(two, key)
    if not x or not y or compact(x) == compact(y) or _same_figure(x, y):
        return None
    return x, y


def _same_figure(x: str, y: str) -> bool:
    """12.50 and 12.5 are one figure; so are 0.06 and 6%."""
    a, b = (decimal(each.rstrip("%")) for each in (x, y))
    if a is None or b is None:
        return False
    return a / (100 if x.endswith("%") else 1) == b / (100 if y.endswith("%") else 1)
