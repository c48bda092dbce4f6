"""The head of the queue accepts what the pool has, instead of waiting for its whole amount."""

from __future__ import annotations

from vouchers.claims.models import Claim
from vouchers.money import grouped
from vouchers.review.actors import Actor
from vouchers.review.models import ClaimEvent
from vouchers.review.services import fire


def accept_part(
    claim: Claim, offered_fen: int | None, *, actor: Actor, seen_version: int | None = None
) -> ClaimEvent:  # fmt: skip
    """Accept `offered_fen`, exactly what the pool has now, and waive the rest for good; the event says both in words.

    Raises `ReviewRefused` when the claim is not the head, or the pool has another amount than was offered.
    """
    claim = Claim.objects.get(pk=claim.pk)
    fen = offered_fen or 0
    words = (
        f"轮候第 1 位，资金池有 {grouped(fen)} 元，应安排 {grouped(claim.granted_fen)} 元。"
        f"接受先安排 {grouped(fen)} 元，其余 {grouped(max(claim.granted_fen - fen, 0))} 元放弃，不再轮候。"
    )
    return fire(claim, "accept_part", actor=actor, reason=words, seen_version=seen_version, amount_fen=offered_fen)
