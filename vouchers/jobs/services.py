"""Asking for long work, and doing it under a lease."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from vouchers.jobs.models import Job

# After this many starts a job is dead: it stops blocking others and waits for a person.
MAX_ATTEMPTS = 5


def _lease_end():
    return Now() + timedelta(seconds=settings.JOB_LEASE_SECONDS)


class LeaseLost(Exception):
    """This worker was too slow: its lease ran out and another took the job over."""


class Progress:
    """What a running job tells of itself. Every call renews the lease and raises `LeaseLost` when it is gone."""

    def __init__(self, job_id: int, lease: uuid.UUID):
        self.job_id, self._lease = job_id, lease

    def report(self, done: int, total: int, message: str) -> None:
        """`done` of `total` pieces are finished; `message` is shown beside the progress bar."""
        held = Job.objects.filter(pk=self.job_id, lease=self._lease, state="running")
        if not held.update(done=done, total=total, message=message, lease_until=_lease_end()):
            raise LeaseLost


def request(kind: str, subject: str, *, requested_by=None) -> Job:
    """The live job of this kind on this subject: a new one, or the one that is already waiting or running."""
    live = Job.objects.filter(kind=kind, subject=subject, state__in=["waiting", "running"])
    job = live.first()
    if job is None:
        try:
            with transaction.atomic():
                job = Job.objects.create(kind=kind, subject=subject, requested_by=requested_by)
        except IntegrityError:
            # Someone asked in the same instant; theirs serves both.
            job = live.get()
    return job


def runnable():
    """Jobs that a worker may start now: waiting ones, and running ones whose lease has run out."""
    due = Q(not_before=None) | Q(not_before__lte=Now())
    return Job.objects.filter(Q(state="waiting") & due | Q(state="running", lease_until__lt=Now())).order_by("pk")


def _start(job_id: int) -> tuple[Job, uuid.UUID] | None:
    """Take the lease, or bury a job that has had its attempts. None when there is nothing to do here."""
    lease = uuid.uuid4()
    with transaction.atomic():
        job = runnable().select_for_update(skip_locked=True).filter(pk=job_id).first()
        if job is None:
            return None
        if job.attempts >= MAX_ATTEMPTS:
            error = job.error or "执行进程多次中断。"
            Job.objects.filter(pk=job_id).update(state="dead", lease=None, error=error, finished_at=Now())
            return None
        Job.objects.filter(pk=job_id).update(
            state="running", lease=lease, lease_until=_lease_end(), attempts=F("attempts") + 1
        )
    return job, lease


def run(job_id: int, handlers: Mapping[str, Callable[[str, Progress], None]]) -> bool:
    """Run one job to its end if it is free; `handlers` maps a kind to the function that does the work.

    The handler gets the subject and a `Progress`; it must tolerate running again from the start. An error puts the
    job back to waiting with a growing pause. Returns whether the job was finished here.
    """
    started = _start(job_id)
    if started is None:
        return False
    job, lease = started
    mine = Job.objects.filter(pk=job_id, lease=lease)
    try:
        handlers[job.kind](job.subject, Progress(job_id, lease))
    except LeaseLost:
        return False
    except Exception as error:
        pause = timedelta(seconds=5 * 2**job.attempts)
        mine.update(state="waiting", lease=None, lease_until=None, not_before=Now() + pause, error=f"{error!r}"[:2000])
        raise
    return bool(mine.update(state="done", lease=None, error="", finished_at=Now()))
