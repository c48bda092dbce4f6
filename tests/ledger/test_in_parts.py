"""A hold paid in parts, and each part going its own way: the rest, a bounce of one, a recovery bounded by each.

All as the runtime role. The accounts are those of claims that do not exist: a real claim is paid whole, in one payment
(docs/money.md), and `check_books` names whoever pays it in parts (tests/review/test_money_by_hand.py).
"""

import json

import pytest
from django.db import DatabaseError, connection, transaction

from tests.ledger.books import AT, POOL, SCHEME, YEAR, bounce, fund, hold, pay, recover, release
from vouchers.ledger import books
from vouchers.ledger.errors import ExceedsOriginal, InsufficientFunds, KeyClash, LedgerError
from vouchers.ledger.models import Transfer
from vouchers.ledger.selectors import cap_used_fen, held_fen, paid_fen, payment_left_fen, pool_available_fen

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clean_books():
    """A hold of 500 of a pool of 1,000; whatever a test does with it, the books agree after it."""
    fund(1_000)
    hold(1, 500)
    yield
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == (connection.settings_dict["USER"],)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    report = books.check()
    assert (report.problems, report.transfers > 2) == ([], True)


def refused(error, verb, *args, **named):
    """The verb is refused with `error` and moves nothing."""
    before = Transfer.objects.count()
    with pytest.raises(error), transaction.atomic():
        verb(*args, **named)
    assert Transfer.objects.count() == before


def stands(held, paid, pool):
    assert (held_fen(1), paid_fen(1), pool_available_fen(SCHEME, YEAR)) == (held, paid, pool)


def test_a_part_is_paid_and_then_the_rest_and_not_a_fen_more():
    pay(1, 200, "payment:1")
    stands(300, 200, 500)
    refused(InsufficientFunds, pay, 1, 301, "payment:2")
    pay(1, 300, "payment:2")
    stands(0, 500, 500)
    refused(InsufficientFunds, pay, 1, 1, "payment:3")
    assert cap_used_fen(SCHEME, YEAR, 7) == 500


def test_each_part_has_a_key_of_its_own_and_is_paid_once():
    first = pay(1, 200, "payment:1")
    assert pay(1, 200, "payment:1").entry_id == first.entry_id
    refused(KeyClash, pay, 1, 300, "payment:1")
    stands(300, 200, 500)


@pytest.mark.parametrize("fen", [301, 500])
def test_the_database_itself_refuses_more_than_the_rest_of_the_hold(fen):
    """Asked for in plain SQL, past every service."""
    pay(1, 200, "payment:1")
    move = {
        "kind": "pay",
        "source": "held:1",
        "target": "paid:1",
        "amount_fen": fen,
        "key": "pay:x",
        "subject": "claim:1",
    }
    move |= {"reason": "", "note": ""}
    with pytest.raises(DatabaseError, match="held:1 has 300 fen"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM ledger_post(%s, '[]', 'somebody', %s)", [json.dumps([move]), AT])
    stands(300, 200, 500)


def test_one_part_bounces_and_the_other_stays_paid():
    pay(1, 200, "payment:1")
    pay(1, 300, "payment:2")
    refused(ExceedsOriginal, bounce, 1, 201, "payment:1")
    bounce(1, 200, "payment:1")
    stands(200, 300, 500)
    refused(ExceedsOriginal, bounce, 1, 1, "payment:1", "event:again")
    pay(1, 200, "payment:3")
    stands(0, 500, 500)


def test_each_part_is_recovered_in_part_and_then_the_rest_bounded_by_that_part():
    pay(1, 200, "payment:1")
    pay(1, 300, "payment:2")
    recover(1, 150, "payment:1", "event:1")
    assert (payment_left_fen("payment:1"), payment_left_fen("payment:2")) == (50, 300)
    refused(ExceedsOriginal, recover, 1, 51, "payment:1", "event:2")  # though the claim was paid far more
    recover(1, 50, "payment:1", "event:3")
    refused(ExceedsOriginal, recover, 1, 1, "payment:1", "event:4")
    refused(LedgerError, recover, 1, 301, "payment:2", "event:5")
    recover(1, 300, "payment:2", "event:6")
    stands(0, 0, 1_000)


def test_a_part_that_was_recovered_in_part_bounces_for_the_rest_alone():
    pay(1, 200, "payment:1")
    pay(1, 300, "payment:2")
    recover(1, 80, "payment:1", "event:1")
    refused(ExceedsOriginal, bounce, 1, 200, "payment:1")
    bounce(1, 120, "payment:1")
    stands(120, 300, 580)


def test_the_rest_that_is_not_paid_is_released_and_can_then_be_neither_paid_nor_released():
    pay(1, 200, "payment:1")
    refused(InsufficientFunds, release, 1, 301)
    release(1, 300)
    stands(0, 200, 800)
    refused(LedgerError, pay, 1, 1, "payment:2")
    refused(LedgerError, release, 1, 1, event="event:again")
    assert cap_used_fen(SCHEME, YEAR, 7) == 200


def test_what_bounced_is_released_and_goes_where_it_came_from():
    pay(1, 200, "payment:1")
    bounce(1, 200, "payment:1")
    refused(ExceedsOriginal, release, 1, 500, year=YEAR + 1)
    release(1, 500)
    stands(0, 0, 1_000)
    assert Transfer.objects.get(kind="release", source="held:1").target_id == POOL
