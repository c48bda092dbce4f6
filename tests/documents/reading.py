"""A printed PDF read back: every character with the box it fills."""

import ctypes
from dataclasses import dataclass

import pypdfium2
import pypdfium2.raw as raw


@dataclass(frozen=True)
class Char:
    """One character on a page; x from the left, y from the top, in points."""

    text: str
    left: float
    right: float
    top: float
    bottom: float

    @property
    def middle(self) -> float:
        """The height of its middle."""
        return (self.top + self.bottom) / 2


@dataclass(frozen=True)
class Page:
    """A page: its size, its characters in the order they were drawn, and its text."""

    width: float
    height: float
    chars: tuple[Char, ...]

    @property
    def text(self) -> str:
        return "".join(char.text for char in self.chars)

    def between(self, left: float, right: float) -> list[Char]:
        """The characters whose middle lies between two verticals."""
        return [char for char in self.chars if left <= (char.left + char.right) / 2 < right]


def read(content: bytes) -> list[Page]:
    """The pages of a PDF. Blanks are left out."""
    document = pypdfium2.PdfDocument(content)
    try:
        return [_page(document[index]) for index in range(len(document))]
    finally:
        document.close()


def _page(page) -> Page:
    width, height = page.get_size()
    text, chars, high = page.get_textpage(), [], 0
    box = [ctypes.c_double() for _ in range(4)]
    for index in range(text.count_chars()):
        code = raw.FPDFText_GetUnicode(text, index)
        if 0xD800 <= code < 0xDC00:
            high = code
            continue
        char = chr(code)
        if 0xDC00 <= code < 0xE000:
            char = (chr(high) + char).encode("utf-16", "surrogatepass").decode("utf-16")
        if not code or char.isspace():
            continue
        raw.FPDFText_GetCharBox(text, index, *map(ctypes.byref, box))
        left, right, bottom, top = (value.value for value in box)
        chars.append(Char(char, left, right, height - top, height - bottom))
    return Page(width, height, tuple(chars))
