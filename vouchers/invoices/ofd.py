"""The 数电票 as OFD: a zip of page parts, with tags that point at the page's text objects.

Three parts of the file state the header: the tags (CustomTags: element → ObjectRef → TextObject), the page as it
is seen (labels and columns), and the file's properties (CustomDatas, whose 合计金额 is without tax). All three
are read and compared. The tags know no rows, so the item table is the page's; they only confirm its columns.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

from vouchers.invoices.assemble import assemble
from vouchers.invoices.invoice import LINE_NAMES, Invoice, Printed, UnreadableInvoice, Warning, legacy_refusal
from vouchers.invoices.kinds import kind_of
from vouchers.invoices.layout import Layout, paragraph, read_layout
from vouchers.invoices.ofd_document import Document, read_document, several_refusal
from vouchers.invoices.safe_zip import Package
from vouchers.invoices.table import Piece, group
from vouchers.invoices.witnesses import agree, attachment_unread, doubtful_names

_HINTS = {
    "发票号码": "number",
    "开票日期": "date",
    "购买方名称": "buyer_name",
    "购买方纳税人识别号": "buyer_id",
    "销售方名称": "seller_name",
    "销售方纳税人识别号": "seller_id",
    "合计金额": "amount",
    "合计税额": "tax",
    "价税合计": "total",
}
_TAGS = {
    "InvoiceNo": "number",
    "IssueDate": "date",
    "Buyer/BuyerName": "buyer_name",
    "Buyer/BuyerTaxID": "buyer_id",
    "Seller/SellerName": "seller_name",
    "Seller/SellerTaxID": "seller_id",
    "TaxExclusiveTotalAmount": "amount",
    "TaxTotalAmount": "tax",
    "TaxInclusiveTotalAmount": "total",
    "Note": "remark",
}
_LINE_TAGS = {
    "Item": "name",
    "Quantity": "quantity",
    "Price": "unit_price",
    "Amount": "amount",
    "TaxScheme": "tax_rate",
    "TaxAmount": "tax",
}
_LEGACY_PART = re.compile(r"(?:^|/)(?:original_invoice|inv_[a-z]+_issuer_[^/]*)\.xml$")


def read_ofd(content: bytes) -> Invoice:
    """The invoice in an OFD. Raises UnreadableInvoice, also for other documents and the forms before 数电票."""
    package = Package(content)
    if "OFD.xml" not in package.paths:
        raise UnreadableInvoice(
            "not_an_invoice",
            "这是一个压缩包，不是 OFD 发票。请先解压，再逐个上传里面的发票文件（数电票 XML 或 OFD）。",
        )
    if any(_LEGACY_PART.search(path) for path in package.paths):
        raise legacy_refusal()
    document = read_document(package)
    if document.hints.get("发票代码"):
        raise legacy_refusal()
    layout = read_layout(document.pages)
    if layout.legacy:
        raise legacy_refusal()
    if len(layout.numbers) > 1:
        raise several_refusal()
    return replace(assemble(_printed(document, layout)), boxes=layout.boxes(document.sizes))


def _printed(document: Document, layout: Layout) -> Printed:
    """The three statements of the file as one, with a warning wherever they differ."""
    by_hint = {field: document.hints[name] for name, field in _HINTS.items() if name in document.hints}
    by_tag = {field: _tag_text(document, path, field) for path, field in _TAGS.items()}
    fields, warnings = agree({"数据标签": by_tag, "版面": layout.fields, "文件属性": by_hint})
    if "number" not in fields:
        raise UnreadableInvoice(
            "not_an_invoice", "这个 OFD 文件里没有读到发票号码，不是数电票。请上传税务平台下载的发票原文件。"
        )
    rows, row_warnings = _rows(document, layout)
    if document.attachments:
        row_warnings.append(attachment_unread(document.attachments))
    return Printed(
        carrier="ofd",
        kind=kind_of(layout.title, False, warnings),
        fields=fields,
        lines=rows,
        warnings=warnings + row_warnings,
    )


def _tag_text(document: Document, path: str, field: str) -> str:
    tokens = [token for _, token in document.tagged(path)]
    if field == "remark":
        edge = max((token.right for page in document.pages for token in page), default=0.0)
        return paragraph(tokens, edge)
    return "".join(token.text for token in tokens)


def _rows(document: Document, layout: Layout) -> tuple[list[dict[str, str]], list[Warning]]:
    """The item rows of the page, confirmed by the tags; of the tags alone where the page has no headings."""
    table = layout.table
    tagged = {column: list(document.tagged(path)) for path, column in _LINE_TAGS.items()}
    rows, doubtful = table.rows, table.doubtful
    warnings = []
    if not rows:
        rows, doubtful = group(
            [
                Piece(number, token.y, token.left, column, token.text)
                for column, cells in tagged.items()
                for number, token in cells
            ]
        )
    else:
        differing = [
            LINE_NAMES[column]
            for column, cells in tagged.items()
            if cells and Counter(token.plain for _, token in cells) != table.printed(column)
        ]
        if differing:
            names = "、".join(differing)
            warnings.append(Warning("two_truths", f"明细的“{names}”在数据标签与版面中不一致，请对照发票原件逐行核实。"))
    if doubtful:
        warnings.append(doubtful_names())
    return rows, warnings
