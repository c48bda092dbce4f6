"""The 数电票 as XML: root `EInvoice`, versions 0.2 and 0.32 (later ones alike, with a warning).

Elements are found on their full path by local name, and each may stand there once: a second `TotalTaxAm` is
refused, not chosen from. Mind the format's own spellings: `IssuItemInformation`, and the hyphen that tells the
invoice's `TotalTax-includedAmount` from a line's `TotaltaxIncludedAmount`.
"""

from __future__ import annotations

from lxml import etree

from vouchers.invoices.assemble import MAX_LINES, assemble, too_many_lines
from vouchers.invoices.invoice import Invoice, Printed, UnreadableInvoice, Warning, legacy_refusal
from vouchers.invoices.safe_xml import local_name, parse
from vouchers.invoices.text import tidy
from vouchers.invoices.witnesses import agree

_VERSIONS = ("0.2", "0.32")
_MAX_TEXT = 10_000
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
_LABELS = "Header/InherentLabel"
_BLUE_NUMBER = "EInvoiceData/SpecificInformation/RedEInvoice/OriginalInvoiceCode"
_LINE = {
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
_KIND_WORDS = {"专用": "数电专票", "普通": "数电普票"}


def read_xml(content: bytes) -> Invoice:
    """The invoice in an `EInvoice` document. Raises UnreadableInvoice, also for other documents."""
    root = parse(content)
    _refuse_others(local_name(root))
    texts = {field: _text(root, path) for field, path in _PATHS.items()}
    numbers, _ = agree({place: {"number": _text(root, path)} for place, path in _NUMBERS.items()})
    kind, warnings = _kind(root)
    version = _text(root, "Header/Version")
    if version not in _VERSIONS:
        warnings.append(
            Warning("version_unknown", f"文件版本“{version[:20]}”不是已知的 0.2 或 0.32，请对照原件核对各项内容。")
        )
    blue = {"Y": True, "N": False}.get(_text(root, f"{_LABELS}/InIssuType/LabelCode"))
    data = _child(root, "EInvoiceData")
    items = [] if data is None else [child for child in data if local_name(child) == "IssuItemInformation"]
    if len(items) > MAX_LINES:
        raise too_many_lines()
    return assemble(
        Printed(
            carrier="xml",
            kind=kind,
            fields={**texts, **numbers},
            lines=[{field: _text(item, name) for field, name in _LINE.items()} for item in items],
            blue=blue,
            reverses=_text(root, _BLUE_NUMBER),
            warnings=warnings,
        )
    )


def _kind(root: etree._Element) -> tuple[str, list[Warning]]:
    """The kind by the label's code, and by its name where they do not contradict each other."""
    path = f"{_LABELS}/GeneralOrSpecialVAT"
    code, name = _text(root, f"{path}/LabelCode"), _text(root, f"{path}/LabelName")
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


def _refuse_others(root: str) -> None:
    """Tell apart the documents people have at hand that are no 数电票 XML."""
    if root == "EInvoice":
        return
    if root in ("eInvoice", "xbrl"):
        raise legacy_refusal()
    raise UnreadableInvoice("not_an_invoice", "这个 XML 文件不是数电票。请上传税务平台下载的数电票 XML 或 OFD 原文件。")


def _text(parent: etree._Element, path: str) -> str:
    """The text at `path`, tidied; empty where there is none."""
    element = parent
    for name in path.split("/"):
        child = _child(element, name)
        if child is None:
            return ""
        element = child
    text = element.text or ""
    if len(element) or len(text) > _MAX_TEXT:
        raise _ambiguous(path)
    return tidy(text)


def _child(parent: etree._Element, name: str) -> etree._Element | None:
    """The child of that name, or None; two of them are refused."""
    found = [child for child in parent if local_name(child) == name]
    if len(found) > 1:
        raise _ambiguous(name)
    return found[0] if found else None


def _ambiguous(path: str) -> UnreadableInvoice:
    return UnreadableInvoice(
        "xml_ambiguous",
        f"文件中“{path}”重复出现或结构不正常，无法确定以哪一个为准。请从税务平台重新下载原文件后再上传。",
    )
