"""Synthetic papers for the demonstration: fully electronic invoices as XML, and plain proofs as PDF.

No real party appears: every credit code and number is made from a running number.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from fractions import Fraction
from html import escape as escape_html
from xml.sax.saxutils import escape

from weasyprint import HTML

from applicants.uscc import check_character
from vouchers.money import in_words, rounded, yuan


@dataclass(frozen=True)
class Party:
    """A firm as an invoice names it."""

    uscc: str
    name: str


@dataclass(frozen=True)
class Item:
    """One invoice line: quantity and unit price in yuan as printed, amount without tax in fen."""

    name: str
    unit: str
    quantity: str
    unit_price: str
    amount_fen: int

    @property
    def tax_fen(self) -> int:
        """Six per cent, rounded to the fen as invoices do."""
        return rounded(self.amount_fen * Fraction(6, 100), 1, "half_up")


def credit_code(number: int) -> str:
    """A valid unified social credit code of a made-up firm in Wuxi (登记机关 3202)."""
    body = f"91320299{number:09d}"
    return body + check_character(body)


def invoice_xml(number: str, issued_on: dt.date, seller: Party, buyer: Party, items: list[Item]) -> bytes:
    """A fully electronic special invoice (数电专票) as `EInvoice` 0.32."""
    amount = sum(item.amount_fen for item in items)
    tax = sum(item.tax_fen for item in items)
    lines = "".join(
        f"<IssuItemInformation><ItemName>{escape(item.name)}</ItemName><MeaUnits>{escape(item.unit)}</MeaUnits>"
        f"<Quantity>{item.quantity}</Quantity><UnPrice>{item.unit_price}</UnPrice>"
        f"<Amount>{yuan(item.amount_fen)}</Amount><TaxRate>0.06</TaxRate><ComTaxAm>{yuan(item.tax_fen)}</ComTaxAm>"
        f"<TotaltaxIncludedAmount>{yuan(item.amount_fen + item.tax_fen)}</TotaltaxIncludedAmount>"
        "<TaxClassificationCode>3040203000000000000</TaxClassificationCode></IssuItemInformation>"
        for item in items
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f"<EInvoice><Header><EIid>{number}</EIid><EInvoiceTag>SWEI3200</EInvoiceTag><Version>0.32</Version>"
        "<InherentLabel><InIssuType><LabelCode>Y</LabelCode><LabelName>是否蓝字发票标志</LabelName></InIssuType>"
        "<EInvoiceType><LabelCode>01</LabelCode><LabelName>电子发票</LabelName></EInvoiceType>"
        "<GeneralOrSpecialVAT><LabelCode>01</LabelCode><LabelName>增值税专用发票</LabelName></GeneralOrSpecialVAT>"
        "</InherentLabel></Header><EInvoiceData>"
        f"<SellerInformation><SellerIdNum>{seller.uscc}</SellerIdNum><SellerName>{escape(seller.name)}</SellerName>"
        f"</SellerInformation><BuyerInformation><BuyerIdNum>{buyer.uscc}</BuyerIdNum>"
        f"<BuyerName>{escape(buyer.name)}</BuyerName></BuyerInformation>"
        f"<BasicInformation><TotalAmWithoutTax>{yuan(amount)}</TotalAmWithoutTax><TotalTaxAm>{yuan(tax)}</TotalTaxAm>"
        f"<TotalTax-includedAmount>{yuan(amount + tax)}</TotalTax-includedAmount>"
        f"<TotalTax-includedAmountInChinese>{in_words(amount + tax).replace('元', '圆')}"
        "</TotalTax-includedAmountInChinese><Drawer>示例</Drawer>"
        f"<RequestTime>{issued_on} 10:00:00</RequestTime></BasicInformation>{lines}"
        "<AdditionalInformation><Remark>演示数据</Remark></AdditionalInformation></EInvoiceData>"
        f"<TaxSupervisionInfo><InvoiceNumber>{number}</InvoiceNumber><IssueTime>{issued_on}</IssueTime>"
        "<TaxBureauCode>13202000000</TaxBureauCode><TaxBureauName>国家税务总局无锡市税务局</TaxBureauName>"
        "</TaxSupervisionInfo></EInvoice>"
    ).encode()


def proof_pdf(title: str, lines: list[str]) -> bytes:
    """A one-page paper such as a contract or a bank receipt, as PDF."""
    body = "".join(f"<p>{escape_html(line)}</p>" for line in lines)
    return HTML(string=f"<html lang='zh-CN'><title>{title}</title><h1>{title}</h1>{body}</html>").write_pdf()
