"""How fast is a full submission with 8 writers on one pool, against a bare hot-row transaction by 8 writers?

A full submission is `fire(claim, "submit")`: completeness, invoices bound, decision, money and cap held, state, event,
decision with its facts, audit entry, chain, message. The yardstick is that of benchmarks/post.py, in the same run, in
alternating rounds. Wanted is at least 0.15, flat from 0 to 100,000 transfers in the books.

On 2 quiet cores and servers that flush each commit to the disk, as a city's do (0.13 ms a flush): 0.16 on few transfers,
0.17 with 5,000; some 280 submissions a second. Without flushing (`--temporary`) 0.11 and 0.13: the bare transaction gains
more. Both cores are busy then: a submission takes 4.7 ms of processor time, client and backend together, a bare
transaction 0.5.

Run: python -m config.local -- .venv/bin/python benchmarks/submission.py [--rounds N] [--seconds S]
"""

import argparse
import datetime as dt
import itertools
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import django
from django.conf import settings

from benchmarks.post import BARE_TABLES, WRITERS, bare, rate

# Claims a writer of one round finds ready. One firm files ten claims, so caps are shared as in life.
READY, A_FIRM = 200, 10
# A grant of 30 yuan: neither pool nor cap runs dry.
GROSS_FEN = 10_000


def prepare(call, product, reviewer, numbers, writers_rounds):
    """Complete draft claims for every writer and round, in bulk; returns {tag: [(claim id, clerk id), …]}."""
    from tests import factories
    from vouchers.claims.models import Claim, Voucher
    from vouchers.claims.papers import Allocation, Attachment, ClaimLine, Invoice, InvoiceLine, PaymentMade

    now, ready = settings.CLOCK.now(), {}
    for tag in writers_rounds:
        ready[tag] = []
        for _ in range(READY // A_FIRM):
            firm = factories.firm(next(numbers), call, reviewer=reviewer)
            voucher = Voucher.objects.get(organisation=firm.organisation)
            own = [next(numbers) for _ in range(A_FIRM)]
            claims = Claim.objects.bulk_create(
                Claim(
                    voucher=voucher, organisation=firm.organisation, call=call, number=f"B{n}", created_at=now,
                    declared_by=firm.clerk, declared_at=now,
                )
                for n in own
            )  # fmt: skip
            invoices = Invoice.objects.bulk_create(
                Invoice(
                    organisation=firm.organisation, read_by="machine", kind="数电专票", number=f"2532{n:016d}",
                    issued_on=factories.PAID_ON, buyer_name=firm.name, buyer_id=firm.organisation.uscc,
                    seller_name=product.provider.name, seller_id=product.provider.uscc, amount_fen=GROSS_FEN,
                    tax_fen=0, total_fen=GROSS_FEN,
                )
                for n in own
            )  # fmt: skip
            lines = InvoiceLine.objects.bulk_create(
                InvoiceLine(
                    invoice=invoice, position=1, name="*信息技术服务*智能算力服务费", amount_fen=GROSS_FEN, tax_fen=0
                )
                for invoice in invoices
            )
            payments = PaymentMade.objects.bulk_create(
                PaymentMade(
                    organisation=firm.organisation, serial_number=f"B{n}", paid_on=factories.PAID_ON,
                    payer_name=firm.name, payee_name=product.provider.name, amount_fen=GROSS_FEN,
                )
                for n in own
            )  # fmt: skip
            ClaimLine.objects.bulk_create(
                ClaimLine(claim=c, invoice_line=line, product=product, service="intelligent", location="local")
                for c, line in zip(claims, lines, strict=True)
            )
            Allocation.objects.bulk_create(
                Allocation(claim=c, payment=p, invoice=i, amount_fen=GROSS_FEN)
                for c, p, i in zip(claims, payments, invoices, strict=True)
            )
            Attachment.objects.bulk_create(
                Attachment(
                    organisation=firm.organisation, claim=c, kind=kind, original_name=kind, sha256="", size=1,
                    stored_name=f"bench/{c.pk}-{kind}", uploaded_by=firm.clerk, uploaded_at=now,
                )
                for c in claims
                for kind in ("contract", "receipt", "usage")
            )  # fmt: skip
            ready[tag] += [(c.pk, firm.clerk.pk) for c in claims]
    return ready


def submitting(ready):
    """The work of a writer: submit its ready claims one after another."""

    def work(connection, tag):
        from accounts.models import User
        from vouchers.claims.models import Claim
        from vouchers.review.services import Actor, fire

        actors = {pk: Actor(User.objects.get(pk=pk)) for pk in {clerk for _, clerk in ready[tag]}}
        for claim_id, clerk_id in ready[tag]:
            fire(Claim(pk=claim_id), "submit", actor=actors[clerk_id])
            yield
        raise SystemExit("out of ready claims: raise READY")

    return work


def main():
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=float, default=4)
    options.add_argument("--transfers", type=int, default=100_000)
    chosen = options.parse_args()
    django.setup()
    from django.db import connections
    from django.test.utils import setup_databases, teardown_databases

    for alias in settings.DATABASES:
        connections[alias].settings_dict["TEST"]["NAME"] = "bench_submission"
    created = setup_databases(verbosity=0, interactive=False, serialized_aliases=[])
    try:
        from tests import factories

        with connections["owner"].cursor() as cursor:
            cursor.execute(BARE_TABLES)
            cursor.execute(f"GRANT ALL ON bare_pool, bare_entry, bare_entry_id_seq TO {settings.RUNTIME_ROLE}")
        call, product = factories.call(), factories.product()
        reviewer, numbers = factories.officer("benchmark", "reviewer"), itertools.count(10)
        ratios = []
        for label in ("few", f"{chosen.transfers}"):
            if label != "few":
                fill(chosen.transfers)
            tags = [f"{label}-s{r}-{n}" for r in range(chosen.rounds) for n in range(WRITERS)]
            ready = prepare(call, product, reviewer, numbers, tags)
            with connections["owner"].cursor() as cursor:
                cursor.execute("ANALYZE")  # as autovacuum would have by then
            connections.close_all()
            bare_rates, full_rates = [], []
            for n in range(chosen.rounds):
                bare_rates.append(rate(bare, f"{label}-b{n}", chosen.seconds))
                full_rates.append(rate(submitting(ready), f"{label}-s{n}", chosen.seconds))
                print(f"  round {n + 1}: bare {bare_rates[-1]:6.0f}/s   submission {full_rates[-1]:6.0f}/s")
            ratios.append(statistics.median(full_rates) / statistics.median(bare_rates))
            print(f"{label} transfers: full submission / bare = {ratios[-1]:.2f} (medians, {WRITERS} writers)")
        print(f"flatness: {ratios[1] / ratios[0]:.2f} (1 is flat)")
    finally:
        connections.close_all()
        teardown_databases(created, verbosity=0)


def fill(transfers):
    """Bring the books to about `transfers` more transfers, on another pool of the same ledger."""
    from django.db import connection, transaction

    from benchmarks.post import SCHEME, YEAR, posted
    from vouchers.ledger import services

    now = dt.datetime.now(dt.UTC)
    services.fund(SCHEME, YEAR, 10**14, event="benchmark", citation="benchmark", actor="b", at=now)
    steps = posted(connection, "fill")
    for _ in range(transfers // 2 // 500):
        with transaction.atomic():
            for _ in range(500):
                next(steps)


if __name__ == "__main__":
    main()
