"""Checks the whole audit chain, in bounded memory, without the database functions that made it.

What the chain alone cannot show is that its end was cut off, or that all of it was made anew: keep an `anchor()`
somewhere else from time to time, and give it to `verify_chain`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection

from audit.chain import ALGORITHM, FORMAT, GENESIS, digest

BATCH_ROWS = 5_000
# Problems that are told one by one; where one hand broke so much, the first say it all.
MAX_PROBLEMS = 50

ALTERED, MISSING, FORKED, UNLINKED, HEAD, CUT = "altered", "missing", "forked", "unlinked", "head", "cut"
_MESSAGES = {
    ALTERED: "第 {seq} 号记录的内容与登记时的摘要不符，已被改动（记录 {entry_id}）。",
    MISSING: "第 {seq} 号记录缺失，已被删除。",
    FORKED: "第 {seq} 号记录没有接在前一号之后，链条被改接（记录 {entry_id}）。",
    UNLINKED: "记录 {entry_id} 没有编入审计链，是绕过数据库写入的。",
    HEAD: "审计链末端的登记与最后一号（第 {seq} 号）不符。",
    CUT: "审计链与另行保存的第 {seq} 号摘要不符：末尾被截去，或整条链被重写。",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with the chain at `seq`, and with which entry."""

    kind: str
    seq: int
    entry_id: int | None = None

    def __str__(self):
        return "审计链：" + _MESSAGES[self.kind].format(seq=self.seq, entry_id=self.entry_id)


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where the chain stood: its last number and digest (hex). To be kept outside the database."""

    seq: int
    hash: str


def anchor() -> Anchor | None:
    """Where the chain stands now; None while it is empty."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq, encode(hash, 'hex') FROM audit_chainlink ORDER BY seq DESC LIMIT 1")
        row = cursor.fetchone()
    return Anchor(*row) if row else None


def chain_length() -> int:
    """How many entries the chain has."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM audit_chainlink")
        return cursor.fetchone()[0]


def verify_chain(against: Anchor | None = None) -> list[Problem]:
    """Everything wrong with the chain, in its order: the first is the first bad number. Empty when all is well.

    `against` is an anchor kept elsewhere. Safe while others write: links are only ever added, and each look at the
    database sees whole transactions.
    """
    problems: list[Problem] = []
    for problem in _all_problems(against):
        problems.append(problem)
        if len(problems) == MAX_PROBLEMS:
            break
    return problems


def _all_problems(against: Anchor | None) -> Iterator[Problem]:
    seq, last_hash = 0, GENESIS
    for link_seq, entry_id, prev_hash, link_hash, algorithm, found, fields in _links():
        yield from (Problem(MISSING, gap) for gap in range(seq + 1, min(link_seq, seq + 1 + MAX_PROBLEMS)))
        if bytes(prev_hash) != last_hash and link_seq == seq + 1:
            yield Problem(FORKED, link_seq, entry_id)
        if found is None:
            yield Problem(MISSING, link_seq, entry_id)
        elif algorithm != ALGORITHM or bytes(link_hash) != digest(
            [FORMAT, algorithm, str(link_seq), bytes(prev_hash).hex(), str(entry_id), *fields]
        ):
            yield Problem(ALTERED, link_seq, entry_id)
        seq, last_hash = link_seq, bytes(link_hash)
        if against and seq == against.seq and last_hash.hex() != against.hash:
            yield Problem(CUT, seq)
    if against and seq < against.seq:
        yield Problem(CUT, against.seq)
    yield from _unlinked()
    yield from _head()


def _links() -> Iterator[tuple]:
    """Every link with its entry's fields as they were hashed, by number. Batch by batch: links never move."""
    after = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                SELECT l.seq, l.entry_id, l.prev_hash, l.hash, l.algorithm, e.id, ARRAY[
                  (extract(epoch FROM e.at) * 1000000)::bigint::text,
                  (extract(epoch FROM e.recorded_at) * 1000000)::bigint::text,
                  e.actor, e.action, e.subject, CASE WHEN e.ok THEN 't' ELSE 'f' END, e.detail::text,
                  e.request_id, e.ip]
                FROM audit_chainlink l LEFT JOIN audit_auditentry e ON e.id = l.entry_id
                WHERE l.seq > %s ORDER BY l.seq LIMIT %s
                """,
                [after, BATCH_ROWS],
            )
            rows = cursor.fetchall()
        yield from rows
        if len(rows) < BATCH_ROWS:
            return
        after = rows[-1][0]


def _unlinked() -> Iterator[Problem]:
    """Committed entries without a link. (Those of our own open transaction are linked when it commits.)"""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT e.id FROM audit_auditentry e WHERE NOT EXISTS"
            " (SELECT FROM audit_chainlink l WHERE l.entry_id = e.id) ORDER BY e.id LIMIT %s",
            [MAX_PROBLEMS],
        )
        yield from (Problem(UNLINKED, 0, entry_id) for (entry_id,) in cursor.fetchall())


def _head() -> Iterator[Problem]:
    """The head must say what the last link says, in one look."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT l.seq, h.seq, l.hash, h.hash FROM (SELECT 1) one LEFT JOIN audit_chainhead h ON true LEFT JOIN"
            " (SELECT seq, hash FROM audit_chainlink ORDER BY seq DESC LIMIT 1) l ON true"
        )
        seq, head_seq, link_hash, head_hash = cursor.fetchone()
    if (seq or 0, bytes(link_hash or GENESIS)) != (head_seq, bytes(head_hash or b"")):
        yield Problem(HEAD, seq or 0)
