"""What the system finds when it holds an invoice against what it knows: each field, what was expected, and how it ends."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from vouchers.claims.doubts import Doubt
from vouchers.money import grouped
from vouchers.policy import governing

_RESULTS = {"ok": "通过", "warn": "待判断", "bad": "不符", "cut": "已剔除", "less": "已核减"}


# Doubts that nothing explains away.
_WRONG = ("own_invoice", "wrong_buyer")


@dataclass
class Check:
    """One field of an invoice: what its face says, what the system knows, and the result (ok, warn, bad, cut, less)."""

    key: str
    label: str
    face: str
    known: str
    result: str = "ok"
    number: int = 0
    doubts: list[Doubt] = field(default_factory=list)

    @property
    def words(self) -> str:
        """The result in words."""
        return _RESULTS[self.result]

    @property
    def tone(self) -> str:
        """The colour of its mark: none when it is well."""
        return {"ok": "", "cut": "warn", "less": "warn"}.get(self.result, self.result)

    @property
    def icon(self) -> str:
        """The icon of its result."""
        return {"ok": "ok", "warn": "warn", "bad": "bad", "cut": "minus", "less": "cut"}[self.result]


@dataclass(frozen=True)
class Knowledge:
    """What a claim's invoices are held against; read once for all of them."""

    claim: Any  # Claim with call and organisation
    names: list  # OrganisationName rows of the applicant
    providers: dict  # uscc → Provider
    clashes: set  # numbers that two organisations claim
    claimed: dict  # invoice line id → ClaimLine
    cuts: dict  # invoice line id → LineCut
    paid: dict  # invoice id → list of Allocation
    reasons: dict  # claim line id → why the rules leave it out, "" when it counts

    def name_on(self, on: dt.date) -> str:
        """What the applicant was called on a day; its first name for days before."""
        rows = sorted(self.names, key=lambda row: row.valid_from)
        known = [row.name for row in rows if row.valid_from <= on] or [row.name for row in rows[:1]]
        return known[-1] if known else ""


def checks_of(invoice, lines: list, known: Knowledge, doubts: list[Doubt]) -> list[Check]:
    """Every check of one invoice, numbered as its boxes are, each with the doubts about its field."""
    found = [
        _number(invoice, known),
        _date(invoice, known),
        _buyer(invoice, known),
        _buyer_id(invoice, known),
        _seller(invoice, known),
        Check("seller_id", "销售方代码", invoice.seller_id, "与购买方不是同一单位"),
        *(_line(line, known) for line in lines),
        _total(invoice, lines, known),
    ]
    for number, check in enumerate(found, start=1):
        check.number = number
        check.doubts = [doubt for doubt in doubts if doubt.field == check.key]
        if check.result == "ok" and check.doubts:
            check.result = "bad" if any(doubt.code in _WRONG for doubt in check.doubts) else "warn"
    return found


def _number(invoice, known: Knowledge) -> Check:
    if invoice.number in known.clashes:
        return Check("number", "发票号码", invoice.number, "另有单位使用同一号码", "bad")
    if invoice.bound_at is None:
        return Check("number", "发票号码", invoice.number, "尚未锁定", "warn")
    return Check("number", "发票号码", invoice.number, "全市未见重复")


def _date(invoice, known: Knowledge) -> Check:
    call = known.claim.call
    window = governing(call.scheme, call.fiscal_year).in_force.value
    inside = invoice.issued_on in window
    words = "在政策有效期内" if inside else f"不在 {window.first} 至 {window.last} 内"
    return Check("date", "开票日期", f"{invoice.issued_on:%Y年%m月%d日}", words, "ok" if inside else "bad")


def _buyer(invoice, known: Knowledge) -> Check:
    name = known.name_on(invoice.issued_on)
    if invoice.buyer_name == name:
        return Check("buyer_name", "购买方名称", invoice.buyer_name, "与申报单位一致")
    other = invoice.buyer_name in {row.name for row in known.names}
    words = f"{name}（票面为曾用名或新名）" if other else name
    return Check("buyer_name", "购买方名称", invoice.buyer_name, words, "warn")


def _buyer_id(invoice, known: Knowledge) -> Check:
    same = invoice.buyer_id == known.claim.organisation.uscc
    words = "与申报单位一致" if same else f"申报单位为 {known.claim.organisation.uscc}"
    return Check("buyer_id", "信用代码", invoice.buyer_id, words, "ok" if same else "bad")


def _seller(invoice, known: Knowledge) -> Check:
    provider = known.providers.get(invoice.seller_id)
    if provider is None:
        return Check("seller_name", "销售方", invoice.seller_name, "不在服务商名录", "warn")
    gone = provider.listed_until and provider.listed_until <= invoice.issued_on
    if gone or provider.listed_from > invoice.issued_on:
        return Check("seller_name", "销售方", invoice.seller_name, "开票时不在服务商名录", "warn")
    if provider.name != invoice.seller_name:
        return Check("seller_name", "销售方", invoice.seller_name, f"名录中为“{provider.name}”", "warn")
    return Check("seller_name", "销售方", invoice.seller_name, "在服务商名录内")


def _line(line, known: Knowledge) -> Check:
    label, face = f"第 {line.position} 行", f"{line.name}　{grouped(line.amount_fen + line.tax_fen)}"
    asked = known.claimed.get(line.pk)
    if asked is None:
        return Check(f"line{line.position}", label, face, "未申请补助", "cut" if line.amount_fen > 0 else "ok")
    centre = asked.product.centre if asked.product else None
    place = f"{asked.get_location_display()}（{centre.city}）" if centre else asked.get_location_display()
    words = f"{asked.get_service_display()}，{place}"
    if asked.seller_related:
        words += "，声明为关联方"
    if asked.subsidised_elsewhere:
        words += "，声明已获其他补助"
    if line.pk in known.cuts:
        return Check(
            f"line{line.position}", label, face, f"{words}，核减 {grouped(known.cuts[line.pk].amount_fen)}", "less"
        )
    left_out = known.reasons.get(asked.pk)
    return Check(f"line{line.position}", label, face, words, "cut" if left_out else "ok")


def _total(invoice, lines: list, known: Knowledge) -> Check:
    face = grouped(invoice.total_fen)
    sums = sum(line.amount_fen + line.tax_fen for line in lines)
    if lines and sums != invoice.total_fen:
        return Check("total", "价税合计", face, f"各行相加为 {grouped(sums)}", "bad")
    matches = known.paid.get(invoice.pk, [])
    call = known.claim.call
    inside = sum(m.amount_fen for m in matches if call.spend_from <= m.payment.paid_on <= call.spend_until)
    if inside >= invoice.total_fen:
        return Check("total", "价税合计", face, "各行相加一致，年度内已付清")
    return Check("total", "价税合计", face, f"年度内付款 {grouped(inside)}，按已付部分计", "warn")
