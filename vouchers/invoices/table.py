"""The item table of an invoice, on one page or many: columns by their headings, rows by their amounts.

Every item has one amount; the pieces of a wrapped name or specification stand beside it and below, or around its
middle, and go on over the page.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import NamedTuple

from vouchers.invoices.columns import Heading, below_headings, columns_of, headings_of, looks_like
from vouchers.invoices.invoice import LINE_NAMES
from vouchers.invoices.page import joined
from vouchers.invoices.text import compact
from vouchers.invoices.tokens import SAME_LINE, Row, Token, rows_of

# Cells of one line may differ this much in height.
_LEVEL = 1.2
_PRINTED_NAME = re.compile(r"\*[^*]+\*")
_CLOSING = re.compile(r"(?:本页)?(?:合计|小计|总计)")
_FIGURED = re.compile("[0-9¥*]")
_LISTED = re.compile(r"\(?详见.*清单\)?")

_MIDDLE = attrgetter("middle")


class Piece(NamedTuple):
    """One cell, or one line of a wrapped cell. Pieces sort as they are read."""

    page: int
    y: float
    left: float
    column: str
    text: str
    token: Token | None = None


Cells = dict[str, list[Piece]]


@dataclass(slots=True)
class Table:
    """Item rows as text by LINE_NAMES, the pieces they were made of, and the 合计 of amount and tax as tokens.

    `doubtful` says that names could not be told apart with certainty.
    """

    rows: list[dict[str, str]] = field(default_factory=list)
    cells: list[Cells] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    totals: dict[str, list[tuple[int, Token]]] = field(default_factory=dict)
    doubtful: bool = False

    def printed(self) -> dict[str, Counter[str]]:
        """What stands in each column, whatever the order."""
        said: dict[str, Counter[str]] = {column: Counter() for column in LINE_NAMES}
        for piece in self.pieces:
            if piece.column in said:
                said[piece.column][compact(piece.text)] += 1
        return said

    def places(self) -> Iterator[tuple[str, list[tuple[int, Token]]]]:
        """Every cell by its name in Box.field, and the tokens it stands in."""
        for index, row in enumerate(self.cells):
            for column, pieces in row.items():
                if tokens := [(piece.page, piece.token) for piece in pieces if piece.token]:
                    yield f"lines.{index}.{column}", tokens


def read_tables(pages: Sequence[list[Token]]) -> Table:
    """The item table over all `pages`; empty where no page has its headings."""
    table = Table()
    headings: list[Heading] = []
    for number, tokens in enumerate(pages):
        rows = list(rows_of(tokens))
        found = headings_of(rows)
        if found:
            headings = found
            rows = below_headings(headings, rows)
        else:
            rows = _continued(headings, rows)
        _read_page(table, number, headings, rows)
    table.cells, table.doubtful = _arranged(table.pieces)
    table.cells = _without_reference(table.cells)
    table.rows = [_texts(row) for row in table.cells]
    return table


def _read_page(table: Table, number: int, headings: list[Heading], rows: Sequence[Row]) -> None:
    """Add the items of one page to `table`, down to the closing line, and the 合计 below them."""
    within = True
    for index, row in enumerate(rows):
        if any(token.plain.startswith("价税合计") for token in row.tokens):
            break
        words = _closing_words(row)
        if not within and not words:
            continue
        # A long price may begin before the quantity left of it, so what counts is where a cell has its middle.
        tokens = sorted((token for token in row.tokens if token.plain != "¥"), key=_MIDDLE)
        columns = columns_of(headings, tokens)
        # The figures of the closing line may be set a little higher or lower than its words.
        near = [other for other in rows[max(0, index - 2) : index + 3] if words and abs(other.y - row.y) < SAME_LINE]
        sums = _under(headings, near, number) if near and _closes(near, columns) else {}
        closing = bool(sums.get("amount"))
        if closing and words.endswith("合计"):
            table.totals = sums
        within = within and not closing
        if within:
            table.pieces += (
                Piece(number, row.y, token.left, column, token.text, token)
                for token, column in zip(tokens, columns, strict=True)
            )


def _closing_words(row: Row) -> str:
    """小计 or 合计 where that is all that `row` says beside figures, else nothing."""
    if "计" not in row.text:
        return ""
    words = "".join(token.plain for token in row.tokens if not _FIGURED.search(token.plain))
    return words if _CLOSING.fullmatch(words) else ""


def _closes(near: Sequence[Row], columns: Sequence[str]) -> bool:
    """Whether such a row, its figures in `columns`, closes the items. A wrapped name may end with the same word."""
    priced = {"quantity", "unit_price", "tax_rate"} & set(columns) or any("%" in other.text for other in near)
    return not priced or any("¥" in other.text for other in near)


def _under(headings: list[Heading], rows: Sequence[Row], page: int) -> dict[str, list[tuple[int, Token]]]:
    """Amount and tax of a closing line."""
    tokens = sorted((token for row in rows for token in row.tokens), key=_MIDDLE)
    figures = [token for token in tokens if token.plain != "¥" and looks_like("amount", token)]
    columns = columns_of([heading for heading in headings if heading.column in ("amount", "tax")], figures)
    return {
        column: [(page, token) for token, at in zip(figures, columns, strict=True) if at == column]
        for column in ("amount", "tax")
    }


def _continued(headings: list[Heading], rows: list[Row]) -> list[Row]:
    """The rows of a page without headings from its first item on: it goes on under the headings of the page before."""
    first = next((index for index, row in enumerate(rows) if headings and _is_item(headings, row)), len(rows))
    return rows[first:]


def _is_item(headings: list[Heading], row: Row) -> bool:
    """Whether `row` has an amount and a rate under the headings of an earlier page."""
    by_column = dict(zip(columns_of(headings, row.tokens), row.tokens, strict=True))
    return all(column in by_column and looks_like(column, by_column[column]) for column in ("amount", "tax_rate"))


def group(pieces: list[Piece]) -> tuple[list[dict[str, str]], bool]:
    """Rows from `pieces` as text by LINE_NAMES, and whether their names are in doubt."""
    cells, doubtful = _arranged(pieces)
    return [_texts(row) for row in cells], doubtful


def _arranged(pieces: list[Piece]) -> tuple[list[Cells], bool]:
    """The cells of each row, and whether names are in doubt.

    Cells of one row are level with its amount at their first lines, or centred on it; the printed names begin with
    `*category*`. What fits wins, in this order.
    """
    pieces = sorted(pieces, key=lambda piece: piece[:5])
    amounts = [piece for piece in pieces if piece.column == "amount"]
    rows = _cut(pieces, amounts)
    starred = [_PRINTED_NAME.match(_text(row["name"])) is not None for row in rows]
    if all(starred) and _level(rows):
        return rows, False
    if centred := _centred(pieces, amounts):
        fitting = [_PRINTED_NAME.match(_text(row["name"])) is not None for row in centred]
        if all(fitting) or not any(starred) and not _level(rows):
            return centred, False
    starts = [piece for piece in pieces if piece.column == "name" and piece.text.lstrip().startswith("*")]
    if len(starts) == len(amounts):
        by_name = _cut(pieces, starts)
        if sorted(map(_amount, by_name)) == sorted(map(_amount, rows)):
            return by_name, False
    return rows, not all(starred) and (any(starred) or not all(_text(row["name"]) for row in rows))


def _level(rows: list[Cells]) -> bool:
    """Whether the first line of every cell is level with its row's amount."""
    for row in rows:
        page, y = row["amount"][0][:2]
        for cells in row.values():
            if cells and (cells[0].page != page or abs(cells[0].y - y) > _LEVEL):
                return False
    return True


def _centred(pieces: list[Piece], amounts: list[Piece]) -> list[Cells]:
    """The rows if every cell reaches as far above its row's amount as below; none where one does not."""
    rows: list[Cells] = [{column: [] for column in LINE_NAMES} for _ in amounts]
    for column in LINE_NAMES:
        left = [piece for piece in pieces if piece.column == column]
        at = 0
        for row, amount in zip(rows, amounts, strict=True):
            if at >= len(left) or left[at][:2] > (amount.page, amount.y + _LEVEL):
                continue
            end = 2 * amount.y - left[at].y + _LEVEL
            while at < len(left) and left[at].page == amount.page and left[at].y < end:
                row[column].append(left[at])
                at += 1
            cell = row[column]
            if not cell or abs(cell[0].y + cell[-1].y - 2 * amount.y) > 2 * _LEVEL:
                return []
        if at < len(left):
            return []
    return rows


def _cut(pieces: list[Piece], starts: list[Piece]) -> list[Cells]:
    """Rows that begin at `starts`; what stands above the first belongs to it."""
    cells: list[Cells] = [{column: [] for column in LINE_NAMES} for _ in starts]
    places = [(start.page, start.y) for start in starts]
    for piece in pieces if cells else ():
        row = cells[max(0, bisect_right(places, (piece.page, piece.y + _LEVEL)) - 1)]
        if piece.column in row:
            row[piece.column].append(piece)
    return cells


def _without_reference(cells: list[Cells]) -> list[Cells]:
    """The rows of a 清单 where one follows, without the line that refers to it and repeats its sum."""
    listed = [_LISTED.fullmatch(compact(_text(row["name"]))) is not None for row in cells]
    return cells if all(listed) else [row for row, refers in zip(cells, listed, strict=True) if not refers]


def _texts(row: Cells) -> dict[str, str]:
    return {column: _text(pieces) for column, pieces in row.items()}


def _text(pieces: Sequence[Piece]) -> str:
    tokens = [piece.token for piece in pieces if piece.token]
    return joined(tokens) if tokens else "".join(piece.text for piece in pieces)


def _amount(row: Cells) -> str:
    return _text(row["amount"])
