"""The text of PDF pages as tokens: PDFium's characters, each with its box, put together by place.

In these files labels come first and values last, so the order of the text says nothing; only places do. Characters
that follow each other closely are one token. Two figures that touch are two cells when they were set one by one.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator
from dataclasses import dataclass

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from vouchers.invoices.invoice import UnreadableInvoice
from vouchers.invoices.text import latin, tidy, unspaced
from vouchers.invoices.tokens import Token

MM = 25.4 / 72
# No invoice page holds as many characters.
MAX_CHARS = 60_000
# Gaps in shares of the type's size: between pieces set one by one, and inside one piece.
_APART, _WIDE = 0.28, 1.1
# And for a blank, in shares of the em: one that the file has itself; none, but Latin letters on both sides; on one.
_OWN_BLANK, _BLANK, _BLANK_BESIDE = 0.1, 0.16, 0.2
_LEAST_EM = 0.6
_LEVEL, _TOUCHING = 0.12, 0.04
_TURNED = 0.02
# What is printed twice for bold type lies this near, in mm; as many earlier tokens of the same text are looked at.
_TWICE, _MANY = 0.6, 400
_INVISIBLE = 3
_HYPHEN = 0x2D
_UNMAPPED = frozenset({0, 0xFFFE, 0xFFFF, 0xFFFD})
_CHINESE = 2


# The same function as raw's, whose answer is an address and no object: it is asked for almost every character.
_object_of = ctypes.CFUNCTYPE(ctypes.c_void_p, raw.FPDF_TEXTPAGE, ctypes.c_int)(
    ctypes.cast(raw.FPDFText_GetTextObject, ctypes.c_void_p).value or 0
)


@dataclass(slots=True)
class _Char:
    """One character with its edges and baseline. The blanks are those that the file itself has beside it."""

    text: str
    left: float
    right: float
    y: float
    size: float
    index: int
    blank_before: bool = False
    blank_after: bool = False
    blank_kept: bool = False


def page_tokens(page: pdfium.PdfPage) -> tuple[list[Token], int]:
    """The visible tokens of `page` in millimetres as it is shown, and the number of characters without a meaning.

    Raises UnreadableInvoice where the page holds more text than any invoice.
    """
    textpage = page.get_textpage()
    count = textpage.count_chars()
    if count > MAX_CHARS:
        raise UnreadableInvoice(
            "pdf_unsafe", "这个 PDF 文件包含的文字远超一张发票应有的数量，不是正常的发票文件。请从税务平台重新下载。"
        )
    text = _Text(textpage.raw, _shown_from(page))
    runs = text.runs(count)
    tokens = [token for run in runs if (token := text.token(run))]
    width, height = page.get_size()
    inside = [token for token in tokens if -1 < token.left < width * MM and 0 < token.y < height * MM + 1]
    return _once(inside), text.unmapped


def _shown_from(page: pdfium.PdfPage) -> tuple[float, float, float, float, float, float]:
    """The matrix from PDF points to millimetres from the upper left corner of the page as it is shown."""
    left, bottom, right, top = page.get_bbox()
    turned = page.get_rotation()
    if turned == 90:
        return 0.0, MM, MM, 0.0, -bottom * MM, -left * MM
    if turned == 180:
        return -MM, 0.0, 0.0, MM, right * MM, -bottom * MM
    if turned == 270:
        return 0.0, -MM, -MM, 0.0, top * MM, right * MM
    return MM, 0.0, 0.0, -MM, -left * MM, top * MM


class _Text:
    """The characters of one page."""

    def __init__(self, textpage: raw.FPDF_TEXTPAGE, shown: tuple[float, float, float, float, float, float]):
        self._textpage = textpage
        self._shown = shown
        self._objects: dict[int, int] = {}
        self._ems: dict[int, float] = {}
        self.unmapped = 0

    def runs(self, count: int) -> Iterator[list[_Char]]:
        """Characters that follow each other on one line without a gap."""
        run: list[_Char] = []
        for char in self._chars(count):
            if run and self._parted(run[-1], char):
                # A blank within a line is kept; one at its end only parts Latin words.
                level = abs(char.y - run[-1].y) < _LEVEL * char.size
                run[-1].blank_kept = level and (char.blank_before or self._blank(run[-1], char))
                yield run
                run = []
            run.append(char)
        if run:
            yield run

    def _chars(self, count: int) -> Iterator[_Char]:
        page, box, x, y = self._textpage, raw.FS_RECTF(), ctypes.c_double(), ctypes.c_double()
        box_at, x_at, y_at = ctypes.byref(box), ctypes.byref(x), ctypes.byref(y)
        unicode_of, box_of, origin_of = (
            raw.FPDFText_GetUnicode,
            raw.FPDFText_GetLooseCharBox,
            raw.FPDFText_GetCharOrigin,
        )
        last: _Char | None = None
        blank: tuple[float, float, float, float] | None = None
        same, turned = (0.0, 0.0), self._shown[0] <= 0
        high = 0
        for index in range(count):
            code = unicode_of(page, index)
            # PDFium takes a hyphen at the end of a line for a hyphenation and gives this in its place.
            code = _HYPHEN if code == 2 else code
            if code <= 32 or code == 0xA0 or code in _UNMAPPED:
                self.unmapped += code in _UNMAPPED
                if code == 32 and not raw.FPDFText_IsGenerated(page, index):
                    box_of(page, index, box_at)
                    origin_of(page, index, x_at, y_at)
                    blank = self._place(box, x.value, y.value)
                    same = box.top, box.bottom
                    if last is not None and _follows((last.right, last.y), (blank[0], blank[2]), last.size):
                        last.blank_after = True
                continue
            if 0xD800 <= code < 0xDC00:
                high = code
                continue
            if 0xDC00 <= code < 0xE000:
                code = 0x10000 + ((high - 0xD800) << 10) + code - 0xDC00 if high else 0xFFFD
            high = 0
            box_of(page, index, box_at)
            if (box.top, box.bottom) != same or turned:
                # Characters of one font between the same heights stand on one baseline.
                origin_of(page, index, x_at, y_at)
                same = box.top, box.bottom
            left, right, height, size = self._place(box, x.value, y.value)
            spaced = blank is not None and _follows((blank[1], blank[2]), (left, height), size)
            last = _Char(chr(code), left, right, height, size, index, spaced)
            blank = None
            yield last

    def _place(self, box: raw.FS_RECTF, x: float, y: float) -> tuple[float, float, float, float]:
        """Left and right edge, baseline and size on the page as it is shown."""
        a, b, c, d, e, f = self._shown
        if a > 0:
            return a * box.left + e, a * box.right + e, d * y + f, d * (box.bottom - box.top)
        if b:
            # What is across in the file is down on a page shown on its side.
            ends, size = (c * box.bottom + e, c * box.top + e), abs(b * (box.right - box.left))
        else:
            ends, size = (a * box.left + e, a * box.right + e), abs(d * (box.top - box.bottom))
        return min(ends), max(ends), b * x + d * y + f, size

    def _parted(self, before: _Char, char: _Char) -> bool:
        size = max(before.size, char.size, 0.1)
        gap = (char.left - before.right) / size
        if abs(char.y - before.y) > _LEVEL * size or gap > _WIDE or gap < -0.6:
            return True
        if gap <= _TOUCHING and _sort(before.text) == _sort(char.text) == _CHINESE:
            return False
        first, second = self._object(before.index), self._object(char.index)
        if first == second:
            return False
        if gap > _APART:
            return True
        # What was set apart is two cells, however near, unless the program sets every character apart.
        return self._object(before.index - 1) == first or self._object(char.index + 1) == second

    def _blank(self, before: _Char, char: _Char) -> bool:
        """Whether a blank stands between two characters of a line: the file's own, or a gap beside a Latin letter.

        Chinese characters are set apart for the look of it; only the file's own blank parts them.
        """
        gap = char.left - before.right
        if gap <= _OWN_BLANK * char.size * _LEAST_EM:
            return False
        sides = latin(before.text) + latin(char.text)
        if not sides and not char.blank_before:
            return False
        least = _OWN_BLANK if char.blank_before else _BLANK if sides == 2 else _BLANK_BESIDE
        return least * char.size * self._em(char.index) < gap < _WIDE * char.size

    def _em(self, index: int) -> float:
        """The em of a character's font in shares of its size, which is the height of the font's lines."""
        found = self._object(index)
        if found not in self._ems:
            self._ems[found] = _em_of(found)
        return self._ems[found]

    def _object(self, index: int) -> int:
        """The address of the text object of a character; 0 where there is none."""
        if index not in self._objects:
            self._objects[index] = (_object_of(self._textpage, index) or 0) if index >= 0 else 0
        return self._objects[index]

    def token(self, run: list[_Char]) -> Token | None:
        """The run as a token; None where no one sees it, or it is turned, as a seal's letters are."""
        first = run[0]
        if len(run) == 1 and abs(math.remainder(self._angle(first.index), math.tau)) > _TURNED:
            return None
        found = self._object(first.index)
        if found and raw.FPDFTextObj_GetTextRenderMode(ctypes.cast(found, raw.FPDF_PAGEOBJECT)) == _INVISIBLE:
            return None
        texts: list[str] = []
        before = first
        for char in run:
            if char.left > before.right and self._blank(before, char):
                texts.append(" ")
            texts.append(char.text)
            before = char
        shown = tidy("".join(texts))
        if not shown:
            return None
        # A blank at either end of a wrapped piece parts two Latin words.
        text = (" " if first.blank_before and latin(shown[0]) else "") + shown
        text += " " if before.blank_kept or before.blank_after and latin(shown[-1]) else ""
        return Token(text, unspaced(shown), first.left, before.right, first.y, max(char.size for char in run))

    def _angle(self, index: int) -> float:
        """How far the character is turned, on the page as it is shown."""
        angle = raw.FPDFText_GetCharAngle(self._textpage, index)
        return angle + math.atan2(self._shown[1], self._shown[0]) if angle >= 0 else 0.0


def _em_of(found: int) -> float:
    """1 over the height of a line of the text object's font at size 1; 1 where the font does not say."""
    font = raw.FPDFTextObj_GetFont(ctypes.cast(found, raw.FPDF_PAGEOBJECT)) if found else None
    above, below = ctypes.c_float(), ctypes.c_float()
    if not font or not raw.FPDFFont_GetAscent(font, 1.0, above) or not raw.FPDFFont_GetDescent(font, 1.0, below):
        return 1.0
    height = above.value - below.value
    return max(1 / height, _LEAST_EM) if height > 1 else 1.0


def _follows(end: tuple[float, float], start: tuple[float, float], size: float) -> bool:
    """Whether what begins at `start` follows what ends at `end` on its line without a gap."""
    return abs(start[1] - end[1]) < _LEVEL * size and -_APART * size < start[0] - end[0] < _APART * size


def _sort(char: str) -> int:
    """Chinese, or anything narrower."""
    return _CHINESE if char > "\u2e7f" else 0


def _once(tokens: list[Token]) -> list[Token]:
    """Tokens without those printed twice at one place, as some issuers do for bold type."""
    kept: dict[str, list[Token]] = {}
    once = []
    for token in tokens:
        same = kept.setdefault(token.plain, [])
        if not any(
            abs(token.left - other.left) < _TWICE and abs(token.y - other.y) < _TWICE for other in same[-_MANY:]
        ):
            same.append(token)
            once.append(token)
    return once
