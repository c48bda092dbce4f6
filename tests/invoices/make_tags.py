"""The tags of other issuers: the paths of the 数电票 XML, and a total whose reference yields only the sign ¥."""

from __future__ import annotations

from lxml import etree

from .make_ofd import OFD_NS

TAGS = "Doc_0/Tags/CustomTag.xml"
_PATHS = {
    "InvoiceNo": "TaxSupervisionInfo/InvoiceNumber",
    "IssueDate": "TaxSupervisionInfo/IssueTime",
    "Buyer/BuyerName": "EInvoiceData/BuyerInformation/BuyerName",
    "Buyer/BuyerTaxID": "EInvoiceData/BuyerInformation/BuyerIdNum",
    "Seller/SellerName": "EInvoiceData/SellerInformation/SellerName",
    "Seller/SellerTaxID": "EInvoiceData/SellerInformation/SellerIdNum",
    "TaxExclusiveTotalAmount": "EInvoiceData/BasicInformation/TotalAmWithoutTax",
    "TaxTotalAmount": "EInvoiceData/BasicInformation/TotalTaxAm",
    "TaxInclusiveTotalAmount": "EInvoiceData/BasicInformation/TotalTax-includedAmount",
    "Item": "EInvoiceData/IssuItemInformation/ItemName",
    "Amount": "EInvoiceData/IssuItemInformation/Amount",
    "TaxScheme": "EInvoiceData/IssuItemInformation/TaxRate",
    "TaxAmount": "EInvoiceData/IssuItemInformation/ComTaxAm",
    "Note": "EInvoiceData/AdditionalInformation/Remark",
}


def with_other_tags(parts: dict[str, str], *, wrapped: bool = False) -> dict[str, str]:
    """`parts` with the tags of family D; some issuers wrap each reference in an ObjectData."""
    body = ""
    root = etree.fromstring(parts[TAGS].encode())
    for old, new in _PATHS.items():
        found = root.findall("/".join(f"{{*}}{name}" for name in old.split("/")) + "/{*}ObjectRef")
        if new.endswith("TotalTax-includedAmount"):
            found = found[:1]
        inner = "".join(f'<ofd:ObjectRef PageRef="{ref.get("PageRef")}">{ref.text}</ofd:ObjectRef>' for ref in found)
        if wrapped:
            inner = f"<ofd:ObjectData>{inner}</ofd:ObjectData>"
        for name in reversed(new.split("/")):
            inner = f"<ofd:{name}>{inner}</ofd:{name}>"
        body += inner
    tags = f'<?xml version="1.0" encoding="UTF-8"?><ofd:EInvoice xmlns:ofd="{OFD_NS}">{body}</ofd:EInvoice>'
    return {**parts, TAGS: tags}
