"""Invoices as PDF: the text layer read by place, an embedded XML first, the QR code as a second witness.

A PDF proves nothing: what it says is read, compared with itself, and every difference is a warning.
"""

from __future__ import annotations

import ctypes
import re
from dataclasses import replace

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from vouchers.invoices.assemble import assemble
from vouchers.invoices.einvoice_xml import read_xml
from vouchers.invoices.invoice import Invoice, Printed, UnreadableInvoice, Warning
from vouchers.invoices.kinds import kind_of
from vouchers.invoices.layout import Layout, read_layout
from vouchers.invoices.pdf_file import opened, picture, too_many_pages
from vouchers.invoices.pdf_text import MM, page_tokens
from vouchers.invoices.qr import Payload, compare, decode, filled_in, parse
from vouchers.invoices.seals import seal_doubts
from vouchers.invoices.seals_pdf import pdf_seals
from vouchers.invoices.text import tidy
from vouchers.invoices.tokens import Token
from vouchers.invoices.witnesses import attachment_unread, differences, doubtful_names

# A file of more pages is one invoice only if all of them bear its number.
_FEW_PAGES = 5
_MAX_ATTACHMENTS, _MAX_ATTACHMENT = 20, 8 * 2**20
# A page with less text than this is a picture of one.
_FEW_CHARS = 12
# Refusals of a page that embedded data may stand in for.
_UNREAD = frozenset({"scan", "not_an_invoice", "field_missing", "field_invalid", "field_too_long"})
_XML_START = re.compile(rb"\s*<")
# Where the QR code is looked for: the share of the page from its upper left corner, and the page's longer side in px.
_LOOKS = ((0.45, 1200), (1.0, 1800))
# What may stand after the PDF itself.
_AFTER = b"\r\n\t \x00\x1a"


def read_pdf(content: bytes, *, with_qr: bool = True) -> Invoice:
    """The invoice in a PDF, every field with its box. `with_qr` looks for the QR code and compares it.

    Raises UnreadableInvoice; its code `scan` says that the file has pictures of text only.
    """
    with opened(content) as document:
        embedded, warnings = _embedded(document)
        page = None
        try:
            page = _printed_invoice(document, with_qr)
        except UnreadableInvoice as refusal:
            if embedded is None or refusal.code not in _UNREAD:
                raise
    invoice = _weighed(embedded, page)
    seals = pdf_seals(content)
    doubts = [*warnings, *_after_the_end(content), *seal_doubts(seals)]
    return replace(invoice, seals=seals, warnings=tuple(dict.fromkeys([*invoice.warnings, *doubts])))


def _weighed(embedded: Invoice | None, page: Invoice | None) -> Invoice:
    """The embedded data before the page's text, with a warning for every difference; the page alone where none are.

    A booking file of the buyer is no evidence: there the page stays the invoice.
    """
    if embedded is None:
        assert page is not None
        return page
    if page is None:
        unread = Warning("page_unread", "PDF 内附有发票数据，但版面没有读出来，未能互相核对。请对照版面核实各项内容。")
        return replace(embedded, carrier="pdf", warnings=(*embedded.warnings, unread))
    doubts = differences({"附件": embedded, "版面": page})
    if any(warning.code == "buyer_declaration" for warning in embedded.warnings):
        return replace(page, warnings=(*page.warnings, *embedded.warnings, *doubts))
    # The code stands on the page, yet it is a witness against both.
    doubts += [warning for warning in page.warnings if warning.code == "qr_mismatch"]
    return replace(embedded, carrier="pdf", boxes=page.boxes, warnings=(*embedded.warnings, *doubts))


def _printed_invoice(document: pdfium.PdfDocument, with_qr: bool) -> Invoice:
    """What the pages print, doubted by the QR code."""
    pages: list[list[Token]] = []
    sizes: list[tuple[float, float]] = []
    lost = 0
    shown = list(document)
    for page in shown:
        tokens, unmapped = page_tokens(page)
        width, height = page.get_size()
        pages.append(tokens)
        sizes.append((width * MM, height * MM))
        lost += unmapped
    said = sum(len(token.plain) for tokens in pages for token in tokens)
    if said < _FEW_CHARS or lost > said:
        raise _scan()
    layout = read_layout(pages)
    _refuse_several(layout, pages)
    payload = _payload(shown[0]) if with_qr else None
    warnings: list[Warning] = []
    kind = kind_of(layout.title, layout.legacy, warnings, payload.kind if payload else "")
    if "number" not in layout.fields and not layout.table.rows:
        raise UnreadableInvoice(
            "not_an_invoice", "这个 PDF 里没有读到发票号码和明细，不是电子发票。请上传税务平台下载的发票原文件。"
        )
    if layout.table.doubtful:
        warnings.append(doubtful_names())
    fields = layout.fields
    if payload:
        fields = payload.fields() | {name: text for name, text in fields.items() if text.strip()}
        warnings += filled_in(payload, layout.fields)
    printed = Printed(carrier="pdf", kind=kind, fields=fields, lines=layout.table.rows, warnings=warnings)
    invoice = assemble(printed)
    doubts = compare(payload, invoice) if payload else []
    return replace(invoice, boxes=layout.boxes(sizes), warnings=(*invoice.warnings, *doubts))


def _refuse_several(layout: Layout, pages: list[list[Token]]) -> None:
    """Refuse two invoices in one file, and long files that are no invoice."""
    if len(layout.numbers) > 1:
        raise UnreadableInvoice(
            "several_documents", "这个 PDF 文件里有多张发票。请拆开，把每张发票作为单独的文件上传。"
        )
    if len(pages) > _FEW_PAGES:
        number = "".join(layout.numbers) or "?"
        if not all(any(number in token.plain for token in tokens) for tokens in pages):
            raise too_many_pages(len(pages))


def _payload(page: pdfium.PdfPage) -> Payload | None:
    """What the QR code of the first page says: looked for where it stands, then on the whole page."""
    for share, pixels in _LOOKS:
        image = picture(page, pixels, share=share, grayscale=True)
        for text in decode(image):
            if payload := parse(text):
                return payload
    return None


def _embedded(document: pdfium.PdfDocument) -> tuple[Invoice | None, list[Warning]]:
    """The first embedded invoice data that can be read, and a warning of anything else embedded."""
    invoice, unread = None, []
    for attachment in _attachments(document):
        name = tidy(attachment.get_name())[:60]
        data = _data(attachment)
        if invoice is None and data is not None and _XML_START.match(data.removeprefix(b"\xef\xbb\xbf")):
            try:
                invoice = read_xml(data)
                continue
            except UnreadableInvoice:
                pass
        unread.append(name or "附件")
    return invoice, [attachment_unread(unread)] if unread else []


def _attachments(document: pdfium.PdfDocument) -> list[pdfium.PdfAttachment]:
    count = document.count_attachments()
    if count > _MAX_ATTACHMENTS:
        raise UnreadableInvoice("pdf_unsafe", "这个 PDF 内嵌了过多的文件，不是正常的发票文件。请从税务平台重新下载。")
    return [document.get_attachment(index) for index in range(count)]


def _data(attachment: pdfium.PdfAttachment) -> bytes | None:
    """The bytes of an embedded file; None where there are too many or none."""
    size = ctypes.c_ulong()
    if not raw.FPDFAttachment_GetFile(attachment, None, 0, size) or not 0 < size.value <= _MAX_ATTACHMENT:
        return None
    buffer = ctypes.create_string_buffer(size.value)
    raw.FPDFAttachment_GetFile(attachment, buffer, size, size)
    return buffer.raw[: size.value]


def _after_the_end(content: bytes) -> list[Warning]:
    """A doubt about bytes that stand after the PDF's last end mark: another file may be hidden there."""
    end = content.rfind(b"%%EOF")
    if end >= 0 and not content[end + 5 :].strip(_AFTER):
        return []
    return [
        Warning(
            "trailing_bytes", "PDF 文件结尾之后还有多余的内容，文件可能被改动过。请从税务平台重新下载原文件后核对。"
        )
    ]


def _scan() -> UnreadableInvoice:
    return UnreadableInvoice(
        "scan",
        "这个 PDF 是扫描件或图片，没有可以读取的文字。请上传税务平台下载的原文件（XML、OFD 或 PDF），或手工填写这张发票。",
    )
