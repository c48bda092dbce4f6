"""Synthetic 数电票 as `EInvoice` XML, in the spellings that are met."""

from __future__ import annotations

from xml.sax.saxutils import escape

from vouchers.invoices import Line
from vouchers.money import yuan

from .facts import Facts


def element(name: str, text: object) -> str:
    return f"<{name}>{escape(str(text))}</{name}>"


def xml_text(facts: Facts, *, version: str = "0.32", rate: str = "fraction", time: str = "") -> str:
    """The EInvoice document without declaration. `rate` writes 6 % as `0.06`, `0.060000` or `6%`."""
    items = "".join(_xml_line(line, rate) for line in facts.lines)
    special = facts.kind == "数电专票"
    letter = element("LabelCode", "N" if facts.reverses else "Y") + element("LabelName", "是否蓝字发票标志")
    kind = element("LabelCode", "01" if special else "02")
    kind += element("LabelName", "增值税专用发票" if special else "普通发票")
    red = f"<RedEInvoice>{element('OriginalInvoiceCode', facts.reverses)}</RedEInvoice>" if facts.reverses else ""
    return (
        f"<EInvoice><Header>{element('EIid', facts.number)}{element('EInvoiceTag', 'SWEI3200')}"
        f"{element('Version', version)}<InherentLabel><InIssuType>{letter}</InIssuType>"
        f"<EInvoiceType>{element('LabelCode', '01')}{element('LabelName', '电子发票')}</EInvoiceType>"
        f"<GeneralOrSpecialVAT>{kind}</GeneralOrSpecialVAT></InherentLabel></Header>"
        f"<EInvoiceData><SellerInformation>{element('SellerIdNum', facts.seller_id)}"
        f"{element('SellerName', facts.seller_name)}</SellerInformation>"
        f"<BuyerInformation>{element('BuyerIdNum', facts.buyer_id)}"
        f"{element('BuyerName', facts.buyer_name)}</BuyerInformation>"
        f"<BasicInformation>{element('TotalAmWithoutTax', yuan(facts.amount_fen))}"
        f"{element('TotalTaxAm', yuan(facts.tax_fen))}{element('TotalTax-includedAmount', yuan(facts.total_fen))}"
        f"{element('TotalTax-includedAmountInChinese', facts.words)}{element('Drawer', '示例')}"
        f"{element('RequestTime', '2020-01-01 00:00:00')}</BasicInformation>{items}"
        f"<SpecificInformation>{red}</SpecificInformation>"
        f"<AdditionalInformation>{element('Remark', facts.remark)}</AdditionalInformation></EInvoiceData>"
        f"<TaxSupervisionInfo>{element('InvoiceNumber', facts.number)}{element('IssueTime', f'{facts.day}{time}')}"
        f"{element('TaxBureauCode', '13202000000')}</TaxSupervisionInfo></EInvoice>"
    )


def xml(facts: Facts, *, encoding: str = "UTF-8", **shape) -> bytes:
    """The EInvoice document as a file."""
    codec = "gb18030" if encoding.upper().startswith("GB") else encoding
    return f'<?xml version="1.0" encoding="{encoding}"?>\n{xml_text(facts, **shape)}'.encode(codec)


def _xml_line(line: Line, rate: str) -> str:
    percent = line.tax_rate.removesuffix("%")
    written = line.tax_rate
    if written.endswith("%") and rate != "percent":
        written = f"{int(percent) / 100:.6f}" if rate == "long" else f"{int(percent) / 100:.2f}"
    absent = "0" if rate == "long" else ""
    return (
        f"<IssuItemInformation>{element('ItemName', line.name)}{element('SpecMod', line.spec)}"
        f"{element('MeaUnits', line.unit)}{element('Quantity', line.quantity or absent)}"
        f"{element('UnPrice', line.unit_price or absent)}{element('Amount', yuan(line.amount_fen))}"
        f"{element('TaxRate', written)}{element('ComTaxAm', yuan(line.tax_fen))}"
        f"{element('TotaltaxIncludedAmount', yuan(line.amount_fen + line.tax_fen))}</IssuItemInformation>"
    )
