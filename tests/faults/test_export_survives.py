"""The export of a batch by a real worker, with the worker and the broker killed under it."""

import hashlib

import pytest

from tests import factories
from tests.faults.celery_worker import child_of, kill_tree, wait_until, worker
from vouchers.documents.models import Document
from vouchers.documents.storage import path_of
from vouchers.tasks import nudge, sweep

pytestmark = pytest.mark.django_db(transaction=True)
CLAIMS = 6


@pytest.fixture
def job(broker):
    """A job to print a signed batch of several claims."""
    return factories.signed_batch(CLAIMS)


def state(job):
    job.refresh_from_db()
    return job.state


def one_whole_result(job):
    """A letter for each claim, one roster and one workbook, each file whole, and no file that nobody knows."""
    documents = list(Document.objects.all())
    assert sorted(document.kind for document in documents) == ["letter"] * CLAIMS + ["roster", "roster_xlsx"]
    for document in documents:
        assert hashlib.sha256(path_of(document.stored_name).read_bytes()).hexdigest() == document.sha256
    assert job.done == job.total == CLAIMS + 2


def keep_sweeping(job, seconds=240):
    """What beat does every quarter of a minute, until the job is done."""

    def done() -> bool:
        if state(job) == "done":
            return True
        sweep()
        return False

    wait_until(done, seconds)


def test_a_worker_killed_in_the_middle_is_replaced_and_everything_is_printed_once(job, broker, tmp_path):
    with worker(broker.url, tmp_path / "worker.log") as process:
        nudge(job)
        wait_until(lambda: state(job) == "running" and job.done >= 2)
        child_of(process).kill()
        assert state(job) == "running"
        first = {document.pk: document.sha256 for document in Document.objects.all()}
        assert 2 <= len(first) <= CLAIMS
        keep_sweeping(job)
    one_whole_result(job)
    assert job.attempts >= 2
    # What the dead worker had finished was kept, not printed again.
    assert first.items() <= {document.pk: document.sha256 for document in Document.objects.all()}.items()


def test_the_whole_worker_killed_loses_nothing(job, broker, tmp_path):
    with worker(broker.url, tmp_path / "first.log") as process:
        nudge(job)
        wait_until(lambda: state(job) == "running" and job.done >= 1)
        kill_tree(process.pid)
    with worker(broker.url, tmp_path / "second.log"):
        keep_sweeping(job)
    one_whole_result(job)


def test_a_broker_that_is_down_or_forgets_everything_loses_nothing(job, broker, tmp_path):
    broker.kill()
    nudge(job)
    assert state(job) == "waiting"
    broker.start()
    with worker(broker.url, tmp_path / "worker.log"):
        keep_sweeping(job)
    one_whole_result(job)
