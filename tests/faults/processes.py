"""Programs that are killed in the middle: forks of the test's own process, each with connections of its own."""

import os
import signal
import time
import traceback
from collections.abc import Callable

from django.db import connection, connections

from tests.factories import Firm
from tests.faults import failpoints
from vouchers.claims.models import Claim
from vouchers.review.services import fire


def fork(work: Callable[[], object]) -> int:
    """Start `work` in a process of its own; its pid. It ends with 0, or 1 after an exception, without any clean-up."""
    connections.close_all()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def end_of(pid: int) -> int:
    """Wait for the process to end; its exit code, below zero for the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def run(work: Callable[[], object]) -> int:
    """Do `work` in a process of its own, to its end."""
    return end_of(fork(work))


def die() -> None:
    """`kill -9` of this very process."""
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def die_before_promotion() -> None:
    """From here on this process dies after the COMMIT that frees money, before it serves the queue with it."""
    failpoints.replace("vouchers.review.promotion._promote_quietly", lambda _: lambda *_: die())


def withdraw_and_die(claim: Claim, firm: Firm) -> None:
    """A process withdraws the firm's claim, commits, and dies before it serves the queue with the money."""

    def work():
        die_before_promotion()
        fire(claim, "withdraw", actor=firm.actor)

    assert run(work) == -9


def die_at_statement(number: int) -> None:
    """From here on this process dies instead of sending its statement `number` (from 1) to the database."""
    count = 0

    def watch(execute, sql, params, many, context):
        nonlocal count
        count += 1
        if count == number:
            die()
        return execute(sql, params, many, context)

    connection.execute_wrappers.append(watch)
