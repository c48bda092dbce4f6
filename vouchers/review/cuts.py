"""Taking something off a claimed line at review (核减). It counts when the review decides the amount anew."""

from __future__ import annotations

from django.db import transaction

from accounts.locks import refuse_when_locked
from vouchers.claims.models import Claim
from vouchers.claims.papers import ClaimLine
from vouchers.money import grouped
from vouchers.review.actors import Actor
from vouchers.review.errors import ReviewRefused
from vouchers.review.models import ClaimEvent, LineCut
from vouchers.review.services import fire


def cut_line(
    line: ClaimLine, amount_fen: int, *, reason: str, actor: Actor, seen_version: int | None = None
) -> ClaimEvent:
    """Take `amount_fen` off the base of `line`, instead of whatever was cut before; 0 undoes it.

    While the claim is accepted, by a reviewer, with a reason that the applicant reads. Raises `ReviewRefused` when it
    is more than the line is worth, and whatever `fire` raises.
    """
    invoice_line = line.invoice_line
    whole_fen = invoice_line.amount_fen + invoice_line.tax_fen
    if not 0 <= amount_fen <= max(whole_fen, 0):
        raise ReviewRefused(f"核减额须不小于零，且不超过该行价税合计 {grouped(whole_fen)} 元。填 0 表示取消核减。")
    words = (
        f"{invoice_line.invoice.number} 第 {invoice_line.position} 行核减 {grouped(amount_fen)} 元：{reason.strip()}"
    )
    with refuse_when_locked(), transaction.atomic():
        # Without a reason `fire` refuses, as for every verb that needs one.
        event = fire(line.claim, "cut", actor=actor, reason=words if reason.strip() else "", seen_version=seen_version)
        LineCut.objects.create(
            event=event,
            claim_id=line.claim_id,
            invoice_line=invoice_line,
            amount_fen=amount_fen,
            reason=reason.strip(),
        )
    return event


def cuts_of(claim: Claim) -> dict[int, LineCut]:
    """What is cut off the claim's lines now, by invoice line; cuts that were undone are left out."""
    latest = {cut.invoice_line_id: cut for cut in claim.cuts.order_by("pk")}
    return {line_id: cut for line_id, cut in latest.items() if cut.amount_fen}
