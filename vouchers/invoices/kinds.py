"""The kinds of invoices by their printed title, and which of them are read."""

from __future__ import annotations

from vouchers.invoices.invoice import UnreadableInvoice, Warning

UNKNOWN = "数电发票"
KINDS = {
    "增值税专用发票": "数电专票",
    "普通发票": "数电普票",
    "增值税电子专用发票": "电子专票",
    "增值税电子普通发票": "电子普票",
}
# The paper forms bear 增值税专用发票 without 电子发票 before it.
PAPER = {"增值税专用发票": "纸质专票", "增值税普通发票": "纸质普票"}
LEGACY = frozenset({"电子专票", "电子普票", "纸质专票", "纸质普票"})


def kind_of(title: str, legacy: bool, warnings: list[Warning], otherwise: str = "") -> str:
    """The kind that `title` names; `otherwise` (what a QR code says) where there is none, else a warning is added.

    Raises UnreadableInvoice for the other kinds of 电子发票 (flights, trains …): `kind_not_supported`.
    """
    known = {**KINDS, **PAPER} if legacy else KINDS
    if title in known:
        return known[title]
    if title:
        raise UnreadableInvoice(
            "kind_not_supported",
            f"这是“电子发票（{title[:30]}）”，不是增值税专用发票或普通发票，不能用于申报算力费用。",
        )
    if otherwise:
        return otherwise
    warnings.append(Warning("kind_unknown", "没有读到发票是专票还是普票，请对照原件填写发票种类。"))
    return "电子普票" if legacy else UNKNOWN
