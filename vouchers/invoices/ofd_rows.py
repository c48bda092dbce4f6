"""The item rows of an OFD: the data file's or else the page's, each column confirmed by every other statement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from vouchers.invoices.invoice import LINE_NAMES, Warning
from vouchers.invoices.layout import Layout
from vouchers.invoices.ofd_attached import Attached
from vouchers.invoices.ofd_document import Document
from vouchers.invoices.ofd_tags import tagged_cells
from vouchers.invoices.table import group
from vouchers.invoices.text import compact, decimal, fen, shown_rate
from vouchers.invoices.witnesses import doubtful_names
from vouchers.invoices.xbrl import plain_rate

# Legacy forms print this for their only row and the rows themselves on further pages.
_ELSEWHERE = ("详见销货清单", "详见对应正数发票及清单")
_NUMBERS = ("quantity", "unit_price")

Rows = list[dict[str, str]]


def item_rows(document: Document, layout: Layout, attached: Attached) -> tuple[Rows, list[Warning]]:
    """The rows, and a warning for every column on which the file's statements differ."""
    cells = tagged_cells(document)
    by_tag: dict[str, Counter[str]] = {column: Counter() for column in LINE_NAMES}
    for cell in cells:
        by_tag[cell.column][compact(cell.text)] += 1
    for part in attached.parts.values():
        if part.lines:
            return part.lines, _against_data(part.lines, layout, by_tag)
    if layout.table.rows:
        printed = layout.table.printed()
        warnings = _differing(
            "数据标签与版面",
            [column for column, said in by_tag.items() if said and column in _TAGGED_WHOLE and said != printed[column]],
        )
        rows, doubtful = layout.table.rows, layout.table.doubtful
    else:
        warnings = []
        rows, doubtful = group(cells)
    if doubtful:
        warnings.append(doubtful_names())
    if any(_elsewhere(row) for row in rows):
        warnings.append(
            Warning("lines_elsewhere", "版面只写“详见销货清单”，没有读到清单里的明细，请对照清单逐行填写。")
        )
    return rows, warnings


# Tags name these columns cell by cell, as the page prints them.
_TAGGED_WHOLE = ("name", "quantity", "unit_price", "amount", "tax_rate", "tax")
_MONEY = ("amount", "tax")


def _against_data(lines: Rows, layout: Layout, by_tag: Mapping[str, Counter[str]]) -> list[Warning]:
    """Doubts about a data file's rows, by what the page and the tags say of the same columns."""
    table = layout.table
    warnings: list[Warning] = []
    if table.rows and not any(_elsewhere(row) for row in table.rows):
        compared = LINE_NAMES if len(table.rows) == len(lines) else _MONEY
        warnings += _differing(
            "附带数据与版面",
            [column for column in compared if _column(lines, column) != _column(table.rows, column)],
        )
    warnings += _differing(
        "附带数据与数据标签",
        [
            column
            for column in (*_MONEY, "tax_rate")
            if by_tag[column]
            and Counter(_cell(column, text) for text in by_tag[column].elements()) != _column(lines, column)
        ],
    )
    return warnings


def _elsewhere(row: Mapping[str, str]) -> bool:
    return any(words in compact(row.get("name", "")) for words in _ELSEWHERE)


def _column(rows: Iterable[Mapping[str, str]], column: str) -> Counter[object]:
    """What a column says, whatever the order and the spelling; cells that say nothing do not count."""
    cells = (_cell(column, row.get(column, "")) for row in rows)
    return Counter(cell for cell in cells if cell != "")


def _cell(column: str, text: str) -> object:
    text = compact(text)
    if column in _NUMBERS:
        number = decimal(text)
        return "" if not number else number.normalize()
    if column == "tax_rate":
        return plain_rate(shown_rate(text))
    if column in _MONEY:
        try:
            return fen(text)
        except ValueError:
            return text
    return text


def _differing(places: str, columns: list[str]) -> list[Warning]:
    if not columns:
        return []
    names = "、".join(LINE_NAMES[column] for column in columns)
    message = f"明细的“{names}”在{places}中不一致，请对照发票原件逐行核实。"
    return [Warning("two_truths", message, blocks=any(column in _MONEY for column in columns))]
