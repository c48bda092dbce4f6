"""The 数电票 as XML: root `EInvoice`, versions 0.2 and 0.32 (later ones alike, with a warning).

Elements are found on their full path by local name, and each may stand there once: a second `TotalTaxAm` is
refused, not chosen from. Mind the format's own spellings: `IssuItemInformation`, and the hyphen that tells the
invoice's `TotalTax-includedAmount` from a line's `TotaltaxIncludedAmount`.
"""

from __future__ import annotations

from dataclasses import replace

from lxml import etree

from vouchers.invoices import ofd_legacy, xbrl
from vouchers.invoices.assemble import MAX_LINES, assemble, too_many_lines
from vouchers.invoices.invoice import Invoice, Printed, UnreadableInvoice, Warning
from vouchers.invoices.safe_xml import child, children, local_name, parse, text_at
from vouchers.invoices.text import fen
from vouchers.invoices.witnesses import agree

_VERSIONS = ("0.2", "0.32")
_PATHS = {
    "date": "TaxSupervisionInfo/IssueTime",
    "buyer_name": "EInvoiceData/BuyerInformation/BuyerName",
    "buyer_id": "EInvoiceData/BuyerInformation/BuyerIdNum",
    "seller_name": "EInvoiceData/SellerInformation/SellerName",
    "seller_id": "EInvoiceData/SellerInformation/SellerIdNum",
    "amount": "EInvoiceData/BasicInformation/TotalAmWithoutTax",
    "tax": "EInvoiceData/BasicInformation/TotalTaxAm",
    "total": "EInvoiceData/BasicInformation/TotalTax-includedAmount",
    "words": "EInvoiceData/BasicInformation/TotalTax-includedAmountInChinese",
    "remark": "EInvoiceData/AdditionalInformation/Remark",
}
_NUMBERS = {"税局信息": "TaxSupervisionInfo/InvoiceNumber", "文件头": "Header/EIid"}
# The same names as tags of an OFD, which point at what is printed.
TAG_PATHS = {"number": _NUMBERS["税局信息"], **_PATHS}
_LABELS = "Header/InherentLabel"
_BLUE_NUMBER = "EInvoiceData/SpecificInformation/RedEInvoice/OriginalInvoiceCode"
LINE = {
    "name": "ItemName",
    "spec": "SpecMod",
    "unit": "MeaUnits",
    "quantity": "Quantity",
    "unit_price": "UnPrice",
    "amount": "Amount",
    "tax_rate": "TaxRate",
    "tax": "ComTaxAm",
}
_KINDS = {"01": "数电专票", "02": "数电普票"}
# 数电票 for travel share the format.
_OTHER_KINDS = ("铁路", "航空", "行程单")
_KIND_WORDS = {"专用": "数电专票", "普通": "数电普票"}


def read_xml_file(content: bytes) -> Invoice:
    """read_xml() for a file that came alone: data cut out of an invoice have no page and no seal to compare."""
    root = parse(content)
    invoice = _invoice(root)
    if local_name(root) == "EInvoice":
        return invoice
    alone = Warning(
        "data_file_only",
        "这是从电子发票里拆出的数据文件，没有版面和签章可以核对，请一并核对发票的 OFD 或 PDF 原文件。",
    )
    return replace(invoice, warnings=(*invoice.warnings, alone))


def read_xml(content: bytes) -> Invoice:
    """The invoice in an XML document: 数电票, 财政部 XBRL, or the data file of a legacy OFD.

    Raises UnreadableInvoice, also for every other document.
    """
    return _invoice(parse(content))


def _invoice(root: etree._Element) -> Invoice:
    readers = {"EInvoice": printed, "xbrl": xbrl.printed, "eInvoice": ofd_legacy.printed}
    reader = readers.get(local_name(root))
    if reader is None:
        raise UnreadableInvoice(
            "not_an_invoice", "这个 XML 文件不是数电票。请上传税务平台下载的数电票 XML 或 OFD 原文件。"
        )
    return assemble(reader(root))


def printed(root: etree._Element) -> Printed:
    """What an `EInvoice` document says, still as text. Raises UnreadableInvoice."""
    texts = {field: text_at(root, path) for field, path in _PATHS.items()}
    numbers, _ = agree({place: {"number": text_at(root, path)} for place, path in _NUMBERS.items()})
    kind, warnings = _kind(root)
    version = text_at(root, "Header/Version")
    if version not in _VERSIONS:
        warnings.append(
            Warning("version_unknown", f"文件版本“{version[:20]}”不是已知的 0.2 或 0.32，请对照原件核对各项内容。")
        )
    blue = {"Y": True, "N": False}.get(text_at(root, f"{_LABELS}/InIssuType/LabelCode"))
    data = child(root, "EInvoiceData")
    items = [] if data is None else children(data, "IssuItemInformation")
    if len(items) > MAX_LINES:
        raise too_many_lines()
    warnings += _line_totals(items)
    return Printed(
        carrier="xml",
        kind=kind,
        fields={**texts, **numbers},
        lines=[{field: text_at(item, name) for field, name in LINE.items()} for item in items],
        blue=blue,
        reverses=text_at(root, _BLUE_NUMBER),
        warnings=warnings,
    )


def _line_totals(items: list[etree._Element]) -> list[Warning]:
    """A line states its total with tax as well; where the three disagree, which one is wrong nobody here can say."""
    doubtful = []
    for number, item in enumerate(items, 1):
        try:
            amount, tax, total = (fen(text_at(item, name)) for name in ("Amount", "ComTaxAm", "TotaltaxIncludedAmount"))
        except ValueError:
            continue
        if amount + tax != total:
            doubtful.append(str(number))
    if not doubtful:
        return []
    rows = "、".join(doubtful[:5])
    return [Warning("line_total", f"明细第 {rows} 行的金额加税额不等于该行的价税合计，请对照原件核实。")]


def _kind(root: etree._Element) -> tuple[str, list[Warning]]:
    """The kind by the label's code, and by its name where they do not contradict each other."""
    other = text_at(root, f"{_LABELS}/EInvoiceType/LabelName")
    if any(word in other for word in _OTHER_KINDS):
        raise UnreadableInvoice(
            "kind_not_supported", f"这是“{other[:30]}”，不是增值税专用发票或普通发票，不能用于申报算力费用。"
        )
    path = f"{_LABELS}/GeneralOrSpecialVAT"
    code, name = text_at(root, f"{path}/LabelCode"), text_at(root, f"{path}/LabelName")
    by_code = _KINDS.get(code, "")
    by_name = next((kind for word, kind in _KIND_WORDS.items() if word in name), "")
    if by_code and by_name and by_code != by_name:
        return by_code, [
            Warning(
                "kind_mismatch", f"发票种类前后不一致：代码“{code}”，名称“{name[:40]}”。请对照原件核实是专票还是普票。"
            )
        ]
    if not by_code and not by_name:
        return "数电发票", [Warning("kind_unknown", "没有读到发票是专票还是普票，请对照原件填写发票种类。")]
    return by_code or by_name, []
