"""Several statements of one field, compared: a file whose parts disagree must not pass quietly."""

from __future__ import annotations

from vouchers.invoices.invoice import FIELD_NAMES, UnreadableInvoice, Warning
from vouchers.invoices.text import compact, day, fen, plain_words, tax_fen, tidy

_MONEY = ("amount", "tax", "total")


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
        warnings.append(Warning("two_truths", f"“{label}”在文件各处不一致：{statements}。请对照发票原件核实。"))
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
