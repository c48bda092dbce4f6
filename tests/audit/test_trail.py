"""Entries are added by anyone, changed by nobody, and stamped by the database."""

import datetime as dt

import pytest
from django.db import DatabaseError, ProgrammingError, connection, connections, transaction

from audit.models import AuditEntry, ChainHead, ChainLink
from audit.services import record

NOW = dt.datetime(2026, 3, 1, 9, 30, tzinfo=dt.UTC)

WRITES = [
    "UPDATE audit_auditentry SET actor = 'x'",
    "DELETE FROM audit_auditentry",
    "UPDATE audit_chainlink SET hash = ''",
    "DELETE FROM audit_chainlink",
    "DELETE FROM audit_chainhead",
]


def run(sql, alias="default"):
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.django_db
def test_an_entry_keeps_what_it_was_told():
    record(
        actor="审核员 li", action="claim.accept", subject="claim:12", at=NOW, ok=False, detail={"理由": "材料不全"},
        request_id="r-1", ip="10.0.0.1",
    )  # fmt: skip
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.subject, entry.at) == ("审核员 li", "claim.accept", "claim:12", NOW)
    assert (entry.ok, entry.detail, entry.request_id, entry.ip) == (False, {"理由": "材料不全"}, "r-1", "10.0.0.1")


@pytest.mark.django_db
def test_the_database_stamps_the_time_of_recording_whatever_it_is_told():
    before = dt.datetime.now(dt.UTC)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_auditentry (at, recorded_at, actor, action, subject, ok, detail, request_id, ip)"
            " VALUES (now(), '1999-01-01', 'a', 'b', 'c', true, '{}', '', '')"
        )
    assert abs(AuditEntry.objects.get().recorded_at - before) < dt.timedelta(minutes=1)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "sql",
    [
        *WRITES,
        "UPDATE audit_chainhead SET seq = 7",
        "INSERT INTO audit_chainhead VALUES (1, 0, '')",
        "INSERT INTO audit_chainlink (seq) VALUES (1)",
        "TRUNCATE audit_auditentry",
        "TRUNCATE audit_auditentry, audit_chainlink, audit_chainhead",
        "ALTER TABLE audit_auditentry DISABLE TRIGGER audit_link",
        "SET session_replication_role = replica",
        "DROP TRIGGER audit_refuse ON audit_auditentry",
    ],
)
def test_the_runtime_role_can_only_add_entries(sql):
    with pytest.raises(ProgrammingError, match="permission denied|must be owner"):
        run(sql)


@pytest.mark.django_db
@pytest.mark.parametrize("sql", WRITES)
def test_not_even_the_owner_changes_the_trail(sql):
    with pytest.raises(DatabaseError, match="never changed"):
        run(sql, "owner")


@pytest.mark.django_db(transaction=True)
def test_an_audit_that_cannot_be_written_stops_the_action():
    with connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE audit_chainhead DISABLE TRIGGER USER; DELETE FROM audit_chainhead")
        cursor.execute("ALTER TABLE audit_chainhead ENABLE TRIGGER USER")
    with pytest.raises(DatabaseError, match="lost its head"), transaction.atomic():
        record(actor="a", action="b", subject="c", at=NOW)
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_leaves_no_trace():
    with transaction.atomic():
        record(actor="a", action="b", subject="c", at=NOW)
        transaction.set_rollback(True)
    record(actor="a", action="b", subject="c", at=NOW)
    assert list(ChainLink.objects.values_list("seq", flat=True)) == [1]
    assert ChainHead.objects.get().seq == 1
