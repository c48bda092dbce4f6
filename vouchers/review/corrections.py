"""Returning a claim with one list of everything that is to be mended."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from accounts.locks import refuse_when_locked
from vouchers.claims.corrections import CorrectionItem, answer_item, open_items
from vouchers.claims.models import Claim
from vouchers.review.actors import Actor
from vouchers.review.errors import ReasonMissing
from vouchers.review.models import ClaimEvent
from vouchers.review.services import fire

__all__ = ["answer_item", "open_items", "return_for_correction"]

MOST_ITEMS = 50
LONGEST_ITEM = 500


def return_for_correction(
    claim: Claim, items: Sequence[str], *, actor: Actor, seen_version: int | None = None
) -> ClaimEvent:
    """Return `claim` with `items`, each one thing to mend, all at once (一次性告知).

    Empty ones are left out. Raises `ReasonMissing` when none is left or one is too long, and whatever `fire` raises.
    """
    texts = [text.strip() for text in items if text.strip()]
    if not texts:
        raise ReasonMissing("请至少写明一项需要补正的内容，申请单位将逐项答复。")
    if len(texts) > MOST_ITEMS or max(map(len, texts)) > LONGEST_ITEM:
        raise ReasonMissing(f"一次最多 {MOST_ITEMS} 项，每项最多 {LONGEST_ITEM} 个字，请合并或精简。")
    reason = "\n".join(f"{position}. {text}" for position, text in enumerate(texts, start=1))
    with refuse_when_locked(), transaction.atomic():
        event = fire(claim, "return", actor=actor, reason=reason, seen_version=seen_version)
        CorrectionItem.objects.bulk_create(
            CorrectionItem(claim_id=claim.pk, claim_version=event.version, position=position, text=text)
            for position, text in enumerate(texts, start=1)
        )
    return event
