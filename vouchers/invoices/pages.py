"""The pages of an invoice file as pictures: PDF, OFD and images, each to a given width and never beyond a budget.

`page_count` and `render` take the file's bytes and raise UnreadableInvoice, as `read` does; its code `no_pages` says
that the carrier (XML) has none to show.
"""

from __future__ import annotations

import PIL.Image

from vouchers.invoices import ofd_drawing
from vouchers.invoices.images import MAX_PIXELS, open_image, png
from vouchers.invoices.invoice import UnreadableInvoice
from vouchers.invoices.ofd_document import read_document
from vouchers.invoices.pdf_file import opened, picture
from vouchers.invoices.reading import carrier_of, refuse_size
from vouchers.invoices.safe_zip import Package

# Pictures are asked for by width; a page may be long, so its height has a bound of its own.
MAX_WIDTH = 3_000
_LONGEST = 12


def page_count(content: bytes) -> int:
    """How many pages the file has; an image has one. Raises UnreadableInvoice."""
    carrier = _checked(content)
    if carrier == "pdf":
        with opened(content) as document:
            return len(document)
    if carrier == "ofd":
        return len(read_document(Package(content)).pages)
    open_image(content)
    return 1


def render(content: bytes, page: int, width: int) -> bytes:
    """The `page`th page (from 0) as a PNG of `width` pixels (at most MAX_WIDTH; an image is never enlarged).

    Raises UnreadableInvoice; `page_missing` where there is no such page.
    """
    carrier = _checked(content)
    width = max(1, min(width, MAX_WIDTH))
    if carrier == "pdf":
        return png(_pdf_page(content, page, width))
    if carrier == "ofd":
        return png(ofd_drawing.draw(content, page, width))
    if page != 0:
        raise _missing(page)
    image = open_image(content)
    if image.width > width:
        image = image.resize((width, max(1, round(image.height * width / image.width))))
    return png(image)


def _pdf_page(content: bytes, number: int, width: int) -> PIL.Image.Image:
    with opened(content) as document:
        if not 0 <= number < len(document):
            raise _missing(number)
        page = document[number]
        across, down = (max(edge, 1.0) for edge in page.get_size())
        # To a pixel budget, never to a scale: a page may claim to be five metres wide, or thin and endless.
        longer = width * max(1.0, min(down / across, _LONGEST, MAX_PIXELS / width / width))
        return picture(page, int(longer))


def _checked(content: bytes) -> str:
    """The carrier, if it has pages."""
    refuse_size(len(content))
    carrier = carrier_of(content)
    if carrier not in ("pdf", "ofd", "image"):
        raise UnreadableInvoice("no_pages", "这种文件没有可以显示的版面。请下载原文件查看。")
    return carrier


def _missing(number: int) -> UnreadableInvoice:
    return UnreadableInvoice("page_missing", f"这个文件没有第 {number + 1} 页。")
