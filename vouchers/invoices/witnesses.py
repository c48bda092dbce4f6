"""Several statements of one field, compared: a file whose parts disagree must not pass quietly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vouchers.invoices.invoice import FIELD_NAMES, Invoice, UnreadableInvoice, Warning
from vouchers.invoices.text import compact, day, fen, plain_words, tax_fen, tidy
from vouchers.money import yuan

_MONEY = ("amount", "tax", "total")
# Fields on which no one should decide while one file states them differently.
_DECISIVE = (*_MONEY, "code", "date", "words")


def agree(witnesses: dict[str, dict[str, str]]) -> tuple[dict[str, str], list[Warning]]:
    """One text for each field, and a warning for each field on which the witnesses differ.

    `witnesses` maps a Chinese name of the place (标签, 版面) to the fields read there, the most trusted first.
    The first that says anything wins. Two numbers in one file are refused (`number_conflict`): the number is
    what keeps one invoice from being claimed twice.
    """
    fields: dict[str, str] = {}
    warnings: list[Warning] = []
    for field, label in FIELD_NAMES.items():
        said = {place: texts[field] for place, texts in witnesses.items() if _speaks(field, texts.get(field, ""))}
        if not said:
            continue
        fields[field] = next(iter(said.values()))
        if len({comparable(field, text) for text in said.values()}) == 1:
            continue
        statements = "，".join(f"{place}是“{tidy(text)[:60]}”" for place, text in said.items())
        if field == "number":
            raise UnreadableInvoice(
                "number_conflict",
                f"文件里出现了不同的发票号码：{statements}。文件可能被改动过，请从税务平台重新下载原文件后再上传。",
            )
        message = f"“{label}”在文件各处不一致：{statements}。请对照发票原件核实。"
        warnings.append(Warning("two_truths", message, blocks=field in _DECISIVE))
    return fields, warnings


def comparable(field: str, text: str) -> object:
    """`text` in a form equal for equal statements: fen, a day, capital numerals in one spelling, or characters without blanks and width."""
    try:
        if field in _MONEY:
            return tax_fen(text) if field == "tax" else fen(text)
        if field == "date":
            return day(text)
        if field == "words":
            return plain_words(text)
    except ValueError:
        pass
    return compact(text)


def _speaks(field: str, text: str) -> bool:
    """Whether a witness says anything: a reference that yields only `¥` does not."""
    return bool(compact(text).strip("¥")) if field in _MONEY else bool(tidy(text))


def differences(carriers: dict[str, Invoice]) -> list[Warning]:
    """A warning for every field on which two readings of one invoice differ, each under the name of its place.

    Money, numbers and dates block: one of the files was changed, or they are two invoices.
    """
    (first_place, first), (second_place, second) = carriers.items()
    found = []
    for (field, one), (_, other) in zip(_statements(first), _statements(second), strict=True):
        if one != other:
            message = (
                f"“{field}”在{first_place}与{second_place}中不一致：{first_place}是“{one[:60]}”，"
                f"{second_place}是“{other[:60]}”。请对照发票原件核实。"
            )
            found.append(Warning("two_truths", message, blocks=field not in _UNDECISIVE))
    return found


_UNDECISIVE = (FIELD_NAMES["buyer_name"], FIELD_NAMES["seller_name"], FIELD_NAMES["remark"], "明细")


def _statements(invoice: Invoice) -> Iterator[tuple[str, str]]:
    """What decides about an invoice, as text by field."""
    for field in ("number", "code", "date", "buyer_name", "buyer_id", "seller_name", "seller_id"):
        yield FIELD_NAMES[field], compact(str(getattr(invoice, field)))
    for field in ("amount", "tax", "total"):
        yield FIELD_NAMES[field], yuan(getattr(invoice, f"{field}_fen"))
    yield "明细", "；".join(f"{compact(line.name)} {yuan(line.amount_fen)}" for line in invoice.lines)


def attachment_unread(names: Sequence[str]) -> Warning:
    """The doubt about files inside the file whose content was not compared with its pages."""
    shown = "、".join(tidy(name)[:60] for name in names[:3])
    return Warning("attachment_unread", f"文件内附有“{shown}”，其内容未与版面核对，请对照发票原件核实各项金额。")


def doubtful_names() -> Warning:
    """The doubt about item names that could not be told apart with certainty."""
    return Warning("lines_doubtful", "明细的项目名称可能分行有误，请对照发票原件逐行核实。")
