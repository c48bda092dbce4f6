"""An invoice beside its file: numbered fields, what is doubted at each, and what the enterprise must explain."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.urls import reverse

from vouchers import money
from vouchers.claims.doubts import Doubt, Doubting
from vouchers.claims.models import Claim
from vouchers.claims.papers import Attachment, Invoice, InvoiceLine


@dataclass
class Field:
    """One field: where its box stands (`key`), its number, what was read, and what is said of it (tone, words)."""

    key: str
    label: str
    value: str
    small: str = ""
    wide: bool = True
    number: int = 0
    said: list[tuple[str, str]] = field(default_factory=list)

    @property
    def tone(self) -> str:
        """The gravest tone of what is said."""
        tones = {tone for tone, _ in self.said}
        return next((tone for tone in ("bad", "warn") if tone in tones), "")


@dataclass(frozen=True)
class Side:
    """Both sides of one invoice: the pages of its file, and its fields; `lines` are fields in the table of lines."""

    pages: list[str]
    fields: list[Field]
    lines: dict[int, Field]
    doubts: list[Doubt]
    general: list[Doubt]
    shown_lines: list[InvoiceLine]

    @property
    def marks(self) -> list[Field]:
        """Everything that has a box, in the order of its number."""
        return [*self.fields, *self.lines.values()]


def pages_of(claim: Claim, file: Attachment | None) -> list[str]:
    """The addresses of the pages of a file as pictures."""
    if file is None:
        return []
    return [reverse("claim_page", args=[claim.number, file.pk, page]) for page in range(file.pages)]


def side_of(claim: Claim, invoice: Invoice, lines: list[InvoiceLine], *, name: str, listed: bool) -> Side:
    """`name` is what the enterprise is called today; `listed` whether the seller has products in the city's list."""
    asked = list(claim.lines.filter(invoice_line__invoice=invoice).values_list("invoice_line_id", flat=True))
    # Lines that nobody asks a subsidy for are not told to be no compute, once some were chosen.
    doubts = Doubting.about(claim, [invoice]).of(invoice, lines, asked=asked or None)
    fields = [
        Field("number", "发票号码", " ".join(filter(None, [invoice.code, invoice.number])), wide=False),
        Field(
            "date",
            "开票日期",
            f"{invoice.issued_on.year}年{invoice.issued_on.month}月{invoice.issued_on.day}日",
            wide=False,
        ),
        _buyer(claim, invoice, name),
        Field("buyer_id", "购买方信用代码", invoice.buyer_id),
        _seller(invoice, listed, agreed=claim.tranche_id is not None),
        Field("seller_id", "销售方信用代码", invoice.seller_id),
        _total(invoice),
    ]
    if invoice.buyer_id == claim.organisation.uscc:
        fields[3].said.append(("ok", "与本单位一致"))
    rows = {line.pk: Field(f"line{line.position}", f"第 {line.position} 行", line.name) for line in lines}
    for number, each in enumerate([*fields, *rows.values()], start=1):
        each.number = number
    by_key = {each.key: each for each in [*fields, *rows.values()]}
    for doubt in doubts:
        if doubt.field in by_key:
            by_key[doubt.field].said.append((doubt.tone, doubt.message))
    general = [doubt for doubt in doubts if doubt.blocks or doubt.field not in by_key]
    return Side(pages_of(claim, invoice.attachment), fields, rows, doubts, general, lines)


def _buyer(claim: Claim, invoice: Invoice, name: str) -> Field:
    found = Field("buyer_name", "购买方名称", invoice.buyer_name)
    if invoice.buyer_name != name:
        words = f"与现在的单位名称“{name}”不同。如果是更名前开的票，请在“其他材料”里上传更名核准通知书。"
        found.said.append(("warn", words))
    return found


def _seller(invoice: Invoice, listed: bool, *, agreed: bool) -> Field:
    found = Field("seller_name", "销售方名称", invoice.seller_name)
    words = (
        "不在本市服务商名录内，或名录里没有它的产品，这张发票不能申请补助。如有误，请让服务商联系市工信局办理入库；"
        "入库后再来勾选明细，发票会一直留在这里。"
    )
    if listed:
        found.said.append(("ok", "在服务商名录内"))
    elif agreed:
        found.said.append(("ok", "按协议据实计入，不要求在服务商名录内"))
    else:
        found.said.append(("bad", words))
    return found


def _total(invoice: Invoice) -> Field:
    words = "" if invoice.total_fen < 0 else f"{money.in_words(invoice.total_fen)}　"
    small = f"{words}不含税{money.grouped(invoice.amount_fen)}，税额{money.grouped(invoice.tax_fen)}"
    return Field("total", "价税合计", f"¥{money.grouped(invoice.total_fen)}", small)
