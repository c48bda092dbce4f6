"""An untrusted PDF, opened only if it is whole, open to all and without scripts, and its pages as pictures."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager

import PIL.Image
import pypdfium2 as pdfium
import pypdfium2.raw as raw

from vouchers.invoices.invoice import UnreadableInvoice

# An invoice of 300 lines with long names has some eighty pages.
MAX_PAGES = 120
_SCRIPT = re.compile(rb"/(?:JavaScript|Launch)[\s/(<>\[\]]")
_XFA = (raw.FORMTYPE_XFA_FULL, raw.FORMTYPE_XFA_FOREGROUND)
# What may stand before the PDF itself.
_BEFORE = b"\xef\xbb\xbf\r\n\t "


@contextmanager
def opened(content: bytes) -> Iterator[pdfium.PdfDocument]:
    """The PDF, open as long as the block runs.

    Raises UnreadableInvoice: `pdf_damaged`, `pdf_encrypted`, `pdf_active` (scripts, programs to start, dynamic forms), `too_many_pages`.
    """
    if not content.lstrip(_BEFORE).startswith(b"%PDF-"):
        raise _damaged()
    try:
        document = pdfium.PdfDocument(content)
    except pdfium.PdfiumError as error:
        if error.err_code == raw.FPDF_ERR_PASSWORD:
            raise _encrypted() from error
        raise _damaged() from error
    try:
        _refuse_unsafe(document, content)
        yield document
    except pdfium.PdfiumError as error:
        raise _damaged() from error
    finally:
        document.close()


def _refuse_unsafe(document: pdfium.PdfDocument, content: bytes) -> None:
    if raw.FPDF_GetSecurityHandlerRevision(document) != -1:
        raise _encrypted()
    if raw.FPDFDoc_GetJavaScriptActionCount(document) > 0 or _SCRIPT.search(content) or document.get_formtype() in _XFA:
        raise UnreadableInvoice(
            "pdf_active",
            "这个 PDF 含有脚本、动态表单或会启动程序的内容，发票文件不会有这些内容，已拒绝读取。请从税务平台重新下载原文件。",
        )
    if not 0 < len(document) <= MAX_PAGES:
        raise too_many_pages(len(document))


def picture(page: pdfium.PdfPage, longer_side: int, *, share: float = 1.0, grayscale: bool = False) -> PIL.Image.Image:
    """The upper left `share` of `page`, the whole page's longer side being `longer_side` pixels whatever its size."""
    width, height = (max(edge, 1.0) for edge in page.get_size())
    scale = longer_side / max(width, height)
    right, bottom = (max(0, math.floor(edge * (1 - share) - 1 / scale)) if share < 1 else 0 for edge in (width, height))
    image: PIL.Image.Image = page.render(scale=scale, crop=(0, bottom, right, 0), grayscale=grayscale).to_pil()
    return image


def _damaged() -> UnreadableInvoice:
    return UnreadableInvoice("pdf_damaged", "这个 PDF 文件已损坏或不完整，无法打开。请从税务平台重新下载后再上传。")


def _encrypted() -> UnreadableInvoice:
    return UnreadableInvoice(
        "pdf_encrypted", "这个 PDF 文件设有密码或加密保护，无法读取。请上传税务平台下载的未加密的原文件。"
    )


def too_many_pages(count: int) -> UnreadableInvoice:
    """The refusal of a file with more pages than one invoice has."""
    return UnreadableInvoice(
        "too_many_pages", f"这个 PDF 有 {count} 页，不是一张发票。请只上传发票本身，合同、账单等请放到对应的材料里。"
    )
