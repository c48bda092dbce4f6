"""Which carrier a file is, by its leading bytes, and the reader for it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from vouchers.invoices.einvoice_xml import read_xml_file
from vouchers.invoices.images import open_image
from vouchers.invoices.invoice import Invoice, UnreadableInvoice
from vouchers.invoices.ofd import read_ofd
from vouchers.invoices.pdf import read_pdf

MAX_BYTES = 20 * 2**20

_log = logging.getLogger(__name__)
_MAGIC = (
    (b"PK\x03\x04", "ofd"),
    (b"%PDF-", "pdf"),
    (b"\x89PNG\r\n\x1a\n", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF8", "image"),
    (b"BM", "image"),
    (b"II*\x00", "image"),
    (b"MM\x00*", "image"),
)
_UTF8_MARK = b"\xef\xbb\xbf"
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<")


def read(content: bytes) -> Invoice:
    """The invoice in a file's bytes, with a warning for every doubt. Nothing is written, fetched or executed.

    Raises UnreadableInvoice, and nothing else, for any bytes at all; its code says why, its message what to do.
    """
    refuse_size(len(content))
    carrier = carrier_of(content)
    reader = _READERS.get(carrier)
    if reader is None:
        raise UnreadableInvoice(
            "not_an_invoice", "这个文件不是可以识别的电子发票。请上传税务平台下载的 XML、OFD 或 PDF 原文件。"
        )
    try:
        return reader(content)
    except UnreadableInvoice:
        raise
    except Exception as error:  # the last fence before a stranger's file reaches a page or a worker
        _log.exception("an invoice reader failed: %s, %d bytes", carrier, len(content))
        raise UnreadableInvoice(
            "reader_failed", "读取这个文件时出错，已记录。请手工填写这张发票，或从税务平台重新下载原文件后再上传。"
        ) from error


def refuse_size(size: int) -> None:
    """Raise UnreadableInvoice for a file of `size` bytes that need not be read at all: `empty_file`, `too_large`."""
    if size == 0:
        raise UnreadableInvoice("empty_file", "文件是空的（0 字节）。请从税务平台重新下载后再上传。")
    if size > MAX_BYTES:
        raise UnreadableInvoice(
            "too_large",
            f"文件有 {size / 2**20:.0f} MB，超过 {MAX_BYTES // 2**20} MB 的上限。发票原文件通常不到 1 MB，请检查是否选错了文件。",
        )


def carrier_of(content: bytes) -> str:
    """xml, ofd, pdf, image, or empty for what no invoice comes in."""
    for magic, carrier in _MAGIC:
        if content.startswith(magic):
            return carrier
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP" or content[4:12] in (b"ftypheic", b"ftypmif1"):
        return "image"
    if content.removeprefix(_UTF8_MARK).lstrip()[:1] == b"<" or content.startswith(_WIDE_MARKS):
        return "xml"
    return "pdf" if b"%PDF-" in content[:1024] else ""


def _picture(content: bytes) -> Invoice:
    """A picture says nothing that can be read like this; whether it is one at all is found by opening it whole."""
    open_image(content)
    raise UnreadableInvoice(
        "scan",
        "这是图片，没有可以直接读取的文字。请上传税务平台下载的原文件（XML、OFD 或 PDF），或对照原件手工填写这张发票。",
    )


_READERS: dict[str, Callable[[bytes], Invoice]] = {
    "xml": read_xml_file,
    "ofd": read_ofd,
    "pdf": read_pdf,
    "image": _picture,
}
