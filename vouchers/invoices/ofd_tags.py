"""The tags of an OFD: which text object of the page holds which field. Three families of names are met.

Legacy files and one family of 数电票 use the names of the legacy data file (`Buyer/BuyerName`); other issuers use
the paths of the 数电票 XML (`EInvoiceData/BuyerInformation/BuyerName`), where the total's reference often yields
only the sign ¥.
"""

from __future__ import annotations

from vouchers.invoices import einvoice_xml, ofd_legacy
from vouchers.invoices.layout import paragraph
from vouchers.invoices.ofd_document import Document
from vouchers.invoices.page import joined
from vouchers.invoices.table import Piece
from vouchers.invoices.tokens import Token

_FIELDS = {**ofd_legacy.FIELDS, **{path: field for field, path in einvoice_xml.TAG_PATHS.items()}}
_ITEM = "EInvoiceData/IssuItemInformation"
_LINE = {
    **ofd_legacy.LINE,
    **{f"GoodsInfos/GoodsInfo/{name}": column for name, column in ofd_legacy.LINE.items()},
    **{f"{_ITEM}/{name}": column for column, name in einvoice_xml.LINE.items()},
}


def tagged_fields(document: Document) -> dict[str, str]:
    """The header fields that the tags point at."""
    fields: dict[str, str] = {}
    for path, field in _FIELDS.items():
        text = _text(document, path, field)
        if text and field not in fields:
            fields[field] = text
    return fields


def tagged_places(document: Document) -> dict[str, list[tuple[int, Token]]]:
    """Where the header fields stand that the tags point at: page number and token."""
    places: dict[str, list[tuple[int, Token]]] = {}
    for path, field in _FIELDS.items():
        if found := list(document.tagged(path)):
            places.setdefault(field, found)
    return places


def tagged_cells(document: Document) -> list[Piece]:
    """The cells of the item table that the tags point at. They know no rows."""
    return [
        Piece(number, token.y, token.left, column, token.text)
        for path, column in _LINE.items()
        for number, token in document.tagged(path)
    ]


def _text(document: Document, path: str, field: str) -> str:
    tokens = [token for _, token in document.tagged(path)]
    if field == "remark":
        edge = max((token.right for page in document.pages for token in page), default=0.0)
        return paragraph(tokens, edge)
    return joined(tokens)
