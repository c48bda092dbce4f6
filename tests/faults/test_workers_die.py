"""Workers that are killed, too slow, poisoned or replaced: everything is done, and once. (F1, F2, F3, F10, F22, F27)"""

import hashlib
import signal
import time

import pytest

from config.celery import app
from tests import factories
from tests.faults import processes
from tests.faults.celery_worker import kill_tree, wait_until, worker
from tests.faults.failpoints import AFTER, replace
from tests.faults.holding import assert_books_hold
from vouchers.disbursement.books_check import CHECK, SUBJECT
from vouchers.documents.models import Document
from vouchers.documents.storage import path_of
from vouchers.jobs.models import Job
from vouchers.jobs.services import MAX_ATTEMPTS, request
from vouchers.ledger.models import Transfer
from vouchers.ledger.selectors import held_fen
from vouchers.tasks import nudge, run_job, sweep

pytestmark = pytest.mark.django_db(transaction=True)
APP = "tests.faults.sabotage"


@pytest.fixture
def failpoints(tmp_path):
    """The folder in which failpoints are armed: an empty file kills whoever comes by it first."""
    folder = tmp_path / "sabotage"
    folder.mkdir()
    return folder


def arm(folder, *names):
    for name in names:
        assert name in AFTER, f"there is no failpoint {name}"
        (folder / name).touch()


def hit(folder):
    return {path.stem for path in folder.glob("*.hit")}


def starts(folder, key):
    path = folder / f"starts-of-{key}"
    return len(path.read_text()) if path.exists() else 0


def top_up(key, seconds):
    """Ask a worker for a slow task that moves money."""
    app.send_task("faults.top_up", (key, seconds))


def topped_up():
    return sorted(Transfer.objects.filter(kind="top_up").values_list("key", flat=True))


def sweep_until_done(job, seconds=90):
    """What beat does every quarter of a minute, a little more often, until the job has ended."""

    def ended():
        job.refresh_from_db()
        if job.state in ("done", "dead"):
            return True
        run_job.delay(job.pk)
        time.sleep(0.5)
        return False

    wait_until(ended, seconds)


@pytest.mark.parametrize("path", [*AFTER.values(), "vouchers.review.promotion._promote_quietly"])
def test_every_failpoint_is_where_it_is_thought_to_be(path):
    replace(path, lambda function: function)


def test_a_failpoint_whose_function_is_gone_is_an_error_that_names_it():
    with pytest.raises(AttributeError, match="funding.serve_nobody, which is gone"):
        replace("vouchers.review.funding.serve_nobody", lambda function: function)


def test_f01_a_worker_that_dies_before_and_after_its_commit_serves_the_queue_once(broker, failpoints, tmp_path):
    call, product = factories.call(pool_fen=4_000_000), factories.product()
    reviewer = factories.officer("shenhe", "reviewer")
    first, second = (factories.firm(number, call, reviewer=reviewer) for number in (1, 2))
    leaving, claim = factories.submitted(first, product, 1), factories.submitted(second, product, 2)

    processes.withdraw_and_die(leaving, first)
    claim.refresh_from_db()
    assert claim.waiting
    arm(failpoints, "held_before_commit", "held_after_commit")
    with worker(broker.url, tmp_path / "worker.log", app=APP, SABOTAGE=str(failpoints)):
        sweep.delay()
        # Lost with its worker, the message is delivered again, and again.
        wait_until(lambda: len(hit(failpoints)) == 2, 60)
    claim.refresh_from_db()
    assert (claim.waiting, held_fen(claim.pk)) == (False, claim.granted_fen)
    assert Transfer.objects.filter(kind="hold", target=f"held:{claim.pk}").count() == 1
    assert claim.decisions.count() == 2
    assert_books_hold()


def test_f01_a_worker_that_dies_after_a_file_and_after_its_row_prints_each_paper_once(broker, failpoints, tmp_path):
    job = factories.signed_batch()
    arm(failpoints, "file_without_row", "document_filed")
    with worker(broker.url, tmp_path / "worker.log", app=APP, SABOTAGE=str(failpoints), JOB_LEASE_SECONDS="1"):
        sweep_until_done(job)
    assert hit(failpoints) == {"file_without_row", "document_filed"}
    assert (job.state, job.attempts) == ("done", 3)
    documents = list(Document.objects.all())
    assert sorted(document.kind for document in documents) == ["letter", "roster", "roster_xlsx"]
    for document in documents:
        assert hashlib.sha256(path_of(document.stored_name).read_bytes()).hexdigest() == document.sha256
    assert_books_hold()


def test_f02_a_whole_worker_killed_is_followed_by_another_that_does_its_task_once(broker, failpoints, tmp_path):
    told = {"SABOTAGE": str(failpoints), "VISIBILITY_TIMEOUT": "3"}
    with worker(broker.url, tmp_path / "first.log", app=APP, **told) as process:
        top_up("slow", 30)
        wait_until(lambda: starts(failpoints, "slow") == 1, 30)
        kill_tree(process.pid)
    assert topped_up() == []
    top_up("next", 0)
    with worker(broker.url, tmp_path / "second.log", app=APP, concurrency=2, **told):
        wait_until(lambda: starts(failpoints, "slow") >= 2, 60)
        wait_until(lambda: topped_up() == ["top_up:next"], 60)
    assert_books_hold(ledger_alone=True)


def test_f03_a_task_slower_than_the_brokers_patience_runs_more_than_once_and_moves_money_once(
    broker, failpoints, tmp_path
):
    told = {"SABOTAGE": str(failpoints), "VISIBILITY_TIMEOUT": "2"}
    with worker(broker.url, tmp_path / "worker.log", app=APP, concurrency=3, **told):
        top_up("slow", 5)
        wait_until(lambda: starts(failpoints, "slow") >= 2 and topped_up() == ["top_up:slow"], 60)
        time.sleep(3)
    assert topped_up() == ["top_up:slow"]
    assert_books_hold(ledger_alone=True)


def test_f10_a_worker_goes_on_after_its_broker_was_killed_and_came_back(broker, failpoints, tmp_path):
    with worker(broker.url, tmp_path / "worker.log", app=APP, SABOTAGE=str(failpoints)):
        top_up("before", 0)
        wait_until(lambda: topped_up() == ["top_up:before"], 30)
        broker.kill()
        time.sleep(1)
        broker.start()
        top_up("after", 0)
        wait_until(lambda: topped_up() == ["top_up:after", "top_up:before"], 60)
    assert_books_hold(ledger_alone=True)


def test_f22_a_task_that_always_kills_its_worker_is_buried_and_stops_nobody(broker, failpoints, tmp_path):
    poison, healthy = request("poison", "x"), request(CHECK, SUBJECT)
    Job.objects.filter(pk=poison.pk).update(attempts=MAX_ATTEMPTS - 2)  # it has killed three others already
    with worker(broker.url, tmp_path / "worker.log", app=APP, SABOTAGE=str(failpoints), JOB_LEASE_SECONDS="1"):
        nudge(poison)
        nudge(healthy)
        sweep_until_done(healthy)
        sweep_until_done(poison)
    assert healthy.state == "done"
    assert (poison.state, poison.attempts) == ("dead", MAX_ATTEMPTS)
    assert poison.error
    assert_books_hold()


def test_f27_a_worker_asked_to_stop_ends_its_task_and_its_successor_does_the_rest(broker, failpoints, tmp_path):
    keys = [f"n{number}" for number in range(6)]
    told = {"SABOTAGE": str(failpoints), "VISIBILITY_TIMEOUT": "5"}
    with worker(broker.url, tmp_path / "old.log", app=APP, **told) as old:
        for key in keys:
            top_up(key, 0.5)
        wait_until(lambda: len(topped_up()) >= 2, 60)
        with worker(broker.url, tmp_path / "new.log", app=APP, **told):
            old.send_signal(signal.SIGTERM)
            wait_until(lambda: old.poll() is not None, 30)
            wait_until(lambda: len(topped_up()) == len(keys), 60)
    assert old.returncode == 0
    assert topped_up() == [f"top_up:{key}" for key in keys]
    assert sum(starts(failpoints, key) for key in keys) == len(keys)
    assert_books_hold(ledger_alone=True)
