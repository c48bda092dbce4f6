"""A picture ends where it says it ends: another file behind it is refused, anything else behind it doubted."""

import io

import PIL.Image
import pytest

from vouchers.invoices import UnreadableInvoice, guard, ocr, pages
from vouchers.invoices.images import after_the_end, end_doubts, open_image
from vouchers.invoices.reading import read

from .hostile import pdf

FORMATS = ["PNG", "JPEG", "WEBP"]
SECOND = {
    "pdf": pdf(), "zip": b"PK\x03\x04\x14\x00rest", "html": b"<script>alert(1)</script>", "program": b"MZ\x90\x00",
    "shell": b"#!/bin/sh\nrm", "old office": b"\xd0\xcf\x11\xe0\xa1\xb1",
}  # fmt: skip


def picture(kind: str, **how) -> bytes:
    """Noise, so that the coded bytes hold every value there is."""
    image = PIL.Image.effect_noise((120, 80), 90).convert("RGB")
    buffer = io.BytesIO()
    image.save(buffer, kind, **how)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("padding", [b"", b"\n", b"\x00" * 40, b"\r\n\x1a"])
def test_a_picture_as_it_was_made_and_its_padding_are_no_doubt(kind, padding):
    assert end_doubts(picture(kind) + padding) == []


@pytest.mark.parametrize("how", [{"progressive": True}, {"exif": b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x00"}])
def test_progressive_pictures_and_camera_notes_are_no_doubt(how):
    assert end_doubts(picture("JPEG", **how)) == []


def test_the_further_pictures_of_a_camera_are_no_doubt_but_what_hides_behind_them_is():
    assert end_doubts(picture("JPEG") + picture("JPEG")) == []
    assert after_the_end(picture("JPEG") + picture("JPEG") + b"PK\x03\x04") == b"PK\x03\x04"


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("second", SECOND.values(), ids=SECOND)
def test_another_file_behind_a_picture_is_refused_everywhere(kind, second):
    both = picture(kind) + second
    for use in (open_image, read, pages.page_count, lambda content: pages.render(content, 0, 200)):
        with pytest.raises(UnreadableInvoice) as refusal:
            use(both)
        assert refusal.value.code == "image_unsafe"


def test_the_guarded_child_refuses_it_too():
    with pytest.raises(UnreadableInvoice, match="另一个文件"):
        guard.page_count(picture("PNG") + SECOND["pdf"])


@pytest.mark.parametrize("kind", FORMATS)
def test_other_bytes_behind_a_picture_are_doubted_and_the_picture_still_opens(kind):
    odd = picture(kind) + b"SEFH note of a phone"
    assert [doubt.code for doubt in end_doubts(odd)] == ["trailing_bytes"]
    assert open_image(odd).size == (120, 80)


@pytest.mark.parametrize("kind", [*FORMATS, "BMP", "TIFF", "GIF"])
@pytest.mark.parametrize("keep", [1, 3, 9, 20, 60])
def test_a_picture_cut_short_has_nothing_behind_it(kind, keep):
    assert after_the_end(picture(kind)[:keep]) == b""


def test_a_scan_says_that_something_stands_behind_it(monkeypatch):
    monkeypatch.setattr(ocr, "available", lambda: True)
    monkeypatch.setattr(ocr, "_tokens", lambda image: [])
    seen = []
    monkeypatch.setattr(ocr, "assemble", lambda printed: seen.extend(printed.warnings) or (_ for _ in ()).throw(
        UnreadableInvoice("field_missing", "x")))  # fmt: skip
    with pytest.raises(UnreadableInvoice):
        ocr.read_scan(picture("JPEG") + b"SEFH")
    assert "trailing_bytes" in [warning.code for warning in seen]
