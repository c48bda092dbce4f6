"""From printed text to an Invoice: the one place where a reader's text becomes numbers, for every carrier."""

from __future__ import annotations

import datetime
import re
from dataclasses import replace

from vouchers.invoices.checks import check
from vouchers.invoices.invoice import FIELD_NAMES, LINE_NAMES, Invoice, Line, Printed, UnreadableInvoice, Warning
from vouchers.invoices.text import compact, day, fen, rate, shown_rate, tax_fen, tidy

MAX_LINES = 3_000
_MAX_LENGTHS = {"remark": 5_000, "name": 500, "spec": 500, "words": 100}
_MAX_LENGTH = 200
_REQUIRED = ("number", "date", "buyer_name", "seller_name", "amount", "tax", "total")
_DIGITS = re.compile(r"[0-9]{8,20}")
# What the tax system writes into a red letter's remark; both spellings are met.
_BLUE_NUMBER = re.compile(r"被红冲蓝字数电(?:发)?票号码[:：]\s*([0-9]{20})(?![0-9])")
# The older forms name their blue invoice by code and number.
_OLD_BLUE = re.compile(r"对应正数发票代码[:：]\s*([0-9]{10,12})\s*号码[:：]\s*([0-9]{8})(?![0-9])")
_NO_TAX = ("", "***", "-", "—")


def assemble(printed: Printed) -> Invoice:
    """The Invoice that `printed` states, with a warning for every doubt.

    Raises UnreadableInvoice when a header field is missing or cannot be understood: `field_missing`,
    `field_invalid`. Item rows that cannot be understood are left out altogether, with the warning `lines_unread`.
    """
    _check_sizes(printed)
    fields = printed.fields
    for field in _REQUIRED:
        if not tidy(fields.get(field, "")):
            raise UnreadableInvoice(
                "field_missing", f"没有读到“{FIELD_NAMES[field]}”。请上传税务平台下载的原文件，或手工填写这张发票。"
            )
    number = compact(fields["number"])
    if not _DIGITS.fullmatch(number):
        raise _invalid("number", fields["number"])
    warnings = list(printed.warnings)
    lines = _lines(printed.lines, warnings)
    remark = tidy(fields.get("remark", ""))
    total_fen = _fen("total", fields["total"])
    red = printed.blue is False or total_fen < 0
    invoice = Invoice(
        carrier=printed.carrier,
        kind=printed.kind,
        number=number,
        code=compact(fields.get("code", "")),
        check_code=compact(fields.get("check_code", "")),
        date=_day(fields["date"]),
        buyer_name=tidy(fields["buyer_name"]),
        buyer_id=compact(fields.get("buyer_id", "")).upper(),
        seller_name=tidy(fields["seller_name"]),
        seller_id=compact(fields.get("seller_id", "")).upper(),
        amount_fen=_fen("amount", fields["amount"]),
        tax_fen=_fen("tax", fields["tax"]),
        total_fen=total_fen,
        red=red,
        reverses=_reverses(printed.reverses, remark, warnings) if red else "",
        remark=remark,
        lines=lines,
        warnings=(),
    )
    warnings += check(invoice, fields.get("words", ""), printed.blue)
    return replace(invoice, warnings=tuple(dict.fromkeys(warnings)))


def too_many_lines() -> UnreadableInvoice:
    """The refusal of an item table that no invoice has; readers may give it before reading the rows."""
    return UnreadableInvoice("too_many_lines", f"明细超过 {MAX_LINES} 行，无法读取。请手工填写这张发票。")


def _lines(printed: list[dict[str, str]], warnings: list[Warning]) -> tuple[Line, ...]:
    """All item rows or none: a part of them would look like the whole."""
    lines = []
    for number, row in enumerate(printed, 1):
        try:
            lines.append(_line(row))
        except ValueError:
            shown = "，".join(f"{LINE_NAMES[key]}“{tidy(row.get(key, ''))[:40]}”" for key in ("amount", "tax"))
            warnings.append(
                Warning("lines_unread", f"明细第 {number} 行的金额或税额无法识别（{shown}），请对照原件逐行填写明细。")
            )
            return ()
    if not lines and not any(warning.code == "lines_unread" for warning in warnings):
        warnings.append(Warning("lines_unread", "没有读到发票明细，请对照原件逐行填写。"))
    return tuple(lines)


def _line(row: dict[str, str]) -> Line:
    """One item row; raises ValueError where its amount or tax is no money."""
    shown = shown_rate(row.get("tax_rate", ""))
    tax = compact(row.get("tax", ""))
    return Line(
        name=tidy(row.get("name", "")),
        spec=tidy(row.get("spec", "")),
        unit=tidy(row.get("unit", "")),
        quantity=_said(row.get("quantity", "")),
        unit_price=_said(row.get("unit_price", "")),
        amount_fen=fen(row.get("amount", "")),
        tax_rate=shown,
        tax_fen=0 if tax in _NO_TAX and not rate(shown) else fen(tax),
    )


def _said(number: str) -> str:
    """A quantity or price as printed. Structured files write 0 where the invoice prints nothing."""
    number = compact(number)
    return "" if number.strip("0") in ("", ".") else number


def _reverses(own: str, remark: str, warnings: list[Warning]) -> str:
    """The blue invoice's number (code and number for the older forms), from the carrier's own field or else from
    the remark; a clash is a warning."""
    own = compact(own)
    found = _BLUE_NUMBER.search(remark)
    old = _OLD_BLUE.search(remark)
    noted = found.group(1) if found else "".join(old.groups()) if old else ""
    if not _DIGITS.fullmatch(own):
        return noted
    if noted and noted != own:
        warnings.append(
            Warning("two_truths", f"被冲销的蓝字发票号码不一致：文件数据是“{own}”，备注是“{noted}”。请对照原件核实。")
        )
    return own


def _fen(field: str, text: str) -> int:
    try:
        return tax_fen(text) if field == "tax" else fen(text)
    except ValueError as error:
        raise _invalid(field, text) from error


def _day(text: str) -> datetime.date:
    try:
        return day(text)
    except ValueError as error:
        raise _invalid("date", text) from error


def _invalid(field: str, text: str) -> UnreadableInvoice:
    return UnreadableInvoice(
        "field_invalid",
        f"“{FIELD_NAMES[field]}”的内容“{tidy(text)[:40]}”无法识别。请上传税务平台下载的原文件，或手工填写这张发票。",
    )


def _check_sizes(printed: Printed) -> None:
    """Refuse texts no invoice holds, so that nothing downstream has to."""
    if len(printed.lines) > MAX_LINES:
        raise too_many_lines()
    for row in (printed.fields, *printed.lines):
        for field, text in row.items():
            if len(text) > _MAX_LENGTHS.get(field, _MAX_LENGTH):
                label = FIELD_NAMES.get(field) or LINE_NAMES[field]
                raise UnreadableInvoice(
                    "field_too_long", f"“{label}”超过了一张发票可能的长度，文件不正常。请从税务平台重新下载原文件。"
                )
