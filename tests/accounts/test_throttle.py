"""Five failures lock for half an hour, whoever asks and however fast."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from allauth.mfa.totp.internal import auth as totp
from django.db import connection

from accounts import second_factor, throttle
from accounts.models import SignInAttempts, User

pytestmark = pytest.mark.django_db

KEY = "password:1"


def age_the_count(minutes):
    row = SignInAttempts.objects.get(pk=KEY)
    row.last_at -= dt.timedelta(minutes=minutes)
    row.save()


def test_the_sixth_attempt_in_a_row_is_refused():
    assert [throttle.may_try(KEY) for _ in range(8)] == [True] * 5 + [False] * 3


def test_a_success_forgets_the_failures():
    for _ in range(5):
        throttle.may_try(KEY)
    throttle.succeeded(KEY)
    assert throttle.may_try(KEY)


def test_the_lock_ends_after_half_an_hour_and_refused_attempts_do_not_prolong_it():
    for _ in range(7):
        throttle.may_try(KEY)
    age_the_count(29)
    assert not throttle.may_try(KEY)
    age_the_count(2)
    assert throttle.may_try(KEY)
    assert SignInAttempts.objects.get(pk=KEY).failures == 1


def test_one_account_does_not_lock_another():
    for _ in range(6):
        throttle.may_try(KEY)
    assert throttle.may_try("password:2")
    assert throttle.may_try("code:1")


def test_an_unknown_name_is_counted_without_being_stored(make_user):
    key = throttle.password_key(None, "NoBody")
    assert key == throttle.password_key(None, "nobody")
    assert "nobody" not in key.lower()
    user = make_user("somebody")
    assert throttle.password_key(user, "somebody") == throttle.password_key(user, "zhang@example.cn")


def at_the_same_instant(count, ask):
    """What `count` threads get that call `ask` together, each on a connection of its own."""
    barrier = Barrier(count)

    def run(_):
        try:
            barrier.wait(10)
            return ask()
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(run, range(count)))


@pytest.mark.django_db(transaction=True)
def test_many_attempts_at_one_instant_get_five_guesses_between_them():
    throttle.may_try(KEY)
    assert sorted(at_the_same_instant(12, lambda: throttle.may_try(KEY))) == [False] * 8 + [True] * 4


@pytest.mark.django_db(transaction=True)
def test_one_code_sent_many_times_at_one_instant_is_taken_once():
    user = User.objects.create(username="zhangmin")
    seed = totp.generate_totp_secret()
    step = list(totp.yield_hotp_counters_from_time())[1]
    code = totp.format_hotp_value(totp.hotp_value(seed, step))
    taken = at_the_same_instant(8, lambda: second_factor.spend_code(user, seed, code))
    assert sorted(taken) == [False] * 7 + [True]
