"""财政部 electronic voucher data (电子凭证会计数据标准) as XBRL instances, as files and inside OFD.

A fact is a child of the root in the namespace whose last path segment names the voucher (the date before it
varies: `…/taxonomy/2021-09-30/inv`); rows are tuples of facts. An *issuer's* instance is the invoice's own data; a
*receiver's* is the buyer's booking file, a declaration about an invoice and no evidence of it.
"""

from __future__ import annotations

from lxml import etree

from vouchers.invoices.assemble import MAX_LINES, too_many_lines
from vouchers.invoices.invoice import Printed, UnreadableInvoice, Warning
from vouchers.invoices.safe_xml import child, children, local_name, text_at
from vouchers.invoices.text import compact, decimal
from vouchers.invoices.witnesses import agree

_TAXONOMY = "xbrl.mof.gov.cn/taxonomy/"
_LEGACY = {
    "number": "NumberOfInvoice",
    "code": "CodeOfInvoice",
    "check_code": "IdentifyingCode",
    "date": "DateOfIssue",
    "buyer_name": "NameOfPurchaser",
    "buyer_id": "TaxpayerIdentificationNumberUnifiedSocialCreditCodeOfPurchaser",
    "seller_name": "NameOfSeller",
    "seller_id": "TaxpayerIdentificationNumberUnifiedSocialCreditCodeOfSeller",
    "amount": "TotalAmountExcludingTax",
    "tax": "TotalTaxAmount",
    "total": "TaxIncludedAmountInFigures",
    "words": "TaxIncludedAmountInWords",
    "remark": "Remarks",
}
_LEGACY_LINES = "InformationOfTaxableGoodsOrServicesDetailItemsTuple"
_LEGACY_LINE = {
    "name": "NameOfTaxableGoodsOrServices",
    "spec": "Specification",
    "unit": "UnitOfGoodsOrServices",
    "quantity": "QuantityOfGoodsOrServices",
    "unit_price": "UnitPriceOfGoodsOrServices",
    "amount": "AmountExcludingTax",
    "tax_rate": "TaxRate",
    "tax": "TaxAmount",
}
# The buyer's file knows the seller and the sums; the buyer is the one who keeps the books.
_BOOKED = {
    "number": "InvoiceNumber",
    "date": "RequestTime",
    "buyer_name": "NameOfAccountingEntity",
    "buyer_id": "UnifiedSocialCreditCodeOfAccountingEntity",
    "seller_name": "SellerName",
    "seller_id": "SellerIdNum",
    "amount": "TotalAmWithoutTax",
    "tax": "TotalTaxAm",
    "total": "TotalTax-includedAmount",
    "words": "TotalTax-includedAmountInChinese",
}
_OTHERS = {
    "rai": "铁路电子客票",
    "atr": "航空运输电子客票行程单",
    "bkrs": "银行电子对账单",
    "ntrev": "非税收入一般缴款书",
    "efi": "财政电子票据",
    "ctp": "国库集中支付电子凭证",
    "inv_tlf": "通行费电子发票",
    "tlf": "通行费电子发票",
}
_RED = {"1": False, "是": False, "true": False, "0": True, "否": True, "false": True}


def voucher(root: etree._Element) -> str:
    """Which voucher an instance holds: `inv`, `einv`, `bker`, `rai` …; empty where its namespace is none of the
    ministry's, or it has several of them."""
    kinds = set()
    for element in root:
        namespace = str(element.tag).partition("}")[0].lstrip("{")
        if _TAXONOMY in namespace:
            kinds.add(namespace.rstrip("/").rpartition("/")[2])
    # inv_ord, einv_spcl_receiver … : the voucher is the first word, but for the toll form of its own.
    kinds = {kind if kind in _OTHERS else kind.partition("_")[0] for kind in kinds}
    return kinds.pop() if len(kinds) == 1 else ""


def printed(root: etree._Element) -> Printed:
    """What an instance says of its invoice, still as text; `buyer_declaration` warns of a receiver's file.

    Raises UnreadableInvoice: `bank_receipt`, `kind_not_supported` (named), `not_an_invoice`.
    """
    kind = voucher(root)
    _refuse_others(kind)
    _refuse_currencies(root)
    said = _legacy(root) if kind == "inv" else _booked(root)
    if is_receiver(root):
        said.warnings.append(
            Warning(
                "buyer_declaration",
                "这份数据是购买方自己的入账信息，不是销售方开具的发票，不能作为发票依据。请上传发票的 XML、OFD 或 PDF 原文件。",
                blocks=True,
            )
        )
    return said


def is_receiver(root: etree._Element) -> bool:
    """Whether the instance is the buyer's booking file: by its kind, its schema's name, or facts only a buyer has."""
    schema = next((each for each in root if local_name(each) == "schemaRef"), None)
    name = "" if schema is None else str(schema.get("{http://www.w3.org/1999/xlink}href") or "")
    names = {local_name(each) for each in root}
    booked = any(name.startswith("Whether") and name.endswith(("Booked", "Paid")) for name in names)
    return voucher(root) == "einv" or "receiver" in name or booked or "NameOfAccountingEntity" in names


def _refuse_others(kind: str) -> None:
    if kind in ("inv", "einv"):
        return
    if kind == "bker":
        raise UnreadableInvoice(
            "bank_receipt", "这是银行电子回单，不是发票。请在“付款凭证”处上传它，并在这里上传发票的原文件。"
        )
    if kind in _OTHERS:
        raise UnreadableInvoice(
            "kind_not_supported", f"这是{_OTHERS[kind]}的数据，不是增值税发票，不能用于申报算力费用。"
        )
    raise UnreadableInvoice(
        "not_an_invoice", "这份数据不是可以识别的电子凭证。请上传税务平台下载的数电票 XML 或 OFD 原文件。"
    )


def _refuse_currencies(root: etree._Element) -> None:
    """Every unit must be the yuan (or a bare number): an amount in another currency is not what it looks like."""
    for unit in children(root, "unit"):
        measure = child(unit, "measure")
        text = "" if measure is None else compact(measure.text or "")
        if text.rpartition(":")[2] not in ("CNY", "pure"):
            raise UnreadableInvoice(
                "currency_not_supported", f"发票金额的币种“{text[:20]}”不是人民币，无法自动读取。请手工填写这张发票。"
            )


def _legacy(root: etree._Element) -> Printed:
    fields = {field: text_at(root, name) for field, name in _LEGACY.items()}
    unique = compact(text_at(root, "UniqueCodeOfInvoice"))
    if unique:
        own = compact(fields["code"]) + compact(fields["number"])
        agree({"代码加号码": {"number": own}, "唯一编码": {"number": unique}})
    rows = children(root, _LEGACY_LINES)
    if len(rows) > MAX_LINES:
        raise too_many_lines()
    lines = [{column: text_at(row, name) for column, name in _LEGACY_LINE.items()} for row in rows]
    for line in lines:
        line["tax_rate"] = plain_rate(line["tax_rate"])
    title = text_at(root, "TypeOfInvoice")
    return Printed(carrier="xml", kind=_legacy_kind(title), fields=fields, lines=lines)


def _legacy_kind(title: str) -> str:
    words = {"电子专用": "电子专票", "电子普通": "电子普票", "专用": "电子专票", "普通": "电子普票"}
    return next((kind for word, kind in words.items() if word in title), "")


def _booked(root: etree._Element) -> Printed:
    fields = {field: text_at(root, name) for field, name in _BOOKED.items()}
    schema = next((str(value) for each in root for value in each.attrib.values() if "receiver" in str(value)), "")
    kind = "数电专票" if "spcl" in schema else "数电普票" if "ord" in schema else ""
    red = _RED.get(text_at(root, "WhetherEinvoiceIsRedEinvoice").lower())
    return Printed(carrier="xml", kind=kind, fields=fields, lines=[], blue=red)


def plain_rate(text: str) -> str:
    """A rate without the zeros that data files write after it: `13.00%` is printed `13%`."""
    value = decimal(text.rstrip("%")) if text.endswith("%") else None
    return text if value is None else f"{value.normalize():f}%"
