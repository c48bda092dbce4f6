"""The text of one OFD page (GB/T 33190-2016): what stands where.

A TextObject lies in a Boundary box, may be transformed (CTM), and holds TextCodes whose glyphs are placed one
after another by DeltaX and DeltaY (`g 4 3.175` repeats 3.175 four times). A TextCode can therefore jump to
another line or column in its middle; each stretch becomes a Token of its own.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from itertools import islice

from lxml import etree

from vouchers.invoices.safe_zip import unsafe
from vouchers.invoices.text import latin, tidy, unspaced
from vouchers.invoices.tokens import Token

# Text farther away than this, in mm, lies on no page.
_FAR = 1_000_000.0
# No page holds more pieces of text, no piece more characters.
MAX_TOKENS = 60_000
_MAX_TEXT = 10_000
_LATIN = re.compile("[0-9A-Za-z]")
_UNMOVED = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
# A gap wider than this many glyphs begins another column.
_COLUMN_GAP = 1.5
# A step wider than this share of the type's size has a blank in it, after a digit, another Latin letter, or a Chinese
# character before a Latin letter: wider than the widest glyph of its sort.
_DIGIT_STEP, _LETTER_STEP, _CHINESE_STEP = 0.72, 0.98, 1.2


def text_objects(root: etree._Element) -> Iterator[tuple[str, list[Token]]]:
    """The visible text objects of a page or template part, in order: id and tokens. Raises UnreadableInvoice."""
    left = MAX_TOKENS
    # Looked for once a page, not once an object. (An element keeps its identity while something holds it.)
    transparent = {fill.getparent() for fill in root.iter("{*}FillColor") if fill.get("Alpha") == "0"}
    for element in root.iter("{*}TextObject"):
        if element in transparent or _invisible(element):
            continue
        try:
            tokens = list(islice(_tokens(element), left + 1))
        except ValueError as error:
            raise unsafe("内部的文字位置不正常") from error
        left -= len(tokens)
        if left < 0:
            raise unsafe("包含的文字远超一张发票应有的数量")
        yield element.get("ID", ""), tokens


def page_size(root: etree._Element, area: str) -> tuple[float, float] | None:
    """Width and height, in mm, of the first PhysicalBox in the element at `area`; None where there is none."""
    text = root.findtext(f"{area}/{{*}}PhysicalBox")
    if not text:
        return None
    try:
        _, _, width, height = numbers(text)
    except ValueError as error:
        raise unsafe("内部的页面尺寸不正常") from error
    return width, height


def hidden(element: etree._Element) -> bool:
    """Whether no reader would paint the object."""
    return _invisible(element) or any(fill.get("Alpha") == "0" for fill in element.iterchildren("{*}FillColor"))


def _invisible(element: etree._Element) -> bool:
    return element.get("Visible") == "false" or element.get("Alpha") == "0"


def _tokens(element: etree._Element) -> Iterator[Token]:
    box_left, box_top, _, _ = map(float, element.get("Boundary", "0 0 0 0").split())
    matrix = element.get("CTM")
    scale_x, skew_y, skew_x, scale_y, shift_x, shift_y = map(float, matrix.split()) if matrix else _UNMOVED
    size = float(element.get("Size", "3.175"))
    height = size * abs(scale_y)
    x = y = 0.0
    for code in element.iterchildren("{*}TextCode"):
        text = "".join(map(str, code.itertext())) if len(code) else code.text or ""
        # Reformatted parts pad the text with line breaks; the deltas count from its first real character.
        text = text.strip() if "\n" in text else text
        if len(text) > _MAX_TEXT:
            raise ValueError("no line is as long as this")
        x, y = float(code.get("X") or x), float(code.get("Y") or y)
        for run, start, end, down in _runs(text, x, y, code.get("DeltaX", ""), code.get("DeltaY", ""), size):
            if shown := tidy(run):
                left = box_left + scale_x * start + skew_x * down + shift_x
                right = box_left + scale_x * end + skew_x * down + shift_x
                baseline = box_top + skew_y * start + scale_y * down + shift_y
                # One look for all numbers above: "nan" or "inf" in any of them ends up in here.
                if not abs(left) + abs(right) + abs(baseline) + height < _FAR:
                    raise ValueError("no place on a page")
                if run[0] == " " or run[-1] == " ":
                    # A blank at either end of a wrapped piece parts two words.
                    padded = (" " if run[0] == " " else "") + shown + (" " if run[-1] == " " else "")
                    yield Token(padded, unspaced(shown), left, right, baseline, height)
                else:
                    yield Token(shown, unspaced(shown), left, right, baseline, height)


def _runs(
    text: str, x: float, y: float, delta_x: str, delta_y: str, size: float
) -> Iterator[tuple[str, float, float, float]]:
    """Stretches of `text` on one line without a column's gap: text, left, right, baseline."""
    if not text:
        return
    across = deltas(delta_x, len(text) - 1)
    down = deltas(delta_y, len(text) - 1) if delta_y else []
    widest = max(across, default=0.0)
    blanks = set(_blanks(text, across, size)) if widest > _DIGIT_STEP * size and _LATIN.search(text) else ()
    if not blanks and len(across) == len(text) - 1 and not down and widest <= size and min(across, default=0.0) >= 0:
        yield text, x, x + sum(across) + _width(text[-1], size), y
        return
    start, left = 0, x
    # Text that only goes down stays below itself.
    onward = across[-1:] or ([0.0] if down else [])
    for index, char in enumerate(text[:-1]):
        width = _width(char, size)
        step = across[index] if index < len(across) else (onward[0] if onward else width)
        drop = down[index] if index < len(down) else 0.0
        if drop or step < 0 or step - width > _COLUMN_GAP * size:
            yield _with(blanks, text, start, index + 1), left, x + width, y
            start, left = index + 1, x + step
            y += drop
        x += step
    yield _with(blanks, text, start, len(text)), left, x + _width(text[-1], size), y


def _blanks(text: str, across: list[float], size: float) -> Iterator[int]:
    """The places in `text` before which the steps leave room for a blank that is not written."""
    for index, (char, after, step) in enumerate(zip(text, text[1:], across, strict=False), 1):
        if step <= _DIGIT_STEP * size or " " in (char, after):
            continue
        widest = _DIGIT_STEP if char.isdigit() else _LETTER_STEP if latin(char) else _CHINESE_STEP
        if step > widest * size and (latin(char) or latin(after)):
            yield index


def _with(blanks: Collection[int], text: str, start: int, end: int) -> str:
    if not blanks:
        return text[start:end]
    return "".join(
        f" {char}" if at in blanks and at > start else char for at, char in enumerate(text[start:end], start)
    )


def deltas(text: str, count: int) -> list[float]:
    """At most `count` distances, `g n v` standing for n times v. Raises ValueError for what is none."""
    steps = _repeated(text, count) if "g" in text else list(map(float, text.split()[:count]))
    if not sum(map(abs, steps)) < _FAR:
        raise ValueError("no place on a page")
    return steps


def _repeated(text: str, count: int) -> list[float]:
    steps: list[float] = []
    parts = iter(text.split())
    for part in parts:
        if len(steps) >= count:
            break
        if part == "g":
            times, step = float(next(parts, "")), float(next(parts, ""))
            steps += [step] * int(min(times, count))
        else:
            steps.append(float(part))
    return steps[:count]


def _width(char: str, size: float) -> float:
    """Chinese glyphs are as wide as high, the others half."""
    return size if char > "\u2e7f" else size / 2


def numbers(text: str) -> list[float]:
    """The numbers in `text`. Raises ValueError for anything else, and for places on no page."""
    numbers = list(map(float, text.split()))
    # A sum that stays in bounds has no "nan" and no "inf" in it either.
    if not sum(map(abs, numbers)) < _FAR:
        raise ValueError("no place on a page")
    return numbers
