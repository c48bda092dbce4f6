"""Pages as pictures: to the width asked for, within a budget of pixels, with nothing of the file left in them."""

import io
import struct
import zlib

import PIL.Image
import pytest

from vouchers.invoices import UnreadableInvoice
from vouchers.invoices.pages import page_count, render
from vouchers.invoices.qr import decode, parse

from . import make
from .corpus import build, fonts
from .corpus.canvas import Canvas


def opened(content: bytes) -> PIL.Image.Image:
    image = PIL.Image.open(io.BytesIO(content))
    assert image.format == "PNG"
    return image


def refusal(act, *arguments) -> str:
    with pytest.raises(UnreadableInvoice) as caught:
        act(*arguments)
    return caught.value.code


def photograph(form: str = "JPEG", size: tuple[int, int] = (400, 300), **more) -> bytes:
    buffer = io.BytesIO()
    PIL.Image.new("RGB", size, "white").save(buffer, form, **more)
    return buffer.getvalue()


def blank_pdf(width: float, height: float, pages: int = 1) -> bytes:
    canvas = Canvas(width, height)
    for _ in range(pages):
        canvas.page()
    return canvas.finish()


@pytest.mark.skipif(not fonts.NOTO.exists(), reason="made with the Noto CJK fonts of the system")
def test_an_invoice_as_a_picture_has_the_width_asked_for_and_its_qr_code_can_be_read():
    made = build.made("tax", 0)

    image = opened(render(made.content, 0, 1000))

    assert image.width == 1000
    assert abs(image.height - 1000 * 140 / 210) <= 1
    [payload] = [parse(text) for text in decode(image)]
    assert payload.number == made.facts.number


def test_pages_are_counted_and_numbered_from_nought():
    content = blank_pdf(210, 140, 3)

    assert page_count(content) == 3
    assert opened(render(content, 2, 300)).width == 300
    assert refusal(render, content, 3, 300) == "page_missing"
    assert refusal(render, content, -1, 300) == "page_missing"


@pytest.mark.parametrize(("width", "height"), [(5080, 5080), (5080, 1), (1, 5080)])
def test_a_page_of_five_metres_stays_within_the_budget(width, height):
    image = opened(render(blank_pdf(width, height), 0, 3000))

    assert image.width * image.height <= 40_000_000


def test_a_picture_comes_back_upright_and_without_what_its_file_carried():
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "GPS 31.5 120.3"

    content = render(photograph(exif=exif), 0, 2000)

    assert opened(content).size == (300, 400)
    assert b"GPS" not in content
    assert b"eXIf" not in content


def test_a_large_picture_is_shrunk_and_a_small_one_left():
    assert opened(render(photograph(), 0, 200)).size == (200, 150)
    assert opened(render(photograph(), 0, 2000)).size == (400, 300)
    assert page_count(photograph("PNG")) == 1


def test_see_through_is_white():
    buffer = io.BytesIO()
    PIL.Image.new("RGBA", (10, 10), (0, 0, 0, 0)).save(buffer, "PNG")

    assert opened(render(buffer.getvalue(), 0, 10)).getpixel((5, 5)) == (255, 255, 255)


def test_a_small_file_that_claims_many_pixels_is_refused_before_it_is_decoded():
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0))
    content = b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 60_001)) + chunk(b"IEND", b"")

    assert refusal(render, content, 0, 100) == "image_too_large"
    assert refusal(page_count, photograph("PNG", (9000, 5000))) == "image_too_large"


def test_what_does_not_decode_is_refused_by_name():
    assert refusal(render, photograph()[:200], 0, 100) == "image_damaged"
    assert refusal(page_count, b"\x89PNG\r\n\x1a\n") == "image_damaged"
    assert refusal(render, make.xml(make.Facts()), 0, 100) == "no_pages"
    assert refusal(page_count, b"") == "empty_file"
