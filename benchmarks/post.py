"""How fast is `post()` with 8 writers on one pool, against a bare hot-row transaction by 8 writers?

The yardstick is `BEGIN; UPDATE hot row; INSERT; COMMIT` through the same driver with the same connection settings,
in the same run, in alternating rounds. `post()` is a hold as a submission makes it: money and cap, audit entry,
chain, in one transaction. Both are measured on empty books and on books with 100,000 transfers. Prints transactions
a second, and the median of the rounds' ratios; wanted is at least 0.5, in the end 0.8 (missed).

Measure on cores that have nothing else to do (when others use them, `post` suffers more than `bare`, because it does
more), and on servers that flush each commit to the disk, as a city's do: a hot row is locked until then. On 2 quiet
cores with a flush of 0.13 ms: 0.63 on empty books, 0.59 with 5,000 transfers. Without flushing (`--temporary`) 0.55 and
0.50. In processor time a hold is 2 bare transactions: two transfers, four accounts, an audit entry and its link.

Run: python -m config.local -- .venv/bin/python benchmarks/post.py [--rounds N] [--seconds S]
"""

import argparse
import datetime as dt
import multiprocessing
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import django
from django.conf import settings

WRITERS = 8
# What a writer does before it is measured. PostgreSQL plans a prepared statement anew for its first five executions.
WARM = 20
SCHEME, YEAR = "benchmark", 2025
CAP_FEN = 10**12
BARE_TABLES = """
CREATE TABLE bare_pool (id int PRIMARY KEY, balance bigint NOT NULL);
CREATE TABLE bare_entry (id bigserial PRIMARY KEY, pool int NOT NULL, amount bigint NOT NULL, key text UNIQUE,
  at timestamptz NOT NULL DEFAULT now());
INSERT INTO bare_pool VALUES (1, 1000000000000000);
"""


def bare(connection, tag):
    """One bare transaction after another; psycopg2 sends BEGIN by itself."""
    raw = connection.connection
    raw.autocommit = False
    count = 0
    while True:
        with raw.cursor() as cursor:
            cursor.execute("UPDATE bare_pool SET balance = balance - %s WHERE id = 1", [100])
            cursor.execute("INSERT INTO bare_entry (pool, amount, key) VALUES (1, %s, %s)", [100, f"{tag}-{count}"])
        raw.commit()
        count += 1
        yield


def posted(connection, tag):
    """One hold after another, each in its transaction, 20 claims an applicant."""
    from django.db import transaction

    from vouchers.ledger import services

    count = 0
    while True:
        with transaction.atomic():
            services.hold(
                f"{tag}-{count}", SCHEME, YEAR, f"{tag}-{count // 20}", 100, CAP_FEN,
                event=f"{tag}-{count}", actor="benchmark", at=dt.datetime.now(dt.UTC),
            )  # fmt: skip
        count += 1
        yield


def writer(work, tag, seconds, barrier, results):
    from django.db import connection

    connection.ensure_connection()
    steps = work(connection, tag)
    for _ in range(WARM):
        next(steps)
    barrier.wait()
    count, end = 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        next(steps)
        count += 1
    results.put(count)


def rate(work, tag, seconds):
    """Transactions a second of all writers together."""
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(WRITERS), context.Queue()
    writers = [
        context.Process(target=writer, args=(work, f"{tag}-{n}", seconds, barrier, results)) for n in range(WRITERS)
    ]
    for process in writers:
        process.start()
    total = sum(results.get(timeout=seconds + 60) for _ in writers)
    for process in writers:
        process.join()
    return total / seconds


def fill(transfers):
    """Bring the books to about `transfers` transfers, by posting."""
    from django.db import connection, transaction

    steps = posted(connection, "fill")
    for _ in range(transfers // 2 // 500):
        with transaction.atomic():
            for _ in range(500):
                next(steps)


def measure(label, rounds, seconds):
    """The median of the rounds' ratios; each round's two measurements stand side by side."""
    ratios = []
    for n in range(rounds):
        bare_rate = rate(bare, f"{label}-b{n}", seconds)
        post_rate = rate(posted, f"{label}-p{n}", seconds)
        ratios.append(post_rate / bare_rate)
        print(f"  round {n + 1}: bare {bare_rate:6.0f}/s   post {post_rate:6.0f}/s   {ratios[-1]:.2f}")
    ratio = statistics.median(ratios)
    print(f"{label} transfers: post / bare = {ratio:.2f} (median of {rounds} rounds of {seconds} s, {WRITERS} writers)")
    return ratio


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=float, default=3)
    options.add_argument("--transfers", type=int, default=100_000)
    chosen = options.parse_args()
    django.setup()
    from django.db import connections
    from django.test.utils import setup_databases, teardown_databases

    for alias in settings.DATABASES:
        connections[alias].settings_dict["TEST"]["NAME"] = "bench_post"
    created = setup_databases(verbosity=0, interactive=False, serialized_aliases=[])
    try:
        from vouchers.ledger import services

        with connections["owner"].cursor() as cursor:
            cursor.execute(BARE_TABLES)
            cursor.execute(f"GRANT ALL ON bare_pool, bare_entry, bare_entry_id_seq TO {settings.RUNTIME_ROLE}")
        services.fund(
            SCHEME, YEAR, 10**14, event="benchmark", citation="benchmark", actor="b", at=dt.datetime.now(dt.UTC)
        )
        connections.close_all()
        empty = measure("few", chosen.rounds, chosen.seconds)
        fill(chosen.transfers)
        connections.close_all()
        full = measure(f"{chosen.transfers}", chosen.rounds, chosen.seconds)
        print(f"flatness: {full / empty:.2f} (1 is flat)")
    finally:
        connections.close_all()
        teardown_databases(created, verbosity=0)


if __name__ == "__main__":
    main()
