"""The chain is linear whoever writes at once, and shows what was done to it behind the database's back."""

import datetime as dt

import pytest
from django.db import connections, transaction

from audit import verify
from audit.chain import FORMAT, GENESIS, begin_chain, digest
from audit.models import AuditEntry, ChainHead, ChainLink
from audit.services import record
from audit.verify import Anchor, Problem, anchor, verify_chain
from tests.at_once import at_once

NOW = dt.datetime(2026, 3, 1, 9, 30, 0, 123456, tzinfo=dt.UTC)
LENGTH = 6
INSERT = (
    "INSERT INTO audit_auditentry (at, recorded_at, actor, action, subject, ok, detail, request_id, ip)"
    " VALUES (%s, now(), %s, 'test.act', %s, true, %s, '', '')"
)


@pytest.mark.django_db(transaction=True)
def test_sixteen_writers_at_once_make_one_line():
    def write(n):
        for step in range(4):
            with transaction.atomic():
                record(actor=f"writer {n}", action="test.write", subject=f"step:{step}", at=NOW)
                record(actor=f"writer {n}", action="test.again", subject=f"step:{step}", at=NOW)

    assert at_once([lambda n=n: write(n) for n in range(16)]) == [None] * 16
    links = list(ChainLink.objects.order_by("seq"))
    assert [link.seq for link in links] == list(range(1, 129))
    assert [bytes(link.prev_hash) for link in links] == [GENESIS, *(bytes(link.hash) for link in links[:-1])]
    assert ChainHead.objects.get().seq == 128
    assert verify_chain() == []
    assert anchor() == Anchor(128, bytes(links[-1].hash).hex())


@pytest.mark.django_db(transaction=True)
def test_the_digest_does_not_depend_on_the_sessions_settings():
    with transaction.atomic(), connections["default"].cursor() as cursor:
        cursor.execute("SET TimeZone = 'Asia/Kathmandu'; SET DateStyle = 'SQL, DMY'; SET bytea_output = 'escape'")
        cursor.execute(INSERT, ["2026-03-01 09:30:00.123456+00", "a:1", "1:a", '{"é": [1, 1.50, null, "\\n"]}'])
    connections["default"].close()
    assert AuditEntry.objects.get().at == NOW
    assert verify_chain() == []


@pytest.fixture
def chain(monkeypatch):
    """A chain of LENGTH entries in the owner's open transaction, with every trigger off: an attacker's hands."""
    owner = connections["owner"]
    monkeypatch.setattr(verify, "connection", owner)
    with transaction.atomic(using="owner"), owner.cursor() as cursor:
        begin_chain("owner")
        for n in range(1, LENGTH + 1):
            cursor.execute(INSERT, [NOW, f"actor {n}", f"thing:{n}", '{"n": 1}'])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        assert verify_chain() == []
        for table in ("auditentry", "chainlink", "chainhead"):
            cursor.execute(f"ALTER TABLE audit_{table} DISABLE TRIGGER USER")
        yield cursor
        transaction.set_rollback(True, using="owner")


def entry_at(seq):
    return f"(SELECT entry_id FROM audit_chainlink WHERE seq = {seq})"


def first_bad(against=None):
    problem = verify_chain(against)[0]
    return problem.kind, problem.seq


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        "actor = 'someone else'", "action = 'test.other'", "subject = 'thing:9'", "ok = false", "detail = '{}'",
        "at = at + interval '1 microsecond'", "recorded_at = recorded_at - interval '1 microsecond'",
        "request_id = 'r'", "ip = '10.0.0.9'",
    ],
)  # fmt: skip
def test_any_field_edited_is_found_at_its_number(chain, change):
    chain.execute(f"UPDATE audit_auditentry SET {change} WHERE id = {entry_at(3)}")
    assert [(problem.kind, problem.seq) for problem in verify_chain()] == [("altered", 3)]


@pytest.mark.django_db
def test_an_entry_deleted_from_the_middle_is_missed(chain):
    chain.execute(f"DELETE FROM audit_auditentry WHERE id = {entry_at(4)}")
    assert first_bad() == ("missing", 4)


@pytest.mark.django_db
def test_an_entry_deleted_with_its_link_is_missed(chain):
    chain.execute("DELETE FROM audit_auditentry WHERE id = " + entry_at(2))
    chain.execute("DELETE FROM audit_chainlink WHERE seq = 2")
    assert first_bad() == ("missing", 2)


@pytest.mark.django_db
def test_entries_that_changed_places_are_found(chain):
    chain.execute("SELECT seq, entry_id FROM audit_chainlink WHERE seq IN (2, 5) ORDER BY seq")
    (_, second), (_, fifth) = chain.fetchall()
    chain.execute("UPDATE audit_chainlink SET entry_id = -1 WHERE seq = 2")
    chain.execute("UPDATE audit_chainlink SET entry_id = %s WHERE seq = 5", [second])
    chain.execute("UPDATE audit_chainlink SET entry_id = %s WHERE seq = 2", [fifth])
    assert first_bad() == ("altered", 2)


@pytest.mark.django_db
def test_an_entry_written_past_the_link_is_found(chain):
    chain.execute(INSERT + " RETURNING id", [NOW, "a", "b", "{}"])
    entry_id = chain.fetchone()[0]
    assert verify_chain() == [Problem("unlinked", 0, entry_id)]


@pytest.mark.django_db
def test_a_link_hung_elsewhere_is_a_fork(chain):
    relink(chain, 4, prev_hash=digest(["elsewhere"]))
    assert [(problem.kind, problem.seq) for problem in verify_chain()] == [("forked", 4), ("forked", 5)]


@pytest.mark.django_db
def test_a_tail_cut_off_leaves_the_head_pointing_nowhere(chain):
    cut_tail(chain)
    assert first_bad() == ("head", LENGTH - 1)


@pytest.mark.django_db
def test_a_tail_cut_off_with_the_head_moved_back_shows_only_against_an_anchor(chain):
    kept = anchor()
    cut_tail(chain)
    chain.execute(
        "UPDATE audit_chainhead SET (seq, hash) = (SELECT seq, hash FROM audit_chainlink ORDER BY seq DESC LIMIT 1)"
    )
    assert verify_chain() == []
    assert first_bad(kept) == ("cut", LENGTH)


@pytest.mark.django_db
def test_a_chain_made_anew_after_an_edit_shows_only_against_an_anchor(chain):
    kept = anchor()
    chain.execute(f"UPDATE audit_auditentry SET actor = 'x' WHERE id = {entry_at(3)}")
    for seq in range(3, LENGTH + 1):
        relink(chain, seq)
    chain.execute("UPDATE audit_chainhead SET hash = (SELECT hash FROM audit_chainlink ORDER BY seq DESC LIMIT 1)")
    assert verify_chain() == []
    assert first_bad(kept) == ("cut", LENGTH)


@pytest.mark.django_db
def test_a_head_moved_alone_is_found(chain):
    chain.execute("UPDATE audit_chainhead SET seq = seq + 1")
    assert verify_chain() == [Problem("head", LENGTH)]


@pytest.mark.django_db
def test_verification_in_small_batches_finds_the_same(chain, monkeypatch):
    monkeypatch.setattr(verify, "BATCH_ROWS", 2)
    assert verify_chain() == []
    chain.execute(f"UPDATE audit_auditentry SET ok = false WHERE id = {entry_at(5)}")
    assert first_bad() == ("altered", 5)


@pytest.mark.django_db
def test_every_problem_reads_as_chinese_with_its_number(chain):
    chain.execute(f"UPDATE audit_auditentry SET ok = false WHERE id = {entry_at(5)}")
    assert "第 5 号" in str(verify_chain()[0])


def cut_tail(chain):
    chain.execute(f"DELETE FROM audit_auditentry WHERE id = {entry_at(LENGTH)}")
    chain.execute(f"DELETE FROM audit_chainlink WHERE seq = {LENGTH}")


def relink(chain, seq, prev_hash=None):
    """Hash the entry at `seq` again as the database would, after `prev_hash` or whatever stands before it."""
    if prev_hash is None:
        chain.execute("SELECT hash FROM audit_chainlink WHERE seq = %s", [seq - 1])
        prev_hash = bytes(chain.fetchone()[0])
    fields = next(link[6] for link in verify._links() if link[0] == seq)
    chain.execute("SELECT entry_id FROM audit_chainlink WHERE seq = %s", [seq])
    made = digest([FORMAT, "sha256", str(seq), prev_hash.hex(), str(chain.fetchone()[0]), *fields])
    chain.execute("UPDATE audit_chainlink SET prev_hash = %s, hash = %s WHERE seq = %s", [prev_hash, made, seq])
