"""Serving the queue of a `waitlist` call: whoever is first gets its money as soon as the pool has all of it."""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import OperationalError, transaction

from accounts.errors import Refused
from audit.services import record
from vouchers.claims.models import Claim
from vouchers.messages.services import tell
from vouchers.money import grouped
from vouchers.review import funding
from vouchers.review.actors import SYSTEM_ACTOR

log = logging.getLogger(__name__)
# What one person's step may serve while they wait; the sweep serves the rest a moment later.
MOST_AT_ONCE = 20


def promote_after_commit(scheme: str, fiscal_year: int) -> None:
    """Serve the year's queue once the money that just came to its pool is really there."""
    transaction.on_commit(lambda: _promote_quietly(scheme, fiscal_year), robust=True)


def _promote_quietly(scheme: str, fiscal_year: int) -> None:
    """What the step before did stands, whatever happens here; the sweep tries again."""
    try:
        promote(scheme, fiscal_year, most=MOST_AT_ONCE)
    except (Refused, OperationalError) as error:
        log.warning("the queue of %s %s waits for the sweep: %s", scheme, fiscal_year, error)


def promote(scheme: str, fiscal_year: int, *, most: int | None = None) -> int:
    """Serve the queue from its head while the pool has the head's whole amount; returns how many were served.

    Each in a transaction of its own, `most` of them. Strict order: a smaller claim behind never passes the head.
    """
    served = 0
    while served != most and _serve_head(scheme, fiscal_year):
        served += 1
    return served


def promote_all() -> int:
    """Serve every year's queue."""
    years = _queued().values_list("call__scheme", "call__fiscal_year").distinct()
    served = 0
    for scheme, fiscal_year in years.order_by():
        try:
            served += promote(scheme, fiscal_year)
        except Refused as refusal:
            # One year's trouble never stops the others, nor whatever else the sweep has to do.
            log.error("the queue of %s %s stands still: %s", scheme, fiscal_year, refusal)
    return served


def _queued():
    """Claims that wait for their turn; those of a `pro_rata` call wait for a settlement instead."""
    return Claim.objects.filter(waiting=True).exclude(call__shortage="pro_rata")


def _serve_head(scheme: str, fiscal_year: int) -> bool:
    waiting = _queued().filter(call__scheme=scheme, call__fiscal_year=fiscal_year)
    head_id = waiting.order_by("queue_number").values_list("pk", flat=True).first()
    if head_id is None:
        return False
    with transaction.atomic():
        head = Claim.objects.select_for_update(of=("self",)).select_related("call", "organisation").get(pk=head_id)
        funding.lock_queue(head)
        if not head.waiting or waiting.filter(queue_number__lt=head.queue_number).exists():
            # Somebody moved the head while we waited for its lock; the next sweep looks again.
            return False
        now = settings.CLOCK.now()
        if not funding.serve(head, actor_text=SYSTEM_ACTOR.text, at=now):
            return False
        record(
            actor=SYSTEM_ACTOR.text,
            action="claim.serve",
            subject=f"claim:{head.pk}",
            at=now,
            detail={"number": head.number, "queue_number": head.queue_number, "granted_fen": head.granted_fen},
        )
        if head.granted_fen:
            words = f"贵单位兑付申请 {head.number} 轮候到资金，已安排 {grouped(head.granted_fen)} 元，申请继续办理。"
            tell(head.organisation, f"兑付申请 {head.number}：资金已安排", words)
    return True
