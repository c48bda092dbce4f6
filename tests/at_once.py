"""Doing things at the same instant, each on a database connection of its own. For transactional tests."""

import threading
from collections.abc import Callable, Sequence

from django.db import connections


def at_once(jobs: Sequence[Callable[[], object]]) -> list:
    """Run all `jobs` in threads that start together; what each returned, or the exception it raised, in order."""
    barrier = threading.Barrier(len(jobs))
    results: list = [None] * len(jobs)

    def run(index: int) -> None:
        try:
            connections["default"].ensure_connection()
            barrier.wait(timeout=120)
            results[index] = jobs[index]()
        except Exception as error:
            results[index] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=240)
    assert not any(thread.is_alive() for thread in threads), "a job never ended"
    return results
