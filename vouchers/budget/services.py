"""Putting a year's appropriation into the pool, and serving the queue."""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import transaction

from accounts.errors import Refused
from audit.services import record
from vouchers.calls.models import Call
from vouchers.claims.models import Claim
from vouchers.ledger import services as ledger
from vouchers.review import funding
from vouchers.review.services import SYSTEM_ACTOR

log = logging.getLogger(__name__)


class BudgetError(Refused):
    """Money that may not be moved that way; the text says why."""


def appropriate(call: Call, *, citation: str, actor: str) -> None:
    """Fund the pool with the amount that the published call appropriates. A second time does nothing more.

    `citation` is the document of the finance bureau. Raises `BudgetError` for a call that is not published.
    """
    if call.published_at is None:
        raise BudgetError("申报通知尚未发布，不能安排资金。")
    if not citation.strip():
        raise BudgetError("请填写资金下达文件的文号。")
    with transaction.atomic():
        now = settings.CLOCK.now()
        posted = ledger.fund(
            call.scheme,
            call.fiscal_year,
            call.appropriation_fen,
            event=f"appropriation:{call.scheme}:{call.fiscal_year}",
            citation=citation,
            actor=actor,
            at=now,
        )
        if posted.replayed:
            return
        record(
            actor=actor,
            action="budget.appropriate",
            subject=f"call:{call.pk}",
            at=now,
            detail={"amount_fen": call.appropriation_fen, "citation": citation},
        )


def promote(scheme: str, fiscal_year: int) -> int:
    """Serve the queue from its head while the pool has the head's whole amount; returns how many were served.

    Each in a transaction of its own. Strict order: a smaller claim behind never passes the head.
    """
    served = 0
    while _serve_head(scheme, fiscal_year):
        served += 1
    return served


def promote_all() -> int:
    """Serve every year's queue."""
    years = Claim.objects.filter(waiting=True).values_list("call__scheme", "call__fiscal_year").distinct()
    served = 0
    for scheme, fiscal_year in years.order_by():
        try:
            served += promote(scheme, fiscal_year)
        except Refused as refusal:
            # One year's trouble never stops the others, nor whatever else the sweep has to do.
            log.error("the queue of %s %s stands still: %s", scheme, fiscal_year, refusal)
    return served


def _serve_head(scheme: str, fiscal_year: int) -> bool:
    waiting = Claim.objects.filter(waiting=True, call__scheme=scheme, call__fiscal_year=fiscal_year)
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
    return True
