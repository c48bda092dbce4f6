"""The database drops sessions, crashes, deadlocks, is hogged, or lies behind a bad wire.
(F12, F13, F14, F15, F16, F17, F18)"""

import json
import os
import threading
import time

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, Error, connection, connections, transaction
from django.db.migrations.executor import MigrationExecutor

from tests import factories
from tests.at_once import at_once
from tests.faults import processes
from tests.faults.celery_worker import wait_until
from tests.faults.holding import assert_books_hold
from tests.faults.private_postgres import django_uses
from tests.faults.wire import Wire
from vouchers.ledger import services as ledger
from vouchers.ledger.errors import Busy, LedgerError
from vouchers.ledger.models import Transfer
from vouchers.ledger.selectors import held_fen, pool_available_fen
from vouchers.prepared import Prepared
from vouchers.review.errors import TogetherRefused
from vouchers.review.together import fire_many

SCHEME, YEAR, CAP_FEN = "compute_voucher", 2025, 1_000_000


def said(**more):
    return {"actor": "tester", "at": settings.CLOCK.now()} | more


def fund(fen):
    ledger.fund(SCHEME, YEAR, fen, event="budget", citation="文号", **said())


def hold(number, fen=10):
    return ledger.hold(number, SCHEME, YEAR, number, fen, CAP_FEN, event=f"e{number}", **said())


def keys():
    return set(Transfer.objects.filter(kind="hold").exclude(key__endswith=":cap").values_list("key", flat=True))


def in_sql(sql, alias="default"):
    with connections[alias].cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else None


def write_down(path):
    """A function that writes one line down so that it survives this process."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    return lambda **line: os.write(file, (json.dumps(line) + "\n").encode())


def read_down(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_f12_sessions_dropped_in_the_middle_leave_nothing_half_and_what_was_acknowledged_is_there(town):
    fund(1_000_000)
    acknowledged, stop = [], threading.Event()

    def works(worker):
        for step in range(25):
            number = worker * 100 + step
            try:
                with transaction.atomic():
                    hold(number)
                acknowledged.append(f"hold:e{number}")
            except (DatabaseError, LedgerError):
                connection.close()
        return True

    def drops():
        while not stop.is_set():
            town.sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE xact_start IS NOT NULL"
                f" AND datname = '{town.database}' ORDER BY random() LIMIT 1"
            )
            time.sleep(0.02)
        return True

    def works_all():
        try:
            return at_once([lambda n=n: works(n) for n in range(1, 5)])
        finally:
            stop.set()

    assert at_once([works_all, drops]) == [[True] * 4, True]
    connections.close_all()
    assert 0 < len(acknowledged) < 100
    assert set(acknowledged) <= keys()
    for key in sorted(keys() - set(acknowledged)):  # done, but nobody heard of it: asking again says so
        assert hold(int(key.removeprefix("hold:e"))).replayed
    assert_books_hold(ledger_alone=True)


def test_f12_a_session_dropped_before_a_statement_is_prepared_is_told_like_any_other_loss(town):
    (backend,) = in_sql("SELECT pg_backend_pid()")[0]
    town.sql(f"SELECT pg_terminate_backend({backend})")
    with pytest.raises(DatabaseError):
        Prepared("never_heard_of", ("int",), "SELECT $1").one(1)
    connection.close()
    assert Prepared("never_heard_of", ("int",), "SELECT $1").one(1) == (1,)


def test_f13_a_database_killed_under_load_comes_back_with_all_that_was_acknowledged(town, tmp_path):
    fund(1_000_000)
    heard = tmp_path / "heard"

    def works(worker):
        tell = write_down(heard)
        for step in range(100_000):
            number = worker * 1_000_000 + step
            hold(number, 1)
            tell(key=f"hold:e{number}")

    pids = [processes.fork(lambda n=n: works(n)) for n in range(1, 5)]
    wait_until(lambda: heard.exists() and heard.read_bytes().count(b"\n") > 60, 60)
    town.kill()
    assert [processes.end_of(pid) for pid in pids] == [1] * 4
    town.start()
    acknowledged = {line["key"] for line in read_down(heard)}
    assert acknowledged <= keys()
    assert len(keys() - acknowledged) <= 4, "more than one unheard movement a client"
    assert pool_available_fen(SCHEME, YEAR) == 1_000_000 - len(keys())
    assert_books_hold(ledger_alone=True)


def test_f14_a_migration_stopped_in_the_middle_runs_again_to_its_end(town, monkeypatch):
    owner = settings.DATABASES["owner"]["USER"]
    town.sql(f"CREATE DATABASE half_way OWNER {owner}")
    records, recorded = MigrationExecutor.record_migration, []
    stops = threading.Thread(target=town.stop_immediately)

    def record(executor, migration):
        records(executor, migration)
        recorded.append(migration)
        if len(recorded) == 15:
            stops.start()

    with django_uses(town.folder, "half_way"):
        with monkeypatch.context() as patched, pytest.raises(Error):
            patched.setattr(MigrationExecutor, "record_migration", record)
            call_command("migrate", database="owner", verbosity=0)
        stops.join()
        connections.close_all()
        town.start()
        done = _applied(town)
        assert done
        call_command("migrate", database="owner", verbosity=0)
        call_command("migrate", database="owner", check_unapplied=True, verbosity=0)
        assert done < _applied(town)
        factories.call()
        assert_books_hold()
    town.sql("DROP DATABASE half_way WITH (FORCE)")


def test_f14_a_database_that_dies_between_the_tables_of_a_migration_and_its_record_has_neither(town, monkeypatch):
    owner = settings.DATABASES["owner"]["USER"]
    town.sql(f"CREATE DATABASE half_way OWNER {owner}")
    records = MigrationExecutor.record_migration

    def dies(executor, migration):
        if (migration.app_label, migration.name) == ("accounts", "0001_initial"):
            town.stop_immediately()
        records(executor, migration)

    with django_uses(town.folder, "half_way"):
        with monkeypatch.context() as patched, pytest.raises(Error):
            patched.setattr(MigrationExecutor, "record_migration", dies)
            call_command("migrate", database="owner", verbosity=0)
        connections.close_all()
        town.start()
        assert ("accounts", "0001_initial") not in _applied(town)
        call_command("migrate", database="owner", verbosity=0)
        assert ("accounts", "0001_initial") in _applied(town)
    town.sql("DROP DATABASE half_way WITH (FORCE)")


def _applied(town):
    try:
        return set(town.sql("SELECT app, name FROM django_migrations", "half_way"))
    except Exception:
        return set()


def test_f15_batches_in_opposite_orders_never_wait_for_each_other_in_a_ring(town):
    office, call, product = factories.office(), factories.call(), factories.product()
    claims = []
    for number in range(1, 5):
        firm = factories.firm(number, call, reviewer=office.reviewer)
        claims.append(factories.submitted(firm, product, number))
    seen = [(claim.pk, claim.version) for claim in claims]
    before = _deadlocks(town)
    answers = at_once(
        [
            lambda: fire_many(dict(seen), "accept", actor=office.reviewer),
            lambda: fire_many(dict(seen[::-1]), "accept", actor=office.reviewer),
        ]
    )
    (told,) = [answer for answer in answers if not isinstance(answer, int)]
    assert isinstance(told, TogetherRefused)
    assert [number for number, _ in told.refused] == [claim.number for claim in claims]
    assert [answer for answer in answers if isinstance(answer, int)] == [4]
    assert _deadlocks(town) == before
    assert_books_hold()


def test_f15_two_transactions_that_do_wait_in_a_ring_end_with_one_told_to_try_again(town):
    fund(1_000)
    ledger.fund(SCHEME, 2024, 1_000, event="other", citation="文号", **said())
    years, barrier = [2024, 2025], threading.Barrier(2)

    def ask(name, year, fen):
        event = f"{name}:{year}:{fen}"
        return ledger.hold(name, SCHEME, year, f"firm-{name}", fen, CAP_FEN, event=event, **said())

    for name in ("one", "two"):
        for year in years:
            ask(name, year, 1)

    def both(name, years):
        with transaction.atomic():
            for place, year in enumerate(years):
                ask(name, year, 10)
                if place == 0:
                    barrier.wait(30)
        return name

    answers = at_once([lambda: both("one", years), lambda: both("two", years[::-1])])
    (winner,) = [answer for answer in answers if isinstance(answer, str)]
    (loser,) = {"one", "two"} - {winner}
    assert [type(answer) for answer in answers if answer != winner] == [Busy]
    assert (held_fen(winner), held_fen(loser)) == (22, 2)
    for year in years:
        ask(loser, year, 10)
    assert (held_fen("one"), held_fen("two")) == (22, 22)
    assert_books_hold(ledger_alone=True)


def _deadlocks(town):
    return town.sql("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()", town.database)


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
def test_f16_a_serialization_failure_says_try_again_and_a_retry_works(town, isolation):
    fund(1_000)
    hold(1)

    def overtaken():
        with transaction.atomic():
            in_sql(f"SET TRANSACTION ISOLATION LEVEL {isolation}")
            in_sql("SELECT balance_fen FROM ledger_account")
            at_once([lambda: hold(2)])
            hold(3)

    with pytest.raises(Busy, match="稍后重试"):
        overtaken()
    assert (held_fen(2), held_fen(3)) == (10, 0)
    hold(3)
    assert pool_available_fen(SCHEME, YEAR) == 970
    assert_books_hold(ledger_alone=True)


def test_f17_a_session_that_hogs_the_pool_makes_others_say_busy_and_no_pile_up_stays(town):
    fund(1_000)
    hogged, free = threading.Event(), threading.Event()

    def hogs():
        with transaction.atomic(using="owner"):
            in_sql("SELECT FROM ledger_account WHERE key LIKE 'pool:%' FOR UPDATE", "owner")
            hogged.set()
            assert free.wait(60)
        return "let go"

    def waits(number):
        assert hogged.wait(30)
        return hold(number)

    def let_go():
        others = at_once([lambda n=n: waits(n) for n in range(1, 9)])
        free.set()
        return others

    hog, others = at_once([hogs, let_go])
    assert hog == "let go"
    assert [type(answer) for answer in others] == [Busy] * 8
    assert "稍后重试" in str(others[0])
    assert keys() == set()
    for number in range(1, 9):
        hold(number)
    assert_books_hold(ledger_alone=True)


def test_f18_a_wire_cut_before_the_answer_to_a_commit_leads_to_the_first_answer_and_no_second_movement(town):
    fund(1_000)
    with Wire(town.folder) as wire, django_uses(wire.folder, town.database):
        with pytest.raises(DatabaseError), transaction.atomic():
            hold(1)
            wire.swallow = b"COMMIT"
        connection.close()
        wait_until(lambda: keys() == {"hold:e1"}, 30)
        assert hold(1).replayed
        with pytest.raises(DatabaseError), transaction.atomic():
            hold(2)
            wire.cut()
            hold(3)
        connection.close()
        wait_until(lambda: _alone(town), 30)
        assert (held_fen(1), held_fen(2), held_fen(3)) == (10, 0, 0)
        assert not hold(2).replayed
    assert_books_hold(ledger_alone=True)


def _alone(town):
    return town.sql(
        f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{town.database}' AND xact_start IS NOT NULL"
    ) == [(0,)]


def test_f18_a_slow_wire_makes_everything_slow_and_nothing_wrong(town):
    fund(1_000)
    with Wire(town.folder) as wire, django_uses(wire.folder, town.database):
        wire.delay = 0.05
        answers = at_once([lambda n=n: hold(n // 2) for n in range(8)])
        assert [type(answer) for answer in answers if isinstance(answer, Exception)] == []
        assert sorted(answer.replayed for answer in answers) == [False] * 4 + [True] * 4
    assert pool_available_fen(SCHEME, YEAR) == 960
    assert_books_hold(ledger_alone=True)
