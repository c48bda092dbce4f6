"""Where processes are told to die: functions of the portal, by their names, put in place of themselves.

A function that was renamed or moved is an error that names it, in the test or the worker, and never a wait in vain.
"""

from collections.abc import Callable
from importlib import import_module

# A process dies after this function, where its failpoint is armed. `serve` holds the money and writes the trail before
# COMMIT; `_serve_head` is the whole transaction.
AFTER = {
    "held_before_commit": "vouchers.review.funding.serve",
    "held_after_commit": "vouchers.review.promotion._serve_head",
    "file_without_row": "vouchers.documents.services.keep",
    "document_filed": "vouchers.disbursement.export.file_document",
}


def replace(path: str, make: Callable[[Callable], Callable]) -> None:
    """Put `make` of the function at `path` in its place. Raises `AttributeError` when nothing is there."""
    module, _, name = path.rpartition(".")
    holder = import_module(module)
    if not callable(getattr(holder, name, None)):
        raise AttributeError(f"the tests put a failpoint at {path}, which is gone: tell tests/faults where it is now")
    setattr(holder, name, make(getattr(holder, name)))


def watch_all(die_at: Callable[[str], None]) -> None:
    """From here on `die_at` is asked with its failpoint after each of the functions."""

    def watched(failpoint: str, function: Callable) -> Callable:
        def call(*args, **named):
            answer = function(*args, **named)
            die_at(failpoint)
            return answer

        return call

    for failpoint, path in AFTER.items():
        replace(path, lambda function, failpoint=failpoint: watched(failpoint, function))
