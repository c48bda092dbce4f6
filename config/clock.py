"""The one clock.

Every room asks `settings.CLOCK` what time it is, so that a test or the demo can move time for
all of them together, across processes, by one small file. Production builds an immovable clock.
Only what belongs to no claim (sessions, sign-in throttles) reads the machine's clock directly.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone


class Clock:
    """Tells the time, offset by the number of seconds in `offset_file` when there is one.

    `offset_file` is None in production: the clock then cannot be moved.
    """

    def __init__(self, offset_file: Path | None = None):
        self._file = offset_file

    def now(self) -> dt.datetime:
        """The current moment, timezone-aware in UTC."""
        return dt.datetime.now(dt.UTC) + self._offset()

    def today(self) -> dt.date:
        """The current date in the bureau's time zone."""
        return timezone.localtime(self.now()).date()

    def move_to(self, moment: dt.datetime) -> None:
        """Set the clock so that now is `moment` (timezone-aware). Refused in production."""
        self._write(moment - dt.datetime.now(dt.UTC))

    def reset(self) -> None:
        """Go back to the machine's time. Refused in production."""
        self._write(dt.timedelta())

    def _write(self, offset: dt.timedelta) -> None:
        if self._file is None:
            raise ImproperlyConfigured("The clock cannot be moved here: no CLOCK_FILE is set.")
        fresh = self._file.with_suffix(".new")
        fresh.write_text(str(offset.total_seconds()))
        fresh.replace(self._file)

    def _offset(self) -> dt.timedelta:
        if self._file is None:
            return dt.timedelta()
        try:
            return dt.timedelta(seconds=float(self._file.read_text()))
        except FileNotFoundError:
            return dt.timedelta()
