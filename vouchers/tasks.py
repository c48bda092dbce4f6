"""Celery tasks: fetch and call, nothing else. Each tolerates running twice, and being lost.

The sweep is the truth: it finds in the database what waits. A face may nudge one job with `nudge`, which only saves
the wait for the next sweep.
"""

import logging

from celery import shared_task
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

from vouchers.budget import orders
from vouchers.budget.services import promote_all
from vouchers.claims import scans
from vouchers.claims.leavings import sweep_files
from vouchers.claims.quarantine import release_held
from vouchers.disbursement import books_check, export
from vouchers.disbursement.services import EXPORT
from vouchers.jobs import services as jobs
from vouchers.messages.services import send_waiting
from vouchers.review import reversals
from vouchers.review.deadlines import pass_deadlines

log = logging.getLogger(__name__)

# Which room knows how to do which kind of long work.
HANDLERS = {
    EXPORT: export.run,
    books_check.CHECK: books_check.run,
    orders.JOB: orders.run,
    scans.SCAN: scans.run,
}


@shared_task
def run_job(job_id: int) -> None:
    """Do one job, if it is still to be done."""
    jobs.run(job_id, HANDLERS)


@shared_task(expires=60)
def scan_next() -> None:
    """Read the scan that waits longest, and ask for the next; on a queue of its own (CELERY_TASK_ROUTES)."""
    job_id = jobs.runnable().filter(kind=scans.SCAN).values_list("pk", flat=True).first()
    if job_id is not None:
        jobs.run(job_id, HANDLERS)
        scan_next.delay()


@shared_task
def sweep() -> None:
    """Every quarter of a minute: start what waits, follow red letters, serve the queue, send e-mails."""
    waiting = jobs.runnable()
    for job_id in waiting.exclude(kind=scans.SCAN).values_list("pk", flat=True)[:20]:
        run_job.delay(job_id)
    if settings.OCR and waiting.filter(kind=scans.SCAN).exists():
        scan_next.delay()
    reversals.sweep()
    promote_all()
    send_waiting()


@shared_task
def quarantine() -> None:
    """Every minute: ask the virus scanner about the files that wait for it."""
    release_held()


@shared_task
def hourly() -> None:
    """Deadlines that have passed."""
    pass_deadlines()


@shared_task
def nightly() -> None:
    """Recompute the books and every decision, and look at every batch."""
    books_check.run_nightly()
    sweep_files()


def nudge(job) -> None:
    """Ask for a job at once, after COMMIT. A broker that is down costs the wait for the next sweep, nothing else."""

    def ask() -> None:
        try:
            if job.kind == scans.SCAN:
                scan_next.apply_async(retry=False)
            else:
                run_job.apply_async((job.pk,), retry=False)
        except OperationalError as error:
            log.warning("job %s waits for the sweep: %s", job.pk, error)

    transaction.on_commit(ask)
