"""Bank receipts that a machine can read: 财政部's `bker` (银行电子回单) as an instance, in an OFD or on its own."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from math import inf

from lxml import etree

from vouchers.invoices import xbrl
from vouchers.invoices.invoice import Box, UnreadableInvoice, Warning
from vouchers.invoices.ofd_document import Document, read_document
from vouchers.invoices.payment import RECEIPT_NAMES, Receipt
from vouchers.invoices.safe_xml import local_name, parse, text_at
from vouchers.invoices.safe_zip import Package
from vouchers.invoices.seals import ofd_seals
from vouchers.invoices.text import compact, day, fen, tidy, words_agree
from vouchers.money import yuan

_ZIP = b"PK\x03\x04"
_FACTS = {
    "payer": ("AccountNameOfPayer", "NameOfPayer"),
    "payee": ("AccountNameOfPayee", "NameOfPayee"),
    "amount": ("TransactionAmountInFigures", "TransactionAmount"),
    "words": ("TransactionAmountInWords",),
    "date": ("DateOfBookkeeping", "TransactionDate", "IssueDate"),
    "serial": ("NumberOfBankElectronicReceipt", "BusinessSerialNumber"),
    "currency": ("Currency",),
}
_YUAN = ("", "CNY", "RMB", "人民币", "156")
_MAX_TEXT = 200
# The page need not be searched for what is too short to be there on purpose.
_SHORT = 4


def read(content: bytes) -> Receipt:
    """The payment in a `bker` instance or in an OFD that holds one; what is missing or contradicts is a warning.

    Raises UnreadableInvoice: `receipt_unreadable` where there is no such instance, and what unsafe files raise.
    """
    if not content.startswith(_ZIP):
        return _receipt(_instance([parse(content)]), None, [])
    package = Package(content)
    if "OFD.xml" not in package.paths:
        raise _unreadable()
    document = read_document(package)
    listed = [attachment.path for attachment in document.attachments if attachment.path.lower().endswith(".xml")]
    paths = dict.fromkeys([*listed, *(path for path in package.paths if "/Attachs/" in path and path.endswith(".xml"))])
    roots = [package.xml(path) for path in paths]
    _, doubts = ofd_seals(package)
    # Banks have authorities of their own.
    doubts = [doubt for doubt in doubts if doubt.code != "seal_issuer_unknown"]
    return _receipt(_instance(roots), document, doubts)


def _instance(roots: list[etree._Element]) -> etree._Element:
    """The one instance of a bank receipt among `roots`. Two of them are two payments, and refused."""
    found = [root for root in roots if local_name(root) == "xbrl" and xbrl.voucher(root) == "bker"]
    if not found:
        raise _unreadable()
    if len(found) > 1:
        raise UnreadableInvoice(
            "several_documents", "这个文件里有多份银行回单，无法确定以哪一份为准。请逐份下载后分别上传。"
        )
    return found[0]


def _receipt(root: etree._Element, document: Document | None, doubts: list[Warning]) -> Receipt:
    said = {field: _fact(root, names) for field, names in _FACTS.items()}
    warnings = list(doubts)
    amount_fen, date = _money(said["amount"]), _day(said["date"])
    stated = {**said, "amount": amount_fen, "date": date}
    for field, label in RECEIPT_NAMES.items():
        if stated[field] in ("", None):
            warnings.append(Warning("receipt_field_missing", f"没有读到回单的“{label}”，请对照回单填写。"))
    if compact(said["currency"]).upper() not in _YUAN:
        warnings.append(
            Warning(
                "receipt_currency",
                f"回单的币种“{said['currency'][:20]}”不是人民币，请核实付款金额。",
            )
        )
        amount_fen = None
    if amount_fen is not None and said["words"] and not words_agree(said["words"], amount_fen):
        warnings.append(
            Warning(
                "words_mismatch",
                f"回单的大写金额“{said['words'][:60]}”与小写金额 {yuan(amount_fen)} 不一致，请对照回单核实。",
            )
        )
    boxes: tuple[Box, ...] = ()
    if document is not None:
        warnings += _against_page(said, document)
        boxes = tuple(_boxes(said, document))
    return Receipt(said["payer"], said["payee"], amount_fen, date, said["serial"], boxes, tuple(warnings))


def _fact(root: etree._Element, names: tuple[str, ...]) -> str:
    """The first of the facts that says anything. Raises UnreadableInvoice where one stands twice."""
    text = next((text for name in names if (text := text_at(root, name))), "")
    if len(text) > _MAX_TEXT:
        raise _unreadable()
    return text


def _against_page(said: dict[str, str], document: Document) -> list[Warning]:
    """The page a person sees must show what the data say; a page drawn as a picture shows no text at all."""
    page = "".join(token.plain for tokens in document.pages for token in tokens)
    digits = page.replace(",", "")
    if not page:
        return []
    absent = []
    for field in ("payer", "payee", "serial"):
        text = compact(said[field])
        if len(text) >= _SHORT and text not in page:
            absent.append(RECEIPT_NAMES[field])
    amount_fen = _money(said["amount"])
    if amount_fen is not None and yuan(abs(amount_fen)) not in digits:
        absent.append(RECEIPT_NAMES["amount"])
    if not absent:
        return []
    return [
        Warning("two_truths", f"回单数据里的“{'、'.join(absent)}”在版面上找不到，文件可能被改动过，请对照回单核实。")
    ]


def _boxes(said: dict[str, str], document: Document) -> Iterator[Box]:
    """Where the page shows a field of the instance: the first piece of text that has it."""
    amount_fen, date = _money(said["amount"]), _day(said["date"])
    wanted: dict[str, tuple[str, ...]] = {name: (compact(said[name]),) for name in ("payer", "payee", "serial")}
    wanted["amount"] = () if amount_fen is None else (yuan(abs(amount_fen)),)
    wanted["date"] = (
        () if date is None else (date.isoformat(), f"{date:%Y%m%d}", f"{date:%Y/%m/%d}", f"{date:%Y年%m月%d日}")
    )
    for field, texts in wanted.items():
        for number, (tokens, (width, height)) in enumerate(zip(document.pages, document.sizes, strict=True)):
            shown = (token for token in tokens if any(text and text in token.plain.replace(",", "") for text in texts))
            token = next(shown, None)
            if token is not None and width < inf and height < inf:
                edges = (token.left / width, token.top / height, token.right / width, token.bottom / height)
                left, top, right, bottom = (min(1.0, max(0.0, edge)) for edge in edges)
                yield Box(field, number, left, top, right, bottom)
                break


def _money(text: str) -> int | None:
    try:
        return fen(text)
    except ValueError:
        return None


def _day(text: str) -> datetime.date | None:
    try:
        return day(tidy(text))
    except ValueError:
        return None


def _unreadable() -> UnreadableInvoice:
    return UnreadableInvoice(
        "receipt_unreadable",
        "文件里没有可以直接读取的银行电子回单数据。请手工填写付款人、收款人、金额和日期，并保留原文件。",
    )
