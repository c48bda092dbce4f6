"""The web process dies, its answer is lost, or people are quicker than each other. (F4, F5, F6, F7, F23, F24)"""

import socket
from functools import partial
from urllib.parse import urlencode, urlsplit

import pytest
import redis
from django.conf import settings
from django.db import transaction

from tests import factories
from tests.at_once import at_once
from tests.doors.test_walls import signed_in
from tests.faults import processes
from tests.faults.celery_worker import wait_until
from tests.faults.holding import assert_books_hold
from vouchers.budget.services import promote_all
from vouchers.disbursement.books_check import CHECK
from vouchers.jobs.models import Job
from vouchers.jobs.services import request
from vouchers.ledger import services as ledger
from vouchers.ledger.models import Transfer
from vouchers.ledger.selectors import held_fen, pool_available_fen
from vouchers.review.models import ClaimEvent, Decision
from vouchers.review.services import fire
from vouchers.tasks import HANDLERS, nudge, run_job, sweep
from vouchers.workflow import IllegalTransition

pytestmark = pytest.mark.django_db(transaction=True)
SUBSIDY = 3_180_000


def filed(shortage="waitlist", pool_fen=5_000_000_000, firms=1):
    """Firms with a complete draft each."""
    call, product, reviewer = (
        factories.call(pool_fen=pool_fen, shortage=shortage), factories.product(), factories.officer("shenhe", "reviewer"),
    )  # fmt: skip
    found = []
    for number in range(1, firms + 1):
        firm = factories.firm(number, call, reviewer=reviewer)
        found.append((firm, factories.ready(firm, product, number)))
    return found


def test_f04_a_task_delivered_many_times_at_once_has_one_effect_and_one_answer():
    (first, leaving), (second, claim) = filed(pool_fen=4_000_000, firms=2)
    fire(leaving, "submit", actor=first.actor)
    fire(claim, "submit", actor=second.actor)

    processes.withdraw_and_die(leaving, first)
    claim.refresh_from_db()
    assert claim.waiting
    job = request(CHECK, "books")
    served = at_once([promote_all] * 8 + [lambda: run_job(job.pk)] * 4)
    assert sorted(answer for answer in served if isinstance(answer, int)) == [0] * 7 + [1]
    assert [answer for answer in served if isinstance(answer, Exception)] == []
    assert Transfer.objects.filter(kind="hold", target=f"held:{claim.pk}").count() == 1
    job.refresh_from_db()
    assert (job.state, job.attempts) == ("done", 1)
    assert_books_hold()


def test_f05_work_asked_for_by_a_process_that_died_before_it_told_the_broker_is_found_by_the_sweep(broker):
    def asks_and_dies():
        with transaction.atomic():
            job = request(CHECK, "books")
            transaction.on_commit(processes.die)
            nudge(job)

    assert processes.run(asks_and_dies) == -9
    assert Job.objects.get().state == "waiting"
    queue = redis.Redis(unix_socket_path=str(broker.socket))
    assert queue.llen("celery") == 0
    sweep()
    assert queue.llen("celery") == 1
    job = Job.objects.get()
    assert set(HANDLERS) >= {job.kind}
    run_job(job.pk)
    assert Job.objects.get().state == "done"
    assert_books_hold()


def test_f06_a_submission_cut_off_before_any_of_its_statements_leaves_nothing_and_works_again():
    ((firm, claim),) = filed()
    before = ClaimEvent.objects.count(), Transfer.objects.count(), Decision.objects.count()

    def dies_before_commit():
        with transaction.atomic():
            fire(claim, "submit", actor=firm.actor)
            processes.die()

    assert processes.run(dies_before_commit) == -9

    def dies_at(number):
        processes.die_at_statement(number)
        fire(claim, "submit", actor=firm.actor)

    number = 1
    while (code := processes.run(partial(dies_at, number))) == -9:
        claim.refresh_from_db()
        assert (claim.state, held_fen(claim.pk)) == ("draft", 0)
        assert (ClaimEvent.objects.count(), Transfer.objects.count(), Decision.objects.count()) == before
        number += 1
    # The last one had no such statement any more, and came through.
    assert (code, number > 2) == (0, True)
    claim.refresh_from_db()
    assert (claim.state, held_fen(claim.pk)) == ("submitted", SUBSIDY)
    assert_books_hold()


def post_and_hang_up(live_server, client, path, said):
    """Send a whole request over a socket of our own, and be gone before its answer."""
    cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
    body = urlencode(said | {"csrfmiddlewaretoken": client.cookies["csrftoken"].value})
    where = urlsplit(live_server.url)
    with socket.create_connection((where.hostname, where.port)) as line:
        line.sendall(
            f"POST {path} HTTP/1.1\r\nHost: {where.netloc}\r\nCookie: {cookies}\r\nConnection: close\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        line.shutdown(socket.SHUT_WR)


def test_f07_a_submission_whose_answer_was_lost_is_sent_again_and_leads_to_the_first_ones_receipt(live_server):
    ((firm, claim),) = filed()
    client = signed_in(firm.clerk)
    assert client.get(f"/claims/{claim.number}/submit/").status_code == 200
    said = {"version": claim.version, "truth": "on", "unrelated": "on"}
    post_and_hang_up(live_server, client, f"/claims/{claim.number}/submit/", said)
    wait_until(lambda: ClaimEvent.objects.filter(claim=claim, verb="submit").exists(), 30)
    again = client.post(f"/claims/{claim.number}/submit/", said)
    assert again.url == f"/claims/{claim.number}/receipt/"
    assert ClaimEvent.objects.filter(claim=claim).count() == 1
    assert held_fen(claim.pk) == SUBSIDY
    assert_books_hold()


def test_f23_of_fifty_who_want_the_last_money_exactly_those_get_it_for_whom_it_lasts(town):
    factories.call(pool_fen=7 * 100 + 99)

    def hold(number):
        with transaction.atomic():
            return ledger.hold(
                number, "compute_voucher", 2025, number, 100, 1_000, event=f"e{number}", actor="a", at=settings.CLOCK.now()
            )  # fmt: skip

    results = at_once([lambda n=n: hold(n) for n in range(1, 51)])
    assert [type(result).__name__ for result in results].count("Posted") == 7
    assert {type(result).__name__ for result in results} == {"Posted", "InsufficientFunds"}
    assert pool_available_fen("compute_voucher", 2025) == 99
    assert_books_hold(ledger_alone=True)


def test_f24_of_two_officers_who_decide_differently_at_the_same_instant_one_wins_and_the_other_is_told():
    ((firm, claim),) = filed()
    one, other = factories.officer("shenpi", "approver"), factories.officer("shenpi2", "approver")
    reviewer = factories.officer("shenhe2", "reviewer")
    fire(claim, "submit", actor=firm.actor)
    for verb in ("accept", "review"):
        fire(claim, verb, actor=reviewer)
    results = at_once(
        [
            lambda: fire(claim, "approve", actor=one),
            lambda: fire(claim, "reject", actor=other, reason="材料不实"),
        ]
    )
    (event,) = [result for result in results if isinstance(result, ClaimEvent)]
    (told,) = [result for result in results if isinstance(result, Exception)]
    assert isinstance(told, IllegalTransition) or "刷新" in str(told)
    claim.refresh_from_db()
    assert claim.state == event.target
    assert held_fen(claim.pk) == (SUBSIDY if event.verb == "approve" else 0)
    assert_books_hold()
