"""The plain recomputation that every fault test asks agrees with honest books, and names what is wrong with others."""

import pytest
from django.db import connections, transaction

from audit.chain import begin_chain
from tests.ledger.books import POOL, bounce, fund, hold, pay, recover, release
from tests.plain_books import problems_of_the_books
from vouchers import prepared

pytestmark = pytest.mark.django_db


@pytest.fixture
def books(monkeypatch):
    """Honest books in the owner's open transaction, with every trigger and CHECK off: an attacker's hands."""
    owner = connections["owner"]
    monkeypatch.setattr(prepared, "connection", owner)
    with transaction.atomic(using="owner"), owner.cursor() as cursor:
        begin_chain("owner")
        fund(5_000)
        hold(1, 300)
        hold(2, 200, applicant=8)
        release(2, 50, applicant=8)
        pay(1, 300)
        bounce(1, 100)
        recover(1, 150)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in ("ledger_account", "ledger_transfer"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute("ALTER TABLE ledger_account DROP CONSTRAINT ledger_account_sign")
        cursor.execute("ALTER TABLE ledger_transfer DROP CONSTRAINT ledger_transfer_once")
        yield cursor
        transaction.set_rollback(True, using="owner")


def problems():
    return problems_of_the_books(connections["owner"])


def test_honest_books_have_no_problem(books):
    assert problems() == []


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        (f"UPDATE ledger_account SET balance_fen = 1 WHERE key = '{POOL}'", f"{POOL} should have"),
        (f"UPDATE ledger_account SET balance_fen = 1 WHERE key = '{POOL}'", f"SQL: {POOL} has 1"),
        ("UPDATE ledger_account SET balance_fen = balance_fen + 1 WHERE key = 'held:2'", "SQL: money sums to 1"),
        ("UPDATE ledger_account SET balance_fen = balance_fen - 1 WHERE key = 'capused:2'", "SQL: room sums to -1"),
        ("DELETE FROM ledger_account WHERE key = 'paid:1'", "paid:1 moved and does not exist"),
        ("UPDATE ledger_transfer SET entry_id = -1 WHERE key = 'pay:payment:1'", "stands in no entry of the chain"),
        (
            "UPDATE ledger_transfer SET amount_fen = 301 WHERE key = 'pay:payment:1'",
            "held:1 stood at -1 after number 5",
        ),
        (
            "UPDATE ledger_transfer SET amount_fen = 401 WHERE key = 'pay:payment:1'",
            "was resolved beyond what it held by 1",
        ),
        ("UPDATE ledger_transfer SET amount_fen = 260 WHERE kind = 'bounce'", "came back beyond what was paid"),
        ("UPDATE ledger_transfer SET key = 'hold:event:1' WHERE key = 'hold:event:2'", "moved money twice"),
    ],
)
def test_what_is_wrong_is_named(books, sql, named):
    books.execute(sql)
    assert any(named in problem for problem in problems()), problems()
