"""What the calendar does by itself: publicity that ends, corrections that never came."""

from __future__ import annotations

import logging

from django.conf import settings

from accounts.errors import Refused
from vouchers.claims.models import Claim
from vouchers.review.services import SYSTEM_ACTOR, fire
from vouchers.workflow import IllegalTransition

log = logging.getLogger(__name__)


def pass_deadlines() -> int:
    """Clear every publicity window that is over and lapse every correction that is overdue; returns how many.

    One claim that cannot move never stops the others.
    """
    today = settings.CLOCK.today()
    moved = _fire_each(Claim.objects.filter(state="publicised", publicised_until__lt=today), "clear")
    return moved + _fire_each(Claim.objects.filter(state="returned", correction_due__lt=today), "lapse")


def _fire_each(claims, verb: str) -> int:
    moved = 0
    for claim in claims.order_by("pk").iterator():
        try:
            fire(claim, verb, actor=SYSTEM_ACTOR)
            moved += 1
        except (Refused, IllegalTransition) as refusal:
            log.warning("claim %s was not moved by %s: %s", claim.number, verb, refusal)
    return moved
