"""A bank's receipt from whatever file it comes in: machine-readable `bker` first, else what its pages print.

There is no form that all banks keep to, so a receipt read from its text is a proposal that a person confirms.
"""

from __future__ import annotations

from vouchers.invoices import receipt_ofd
from vouchers.invoices.invoice import UnreadableInvoice
from vouchers.invoices.ofd_document import read_document
from vouchers.invoices.payment import RECEIPT_NAMES, Receipt
from vouchers.invoices.pdf_file import opened
from vouchers.invoices.pdf_text import MM, page_tokens
from vouchers.invoices.reading import carrier_of, refuse_size
from vouchers.invoices.receipt_text import from_pages
from vouchers.invoices.safe_zip import Package
from vouchers.invoices.tokens import Token

__all__ = ["RECEIPT_NAMES", "Receipt", "read_receipt"]

# A receipt has one page; a file of statements has more than anyone should search for one payment.
_MAX_PAGES = 5


def read_receipt(content: bytes) -> Receipt:
    """The payment in a receipt's file, with a warning for every field that was not read or is in doubt.

    Raises UnreadableInvoice: `scan` for a picture of text, `receipt_unreadable` for what shows no payment,
    `several_documents`, and what unsafe files raise.
    """
    refuse_size(len(content))
    carrier = carrier_of(content)
    if carrier == "xml":
        return receipt_ofd.read(content)
    if carrier == "pdf":
        return from_pages(*_pdf_pages(content))
    if carrier == "ofd":
        return _ofd(content)
    if carrier == "image":
        raise UnreadableInvoice(
            "scan", "回单是图片，没有可以读取的文字。请上传网银下载的 PDF 或 OFD 回单，或手工填写。"
        )
    raise UnreadableInvoice(
        "receipt_unreadable", "这个文件不是银行回单。请上传网银下载的 PDF 或 OFD 回单，或手工填写。"
    )


def _ofd(content: bytes) -> Receipt:
    try:
        return receipt_ofd.read(content)
    except UnreadableInvoice as refusal:
        if refusal.code != "receipt_unreadable":
            raise
    document = read_document(Package(content))
    return from_pages(document.pages, document.sizes)


def _pdf_pages(content: bytes) -> tuple[list[list[Token]], list[tuple[float, float]]]:
    """Tokens and sizes, in mm, of the pages."""
    with opened(content) as document:
        if len(document) > _MAX_PAGES:
            raise UnreadableInvoice(
                "several_documents", f"这个文件有 {len(document)} 页，不是一份回单。请逐份下载后分别上传。"
            )
        tokens = [page_tokens(page)[0] for page in document]
        sizes = [(width * MM, height * MM) for width, height in (page.get_size() for page in document)]
    if not any(tokens):
        raise UnreadableInvoice(
            "scan", "这份 PDF 回单是扫描件或图片，没有可以读取的文字。请上传网银下载的原文件，或手工填写。"
        )
    return tokens, sizes
