"""What the database itself refuses, whoever asks."""

import pytest
from django.conf import settings
from django.db import DatabaseError, ProgrammingError, connections, transaction

from audit.chain import begin_chain
from tests.ledger.books import POOL, fund, hold
from vouchers import prepared
from vouchers.ledger import kinds

pytestmark = pytest.mark.django_db


def run(sql, alias="default", parameters=None):
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else None


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE ledger_account SET balance_fen = balance_fen + 1",
        "UPDATE ledger_account SET balance_fen = 0 WHERE key = 'treasury'",
        "INSERT INTO ledger_account VALUES ('pool:x:2025', 'pool', 1, 100)",
        "DELETE FROM ledger_account",
        "TRUNCATE ledger_account CASCADE",
        "UPDATE ledger_transfer SET amount_fen = 1",
        "INSERT INTO ledger_transfer (kind) VALUES ('fund')",
        "DELETE FROM ledger_transfer",
        "TRUNCATE ledger_transfer",
        "ALTER TABLE ledger_transfer DISABLE TRIGGER ALL",
        "ALTER TABLE ledger_account DROP CONSTRAINT ledger_account_sign",
        "SET session_replication_role = replica",
        "SELECT ledger_move('{}', '{}', '{}', 0)",
        "SELECT ledger_lock(ARRAY['treasury'])",
        "SELECT ledger_insert('{}', '', now(), 1, now())",
        "SELECT FROM ledger_account FOR UPDATE",
        "CREATE FUNCTION public.ledger_post() RETURNS void LANGUAGE sql AS ''",
        f"SET ROLE {settings.DATABASES['owner']['USER']}",
    ],
)
def test_the_runtime_role_moves_money_through_the_function_alone(sql):
    fund(5_000)
    with pytest.raises(ProgrammingError, match="permission denied|must be owner"):
        run(sql)
    # Nor after announcing that it is posting.
    with pytest.raises(ProgrammingError, match="permission denied|must be owner"):
        run("SET ledger.posting = 'on'; " + sql)


def test_the_runtime_role_makes_no_tables_of_its_own_that_could_stand_in_for_the_ledgers():
    for sql in ("CREATE TEMP TABLE ledger_account (key text)", "CREATE TABLE public.other (key text)"):
        with pytest.raises(ProgrammingError, match="permission denied"):
            run(sql)


def test_the_function_does_not_fall_for_tables_that_stand_in_for_its_own(monkeypatch):
    owner = connections["owner"]
    monkeypatch.setattr(prepared, "connection", owner)
    with transaction.atomic(using="owner"), owner.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE ledger_account (key text, kind text, balance_fen bigint)")
        cursor.execute("CREATE TEMP TABLE ledger_transfer (key text, entry_id bigint)")
        begin_chain("owner")
        fund(5_000)
        cursor.execute("SELECT balance_fen FROM public.ledger_account WHERE key = %s", [POOL])
        assert cursor.fetchall() == [(5_000,)]
        cursor.execute("SELECT count(*) FROM pg_temp.ledger_transfer")
        assert cursor.fetchall() == [(0,)]
        with pytest.raises(DatabaseError, match="ledger_post alone"), transaction.atomic(using="owner"):
            cursor.execute("UPDATE public.ledger_account SET balance_fen = 1 WHERE key = %s", [POOL])
        transaction.set_rollback(True, using="owner")


def test_nobody_with_the_runtime_role_can_pretend_in_the_audit_trail_to_have_moved_money():
    with pytest.raises(DatabaseError, match="only the ledger itself"):
        run(
            "INSERT INTO audit_auditentry (at, recorded_at, actor, action, subject, ok, detail, request_id, ip)"
            " VALUES (now(), now(), 'a', 'ledger.post', 's', true, '{}', '', '')"
        )


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE ledger_account SET balance_fen = balance_fen + 1",
        "INSERT INTO ledger_account VALUES ('pool:x:2025', 'pool', 1, 100)",
        "DELETE FROM ledger_account",
        "UPDATE ledger_transfer SET amount_fen = 1",
        "DELETE FROM ledger_transfer",
        "INSERT INTO ledger_transfer (kind, source, target, amount_fen, key, subject, actor, at, reason, note, entry_id)"
        " VALUES ('fund', 'treasury', 'pool:x:2025', 1, 'fund:x', 's', 'a', now(), '', 'n', 1)",
    ],
)
def test_not_even_the_owner_writes_past_the_function_by_accident(sql):
    with pytest.raises(DatabaseError, match="written by ledger_post alone|never forgets"):
        run(sql, "owner")


@pytest.mark.parametrize(
    ("sql", "constraint"),
    [
        ("INSERT INTO ledger_account VALUES ('pool:x:2025', '', 0, -1)", "ledger_account_sign"),
        ("INSERT INTO ledger_account VALUES ('held:1', '', 0, -1)", "ledger_account_sign"),
        ("INSERT INTO ledger_account VALUES ('treasury', '', 0, 1)", "ledger_account_sign"),
        ("INSERT INTO ledger_account VALUES ('statute', '', 0, 1)", "ledger_account_sign"),
        (
            "INSERT INTO ledger_account VALUES ('pool:x:2025', '', 0, 0), ('pool:x:2025', '', 0, 0)",
            "ledger_account_pkey",
        ),
        (
            "INSERT INTO ledger_transfer"
            " (kind, source, target, amount_fen, key, subject, actor, at, reason, note, entry_id)"
            " SELECT 'fund', 'treasury', 'pool:x:2025', 1, 'fund:x', 's', 'a', now(), '', 'n', 1"
            " FROM generate_series(1, 2)",
            "ledger_transfer_once",
        ),
        (
            "INSERT INTO ledger_transfer"
            " (kind, source, target, amount_fen, key, subject, actor, at, reason, note, entry_id)"
            " VALUES ('fund', 'treasury', 'pool:x:2025', 0, 'fund:x', 's', 'a', now(), '', 'n', 1)",
            "ledger_transfer_amount",
        ),
    ],
)
def test_the_tables_refuse_what_a_faulty_function_might_write(sql, constraint):
    with pytest.raises(DatabaseError, match=constraint):
        run("SET LOCAL ledger.posting = 'on'; " + sql, "owner")


def test_the_database_knows_the_same_routes_as_the_words():
    """Every kind of transfer is tried between every two kinds of accounts."""
    sample = {
        "treasury": "treasury", "statute": "statute", "pool": "pool:x:2025", "voucher": "voucher:1",
        "held": "held:1", "paid": "paid:1", "cap": "cap:x:2025:1", "capused": "capused:1",
    }  # fmt: skip
    assert set(sample) == set(kinds.ACCOUNT_LABELS)
    tried = [
        (kind, source, "pool:x:2026" if (source, target) == ("pool", "pool") else sample[target], target)
        for kind in kinds.TRANSFER_LABELS
        for source in sample
        for target in sample
    ]
    allowed, refused = set(), set()
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute("SET LOCAL ledger.posting = 'on'")
        for kind, source, target_key, target in tried:
            cursor.execute("SAVEPOINT one")
            try:
                cursor.execute(
                    "INSERT INTO ledger_transfer"
                    " (kind, source, target, amount_fen, key, subject, actor, at, reason, note, original, entry_id)"
                    " VALUES (%s, %s, %s, 1, %s, 's', 'a', now(), %s, 'n', %s, 1)",
                    [kind, sample[source], target_key, f"{kind}:x", "entry_error" if kind == "adjust" else "",
                     "pay:1" if kind in kinds.REVERSING else None],
                )  # fmt: skip
                allowed.add((kind, source, target))
            except DatabaseError as error:
                refused.add(error.__cause__.pgcode)
            cursor.execute("ROLLBACK TO one")
    assert allowed == set(kinds.ROUTES)
    assert refused == {"LG007"}
    assert len(tried) == 11 * 8 * 8


def test_the_database_knows_the_same_reasons_as_the_words():
    hold_everything = "SELECT pg_get_functiondef('ledger_transfer_check'::regproc)"
    text = run(hold_everything, "owner")[0][0]
    for reason in kinds.ADJUST_REASONS:
        assert f"'{reason}'" in text


def test_the_runtime_role_may_call_nothing_but_the_posting():
    assert run(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname ~ '^(ledger|audit)_'"
        " AND has_function_privilege(oid, 'EXECUTE') ORDER BY proname"
    ) == [("ledger_hold",), ("ledger_post",)]


def test_a_hold_is_refused_by_the_database_when_asked_for_in_plain_sql_without_its_room():
    fund(5_000)
    hold(1, 100)
    with pytest.raises(DatabaseError, match="without room"):
        run(
            """SELECT ledger_post('[{"kind": "hold", "source": "pool:compute_voucher:2025", "target": "held:2",
            "amount_fen": 5, "key": "hold:x", "subject": "s", "reason": "", "note": ""}]', '[]', 'attacker', now())"""
        )


@pytest.mark.parametrize(
    "asked",
    [
        "[{}]", "[1]", "[null]", "{}", "null",
        '[{"kind": "fund", "source": "treasury", "target": "pool:x:2025", "amount_fen": 1.5, "key": "fund:x",'
        ' "subject": "s", "reason": "", "note": "n"}]',
        '[{"kind": "fund", "source": "treasury", "target": "pool:x:2025", "key": "fund:x",'
        ' "subject": "s", "reason": "", "note": "n"}]',
        '[{"kind": "fund", "source": null, "target": "pool:x:2025", "amount_fen": 1, "key": "fund:x",'
        ' "subject": "s", "reason": "", "note": "n"}]',
        '[{"kind": null, "source": "treasury", "target": "pool:x:2025", "amount_fen": 1, "key": "fund:x",'
        ' "subject": "s", "reason": "", "note": "n"}]',
        '[{"kind": "fund", "source": "treasury", "target": "pool:x:2025", "amount_fen": 1, "key": null,'
        ' "subject": "s", "reason": "", "note": "n"}]',
        '[{"kind": "fund", "source": "treasury", "target": "pool:x:2025", "amount_fen": 1, "key": "fund:x",'
        ' "subject": "s", "reason": null, "note": "n"}]',
    ],
)  # fmt: skip
def test_nonsense_in_plain_sql_moves_nothing(asked):
    with pytest.raises(DatabaseError):
        run("SELECT ledger_post(%s, '[]', 'attacker', now())", parameters=[asked])
    assert run("SELECT count(*) FROM ledger_transfer") == [(0,)]
    assert run("SELECT coalesce(sum(abs(balance_fen)), 0) FROM ledger_account") == [(0,)]
