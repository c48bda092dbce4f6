"""How long does `check_books` take over 1,000,000 transfers, and how much memory?

The books are generated set-based, as the owner, exactly as the functions would leave them (transfers, balances, audit
entries and their chain), so that the check finds nothing; then one fen is changed, and it must. Wanted: seconds, and
memory that does not grow with the books: the highest resident size of the checking process is told for a tenth of them
and for all of them. On 2 quiet cores:
125,002 transfers in 2.0 s, 1,025,002 in 19.4 s, 167 MB both times.

Run: python -m config.local --temporary -- .venv/bin/python benchmarks/books.py [--transfers N]
"""

import argparse
import multiprocessing
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import django
from django.conf import settings

POOL, CAP_FEN, FEN = "pool:benchmark:2025", 10**12, 100

# One movement is a hold: money and room, two transfers, one audit entry. Twenty claims an applicant.
MOVEMENTS = """
CREATE TEMP TABLE movement ON COMMIT DROP AS
SELECT n, 'claim:b' || n AS subject, 'hold:b' || n AS key, 'held:b' || n AS held, 'capused:b' || n AS used,
       'cap:benchmark:2025:b' || n / 20 AS cap, nextval('audit_auditentry_id_seq') AS entry
FROM generate_series(%(first)s, %(last)s) AS n;
INSERT INTO audit_auditentry (id, at, recorded_at, actor, action, subject, ok, detail, request_id, ip)
SELECT entry, %(at)s, %(at)s, 'benchmark', 'ledger.post', subject, true, jsonb_build_object('transfers', jsonb_build_array(
  jsonb_build_object('kind', 'hold', 'source', %(pool)s, 'target', held, 'amount_fen', %(fen)s, 'key', key, 'subject', subject,
                     'reason', '', 'note', '', 'original', NULL, 'room', cap),
  jsonb_build_object('kind', 'hold', 'source', cap, 'target', used, 'amount_fen', %(fen)s, 'key', key || ':cap',
                     'subject', subject, 'reason', '', 'note', '', 'original', NULL, 'room', NULL))), '', '' FROM movement;
INSERT INTO ledger_transfer
  (kind, source, target, amount_fen, key, subject, reason, note, original, actor, at, recorded_at, entry_id)
SELECT 'hold', %(pool)s, held, %(fen)s, key, subject, '', '', NULL, 'benchmark', %(at)s, %(at)s, entry FROM movement
UNION ALL
SELECT 'hold', cap, used, %(fen)s, key || ':cap', subject, '', '', NULL, 'benchmark', %(at)s, %(at)s, entry FROM movement;
INSERT INTO ledger_account (key, kind, sign, balance_fen)
SELECT held, 'held', 1, %(fen)s FROM movement UNION ALL SELECT used, 'capused', 1, %(fen)s FROM movement;
UPDATE ledger_account SET balance_fen = balance_fen - %(fen)s * (%(last)s - %(first)s + 1) WHERE key = %(pool)s;
UPDATE ledger_account AS account SET balance_fen = balance_fen - %(fen)s * gone.count
FROM (SELECT cap, count(*) FROM movement GROUP BY cap) AS gone WHERE account.key = gone.cap;
"""


def open_books(applicants):
    """The pool, and a cap for each applicant, by the ledger's own functions."""
    from vouchers.ledger import kinds
    from vouchers.ledger.services import Move, fund, post

    now = settings.CLOCK.now()
    fund("benchmark", 2025, 10**14, event="b", citation="benchmark", actor="b", at=now)
    for begin in range(0, applicants, 5_000):
        caps = [kinds.cap("benchmark", 2025, f"b{n}") for n in range(begin, min(begin + 5_000, applicants))]
        moves = [Move("fund", "statute", cap, CAP_FEN, f"fund:{cap}", cap, note="年度上限") for cap in caps]
        post(moves, actor="benchmark", at=now)


def fill(first, last):
    """Holds `first` to `last` with their links, as the owner and without triggers."""
    from django.db import connections, transaction

    names = {"first": first, "last": last, "pool": POOL, "fen": FEN, "at": settings.CLOCK.now()}
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        for table in ("ledger_account", "ledger_transfer", "audit_auditentry", "audit_chainlink", "audit_chainhead"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(MOVEMENTS, names)
        link(cursor)
        for table in ("ledger_account", "ledger_transfer", "audit_auditentry", "audit_chainlink", "audit_chainhead"):
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    with connections["owner"].cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def link(cursor):
    """Chain the entries that have no link, in Python, in batches."""
    from psycopg2.extras import execute_values

    from audit.chain import ALGORITHM, FORMAT, digest

    cursor.execute("SELECT seq, hash FROM audit_chainhead")
    seq, last = cursor.fetchone()
    while True:
        cursor.execute(
            "SELECT id, ARRAY[(extract(epoch FROM at) * 1000000)::bigint::text,"
            " (extract(epoch FROM recorded_at) * 1000000)::bigint::text, actor, action, subject,"
            " CASE WHEN ok THEN 't' ELSE 'f' END, detail::text, request_id, ip] FROM audit_auditentry"
            " WHERE id > coalesce((SELECT max(entry_id) FROM audit_chainlink), 0) ORDER BY id LIMIT 20000"
        )
        rows, links = cursor.fetchall(), []
        for entry, fields in rows:
            seq += 1
            before, last = bytes(last), digest([FORMAT, ALGORITHM, str(seq), bytes(last).hex(), str(entry), *fields])
            links.append((seq, entry, before, last, ALGORITHM))
        if not rows:
            break
        sql = "INSERT INTO audit_chainlink (seq, entry_id, prev_hash, hash, algorithm) VALUES %s"
        execute_values(cursor.cursor, sql, links)
        cursor.execute("UPDATE audit_chainhead SET seq = %s, prev_hash = %s, hash = %s", [seq, links[-1][2], last])


def checked(results):
    """Check the books in a process of its own, and say what it found, how long it took, and its highest memory."""
    name_database()
    django.setup()
    from vouchers.ledger.books import check

    begin = time.perf_counter()
    report = check()
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    results.put((report, time.perf_counter() - begin, resident))


def look(label):
    """Check the books, and tell; the problems found."""
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    process = context.Process(target=checked, args=(results,))
    process.start()
    report, seconds, resident = results.get(timeout=1_800)
    process.join()
    print(
        f"{label}: {report.transfers} transfers, {report.accounts} accounts, {report.chain} links checked in"
        f" {seconds:.1f} s; {len(report.problems)} problems; highest resident size {resident:.0f} MB",
        flush=True,
    )
    return report


def name_database():
    """Everything here happens in a database of its own."""
    for alias in settings.DATABASES:
        settings.DATABASES[alias]["NAME"] = settings.DATABASES[alias].setdefault("TEST", {})["NAME"] = "bench_books"


def main():
    """Fill the books to a tenth, and to all of them; check each."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--transfers", type=int, default=1_000_000)
    holds = options.parse_args().transfers // 2
    django.setup()
    from django.db import connections
    from django.test.utils import setup_databases, teardown_databases

    for alias in settings.DATABASES:
        connections[alias].settings_dict["TEST"]["NAME"] = "bench_books"
    created = setup_databases(verbosity=0, interactive=False, serialized_aliases=[])
    try:
        open_books(holds // 20 + 1)
        fill(1, holds // 10)
        assert not look("a tenth").problems
        fill(holds // 10 + 1, holds)
        assert not look("all").problems
        with connections["owner"].cursor() as cursor:
            cursor.execute("ALTER TABLE ledger_account DISABLE TRIGGER USER")
            cursor.execute("UPDATE ledger_account SET balance_fen = balance_fen + 1 WHERE key = 'held:b7'")
        found = look("one fen changed").problems
        assert any("held:b7" in problem for problem in found), found
    finally:
        connections.close_all()
        teardown_databases(created, verbosity=0)


if __name__ == "__main__":
    main()
