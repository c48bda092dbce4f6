"""How long a claim has waited, in working days, and how long is left.

No notice gives an office a deadline for a step; `STEP_DAYS` is the bureau's own aim. Corrections and publicity end on
the day that the claim itself says.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone

from vouchers.calls.models import Holiday

STEP_DAYS = 5
# States in which the office has the next step, and finance.
OURS = ("submitted", "accepted", "reviewed", "approved_once", "approved", "suspended", "payable")
# No list looks further back or ahead.
_HORIZON = dt.timedelta(days=400)


@dataclass(frozen=True)
class Due:
    """What stands beside a claim: five ticks (`tick` names the icon), words, and how urgent it is."""

    left: int
    waited: int
    words: str
    tone: str
    tick: str


class WorkingDays:
    """Counts working days around today; the holiday table is read once."""

    def __init__(self):
        self.today: dt.date = settings.CLOCK.today()
        near = Holiday.objects.filter(day__gte=self.today - _HORIZON, day__lte=self.today + _HORIZON)
        self._exceptions = dict(near.values_list("day", "is_workday"))

    def is_worked(self, day: dt.date) -> bool:
        """Whether the office works on `day`."""
        return self._exceptions.get(day, day.weekday() < 5)

    def between(self, start: dt.date, end: dt.date) -> int:
        """How many working days follow `start` up to `end`; below zero when `end` comes first."""
        if end < start:
            return -self.between(end, start)
        days = min((end - start).days, _HORIZON.days)
        return sum(self.is_worked(end - dt.timedelta(days=n)) for n in range(days))

    def waiting_since(self, left: int) -> dt.datetime:
        """Whoever came to our step before this moment has at most `left` working days to go."""
        day, counted, most = self.today, 0, STEP_DAYS - left - 1
        while counted + self.is_worked(day) <= most:
            counted += self.is_worked(day)
            day -= dt.timedelta(days=1)
        return timezone.make_aware(dt.datetime.combine(day, dt.time()))

    def due(self, claim, since: dt.datetime | None) -> Due | None:
        """When the next step with `claim` is due; `since` is when it came to its state."""
        waited = self.between(timezone.localtime(since).date(), self.today) if since else 0
        if claim.state == "returned":
            left = self.between(self.today, claim.correction_due)
        elif claim.state == "publicised":
            left = self.between(self.today, claim.publicised_until)
        elif claim.state in OURS:
            left = STEP_DAYS - waited
        else:
            return None
        words = f"超期 {-left} 天" if left < 0 else "今天到期" if left == 0 else f"剩 {left} 天"
        tone = "bad" if left < 0 else "warn" if left <= 1 else "ok"
        tick = "tk-x" if left < 0 else f"tk-{min(5, max(1, 5 - left))}"
        return Due(left, waited, words, tone, tick)
