"""When the pool will run dry, if claims go on taking from it as they did. Plain: daily holds in, a day or none out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from vouchers.money import grouped

# How far back the pace is measured.
SPAN_DAYS = 28


@dataclass(frozen=True, slots=True)
class Forecast:
    """`dry_on` is the day on which the pool will be empty; None where it will not before the filing ends.

    `left_fen` is what will be left then, None where that cannot be said. `basis` says in Chinese what it rests on.
    """

    dry_on: dt.date | None
    left_fen: int | None
    basis: str

    @property
    def text(self) -> str:
        """The forecast as one sentence."""
        if self.dry_on is not None:
            return f"{self.basis}，资金池预计在 {self.dry_on.year}年{self.dry_on.month}月{self.dry_on.day}日 用完。"
        if self.left_fen is not None:
            return f"{self.basis}，到申报截止预计还剩 {grouped(self.left_fen)} 元。"
        return f"{self.basis}。"


def forecast(
    free_fen: int, daily: Sequence[tuple[dt.date, int]], *, today: dt.date, until: dt.date, span_days: int = SPAN_DAYS
) -> Forecast:
    """Go on from `free_fen` at the pace of the last `span_days`, as far as `until`, the last day of filing.

    `daily` is what claims held less what they gave back, by day. The pace begins with the first hold, so that quiet
    days before the filing do not slow it.
    """
    if free_fen <= 0:
        return Forecast(today, 0, "资金池现在没有可用余额")
    past = [(day, fen) for day, fen in daily if day <= today]
    if not past:
        return Forecast(None, None, "还没有申报占用资金，暂时不能推算何时用完")
    if today >= until:
        return Forecast(None, free_fen, "申报已经截止")
    first = max(min(day for day, _ in past), today - dt.timedelta(days=span_days - 1))
    days = (today - first).days + 1
    taken_fen = sum(fen for day, fen in past if day >= first)
    if taken_fen <= 0:
        return Forecast(None, free_fen, f"近 {days} 天没有净增加的占用")
    basis = f"按近 {days} 天日均净占用 {grouped(taken_fen // days)} 元推算"
    days_left = -(-free_fen * days // taken_fen)
    ahead = (until - today).days
    if days_left > ahead:
        return Forecast(None, free_fen - taken_fen * ahead // days, basis)
    return Forecast(today + dt.timedelta(days=days_left), 0, basis)
