"""What must hold after every fault."""

from django.db import connection, connections

from tests.faults.celery_worker import wait_until
from tests.plain_books import problems_of_the_books
from vouchers.claims.models import Claim
from vouchers.disbursement.audit_batches import check_batches
from vouchers.jobs.models import Job
from vouchers.jobs.services import runnable
from vouchers.ledger import books
from vouchers.ledger.selectors import pool_available_fen
from vouchers.review.replay import check_review


def assert_books_hold(*, ledger_alone: bool = False) -> None:
    """Σ entries = balances, nothing below zero, each hold resolved once, the chain whole, nobody waits for ever.

    `ledger_alone`: the test moved money by the ledger's verbs, without the claims and batches that would say why.
    """
    wait_until(lambda: not _somebody_waits_for_a_lock(), 30)
    assert problems_of_the_books(connection) == []
    assert books.check().problems == []
    if not ledger_alone:
        _, of_review = check_review()
        assert of_review == []
    assert check_batches() == []
    assert _transactions_left_open() == []
    assert not runnable().exists(), "a job waits that nobody takes"
    assert not Job.objects.filter(state="running").exists(), "a job runs that nobody does"
    assert _heads_that_could_be_served() == []


def _somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT FROM pg_locks JOIN pg_database ON oid = database WHERE datname = current_database() AND NOT granted"
        )
        return cursor.fetchone() is not None


def _transactions_left_open() -> list[tuple]:
    """Transactions of others that do nothing, besides those of this very thread."""
    mine = [one.connection.info.backend_pid for one in connections.all(initialized_only=True) if one.connection]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid, query FROM pg_stat_activity WHERE datname = current_database()"
            " AND state LIKE 'idle in transaction%%' AND pid <> ALL (%s) AND xact_start < now() - interval '20 seconds'",
            [mine],
        )
        return cursor.fetchall()


def _heads_that_could_be_served() -> list[int]:
    """Claims at the head of their queue although the pool has all they wait for."""
    waiting = Claim.objects.filter(waiting=True).select_related("call").order_by("queue_number")
    heads: dict[tuple[str, int], Claim] = {}
    for claim in waiting:
        heads.setdefault((claim.call.scheme, claim.call.fiscal_year), claim)
    return [claim.pk for year, claim in heads.items() if claim.granted_fen <= pool_available_fen(*year)]
