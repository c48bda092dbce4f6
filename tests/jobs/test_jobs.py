"""Long work as rows: one at a time, under a lease, retried, buried after five starts."""

import pytest
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from tests.at_once import at_once
from vouchers.jobs import services as jobs
from vouchers.jobs.models import Job

pytestmark = pytest.mark.django_db


def outlive_lease(job):
    """As if the worker had been silent for longer than its lease."""
    from datetime import timedelta

    Job.objects.filter(pk=job.pk).update(lease_until=Now() - timedelta(seconds=1))


def test_asking_twice_gives_the_one_job_that_is_live():
    first = jobs.request("print", "batch:1")
    assert jobs.request("print", "batch:1") == first
    assert jobs.request("print", "batch:2") != first


@pytest.mark.django_db(transaction=True)
def test_asking_at_the_same_instant_gives_one_job():
    found = at_once([lambda: jobs.request("print", "batch:1").pk] * 6)
    assert len(set(found)) == 1
    assert Job.objects.count() == 1


def test_a_job_runs_tells_its_progress_and_is_done():
    job, seen = jobs.request("print", "batch:1"), []

    def work(subject, progress):
        progress.report(1, 2, "一半")
        job.refresh_from_db()
        seen.append((subject, job.state, job.done, job.total, job.message))

    assert jobs.run(job.pk, {"print": work})
    job.refresh_from_db()
    assert seen == [("batch:1", "running", 1, 2, "一半")]
    assert (job.state, job.attempts, job.lease) == ("done", 1, None)
    assert job.finished_at is not None


def test_a_finished_job_does_not_run_again():
    job = jobs.request("print", "batch:1")
    assert jobs.run(job.pk, {"print": lambda subject, progress: None})
    assert not jobs.run(job.pk, {"print": lambda subject, progress: pytest.fail("ran twice")})


@pytest.mark.django_db(transaction=True)
def test_of_several_deliveries_at_once_one_runs_the_job():
    job, runs = jobs.request("print", "batch:1"), []
    results = at_once([lambda: jobs.run(job.pk, {"print": lambda s, p: runs.append(s)})] * 5)
    assert sorted(results) == [False] * 4 + [True]
    assert runs == ["batch:1"]


def test_a_dead_workers_job_is_taken_over_and_the_dead_worker_may_not_go_on():
    job = jobs.request("print", "batch:1")

    def dies(subject, progress):
        outlive_lease(job)
        assert jobs.run(job.pk, {"print": lambda s, p: None})
        progress.report(1, 1, "too late")
        pytest.fail("went on without its lease")

    assert not jobs.run(job.pk, {"print": dies})
    job.refresh_from_db()
    assert (job.state, job.attempts) == ("done", 2)


def test_a_failure_is_kept_and_the_job_waits_before_it_is_tried_again():
    job = jobs.request("print", "batch:1")
    with pytest.raises(RuntimeError):
        jobs.run(job.pk, {"print": lambda s, p: (_ for _ in ()).throw(RuntimeError("没有纸"))})
    job.refresh_from_db()
    assert job.state == "waiting"
    assert "没有纸" in job.error
    assert not jobs.runnable().exists()


def test_a_job_that_kills_its_worker_five_times_is_buried():
    job = jobs.request("print", "batch:1")
    for _ in range(jobs.MAX_ATTEMPTS):
        jobs._start(job.pk)
        outlive_lease(job)
    assert not jobs.run(job.pk, {"print": lambda s, p: pytest.fail("ran a sixth time")})
    job.refresh_from_db()
    assert (job.state, job.attempts) == ("dead", jobs.MAX_ATTEMPTS)
    assert job.error


def test_the_database_refuses_a_second_live_job_and_progress_beyond_its_total():
    job = jobs.request("print", "batch:1")
    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.create(kind="print", subject="batch:1")
    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.filter(pk=job.pk).update(done=2, total=1)
