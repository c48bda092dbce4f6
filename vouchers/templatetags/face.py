"""What is drawn: the pages of an invoice's file, or its face from what was read; and how urgent something is.

`{% load face %}{% invoice_face invoice lines marks pages %}{% ticks "tk-3" %}`
"""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from vouchers.templatetags.show import yuan

register = template.Library()

# Units of the drawing: its width, and where its table of lines begins.
WIDTH, TOP, ROW, TAIL = 840, 232, 24, 168
LEAST_ROWS = 4
# The reader's fields whose boxes a mark of another name covers.
_COVERS = {"total": ("total", "words"), "code": ("code",)}
# Space around a box, as a share of the page.
_AIR = 0.003
# A number stands right of its box, and still on the page.
_LAST = 0.975


@register.simple_tag
def ticks(name: str) -> SafeString:
    """Five ticks of which some are full (`tk-1` … `tk-5`, `tk-x`): wider than an icon. The words beside say the same."""
    return format_html('<svg class="i ticks" aria-hidden="true"><use href="#i-{}"/></svg>', name)


@register.inclusion_tag("parts/invoice_face.html")
def invoice_face(invoice, lines, marks=(), pages=()) -> dict:
    """`lines` are the invoice's rows in order; `marks` are numbered boxes over its fields, if any; `pages` the
    addresses of its file's pages as pictures, or nothing: then the face is drawn from what was read.

    A mark has `key` (number, date, buyer_name, buyer_id, seller_name, seller_id, line<position> or total), `number`,
    `tone` and `label`.
    """
    marks = list(marks)
    if pages:
        return {"invoice": invoice, "pages": _pages(invoice, marks, list(pages))}
    bottom = TOP + ROW * max(len(lines), LEAST_ROWS)
    rows = [{"line": line, "y": TOP + ROW * at, "base": TOP + ROW * at + 16} for at, line in enumerate(lines)]
    places = {
        "number": (664, 28, 154, 20),
        "date": (664, 52, 112, 20),
        "buyer_name": (84, 120, 320, 22),
        "buyer_id": (170, 150, 200, 22),
        "seller_name": (480, 120, 320, 22),
        "seller_id": (566, 150, 200, 22),
        "total": (640, bottom + 40, 166, 24),
    } | {f"line{row['line'].position}": (26, row["y"], 788, ROW - 2) for row in rows}
    boxes = [
        {"mark": mark, "id": f"b-{mark.key}", "x": x, "y": y, "width": w, "height": h, "cx": x + w, "cy": y + h // 2}
        for mark in marks
        if mark.key in places
        for x, y, w, h in [places[mark.key]]
    ]
    return {
        "invoice": invoice,
        "rows": rows,
        "boxes": boxes,
        "width": WIDTH,
        "height": bottom + TAIL,
        "top": TOP,
        "bottom": bottom,
        "sums": bottom + 18,
        "words": bottom + 57,
        "remark": bottom + 90,
        "foot": bottom + TAIL - 20,
        "sum_line": bottom + 34,
        "total_line": bottom + 70,
        "end": bottom + TAIL - 42,
        "amount": yuan(invoice.amount_fen),
        "tax": yuan(invoice.tax_fen),
    }


def _pages(invoice, marks: list, addresses: list[str]) -> list[dict]:
    """Each page with the boxes of the marks that stand on it, in shares of the picture. A mark on two pages has its
    anchor on the first."""
    pages: list[dict] = [{"number": at + 1, "url": url, "boxes": []} for at, url in enumerate(addresses)]
    anchored: set[str] = set()
    for mark in marks:
        for page, frame in _frames(invoice.boxes, mark.key).items():
            if page < len(pages):
                anchor = "" if mark.key in anchored else f"b-{mark.key}"
                anchored.add(mark.key)
                pages[page]["boxes"].append({"mark": mark, "id": anchor, **_shares(*frame)})
    return pages


def _frames(boxes: list[dict], key: str) -> dict[int, tuple[float, float, float, float]]:
    """By page, the least rectangle around every box that the mark `key` covers."""
    if key.startswith("line") and key[4:].isdigit():
        prefix = f"lines.{int(key[4:]) - 1}."
        mine = [box for box in boxes if box["field"].startswith(prefix)]
    else:
        names = _COVERS.get(key, (key,))
        # The first of the names that has a box: capital numerals stand in for a total that has none.
        mine = next((found for name in names if (found := [box for box in boxes if box["field"] == name])), [])
    frames: dict[int, tuple[float, float, float, float]] = {}
    for box in mine:
        left, top, right, bottom = box["left"], box["top"], box["right"], box["bottom"]
        a, b, c, d = frames.get(box["page"], (left, top, right, bottom))
        frames[box["page"]] = (min(a, left), min(b, top), max(c, right), max(d, bottom))
    return frames


def _shares(left: float, top: float, right: float, bottom: float) -> dict[str, str]:
    """A rectangle with a little air as percentages, for attributes of SVG; none leaves the page."""
    left, top = max(left - _AIR, 0), max(top - _AIR, 0)
    right, bottom = min(right + _AIR, 1), min(bottom + _AIR, 1)
    shares = {
        "x": left,
        "y": top,
        "width": right - left,
        "height": bottom - top,
        "cx": min(right, _LAST),
        "cy": (top + bottom) / 2,
    }
    return {name: f"{100 * max(share, 0):.2f}%" for name, share in shares.items()}
