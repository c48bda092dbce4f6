"""The year's pool as the desk shows it: the strip of sums, and how it went down day by day."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Sum, TextField, Value
from django.db.models.functions import Cast, Concat, TruncDate

from vouchers.budget.forecast import Forecast, forecast
from vouchers.calls.models import Call
from vouchers.claims.models import Claim
from vouchers.ledger import kinds
from vouchers.ledger.selectors import statement, total_fen

# The chart's own units: it is stretched to the width of the page.
WIDTH, HEIGHT = 1000, 100


@dataclass(frozen=True)
class Pool:
    """Appropriated = paid + held + free: `paid_fen` is what left the pool and is held by no claim any more."""

    call: Call
    appropriated_fen: int
    paid_fen: int
    held_fen: int
    free_fen: int
    burn: Burn | None

    @property
    def parts(self) -> list[dict]:
        """Paid, held and free as shares of the whole, in thousandths of it."""
        whole = max(self.appropriated_fen, 1)
        each = [("m1", self.paid_fen), ("m2", self.held_fen)]
        shares, at = [], 0
        for tone, fen in each:
            width = min(fen * WIDTH // whole, WIDTH - at)
            shares.append({"tone": tone, "x": at, "width": width})
            at += width
        return shares


@dataclass(frozen=True)
class Burn:
    """What was free at the end of each day, as the path of a line, and where it leads at this pace."""

    line: str
    area: str
    forecast: str
    today_x: int
    today_y: int
    end_x: int
    until: dt.date
    first: dt.date
    last: dt.date
    told: Forecast


def pool_now() -> Pool | None:
    """The pool of the latest published call; None before the first."""
    call = Call.objects.filter(published_at__isnull=False).order_by("-fiscal_year", "-version").first()
    if call is None:
        return None
    key = kinds.pool(call.scheme, call.fiscal_year)
    moved = statement(key).order_by().annotate(day=TruncDate("at")).values_list("day", "kind", "target_id")
    rows = [(day, kind, fen if into == key else -fen) for day, kind, into, fen in moved.annotate(Sum("amount_fen"))]
    free = sum(fen for _, _, fen in rows)
    appropriated = sum(fen for _, kind, fen in rows if kind in ("fund", "top_up", "adjust", "lapse", "carry"))
    claims = Claim.objects.filter(call__scheme=call.scheme, call__fiscal_year=call.fiscal_year)
    keys = Concat(Value(kinds.held("")), Cast("pk", TextField()), output_field=TextField())
    held = total_fen(claims.values_list(keys))
    return Pool(call, appropriated, appropriated - free - held, held, free, _burn(call, rows, appropriated))


def _burn(call: Call, rows: list[tuple[dt.date, str, int]], whole_fen: int) -> Burn | None:
    """The line of days; None before anything was appropriated."""
    if not rows or whole_fen <= 0:
        return None
    today = max(settings.CLOCK.today(), max(day for day, _, _ in rows))
    first = min(min(day for day, _, _ in rows), call.filing_from)
    last = max(today, call.filing_until, first + dt.timedelta(days=1))
    by_day: dict[dt.date, int] = {}
    for day, _, fen in rows:
        by_day[day] = by_day.get(day, 0) + fen

    def x(day: dt.date) -> int:
        return (day - first).days * WIDTH // (last - first).days

    def y(fen: int) -> int:
        return HEIGHT - max(0, min(fen, whole_fen)) * HEIGHT // whole_fen

    # Money that comes in is there from the beginning of its day: the line starts full.
    free = sum(fen for day, kind, fen in rows if kind in ("fund", "top_up"))
    points, level = [(0, y(free))], free
    for day in sorted(by_day):
        points.append((x(day), y(level)))
        level += sum(fen for at, kind, fen in rows if at == day and kind not in ("fund", "top_up"))
        points.append((x(day), y(level)))
    points.append((x(today), y(level)))
    line = " ".join(f"{px} {py}" for px, py in points)
    # What claims took and gave back; the line goes on at that pace until the pool is dry or the filing ends.
    daily = [(day, -fen) for day, kind, fen in rows if kind in ("hold", "release")]
    told = forecast(level, daily, today=today, until=call.filing_until)
    end_x, ahead = x(call.filing_until), ""
    if told.dry_on is not None and level > 0:
        ahead = f"M{x(today)} {y(level)} L{x(told.dry_on)} {HEIGHT}"
    elif told.left_fen is not None and today < call.filing_until:
        ahead = f"M{x(today)} {y(level)} L{end_x} {y(told.left_fen)}"
    area = f"M{line} L{x(today)} {HEIGHT} L0 {HEIGHT}Z"
    return Burn(f"M{line}", area, ahead, x(today), y(level), end_x, call.filing_until, first, last, told)
