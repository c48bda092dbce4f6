"""Working days: Monday to Friday, changed by the holiday table that the bureau keeps."""

import datetime as dt

from vouchers.calls.models import Holiday

# No deadline of the scheme is longer than this; it bounds the search for working days.
LONGEST_DAYS = 400


def add_working_days(start: dt.date, days: int) -> dt.date:
    """The date on which the `days`-th working day after `start` falls (`start` itself does not count)."""
    exceptions = dict(
        Holiday.objects.filter(day__gt=start, day__lte=start + dt.timedelta(days=LONGEST_DAYS)).values_list(
            "day", "is_workday"
        )
    )
    day = start
    while days > 0:
        day += dt.timedelta(days=1)
        if exceptions.get(day, day.weekday() < 5):
            days -= 1
    return day


def working_days_until(start: dt.date, end: dt.date) -> int:
    """How many working days lie after `start` up to `end`, which counts; 0 when there are none."""
    span = min((end - start).days, LONGEST_DAYS)
    exceptions = dict(Holiday.objects.filter(day__gt=start, day__lte=end).values_list("day", "is_workday"))
    days = (start + dt.timedelta(days=offset) for offset in range(1, span + 1))
    return sum(1 for day in days if exceptions.get(day, day.weekday() < 5))
