"""Which column of the item table a piece of text stands in.

A cell may be aligned with its heading to the left, to the right or centred, and long ones reach under their
neighbours' headings. So a whole line is judged at once: its cells keep the columns' order, and what looks like an
amount or a rate stands where amounts and rates do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from vouchers.invoices.tokens import SAME_LINE, Row, Token

OTHER = "other"
# A form has a dozen columns; beyond these numbers it is no form, and no line of it either.
_MAX_HEADINGS = 40
_MAX_CELLS = 60
_NEEDED = {"name", "amount", "tax"}
_NAMES = r"项目名称|货物或应税劳务、?(?:服务)?名称|货物\(劳务\)名称"
_COLUMNS = {
    "项目名称": "name",
    "规格型号": "spec",
    "车牌号": "spec",
    "单位": "unit",
    "类型": "unit",
    "数量": "quantity",
    "通行日期起": "quantity",
    "单价": "unit_price",
    "通行日期止": "unit_price",
    "金额": "amount",
    "税率/征收率": "tax_rate",
    "税率": "tax_rate",
    "征收率": "tax_rate",
    "税额": "tax",
}
_NAME_HEADING = re.compile(_NAMES)
_HEADING = re.compile("|".join([_NAMES, *_COLUMNS, r"\([^()]{1,10}\)"]))
# The second line of headings set in two.
_SECOND = re.compile(r"(?:/?征收率|\([^()]{1,10}\))+")
_FIGURE = re.compile(r"-?[¥$]?-?[0-9][0-9,]*(?:\.[0-9]*)?|-?\.[0-9]+|\*+|-+|—+")
_RATE = re.compile(r"[0-9]+(?:\.[0-9]+)?%|免税|不征税|\*+|.{0,4}零税率|0(?:\.[0-9]+)?")
_FIGURES = frozenset({"quantity", "unit_price", "amount", "tax"})
_SINGLE = _FIGURES | {"tax_rate"}
# What a cell of the wrong sort weighs against millimetres of misalignment; and two figures in one cell.
_WRONG, _TWICE, _UNLIKELY = 60.0, 50.0, 4.0
# And the two halves of one piece in two columns, a little apart or not at all.
_TORN, _SEVERED = 10.0, 30.0
# Pieces nearer than this share of their size touch.
_TOUCHING = 0.2
_UNIT_LENGTH = 8
# Headings may differ this much in height.
_LEVEL = 1.2


class Heading(NamedTuple):
    """A heading of the table: its column by LINE_NAMES, or `other`, and where it stands."""

    column: str
    left: float
    right: float
    y: float


def headings_of(rows: Sequence[Row]) -> list[Heading]:
    """The headings of the table on this page, from left to right; none where the table is not there."""
    for index, row in enumerate(rows):
        if _NAME_HEADING.search(row.text):
            near = [other for other in rows[max(0, index - 2) : index + 3] if abs(other.y - row.y) < SAME_LINE]
            tokens = sorted((token for other in near for token in other.tokens), key=lambda token: token.left)
            if len(tokens) <= _MAX_HEADINGS:
                found = _headings(Row(tokens, "".join(token.plain for token in tokens)))
                if {heading.column for heading in found} >= _NEEDED:
                    return found
    return []


def below_headings(headings: Sequence[Heading], rows: Sequence[Row]) -> list[Row]:
    """The rows below the headings, and below the second line of headings set in two."""
    top = max(heading.y for heading in headings) + _LEVEL
    rows = [row for row in rows if row.y > top]
    return rows[1:] if rows and _SECOND.fullmatch(rows[0].text) else rows


def _headings(row: Row) -> list[Heading]:
    headings: list[Heading] = []
    offset = 0
    for match in _HEADING.finditer(row.text):
        if match.start() > offset:
            headings += [_heading(OTHER, [token]) for token in row.cut(offset, match.start()) if token.plain != "/"]
        tokens = row.cut(match.start(), match.end())
        text = match.group()
        if text.startswith("("):
            # 金额(不含税), (%) and the like say more about the heading before them.
            headings[-1:] = [last._replace(right=tokens[-1].right) for last in headings[-1:]]
        else:
            headings.append(_heading("name" if _NAME_HEADING.fullmatch(text) else _COLUMNS[text], tokens))
        offset = match.end()
    return headings + [_heading(OTHER, [token]) for token in row.cut(offset, len(row.text))]


def _heading(column: str, tokens: Sequence[Token]) -> Heading:
    return Heading(column, tokens[0].left, tokens[-1].right, tokens[0].y)


def columns_of(headings: Sequence[Heading], tokens: Sequence[Token]) -> list[str]:
    """The column of each of a line's `tokens` (from left to right): the cheapest choice that keeps their order."""
    if len(tokens) > _MAX_CELLS:
        return [min(zip(_costs(headings, token), headings, strict=True))[1].column for token in tokens]
    if not tokens:
        return []
    best = _costs(headings, tokens[0])
    twice = [_TWICE if heading.column in _SINGLE else 0.0 for heading in headings]
    choices: list[list[int]] = []
    for last, token in zip(tokens, tokens[1:], strict=False):
        # Pieces that touch are one cell rather than two.
        gap = (token.left - last.right) / max(token.size, 0.1)
        apart = _SEVERED if gap < _TOUCHING / 4 else _TORN if gap < _TOUCHING else 0.0
        costs, chosen = _costs(headings, token), []
        lowest, lowest_at = float("inf"), 0
        for index, (cost, again) in enumerate(zip(best, twice, strict=True)):
            before, at = cost + again, index
            if lowest + apart < before:
                before, at = lowest + apart, lowest_at
            if cost < lowest:
                lowest, lowest_at = cost, index
            costs[index] += before
            chosen.append(at)
        best = costs
        choices.append(chosen)
    at = min(range(len(headings)), key=best.__getitem__)
    path = [at]
    for chosen in reversed(choices):
        at = chosen[at]
        path.append(at)
    return [headings[index].column for index in reversed(path)]


def looks_like(column: str, token: Token) -> bool:
    """Whether `token` could be a cell of `column` by its text alone."""
    if column in _FIGURES:
        return _FIGURE.fullmatch(token.plain) is not None
    return column != "tax_rate" or _RATE.fullmatch(token.plain) is not None


def _costs(headings: Sequence[Heading], token: Token) -> list[float]:
    """How ill `token` stands under each heading: misalignment in mm, and more where its text is of another sort."""
    left, right = token.left, token.right
    odd = _oddness(token)
    return [
        min(abs(left - begin), abs(right - end), abs(left + right - begin - end) / 2) + odd.get(column, 0.0)
        for column, begin, end, _ in headings
    ]


def _oddness(token: Token) -> dict[str, float]:
    """What it weighs that `token`'s text is not of the sort of a column."""
    plain = token.plain
    figure = 0.0 if _FIGURE.fullmatch(plain) else _WRONG
    money = figure or (0.0 if plain[-3:-2] in (".", "*") else _UNLIKELY)
    return {
        "quantity": figure,
        "unit_price": figure,
        "amount": money,
        "tax": money,
        "tax_rate": 0.0 if _RATE.fullmatch(plain) else _WRONG,
        "unit": _UNLIKELY if len(plain) > _UNIT_LENGTH or plain.isdigit() else 0.0,
    }
