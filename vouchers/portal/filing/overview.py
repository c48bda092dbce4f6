"""The enterprise's first page: its vouchers with their faces, its claims with what comes next."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.conf import settings

from applicants.models import Organisation
from vouchers.claims.models import Claim, Voucher
from vouchers.claims.selectors import claims_of, vouchers_of
from vouchers.disbursement.models import Payment
from vouchers.disbursement.services import LETTER
from vouchers.documents.models import Document
from vouchers.ledger.selectors import rooms_fen

_NEXT = {
    "draft": "继续填写",
    "returned": "去补正",
    "submitted": "等待受理，不用操作",
    "accepted": "正在审核，不用操作",
    "reviewed": "正在审批，不用操作",
    "approved_once": "正在审批，不用操作",
    "approved": "等待公示，不用操作",
    "publicised": "公示期满后拨付",
    "suspended": "正在核查，请保持电话畅通",
    "payable": "等待拨付，不用操作",
    "batched": "正在拨付，不用操作",
    "paid": "下载拨款通知书",
    "rejected": "看理由，可以申请复核",
}


@dataclass(frozen=True)
class VoucherCard:
    """A voucher and the room left under its cap."""

    voucher: Voucher
    room_fen: int

    @property
    def used_fen(self) -> int:
        """What is held or paid already."""
        return self.voucher.call.annual_cap_fen - self.room_fen


@dataclass(frozen=True)
class ClaimRow:
    """A claim, what to do next, and by when."""

    claim: Claim
    next: str
    due: dt.date | None
    due_words: str


def vouchers(organisation: Organisation) -> list[VoucherCard]:
    """Every voucher with its face."""
    rows = list(vouchers_of(organisation))
    rooms = rooms_fen([(v.scheme, v.fiscal_year, v.organisation_id) for v in rows])
    return [
        VoucherCard(v, rooms.get((v.scheme, v.fiscal_year, v.organisation_id), v.call.annual_cap_fen)) for v in rows
    ]


def claims(organisation: Organisation) -> list[ClaimRow]:
    """Every claim with its next step, those to be acted on first."""
    rows = [_row(claim) for claim in claims_of(organisation)]
    return sorted(rows, key=lambda row: {"returned": 0, "draft": 1}.get(row.claim.state, 2))


def _row(claim: Claim) -> ClaimRow:
    due = {"draft": claim.call.filing_until, "returned": claim.correction_due}.get(claim.state)
    left = (due - settings.CLOCK.today()).days if due else 0
    words = f"还有{left}天" if left > 0 else ("今天截止" if due and not left else "已经截止")
    return ClaimRow(claim, _NEXT.get(claim.state, "已经结束"), due, words)


def letter_of(claim: Claim) -> Document | None:
    """The letter on the claim's own payment, once it is paid."""
    if claim.state != "paid":
        return None
    payment = Payment.objects.select_related("batch").filter(claim=claim, state="paid").order_by("-pk").first()
    if payment is None:
        return None
    subject = f"{payment.batch.papers_subject}:claim:{claim.pk}"
    return Document.objects.filter(kind=LETTER, subject=subject).first()
