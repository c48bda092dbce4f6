"""One page of an invoice, searched by label: where a label stands and what stands beside it."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from math import inf
from typing import NamedTuple

from vouchers.invoices.text import latin
from vouchers.invoices.tokens import SAME_LINE, Row, Token, rows_of

# The letters set upright beside a party's block, and beside the password and the remark of the older forms.
_UPRIGHT = frozenset("购买销售方信息密码区备注说明")
_UPRIGHT_PAIRS = frozenset({"购买", "买方", "销售", "售方", "方信", "信息", "密码", "码区", "备注", "说明"})
_UPRIGHT_WORD = re.compile(r"(?:购买|销售)方(?:信息)?|密码区|备注|说明")
# The letters of an upright word stand below each other within this.
_UPRIGHT_DRIFT, _UPRIGHT_STEP = 1.6, 16.0
_MAX_UPRIGHT = 60
# The password of the older forms: long and of these signs alone.
_PASSWORD = re.compile(r"(?=.*[<>*+])[0-9<>*+/\-]{10,}")
# A value may begin this much before the end of its label, whose last letter is a wide colon.
_OVERLAP = 3.0
# Words parted by more than this share of their size had a blank between them.
_BLANK = 0.35
_MARGIN = 0.3


class Found(NamedTuple):
    """A label: its words, its place, and the parts of its own row that follow it without a gap, in its own token."""

    text: str

    left: float
    right: float
    y: float
    rest: tuple[Token, ...]


class Page:
    """The tokens of one page by rows. What is no part of any field (upright words, the password) is left out."""

    def __init__(self, tokens: Iterable[Token]):
        tokens = list(tokens)
        self.uprights = _uprights(tokens)
        aside = {id(token) for token in self.uprights}
        # Letters beside everything else are a note in the margin, set upright.
        margin = max((token.right for token in tokens if len(token.plain) > 1), default=inf) - _MARGIN
        self.tokens = [
            token
            for token in tokens
            if id(token) not in aside
            and not _PASSWORD.fullmatch(token.plain)
            and (len(token.plain) > 1 or token.left < margin)
        ]
        self.rows = list(rows_of(self.tokens))
        self._text = "\n".join(row.text for row in self.rows)
        self._ends = list(accumulate(len(row.text) + 1 for row in self.rows))

    def find_all(self, pattern: re.Pattern[str], below: float = -inf, *, inside: bool = False) -> list[Found]:
        """The labels on the highest line that has any, from left to right.

        A label begins where a token does, or anywhere with `inside`.
        """
        found: list[Found] = []
        first = pattern.search(self._text)
        if not first:
            return found
        for row in self.rows[bisect_right(self._ends, first.start()) :]:
            if row.y <= below:
                continue
            if found and row.y - found[0].y >= SAME_LINE:
                break
            found += _labels(row, pattern, inside)
        return sorted(found, key=lambda label: label.left)

    def find(self, pattern: re.Pattern[str], below: float = -inf, *, inside: bool = False) -> Found | None:
        """The first label that begins with `pattern`, from above and then from the left."""
        return next(iter(self.find_all(pattern, below, inside=inside)), None)

    @staticmethod
    def labels(row: Row, pattern: re.Pattern[str]) -> list[Found]:
        """All labels of one row that begin with `pattern`."""
        return list(_labels(row, pattern))

    def lowest(self, pattern: re.Pattern[str]) -> Found | None:
        """The lowest label that begins with `pattern`."""
        return next((label for row in reversed(self.rows) for label in _labels(row, pattern)), None)

    def beside(self, label: Found | None, until: float = inf) -> list[Token]:
        """What stands right of `label` on its line, its own token included, and left of `until`."""
        if label is None:
            return []
        return self.block(label, until, label.y - SAME_LINE, label.y + SAME_LINE)

    def block(self, label: Found, until: float, top: float, bottom: float) -> list[Token]:
        """What stands right of `label` between the heights `top` and `bottom`, in reading order.

        Where label and value are one token, the value's further lines may begin below the label.
        """
        own = {id(token) for token in label.rest}
        start = max(label.right - _OVERLAP, (label.left + label.right) / 2)
        below = label.left - 1 if label.rest else start
        near = [
            token
            for token in self.tokens
            if token.left < until
            and top < token.y < bottom
            and id(token) not in own
            and token.left > (below if token.y > label.y + SAME_LINE else start)
        ]
        return reading_order([*label.rest, *near])

    def wall(self, left: float, right: float, top: float, bottom: float) -> float:
        """The left edge of the first upright word between `left` and `right` at those heights; `right` if none."""
        return min(
            (token.left for token in self.uprights if left < token.left < right and top < token.y < bottom),
            default=right,
        )


def reading_order(tokens: Iterable[Token]) -> list[Token]:
    """`tokens` row by row, each from the left."""
    return [token for row in rows_of(tokens) for token in row.tokens]


def joined(tokens: Sequence[Token]) -> str:
    """The texts of `tokens` as one, with a blank where a Latin word stands apart on a line."""
    texts: list[str] = []
    before: Token | None = None
    for token in tokens:
        if before is not None and _blank_between(before, token):
            texts.append(" ")
        texts.append(token.text)
        before = token
    return "".join(texts)


def _blank_between(before: Token, token: Token) -> bool:
    words = before.text[-1:] + token.text[:1]
    same = abs(token.y - before.y) < SAME_LINE
    parted = any(map(latin, words)) and " " not in words
    return same and parted and token.left - before.right > _BLANK * token.size


def _labels(row: Row, pattern: re.Pattern[str], inside: bool = False) -> Iterator[Found]:
    matches = [match for match in pattern.finditer(row.text) if match.end() > match.start()]
    if not matches:
        return
    ends = list(accumulate(len(token.plain) for token in row.tokens))
    starts = {0, *ends}
    for match in matches:
        if inside or match.start() in starts:
            parts = row.cut(match.start(), match.end())
            last = bisect_right(ends, match.end() - 1)
            rest = row.cut(match.end(), ends[last]) if match.end() < ends[last] else []
            yield Found(match.group(), parts[0].left, parts[-1].right, parts[0].y, tuple(rest))


def _uprights(tokens: Sequence[Token]) -> list[Token]:
    """The letters of upright words: alone on their height, the next letter of the word below or the last above."""
    letters = sorted((token for token in tokens if token.plain in _UPRIGHT), key=lambda token: token.left)
    found = {id(token): token for token in tokens if _UPRIGHT_WORD.fullmatch(token.plain)}
    for index, first in enumerate(letters):
        for second in letters[index + 1 : index + _MAX_UPRIGHT]:
            if second.left - first.left > _UPRIGHT_DRIFT:
                break
            upper, lower = (first, second) if first.y < second.y else (second, first)
            if upper.plain + lower.plain in _UPRIGHT_PAIRS and lower.y - upper.y < _UPRIGHT_STEP:
                found |= {id(first): first, id(second): second}
    return list(found.values())
