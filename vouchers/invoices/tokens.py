"""Pieces of text with their place on a page, in millimetres from its upper left corner, and the lines they stand in.

Places are floats: they are geometry, never money. Every carrier that has pages gives tokens, and layout.py and
table.py alone know where an invoice prints what.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import NamedTuple

# Baselines closer than this are one line.
SAME_LINE = 1.8
# The parts of one label stand closer than this.
_SAME_LABEL = 0.9
# A glyph reaches this share of its size above and below its baseline.
_ABOVE, _BELOW = 0.86, 0.16
_WIDE_FROM = "\u2e7f"


class Token(NamedTuple):
    """A run of text on one baseline `y`, from `left` to `right`. `plain` is its text compacted, to look for labels.

    `plain` is `text` without its blanks, character for character. `size` is the height of its type.
    """

    text: str
    plain: str
    left: float
    right: float
    y: float
    size: float = 3.175

    @property
    def middle(self) -> float:
        """Half way between its ends."""
        return (self.left + self.right) / 2

    @property
    def top(self) -> float:
        """The upper edge of its glyphs."""
        return self.y - _ABOVE * self.size

    @property
    def bottom(self) -> float:
        """The lower edge of its glyphs."""
        return self.y + _BELOW * self.size

    def edge(self, offset: int) -> float:
        """Where its `offset`th character that is no blank begins, judged by the usual widths."""
        if offset <= 0:
            return self.left
        widths = [2 if char > _WIDE_FROM else 1 for char in self.plain]
        return self.left + (self.right - self.left) * sum(widths[:offset]) / max(sum(widths), 1)

    def part(self, start: int, end: int | None = None) -> Token:
        """The piece from its `start`th character that is no blank to before its `end`th."""
        if start <= 0 and (end is None or end >= len(self.plain)):
            return self
        last = len(self.plain) if end is None else end
        places = [index for index, char in enumerate(self.text) if not char.isspace()]
        begin = places[start] if start < len(places) else len(self.text)
        stop = places[last] if last < len(places) else len(self.text)
        return self._replace(
            text=self.text[begin:stop],
            plain=self.plain[start:last],
            left=self.edge(start),
            right=self.edge(last),
        )


class Row(NamedTuple):
    """The tokens of one line from left to right, and their plain texts as one."""

    tokens: list[Token]
    text: str

    @property
    def y(self) -> float:
        """The baseline of its first token."""
        return self.tokens[0].y

    def cut(self, start: int, end: int) -> list[Token]:
        """The tokens, or parts of tokens, of the characters from `start` to before `end` of the row's text."""
        found, offset = [], 0
        for token in self.tokens:
            after = offset + len(token.plain)
            if offset < end and start < after:
                found.append(token.part(max(start - offset, 0), min(end, after) - offset))
            offset = after
        return found


_HEIGHT, _LEFT = attrgetter("y"), attrgetter("left")


def rows_of(tokens: Iterable[Token]) -> Iterator[Row]:
    """The rows of a page from above. Tokens of one row have all but the same baseline."""
    line: list[Token] = []
    for token in sorted(tokens, key=_HEIGHT):
        if line and token.y - line[0].y > _SAME_LABEL:
            yield _row(line)
            line = []
        line.append(token)
    if line:
        yield _row(line)


def _row(tokens: list[Token]) -> Row:
    tokens = sorted(tokens, key=_LEFT)
    return Row(tokens, "".join(token.plain for token in tokens))
