"""What is drawn: the face of an invoice that was read, and how urgent something is.

`{% load face %}{% invoice_face invoice lines marks %}{% ticks "tk-3" %}`
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


@register.simple_tag
def ticks(name: str) -> SafeString:
    """Five ticks of which some are full (`tk-1` … `tk-5`, `tk-x`): wider than an icon. The words beside say the same."""
    return format_html('<svg class="i ticks" aria-hidden="true"><use href="#i-{}"/></svg>', name)


@register.inclusion_tag("parts/invoice_face.html")
def invoice_face(invoice, lines, marks=()) -> dict:
    """`lines` are the invoice's rows in order; `marks` are numbered boxes over its fields, if any.

    A mark has `key` (number, date, buyer, buyer_id, seller, line<pk> or total), `number`, `tone` and `label`.
    """
    bottom = TOP + ROW * max(len(lines), LEAST_ROWS)
    rows = [{"line": line, "y": TOP + ROW * at, "base": TOP + ROW * at + 16} for at, line in enumerate(lines)]
    places = {
        "number": (664, 28, 154, 20),
        "date": (664, 52, 112, 20),
        "buyer": (84, 120, 320, 22),
        "buyer_id": (170, 150, 200, 22),
        "seller": (480, 120, 320, 22),
        "total": (640, bottom + 40, 166, 24),
    } | {f"line{row['line'].pk}": (26, row["y"], 788, ROW - 2) for row in rows}
    boxes = [
        {"mark": mark, "x": x, "y": y, "width": w, "height": h, "cx": x + w, "cy": y + h // 2}
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
