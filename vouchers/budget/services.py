"""Putting a year's appropriation into the pool, and serving the queue (`vouchers.review.promotion`)."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction

from audit.services import record
from vouchers.budget.errors import BudgetError
from vouchers.calls.models import Call
from vouchers.ledger import kinds
from vouchers.ledger import services as ledger
from vouchers.review.promotion import promote, promote_all

__all__ = ["BudgetError", "appropriate", "promote", "promote_all"]


def appropriate(call: Call, *, citation: str, actor: str) -> None:
    """Fund the pool with the amount that the published call appropriates. A second time does nothing more.

    People come here by an order that two of them made (`orders.prepare_fund`).

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
            event=kinds.appropriation(call.scheme, call.fiscal_year),
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
