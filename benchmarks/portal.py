"""How slow is a portal page for the slowest twentieth of 20 users, against a one-query page in the same layout?

Twenty clerks, each signed in, walk through their pages at once, and through the yardstick (portal_yardstick.py: session,
sign-in, layout, one query) in alternating rounds. Wanted: p95 of each page at most 4 × the yardstick's p95.
Each clerk's claim has `--invoices` invoices, so that how the cost grows with size can be seen.

Run: python -m config.local --temporary -- .venv/bin/python benchmarks/portal.py [--invoices N] [--rounds N]
"""

import argparse
import http.client
import os
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

USERS, THREADS = 20, 8
YARDSTICK = "/yardstick/"


def prepare(invoices):
    """Twenty firms with a full draft each; {clerk's session key: their claim's number}."""
    from django.conf import settings
    from django.test import Client

    from accounts.middleware import STARTED
    from tests import factories

    reviewer = factories.officer("shenhe", "reviewer")
    call, product = factories.call(), factories.product()
    people = {}
    for number in range(1, USERS + 1):
        firm = factories.firm(number, call, reviewer=reviewer)
        claim = factories.draft(firm)
        for n in range(invoices):
            factories.add_invoice(claim, firm, product, number * 1000 + n, gross_fen=106_000)
        factories.complete(claim, firm)
        client = Client()
        client.force_login(firm.clerk)
        session = client.session
        session[STARTED] = time.time()
        session.save()
        people[client.cookies[settings.SESSION_COOKIE_NAME].value] = claim.number
    return people


def serve():
    """gunicorn with as many workers as cores; answers (process, port)."""
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = "from django.conf import settings; settings.ROOT_URLCONF = 'benchmarks.portal_yardstick'; from config.wsgi import application"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONPATH": str(ROOT)}
    server = Path(os.environ["MEDIA_ROOT"]).parent / "bench_wsgi.py"
    server.write_text(code)
    workers = str(os.cpu_count() or 1)
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "bench_wsgi", "--chdir", str(server.parent), "--bind", f"127.0.0.1:{port}",
         "--workers", workers, "--threads", str(THREADS), "--log-level", "error", "--no-control-socket"],
        env={**environment, "PYTHONPATH": f"{ROOT}:{server.parent}"}, cwd=ROOT,
    )  # fmt: skip
    for _ in range(200):
        try:
            get(port, "/health/", "")
            return process, port
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server did not start")


def get(port, path, session):
    """The status and the milliseconds that it took."""
    begin = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers={"Cookie": f"sessionid={session}", "Host": "127.0.0.1"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, (time.perf_counter() - begin) * 1000


def p95(port, people, template, times):
    """The 95th percentile in milliseconds of all users asking for a page at once, `times` each."""
    taken, wrong = [], []

    def user(session, number):
        for _ in range(times):
            status, ms = get(port, template.format(number), session)
            taken.append(ms)
            if status != 200:
                wrong.append(status)

    threads = [threading.Thread(target=user, args=item) for item in people.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise RuntimeError(f"{template}: {sorted(set(wrong))}")
    return statistics.quantiles(taken, n=20)[-1]


def pages():
    """Every page that a clerk opens of a draft, by its address with {} for the claim's number."""
    from django.urls import reverse

    fixed = ["home", "claims", "publicity", "policy", "enterprise", "enterprise_messages"]
    of_claim = ["claim", "claim_invoices", "claim_payments", "claim_papers", "claim_submit"]
    found = []
    for name in [*fixed, *of_claim]:
        found.append(reverse(name, args=["NUMBER"] if name in of_claim else []).replace("NUMBER", "{}"))
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--invoices", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--times", type=int, default=5)
    given = parser.parse_args()
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    people = prepare(given.invoices)
    process, port = serve()
    try:
        addresses = pages()
        figures = {address: [] for address in [YARDSTICK, *addresses]}
        for address in figures:
            p95(port, people, address, 1)
        for _ in range(given.rounds):
            for address in figures:
                figures[address].append(p95(port, people, address, given.times))
    finally:
        process.terminate()
        process.wait()
    base = statistics.median(figures[YARDSTICK])
    print(f"{USERS} users, {given.invoices} invoices a claim; p95 of {YARDSTICK} {base:.0f} ms")
    for address in addresses:
        ms = statistics.median(figures[address])
        print(f"{address:28} {ms:7.0f} ms   {ms / base:5.2f} ×")


if __name__ == "__main__":
    main()
