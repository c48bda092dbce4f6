"""Which claims have an invoice that was reversed since their amount was decided."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Exists, OuterRef, QuerySet

from vouchers.claims.models import Claim
from vouchers.review.errors import ReviewRefused
from vouchers.review.models import Decision, ReversalFlag

# Steps that rest on the amount as it was decided.
RESTING = frozenset({"approve", "publicise", "clear", "dismiss", "batch"})


def open_flags() -> QuerySet[ReversalFlag]:
    """Flags whose claim has not been decided since: its amount does not know of the letter yet."""
    later = Decision.objects.filter(claim=OuterRef("claim"), pk__gt=OuterRef("after_decision"))
    return ReversalFlag.objects.filter(~Exists(later), letter__withdrawn_at=None)


def flags_of(claim: Claim) -> QuerySet[ReversalFlag]:
    """The open flags of a claim, with their letters and invoices."""
    return open_flags().filter(claim=claim).select_related("letter", "invoice").order_by("pk")


def flags_by(claim_ids: Iterable[int]) -> dict[int, ReversalFlag]:
    """The first open flag of each claim that has one, by its id; one query."""
    found: dict[int, ReversalFlag] = {}
    for flag in open_flags().filter(claim__in=list(claim_ids)).select_related("letter", "invoice").order_by("pk"):
        found.setdefault(flag.claim_id, flag)
    return found


def refuse_flagged(claim: Claim, verb: str) -> None:
    """Raises `ReviewRefused` for a step that would rest on an amount which a letter has reduced. A trigger refuses it
    as well."""
    if verb in RESTING:
        refuse_flag(flags_of(claim).first())


def refuse_flag(flag: ReversalFlag | None) -> None:
    """Raises `ReviewRefused`, naming invoice and letter, when there is a flag."""
    if flag is not None:
        raise ReviewRefused(
            f"发票 {flag.invoice.number} 已被红冲或作废（{flag.letter.number}），金额须重新核定，不能继续办理。"
            "请退回重审或重新审核。"
        )
