"""How long does one pro-rata settlement of 10,000 claims take, and how much memory?

Measured are the preview (what finance looks at before preparing) and the settlement itself: every claim locked, decided
again, its share, decision, hold of money and of room, audit entries and chain, messages; all in one transaction. The
yardstick, in the same run, writes as many bare rows (two entries and one balance a claim) in three set-based statements.
Memory is this process's own, beyond what it had before. Wanted: seconds, and memory that does not follow the history.
On 2 quiet cores: preview 2.2 s, settlement 13.7 s, 21 MB.

Run: python -m config.local --temporary -- .venv/bin/python benchmarks/settlement.py [--claims N]
"""

import argparse
import datetime as dt
import itertools
import resource
import sys
import time
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import django
from django.conf import settings

from benchmarks import submission

BARE = """
    CREATE TABLE bare_account (key bigint PRIMARY KEY, fen bigint NOT NULL CHECK (fen >= 0));
    CREATE TABLE bare_move (id bigserial PRIMARY KEY, source bigint, target bigint, fen bigint, key text UNIQUE);"""


def megabytes():
    """The most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def bare(owner, count):
    """Seconds for the bare rows of `count` claims."""
    begun = time.perf_counter()
    with owner.cursor() as cursor:
        cursor.execute("INSERT INTO bare_account SELECT n, 5 FROM generate_series(1, %s) n", [count])
        cursor.execute(
            "INSERT INTO bare_move (source, target, fen, key) "
            "SELECT 0, n, 5, 'm:' || n || ':' || leg FROM generate_series(1, %s) n, generate_series(1, 2) leg",
            [count],
        )
        cursor.execute("UPDATE bare_account SET fen = fen + 5")
    return time.perf_counter() - begun


def main():
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--claims", type=int, default=10_000)
    chosen = options.parse_args()
    django.setup()
    from django.db import connections
    from django.test.utils import setup_databases, teardown_databases

    for alias in settings.DATABASES:
        connections[alias].settings_dict["TEST"]["NAME"] = "bench_settlement"
    created = setup_databases(verbosity=0, interactive=False, serialized_aliases=[])
    try:
        measure(connections["owner"], chosen.claims)
    finally:
        connections.close_all()
        teardown_databases(created, verbosity=0)


def measure(owner, count):
    """File `count` claims, settle them, and print."""
    from tests import factories
    from vouchers.budget import orders, settlement
    from vouchers.budget.checks import check_budget
    from vouchers.claims.models import Claim
    from vouchers.ledger.selectors import pool_available_fen

    with owner.cursor() as cursor:
        cursor.execute(BARE)
    office, product = factories.office(), factories.product()
    until = settings.CLOCK.today() + dt.timedelta(days=5)
    call = factories.call(pool_fen=1_000 * count, shortage="pro_rata", filing_until=until)
    tags = [str(n) for n in range(-(-count // submission.READY))]
    ready = submission.prepare(call, product, office.reviewer, itertools.count(10), tags)
    for tag in tags:
        for _ in itertools.islice(_filing(submission.submitting(ready), tag), submission.READY):
            pass
    claims = Claim.objects.filter(waiting=True).count()
    factories.pass_days(10)
    place, before = ("compute_voucher", 2025), megabytes()

    begun = time.perf_counter()
    settlement.draft(*place, until)
    seen = time.perf_counter() - begun
    order = orders.prepare_settlement(*place, until, citation="benchmark", actor=office.preparer)
    orders.sign(order, actor=office.approver, seen=order.digest)
    begun = time.perf_counter()
    orders.run(f"order:{order.pk}", SimpleNamespace(report=lambda done, total, message: None))
    settled = time.perf_counter() - begun
    grown = megabytes() - before
    order.refresh_from_db()
    assert (order.state, pool_available_fen(*place)) == ("done", 0), order.outcome
    begun = time.perf_counter()
    assert check_budget() == []
    checked, plain = time.perf_counter() - begun, bare(owner, claims)
    print(f"{claims} claims: preview {seen:.1f} s, settlement {settled:.1f} s, its check {checked:.1f} s")
    print(f"memory beyond before: {grown:.0f} MB")
    print(f"bare rows of as many claims: {plain:.2f} s; settlement / bare = {settled / plain:.1f}")


def _filing(work, tag):
    """The writer's work until it is out of ready claims."""
    try:
        yield from work(None, tag)
    except SystemExit:
        return


if __name__ == "__main__":
    main()
