"""The database session is lost between any two statements of any movement of money, inside its function too."""

from functools import partial

import pytest
from django.db import DatabaseError, connection, connections, transaction

from tests.faults.holding import assert_books_hold
from tests.ledger.books import POOL, SCHEME, WHO, YEAR, bounce, fund, hold, pay, recover, release
from tests.plain_books import problems_of_the_books
from vouchers.ledger import services
from vouchers.ledger.models import Account, Transfer

TABLES = ("ledger_account", "ledger_transfer", "audit_auditentry", "audit_chainlink", "audit_chainhead")
# Counts what a session writes, and ends the session, as a lost machine would, at the number it was told.
CRASH = """
CREATE FUNCTION crash_point() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  count integer := coalesce(nullif(current_setting('crash.count', true), ''), '0')::integer + 1;
BEGIN
  PERFORM set_config('crash.count', count::text, false);
  IF count::text = current_setting('crash.at', true) THEN
    PERFORM pg_terminate_backend(pg_backend_pid()), pg_sleep(5);
  END IF;
  RETURN NULL;
END $$"""


@pytest.fixture
def crashing(town):
    """A town in which every statement that writes to the books passes two points where its session may end."""
    town.sql(CRASH, town.database)
    for table in TABLES:
        for when in ("BEFORE", "AFTER"):
            # Names that sort first and last: before and after everything else that the statement sets off.
            name = "aaa_crash" if when == "BEFORE" else "zzz_crash"
            town.sql(
                f"CREATE TRIGGER {name} {when} INSERT OR UPDATE ON {table} FOR EACH STATEMENT"
                " EXECUTE FUNCTION crash_point()",
                town.database,
            )
    return town


def everything():
    return (
        dict(Account.objects.values_list("key", "balance_fen")),
        set(Transfer.objects.values_list("key", flat=True)),
    )


def life():
    """One movement of each kind, in the order of a claim's life."""
    return [
        partial(fund, 1_000),
        partial(services.top_up, SCHEME, YEAR, 500, event="more", citation="文号", **WHO),
        partial(hold, 1, 400),
        partial(hold, 2, 300),
        partial(release, 2, 100),
        partial(pay, 1, 400),
        partial(bounce, 1, 150),
        partial(recover, 1, 50),
        partial(services.adjust, POOL, -20, reason="budget_cut", note="说明", event="cut", **WHO),
        partial(services.carry, SCHEME, YEAR, YEAR + 1, 30, event="carry", **WHO),
        partial(services.lapse, SCHEME, YEAR, 10, event="lapse", **WHO),
    ]


def crash_at(point, movement):
    """Make the movement in a session that is lost at its writing statement `point`; whether it came through."""
    connection.close()
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('crash.at', %s, false)", [str(point)])
            movement()
    except DatabaseError:
        connection.close()
        return False
    finally:
        connections["default"].close()
    return True


def test_a_session_lost_between_any_two_writes_of_any_movement_leaves_nothing_and_the_repetition_works(crashing):
    crashes = 0
    for movement in life():
        before, point = everything(), 1
        while not crash_at(point, movement):
            assert everything() == before, (movement, point)
            point += 1
            crashes += 1
        assert everything() != before
        assert problems_of_the_books(connection) == []
    # Claiming the key, the entry, accounts, balances, the chain: each movement has at least these points.
    assert crashes > 8 * len(life())
    assert_books_hold(ledger_alone=True)
