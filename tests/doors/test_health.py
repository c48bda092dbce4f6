"""The health page: what fails, by name, and nothing more."""

import time

import pytest
from django.db import OperationalError

from config import health
from vouchers.tasks import nightly

pytestmark = pytest.mark.django_db


def test_all_is_well(client):
    answer = client.get("/health/")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "checks": {"database": "ok", "migrations": "ok", "broker": "ok", "books": "ok"},
    }
    assert "no-store" in answer.headers["Cache-Control"]


def test_without_the_database_it_is_503_and_tells_no_details(client, monkeypatch):
    def gone():
        raise OperationalError("could not connect to server at db.internal as vouchers_runtime")

    monkeypatch.setattr(health.connection, "cursor", gone)
    answer = client.get("/health/")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": "failing", "migrations": "failing", "broker": "ok", "books": "ok"}
    assert "vouchers_runtime" not in answer.content.decode()


def test_without_the_broker_the_portal_still_serves_and_says_so_quickly(client, settings):
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    start = time.monotonic()
    answer = client.get("/health/")
    assert time.monotonic() - start < 5 * health.BROKER_SECONDS
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["checks"]["broker"] == "failing"


def test_a_migration_that_was_not_applied_is_503(client, monkeypatch):
    monkeypatch.setattr(health, "_migrations_on_disk", lambda: {("vouchers", "9999_not_yet")})
    answer = client.get("/health/")
    assert answer.status_code == 503
    assert answer.json()["checks"]["migrations"] == "failing"


def test_migrations_are_read_from_disk_once_a_process(client, django_assert_num_queries):
    client.get("/health/")
    with django_assert_num_queries(3):
        client.get("/health/")


def test_it_only_answers(client):
    assert client.head("/health/").status_code == 200
    assert client.post("/health/").status_code == 405


def test_books_that_do_not_agree_are_an_alarm(client, monkeypatch):
    monkeypatch.setattr("vouchers.disbursement.books_check.check_batches", lambda: ["批次有误"])
    nightly()
    answer = client.get("/health/")
    assert (answer.status_code, answer.json()["status"], answer.json()["checks"]["books"]) == (
        200,
        "degraded",
        "failing",
    )
    assert "批次" not in answer.content.decode()
