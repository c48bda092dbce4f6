"""The broker dies, hangs, is full, or is told everything twice: people are served, and no work is lost.
(F8, F9, F11, F21)"""

import signal
import time

import pytest
import redis
from django.test import Client

from tests import factories
from tests.at_once import at_once
from tests.faults.celery_worker import celery, environment, kill_tree, wait_until
from tests.faults.holding import assert_books_hold
from vouchers.disbursement.books_check import CHECK
from vouchers.jobs.models import Job
from vouchers.jobs.services import request
from vouchers.ledger.models import Transfer
from vouchers.review.services import fire
from vouchers.tasks import nudge, run_job, sweep

pytestmark = pytest.mark.django_db(transaction=True)


def queue_of(broker):
    return redis.Redis(unix_socket_path=str(broker.socket))


def do_all_jobs():
    for job in Job.objects.filter(state="waiting"):
        run_job(job.pk)


def test_f08_a_broker_killed_with_all_it_had_is_filled_again_and_pages_are_served_meanwhile(broker):
    jobs = [request(CHECK, f"books {number}") for number in range(5)]
    for job in jobs:
        nudge(job)
    assert queue_of(broker).llen("celery") == 5
    broker.kill()
    late = request(CHECK, "books, late")
    nudge(late)
    assert Client().get("/").status_code == 200
    broker.start()
    assert queue_of(broker).llen("celery") == 0
    sweep()
    assert queue_of(broker).llen("celery") == 6
    do_all_jobs()
    assert set(Job.objects.values_list("state", flat=True)) == {"done"}
    assert_books_hold()


def test_f09_a_broker_that_hangs_delays_nobody_for_ever_and_loses_nothing(broker, settings):
    settings.CELERY_BROKER_URL = broker.url
    office, call = factories.office(), factories.call()
    firm = factories.firm(1, call, reviewer=office.reviewer)
    claim = factories.ready(firm, factories.product(), 1)
    job = request(CHECK, "books")
    broker.process.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        nudge(job)
        fire(claim, "submit", actor=firm.actor)
        assert Client().get("/").status_code == 200
        health = Client().get("/health/")
        # Not how fast, but that it ends: a socket without a time limit would wait here for ever.
        assert time.monotonic() - began < 30
    finally:
        broker.process.send_signal(signal.SIGCONT)
    assert (health.status_code, health.json()["status"]) == (200, "degraded")
    sweep()
    do_all_jobs()
    job.refresh_from_db()
    assert job.state == "done"
    assert_books_hold()


def test_f11_a_broker_that_is_full_refuses_in_words_and_the_job_keeps_waiting_for_it(broker, caplog):
    queue = queue_of(broker)
    queue.config_set("maxmemory-policy", "noeviction")
    queue.config_set("maxmemory", "1")
    job = request(CHECK, "books")
    nudge(job)
    assert Job.objects.get().state == "waiting"
    assert "waits for the sweep" in caplog.text
    queue.config_set("maxmemory", "0")
    sweep()
    assert queue.llen("celery") == 1
    run_job(job.pk)
    assert_books_hold()


def test_f21_two_beats_ask_twice_and_the_queue_is_served_once(broker, tmp_path):
    call, product = factories.call(pool_fen=4_000_000), factories.product()
    reviewer = factories.officer("shenhe", "reviewer")
    first, second = (factories.firm(number, call, reviewer=reviewer) for number in (1, 2))
    leaving, claim = factories.submitted(first, product, 1), factories.submitted(second, product, 2)
    fire(leaving, "withdraw", actor=first.actor)
    told = environment(broker.url, SABOTAGE=str(tmp_path), SWEEP_SECONDS="1")
    command = ["-A", "tests.faults.sabotage", "beat", "-lINFO", "--scheduler=celery.beat:Scheduler", "--pidfile="]
    beats = [celery(command, told, tmp_path / f"beat{number}.log") for number in (1, 2)]
    logs = [tmp_path / f"beat{number}.log" for number in (1, 2)]
    try:
        wait_until(lambda: all(log.read_text().count("Sending due task") >= 2 for log in logs), 60)
    finally:
        for beat in beats:
            kill_tree(beat.pid)
            beat.wait()
    assert queue_of(broker).llen("celery") >= 3
    at_once([sweep.run] * 6)
    assert Transfer.objects.filter(kind="hold", target=f"held:{claim.pk}").count() == 1
    assert_books_hold()
