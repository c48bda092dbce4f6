"""Text on a grid of half squares, so that a whole line of a table is one piece of text.

WeasyPrint pays for every piece of text it places, so a cell that is a piece of its own makes a long table slow. In the
roster's font every ASCII character is half a square wide and every Chinese one a full square: columns are made by
counting, and one line of the table costs one piece. Whatever is not on that grid (é, Ω, a Hebrew letter) gets a box
exactly one square wide, which keeps the columns, and keeps right-to-left letters from turning a line around.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator

# The blocks whose characters are one square wide in every Chinese font.
_CJK = "\u3000-\u3029\u3030-\u303d\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff01-\uff5e\U00020000-\U0003fffd"
_MARKS = "\u0300-\u036f\u3099\u309a\ufe00-\ufe0f\U000e0100-\U000e01ef"
_ON_GRID = re.compile(f"[\x20-\x7e{_CJK}]+")
_PIECE = re.compile(f".[{_MARKS}]*", re.DOTALL)
# Numbers and Latin words are not broken in two.
_TOKEN = re.compile(f"[0-9A-Za-z,.-]+(?![{_MARKS}])|.[{_MARKS}]*", re.DOTALL)
_NOT_FIRST = frozenset("，。、；：？！）〕】》〉」』”’)]}%,.;:!?")
_NOT_LAST = frozenset("（〔【《〈「『“‘([{")
# Control and format characters, halves of a pair, line and paragraph separators.
_FORMLESS = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def clean(text: str) -> str:
    """`text` as it is printed: every blank is a plain one, and characters without any form are left out.

    Among these are the marks that turn the direction of writing, which could make one amount look like another.
    """
    if text.isprintable():
        return text
    plain = re.sub(r"[^\S\u3000]", " ", text)
    return "".join(char for char in plain if unicodedata.category(char) not in _FORMLESS)


def halves(text: str) -> int:
    """How many half squares `text` is wide."""
    if text.isascii():
        return len(text)
    return sum(1 if piece.isascii() else 2 for piece in _PIECE.findall(text))


def wrap(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` half squares, at least one line.

    Numbers and Latin words stay whole where a line can hold them; no line begins with a closing mark or ends with an
    opening one where that can be helped.
    """
    text = text.strip()
    if halves(text) <= width:
        return [text]
    lines, line = [], ""
    for token in _tokens(text, width):
        if halves(line + token) <= width:
            line += token
            continue
        kept, following = _parted(line, token, width)
        lines += [kept.rstrip(" ")] if kept.strip(" ") else []
        line = following.lstrip(" ")
    return [*lines, line]


def padded(text: str, width: int, *, right: bool = False) -> str:
    """`text` as HTML, filled with blanks to `width` half squares; at the right edge if `right`."""
    blank = max(0, width - halves(text))
    # Full squares where they do, since every blank is a glyph to place.
    blanks = " " * (blank % 2) + "\u3000" * (blank // 2)
    return blanks + _marked_up(text) if right else _marked_up(text) + blanks


def _marked_up(text: str) -> str:
    if not text or _ON_GRID.fullmatch(text):
        return html.escape(text)
    pieces = ((piece, html.escape(piece)) for piece in _PIECE.findall(text))
    return "".join(safe if _ON_GRID.fullmatch(piece) else f"<i>{safe}</i>" for piece, safe in pieces)


def _parted(line: str, token: str, width: int) -> tuple[str, str]:
    """A full line before `token`: what stays on it, and with what the next line begins, `token` included."""
    kept, following = _PIECE.findall(line), token
    while len(kept) > 1 and (following[0] in _NOT_FIRST or kept[-1] in _NOT_LAST):
        if halves(kept[-1] + following) > width:
            break
        following = kept.pop() + following
    return "".join(kept), following


def _tokens(text: str, width: int) -> Iterator[str]:
    for token in _TOKEN.findall(text):
        if halves(token) <= width:
            yield token
        else:
            yield from token
