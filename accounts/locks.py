"""Waiting for what somebody else holds ends in words, not in a database error."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError

from accounts.errors import Refused

# lock_not_available, deadlock_detected, serialization_failure
_BUSY = {"55P03", "40P01", "40001"}


class Busy(Refused):
    """Another transaction held the rows too long, or both waited for each other. Trying again is safe."""

    message = "有人正在办理同一事项，系统繁忙，本次操作没有生效。请稍候重试。"


@contextmanager
def refuse_when_locked() -> Iterator[None]:
    """Raises `Busy` instead of the database's error. For whole transactions: what was begun is rolled back."""
    try:
        yield
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", None) in _BUSY:
            raise Busy from error
        raise
