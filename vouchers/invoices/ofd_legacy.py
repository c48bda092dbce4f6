"""The data file inside the OFD of 2020 to 2022: `original_invoice.xml`, root `eInvoice`.

Its names are the tags' names too, so one map serves both. It never states the total in words, and its kind only by
the type in the text of its two-dimensional code; the page's title says both.
"""

from __future__ import annotations

from lxml import etree

from vouchers.invoices import qr
from vouchers.invoices.assemble import MAX_LINES, too_many_lines
from vouchers.invoices.invoice import Printed, UnreadableInvoice
from vouchers.invoices.safe_xml import child, children, text_at
from vouchers.invoices.text import compact
from vouchers.invoices.witnesses import agree
from vouchers.invoices.xbrl import plain_rate

FIELDS = {
    "InvoiceNo": "number",
    "InvoiceCode": "code",
    "InvoiceCheckCode": "check_code",
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
LINE = {
    "Item": "name",
    "Specification": "spec",
    "MeasurementDimension": "unit",
    "Quantity": "quantity",
    "Price": "unit_price",
    "Amount": "amount",
    "TaxScheme": "tax_rate",
    "TaxAmount": "tax",
}


def printed(root: etree._Element) -> Printed:
    """What an `eInvoice` data file says, still as text. Raises UnreadableInvoice."""
    fields = {field: text_at(root, path) for path, field in FIELDS.items()}
    if not fields["code"] and not fields["number"]:
        raise UnreadableInvoice(
            "not_an_invoice", "这个 XML 文件里没有发票代码和号码，不是电子发票。请上传税务平台下载的发票原文件。"
        )
    goods = child(root, "GoodsInfos")
    rows = [] if goods is None else children(goods, "GoodsInfo")
    if len(rows) > MAX_LINES:
        raise too_many_lines()
    lines = [{column: text_at(row, name) for name, column in LINE.items()} for row in rows]
    for line in lines:
        line["tax_rate"] = plain_rate(line["tax_rate"])
    original = compact(text_at(root, "OriginalInvoiceCode")) + compact(text_at(root, "OriginalInvoiceNo"))
    kind, coded = _code(text_at(root, "GraphCode"))
    fields, warnings = agree({"数据": fields, "二维码文本": coded})
    return Printed(carrier="xml", kind=kind, fields=fields, lines=lines, reverses=original, warnings=warnings)


def _code(text: str) -> tuple[str, dict[str, str]]:
    """Kind and fields of the two-dimensional code's text; some files hold a picture there."""
    payload = qr.parse(text)
    return (payload.kind, payload.fields()) if payload else ("", {})
