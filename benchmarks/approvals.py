"""How fast are 1,000 approvals as one step, per claim, against a bare hot-row transaction by 8 writers?

One call of `fire_many` by one officer: every claim judged, history, duty, audit entry and chain link for each. The
yardstick is that of benchmarks/post.py, in the same run, in alternating rounds. Wanted is at least 1.0 of the bare rate
per claim; the number of queries is told (13). For comparison, `fire` one by one.

On 2 quiet cores and servers that flush each commit: 1.9 (some 3,300 approvals a second together, 110 one by one).

Run: python -m config.local -- .venv/bin/python benchmarks/approvals.py [--rounds N] [--claims N]
"""

import argparse
import itertools
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import django
from django.conf import settings

from benchmarks import submission
from benchmarks.post import BARE_TABLES, bare, rate

ONE_BY_ONE = 50


def reviewed(tag, many, call, product, officers, numbers):
    """Bring `many` claims to where an approver finds them; their ids."""
    from vouchers.claims.models import Claim
    from vouchers.review.services import Actor, fire

    submission.READY = many
    for claim_id, clerk_id in submission.prepare(call, product, officers["reviewer"], numbers, [tag])[tag]:
        claim = Claim(pk=claim_id)
        fire(claim, "submit", actor=Actor(officers["clerks"].setdefault(clerk_id, _user(clerk_id))))
        for verb in ("accept", "review"):
            fire(claim, verb, actor=officers["reviewer"])
        yield claim_id


def _user(pk):
    from accounts.models import User

    return User.objects.get(pk=pk)


def timed(work):
    """Seconds, and the queries asked."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    begin = time.perf_counter()
    with CaptureQueriesContext(connection) as asked:
        work()
    return time.perf_counter() - begin, len(asked)


def main():
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=float, default=4)
    options.add_argument("--claims", type=int, default=1_000)
    chosen = options.parse_args()
    django.setup()
    from django.db import connections
    from django.test.utils import setup_databases, teardown_databases

    for alias in settings.DATABASES:
        connections[alias].settings_dict["TEST"]["NAME"] = "bench_approvals"
    created = setup_databases(verbosity=0, interactive=False, serialized_aliases=[])
    try:
        _measure(chosen)
    finally:
        connections.close_all()
        teardown_databases(created, verbosity=0)


def _measure(chosen):
    from django.db import connections

    from tests import factories
    from vouchers.claims.models import Claim
    from vouchers.review.services import fire
    from vouchers.review.together import fire_many

    with connections["owner"].cursor() as cursor:
        cursor.execute(BARE_TABLES)
        cursor.execute(f"GRANT ALL ON bare_pool, bare_entry, bare_entry_id_seq TO {settings.RUNTIME_ROLE}")
    call, product, numbers = factories.call(), factories.product(), itertools.count(10)
    officers = {"reviewer": factories.officer("shenhe", "reviewer"), "clerks": {}}
    approver, ratios = factories.officer("shenpi", "approver"), []
    for n in range(chosen.rounds):
        ids = list(reviewed(f"a{n}", chosen.claims + ONE_BY_ONE, call, product, officers, numbers))
        few, many = ids[:ONE_BY_ONE], ids[ONE_BY_ONE:]
        connections.close_all()
        bare_rate = rate(bare, f"b{n}", chosen.seconds)
        alone, _ = timed(lambda few=few: [fire(Claim(pk=pk), "approve", actor=approver) for pk in few])
        seen = dict.fromkeys(many, 3)
        together, queries = timed(lambda seen=seen: fire_many(seen, "approve", actor=approver))
        ratios.append(len(many) / together / bare_rate)
        print(
            f"  round {n + 1}: bare {bare_rate:6.0f}/s   one by one {len(few) / alone:6.0f}/s   "
            f"together {len(many) / together:6.0f}/s ({together:.2f} s, {queries} queries)   {ratios[-1]:.2f}"
        )
    print(f"{chosen.claims} approvals as one step / bare, per claim = {statistics.median(ratios):.2f} (median)")


if __name__ == "__main__":
    main()
