"""Celery tasks: fetch and call, nothing else. Each tolerates running twice, and being lost.

The sweep is the truth: it finds in the database what waits. A face may nudge one job with `nudge`, which only saves
the wait for the next sweep.
"""

import logging

from celery import shared_task
from django.db import transaction
from kombu.exceptions import OperationalError

from vouchers.budget.services import promote_all
from vouchers.disbursement import books_check, export
from vouchers.disbursement.audit_batches import check_batches
from vouchers.disbursement.services import EXPORT
from vouchers.jobs import services as jobs
from vouchers.messages.services import send_waiting
from vouchers.review import reversals
from vouchers.review.deadlines import pass_deadlines
from vouchers.review.replay import alarm_on_bad_books

log = logging.getLogger(__name__)

# Which room knows how to do which kind of long work.
HANDLERS = {EXPORT: export.run, books_check.CHECK: books_check.run}


@shared_task
def run_job(job_id: int) -> None:
    """Do one job, if it is still to be done."""
    jobs.run(job_id, HANDLERS)


@shared_task
def sweep() -> None:
    """Every quarter of a minute: start what waits, follow red letters, serve the queue, send e-mails."""
    for job_id in jobs.runnable().values_list("pk", flat=True)[:20]:
        run_job.delay(job_id)
    reversals.sweep()
    promote_all()
    send_waiting()


@shared_task
def hourly() -> None:
    """Deadlines that have passed."""
    pass_deadlines()


@shared_task
def nightly() -> None:
    """Recompute the books and every decision, and look at every batch."""
    alarm_on_bad_books(check_batches())


def nudge(job) -> None:
    """Ask for a job at once, after COMMIT. A broker that is down costs the wait for the next sweep, nothing else."""

    def ask() -> None:
        try:
            run_job.apply_async((job.pk,), retry=False)
        except OperationalError as error:
            log.warning("job %s waits for the sweep: %s", job.pk, error)

    transaction.on_commit(ask)
