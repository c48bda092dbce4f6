"""The item table of a 数电票, on one page or many: columns by their headings, rows by their amounts.

A cell belongs to the heading it is best aligned with, be it to the left, to the right or centred. Every item has
one amount; the pieces of a wrapped name or specification stand beside it and below, and go on over the page.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from typing import NamedTuple

from vouchers.invoices.invoice import LINE_NAMES
from vouchers.invoices.text import compact
from vouchers.invoices.tokens import SAME_LINE, Token

# Cells of one line may differ this much in height.
_LEVEL = 1.2
_HEADINGS = {
    "项目名称": "name",
    "规格型号": "spec",
    "单位": "unit",
    "数量": "quantity",
    "单价": "unit_price",
    "金额": "amount",
    "税率/征收率": "tax_rate",
    "税率": "tax_rate",
    "税额": "tax",
}
# A form has a dozen columns and two closing lines; beyond these numbers it is no form.
_MAX_HEADINGS = 40
_MAX_FOOTS = 40
_NEEDED = {"name", "amount", "tax"}
_OTHER = "other"
_PRINTED_NAME = re.compile(r"\*[^*]+\*")


class Piece(NamedTuple):
    """One cell, or one line of a wrapped cell. Pieces sort as they are read."""

    page: int
    y: float
    left: float
    column: str
    text: str


@dataclass(slots=True)
class Table:
    """Item rows as text by LINE_NAMES, the pieces they were made of, and the 合计 of amount and tax.

    `doubtful` says that names could not be told apart with certainty.
    """

    rows: list[dict[str, str]] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    totals: dict[str, str] = field(default_factory=dict)
    doubtful: bool = False

    def printed(self, column: str) -> Counter[str]:
        """What stands in a column, whatever the order."""
        return Counter(compact(piece.text) for piece in self.pieces if piece.column == column)


class _Heading(NamedTuple):
    column: str
    token: Token


def read_tables(pages: Sequence[list[Token]]) -> Table:
    """The item table over all `pages`; empty where no page has its headings."""
    table = Table()
    pieces: list[Piece] = []
    for number, tokens in enumerate(pages):
        headings = _headings(tokens)
        if not headings:
            continue
        top = max(heading.token.y for heading in headings) + _LEVEL
        bottom, totals = _foot(tokens, headings, top)
        table.totals |= totals
        pieces += (
            Piece(number, token.y, token.left, _column(headings, token), token.text)
            for token in tokens
            if top < token.y < bottom
        )
    table.rows, table.doubtful = group(pieces)
    table.pieces = pieces
    return table


def group(pieces: list[Piece]) -> tuple[list[dict[str, str]], bool]:
    """Rows from `pieces`, and whether their names are in doubt.

    A row begins at the height of its amount. Where that leaves a name without the `*category*` that begins every
    printed name, cells are centred on their row, and a row begins where its name does.
    """
    pieces = sorted(pieces)
    amounts = [piece for piece in pieces if piece.column == "amount"]
    rows = _cut(pieces, amounts)
    starred = [_PRINTED_NAME.match(row["name"]) is not None for row in rows]
    if all(starred):
        return rows, False
    starts = [piece for piece in pieces if piece.column == "name" and piece.text.startswith("*")]
    if len(starts) == len(amounts):
        by_name = _cut(pieces, starts)
        if sorted(row["amount"] for row in by_name) == sorted(row["amount"] for row in rows):
            return by_name, False
    return rows, any(starred) or not all(row["name"] for row in rows)


def _cut(pieces: list[Piece], starts: list[Piece]) -> list[dict[str, str]]:
    """Rows that begin at `starts`; what stands above the first belongs to it."""
    cells: list[dict[str, list[str]]] = [{column: [] for column in LINE_NAMES} for _ in starts]
    places = [(start.page, start.y) for start in starts]
    for piece in pieces if cells else ():
        row = cells[max(0, bisect_right(places, (piece.page, piece.y + _LEVEL)) - 1)]
        if piece.column in row:
            row[piece.column].append(piece.text)
    return [{column: "".join(texts) for column, texts in row.items()} for row in cells]


def _headings(tokens: list[Token]) -> list[_Heading]:
    """The headings of the table on this page, from left to right; none where the table is not there."""
    first = next((token for token in tokens if token.plain == "项目名称"), None)
    if first is None:
        return []
    line = sorted((token for token in tokens if abs(token.y - first.y) < SAME_LINE), key=lambda token: token.left)
    if len(line) > _MAX_HEADINGS:
        return []
    headings: list[_Heading] = []
    skip = False
    for token, following in zip(line, [*line[1:], None], strict=True):
        if skip:
            skip = False
            continue
        text = token.plain
        # 单 and 位 may be set apart.
        if following and len(text) == 1 and text + following.plain in _HEADINGS:
            text += following.plain
            token = token._replace(right=following.right)
            skip = True
        headings.append(_Heading(_HEADINGS.get(text, _OTHER), token))
    return headings if {heading.column for heading in headings} >= _NEEDED else []


def _column(headings: list[_Heading], token: Token) -> str:
    """The column whose heading `token` is best aligned with."""

    def distance(heading: _Heading) -> float:
        head = heading.token
        return min(abs(token.left - head.left), abs(token.right - head.right), abs(token.middle - head.middle))

    return min(headings, key=distance).column


def _foot(tokens: list[Token], headings: list[_Heading], top: float) -> tuple[float, dict[str, str]]:
    """Where the items end (小计, 合计 or 价税合计), and amount and tax of the 合计."""
    totals: dict[str, str] = {}
    below = sorted((token for token in tokens if token.y > top), key=lambda token: (token.y, token.left))
    bottom = min((token.y - SAME_LINE for token in below if token.plain.startswith("价税合计")), default=inf)
    labels = [token for token in below if token.plain in ("合计", "小计", "合", "小")]
    for token in labels[-_MAX_FOOTS:]:
        text = token.plain
        line = [other for other in below if abs(other.y - token.y) < SAME_LINE]
        texts = [other.plain for other in line]
        if len(text) == 1 and "计" not in texts or not any("¥" in other for other in texts):
            continue
        bottom = min(bottom, token.y - SAME_LINE)
        if text.startswith("合"):
            totals = {"amount": "", "tax": ""}
            for other in line:
                column = _column(headings, other)
                if column in totals and other.plain != "¥":
                    totals[column] += other.text
    return bottom, {column: text for column, text in totals.items() if text}
