"""Many at the same instant, on connections of their own: nothing too much, nothing lost, nothing twice."""

import threading

import pytest
from django.db import DatabaseError, connection, connections, transaction

from tests.at_once import at_once
from tests.ledger.books import AT, POOL, SCHEME, WHO, YEAR, fund, hold, release
from vouchers.ledger import books, services
from vouchers.ledger.errors import Busy, InsufficientFunds, KeyClash
from vouchers.ledger.models import Transfer
from vouchers.ledger.selectors import cap_used_fen, held_fen, pool_available_fen
from vouchers.ledger.services import Posted

pytestmark = pytest.mark.django_db(transaction=True)


def kinds_of(results):
    return sorted(type(result).__name__ for result in results)


def test_sixteen_writers_on_a_pool_with_room_for_five_get_exactly_five():
    fund(5 * 100 + 99)

    def submit(n):
        with transaction.atomic():
            return hold(n, 100, applicant=n)

    results = at_once([lambda n=n: submit(n) for n in range(1, 17)])
    assert kinds_of(results) == ["InsufficientFunds"] * 11 + ["Posted"] * 5
    assert all(r.account == POOL and r.available_fen == 99 for r in results if isinstance(r, InsufficientFunds))
    assert pool_available_fen(SCHEME, YEAR) == 99
    assert books.check().problems == []


def test_nobody_is_refused_who_could_have_been_served():
    fund(16 * 3 * 100)

    def submit_three(n):
        return [hold(3 * n + k, 100, applicant=n) for k in range(3)]

    results = at_once([lambda n=n: submit_three(n) for n in range(16)])
    assert all(isinstance(posted, Posted) for three in results for posted in three)
    assert pool_available_fen(SCHEME, YEAR) == 0
    assert books.check().problems == []


def test_one_applicants_claims_at_once_open_one_cap_and_stay_under_it():
    fund(100_000)
    services.fund(SCHEME, 2026, 100_000, event="budget:2", citation="x", **WHO)
    # Two pools, one cap: the pool's lock alone would not do.
    results = at_once([lambda n=n: hold(n, 100, year=2025 + n % 2, cap_year=2025) for n in range(1, 17)])
    assert kinds_of(results) == ["InsufficientFunds"] * 6 + ["Posted"] * 10
    assert Transfer.objects.filter(source="statute").count() == 1
    assert cap_used_fen(SCHEME, 2025, 7) == 1_000
    assert books.check().problems == []


def test_one_key_sixteen_times_at_once_moves_once_and_answers_all_the_same():
    fund(100)
    results = at_once([lambda: hold(1, 100)] * 16)
    assert len(set(results)) == 1
    assert sorted(posted.replayed for posted in results) == [False] + [True] * 15
    assert held_fen(1) == 100
    assert books.check().problems == []


def test_one_key_for_different_things_at_once_serves_one_and_refuses_the_others_by_name():
    fund(10_000)
    services.fund(SCHEME, 2026, 10_000, event="budget:2", citation="x", **WHO)
    results = at_once([lambda n=n: hold(n, 100, applicant=n, year=2025 + n % 2, event="event:1") for n in range(1, 9)])
    assert kinds_of(results) == ["KeyClash"] * 7 + ["Posted"]
    assert {result.key for result in results if isinstance(result, KeyClash)} <= {"hold:event:1", "hold:event:1:cap"}
    assert books.check().problems == []


def test_holding_and_releasing_at_once_never_waits_for_each_other_in_a_ring():
    fund(1_000)
    for n in range(8):
        hold(n, 50, applicant=n % 2)

    def several(n):
        with transaction.atomic():  # several movements in one transaction, in opposite orders of claims
            for claim in (n, n + 100) if n % 2 else (n + 100, n):
                if claim < 100:
                    release(claim, 50, applicant=claim % 2)
                else:
                    hold(claim, 50, applicant=claim % 3 + 10)
        return True

    assert at_once([lambda n=n: several(n) for n in range(8)]) == [True] * 8
    assert pool_available_fen(SCHEME, YEAR) == 600
    assert books.check().problems == []


@pytest.mark.parametrize("cap_open", [True, False])
def test_whoever_waits_for_a_pool_holds_nothing_that_the_pools_holder_wants_next(cap_open):
    fund(1_000)
    if cap_open:
        hold(9, 10, applicant=8)
    first_has_the_pool, second_asks = threading.Event(), threading.Event()

    def first():
        with transaction.atomic():
            hold(1, 100, applicant=7)
            first_has_the_pool.set()
            assert second_asks.wait(30)
            wait_until_somebody_waits_for_a_lock()
            return hold(3, 100, applicant=8)

    def second():
        assert first_has_the_pool.wait(30)
        second_asks.set()
        return hold(2, 100, applicant=8)

    assert kinds_of(at_once([first, second])) == ["Posted", "Posted"]
    assert books.check().problems == []


def test_a_backend_that_dies_in_the_middle_leaves_nothing_and_the_retry_works():
    fund(1_000)
    posted, killed = threading.Event(), threading.Event()
    backend = []

    def dies():
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                backend.append(cursor.fetchone()[0])
            hold(1, 100)
            posted.set()
            assert killed.wait(30)

    def kills():
        assert posted.wait(30)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", backend)
        killed.set()

    results = at_once([dies, kills])
    assert isinstance(results[0], DatabaseError)
    assert (pool_available_fen(SCHEME, YEAR), held_fen(1), Transfer.objects.count()) == (1_000, 0, 1)
    assert not hold(1, 100).replayed
    assert books.check().problems == []


def test_waiting_too_long_for_an_account_says_busy_and_changes_nothing():
    fund(1_000)
    held, done = threading.Event(), threading.Event()

    def hogs():
        with transaction.atomic():
            hold(1, 100)
            held.set()
            assert done.wait(30)

    def waits():
        assert held.wait(30)
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL lock_timeout = '50ms'")
                return hold(2, 100, applicant=8)
        finally:
            done.set()

    results = at_once([hogs, waits])
    assert isinstance(results[1], Busy)
    assert "稍后" in str(results[1])
    assert (held_fen(1), held_fen(2)) == (100, 0)


def test_whoever_repeats_what_another_is_just_doing_gets_that_ones_answer():
    """The first is still in its transaction; the second waits for it and does not fail for want of money."""
    fund(100)
    held, about_to_ask = threading.Event(), threading.Event()

    def first():
        with transaction.atomic():
            answer = hold(1, 100)
            held.set()
            assert about_to_ask.wait(30)
            wait_until_somebody_waits_for_a_lock()
        return answer

    def second():
        assert held.wait(30)
        about_to_ask.set()
        return hold(1, 100)

    one, other = at_once([first, second])
    assert one == other
    assert (one.replayed, other.replayed) == (False, True)


def wait_until_somebody_waits_for_a_lock():
    with connections["default"].cursor() as cursor:
        for _ in range(600):
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()")
            if cursor.fetchone()[0]:
                return
            cursor.execute("SELECT pg_sleep(0.01)")
    raise AssertionError("nobody waits")


def test_the_same_verb_at_the_same_instant_on_empty_books_creates_its_accounts_once():
    results = at_once([lambda n=n: services.fund("new", 2030, 1, event=f"e{n}", citation="x", actor="a", at=AT)
                       for n in range(16)])  # fmt: skip
    assert kinds_of(results) == ["Posted"] * 16
    assert pool_available_fen("new", 2030) == 16
    assert books.check().problems == []
