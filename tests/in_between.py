"""One thing done wholly while another is about to write: what a lock is there for. For transactional tests.

Two threads that merely start together show a missing lock now and then; here the second always comes at the worst moment.
"""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection, connections

FIRST_WRITE = r"^\s*(?:INSERT|UPDATE|DELETE)\b|take_step"


@dataclass
class Outcome:
    """What each of the two returned, or the exception that it raised, and whether the second waited for the first."""

    first: Any
    second: Any
    waited: bool


class _Thread(threading.Thread):
    """Does the second thing on a connection of its own."""

    def __init__(self, work: Callable[[], object]):
        super().__init__()
        self.work, self.answer, self.backend = work, None, threading.Event()
        self.pid = 0

    def run(self) -> None:
        try:
            connections["default"].ensure_connection()
            self.pid = connections["default"].connection.info.backend_pid
            self.backend.set()
            self.answer = self.work()
        except Exception as error:
            self.answer = error
        finally:
            self.backend.set()
            connections.close_all()


def in_between(first: Callable[[], object], second: Callable[[], object], *, at: str = FIRST_WRITE) -> Outcome:
    """Do `first`; when it comes to its first statement that matches `at`, do `second`, to its end or until it waits.

    Then `first` goes on. Fails when `first` never comes to such a statement.
    """
    thread = _Thread(second)
    waited: list[bool] = []

    def watch(execute, sql, params, many, context):
        if not waited and re.search(at, str(sql)):
            waited.append(False)
            thread.start()
            thread.backend.wait(60)
            waited[0] = _waits(thread)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        try:
            answer: Any = first()
        except Exception as error:
            answer = error
    assert waited, f"{first} never came to {at}: {answer!r}"
    thread.join(120)
    assert not thread.is_alive(), "the second never ended"
    return Outcome(answer, thread.answer, waited[0])


def _waits(thread: _Thread) -> bool:
    """Watch the second until it has ended (False) or waits for a lock (True)."""
    with connection.connection.cursor() as plain:
        end = time.monotonic() + 60
        while thread.is_alive() and time.monotonic() < end:
            plain.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", [thread.pid])
            if plain.fetchone() == (True,):
                return True
            thread.join(0.01)
    return False
