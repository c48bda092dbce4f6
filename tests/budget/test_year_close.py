"""The close of a year: everything ends, what is left goes where it was decided, and the books stay shut."""

import datetime as dt
import threading
from functools import partial
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.db import Error, connection, transaction

from tests import factories
from tests.at_once import at_once
from vouchers.budget import orders
from vouchers.budget.checks import check_budget
from vouchers.budget.errors import BudgetError
from vouchers.claims.models import Voucher
from vouchers.disbursement import services as disbursement
from vouchers.disbursement.models import Payment
from vouchers.jobs import services as jobs
from vouchers.ledger import books, kinds
from vouchers.ledger import services as ledger
from vouchers.ledger.errors import Busy, YearClosed
from vouchers.ledger.selectors import balance, held_fen, is_closed, paid_fen, pool_available_fen
from vouchers.review.replay import check_review
from vouchers.review.services import fire
from vouchers.tasks import HANDLERS

SUBSIDY = 3_180_000
YEAR = ("compute_voucher", 2025)
QUIET = SimpleNamespace(report=lambda done, total, message: None)
pytestmark = pytest.mark.django_db


def pool(year=2025):
    return pool_available_fen("compute_voucher", year)


@pytest.fixture
def year(office):
    return make_year(office)


def make_year(office):
    """A paid claim, one that waits in vain, and a draft; 1,000,000 fen are left."""
    until = settings.CLOCK.today() + dt.timedelta(days=20)
    call = factories.call(pool_fen=SUBSIDY + 1_000_000, filing_until=until)
    product = factories.product()
    firms = [factories.firm(n, call, reviewer=office.reviewer) for n in (1, 2, 3)]
    paid = factories.submitted(firms[0], product, 1)
    waiting = factories.submitted(firms[1], product, 2)
    draft = factories.ready(firms[2], product, 3)
    for verb in ["accept", "review", "approve", "publicise", "clear", "batch", "pay"]:
        factories.take(paid, verb, firms[0], office)
    factories.pass_days(30)
    return SimpleNamespace(call=call, firms=firms, paid=paid, waiting=waiting, draft=draft, product=product)


def prepared(office, carry=400_000, to_year=2026):
    return orders.prepare_close(*YEAR, carry, to_year, citation="年终结账通知", actor=office.preparer)


def closed(office, **changes):
    order = orders.sign(prepared(office, **changes), actor=office.approver)
    jobs.run(orders.job_of(order).pk, HANDLERS)
    order.refresh_from_db()
    return order


def fresh(row):
    row.refresh_from_db()
    return row


def test_what_is_left_is_carried_and_lapses_and_everything_of_the_year_ends(office, year):
    order = closed(office)
    assert (order.state, is_closed(*YEAR)) == ("done", True)
    assert (pool(), pool(2026), balance("treasury")) == (0, 400_000, -(SUBSIDY + 400_000))
    assert "上缴财政 6,000.00 元" in order.outcome
    assert fresh(year.waiting).state == "lapsed"
    assert "年度结账" in year.waiting.events.latest("version").reason
    assert set(Voucher.objects.values_list("state", flat=True)) == {"expired"}
    assert fresh(year.paid).state == "paid"
    assert [*check_budget(), *check_review()[1]] == []


def test_a_year_with_claims_under_way_or_filing_open_is_not_closed(office):
    call = factories.call(filing_until=settings.CLOCK.today() + dt.timedelta(days=5))
    firm = factories.firm(1, call, reviewer=office.reviewer)
    claim = factories.submitted(firm, factories.product(), 1)
    with pytest.raises(BudgetError, match="才截止"):
        prepared(office)
    factories.pass_days(10)
    with pytest.raises(BudgetError, match=claim.number):
        prepared(office)
    fire(claim, "withdraw", actor=firm.actor)
    for carry, to_year, said in (
        (-1, 2026, "零与可用"),
        (10**12, 2026, "零与可用"),
        (5, 2025, "年度"),
        (5, None, "年度"),
    ):
        with pytest.raises(BudgetError, match=said):
            prepared(office, carry=carry, to_year=to_year)
    assert prepared(office).state == "prepared"
    with pytest.raises(BudgetError, match="同类办理单"):
        prepared(office)


def test_a_year_that_settles_pro_rata_is_settled_before_it_closes(office):
    until = settings.CLOCK.today() + dt.timedelta(days=5)
    call = factories.call(shortage="pro_rata", filing_until=until)
    firm = factories.firm(1, call, reviewer=office.reviewer)
    factories.submitted(firm, factories.product(), 1)
    factories.pass_days(10)
    with pytest.raises(BudgetError, match="还没有按比例结算"):
        prepared(office)


def test_after_the_close_the_database_refuses_every_verb_that_gives_or_takes_in(office, year):
    closed(office)
    place = (year.paid.pk, *YEAR, year.firms[0].organisation.pk)
    said = {"actor": "x", "at": settings.CLOCK.now()}
    cap = kinds.cap(*YEAR, year.firms[0].organisation.pk)
    held, paid = kinds.held(year.paid.pk), kinds.paid(year.paid.pk)
    payment = Payment.objects.get()
    for attempt in (
        lambda: ledger.fund(*YEAR, 5, event="late", citation="x", **said),
        lambda: ledger.top_up(*YEAR, 5, event="late", citation="x", **said),
        lambda: ledger.adjust(kinds.pool(*YEAR), 5, reason="entry_error", note="x", event="late", **said),
        lambda: ledger.adjust(cap, -5, reason="cap_change", note="x", event="late", **said),
        lambda: ledger.hold(*place, 5, 200_000_000, event="late", **said),
        lambda: ledger.carry("compute_voucher", 2024, 2025, 5, event="late", **said),
        lambda: ledger.carry(*YEAR, 2026, 5, event="late", **said),
        lambda: ledger.recover(
            *place, 5, payment=f"payment:{payment.pk}", to="pool", restores_cap=False, event="late", **said
        ),
        lambda: ledger.recover(
            *place, 5, payment=f"payment:{payment.pk}", to="treasury", restores_cap=True, event="late", **said
        ),
        lambda: ledger.post([ledger.Move("issue", kinds.pool(*YEAR), "voucher:1", 5, "issue:late", "x")], **said),
    ):
        with pytest.raises(YearClosed, match="2025 年度已经结账"), transaction.atomic():
            attempt()
    # What the law of close permits.
    for attempt in (
        lambda: ledger.bounce(year.paid.pk, 5, payment=f"payment:{payment.pk}", event="event:b", **said),
        lambda: ledger.pay(year.paid.pk, 5, payment="payment:again", **said),
    ):
        attempt()
    with transaction.atomic():  # by itself: at COMMIT it would need its order
        ledger.recover(
            *place, 5, payment=f"payment:{payment.pk}", to="treasury", restores_cap=False, event="event:r", **said
        )
        assert balance(paid) == SUBSIDY - 5
        transaction.set_rollback(True)
    assert (balance(held), balance(paid), pool()) == (0, SUBSIDY, 0)


def test_a_payment_that_bounces_after_the_close_is_paid_again(office, year):
    closed(office)
    payment = Payment.objects.get()
    disbursement.record_answer(
        payment, "fail", reference="T1", answered_on=settings.CLOCK.today(), actor=office.preparer, message="账号有误"
    )
    assert held_fen(year.paid.pk) == SUBSIDY
    for verb in ("batch", "pay"):
        factories.take(year.paid, verb, year.firms[0], office)
    assert (held_fen(year.paid.pk), paid_fen(year.paid.pk), pool()) == (0, SUBSIDY, 0)
    assert [*check_budget(), *check_review()[1]] == []


def test_what_a_claim_gives_back_after_the_close_goes_on_to_the_treasury(office, year):
    closed(office)
    claim, firm, before = year.paid, year.firms[0], balance("treasury")
    factories.take(claim, "bounce", firm, office)
    factories.take(claim, "suspend", firm, office)
    factories.take(claim, "reject", firm, office)
    assert (held_fen(claim.pk), pool(), balance("treasury")) == (0, 0, before + SUBSIDY)
    assert [*check_budget(), *check_review()[1]] == []


def test_what_is_recovered_after_the_close_goes_to_the_treasury_whatever_the_call_says(office, year):
    closed(office)
    payment, before = Payment.objects.select_related("claim__call").get(), balance("treasury")
    assert payment.claim.call.recovered_to == "pool"
    with pytest.raises(BudgetError, match="已经结账"):
        orders.prepare_top_up(*YEAR, 5, citation="x", actor=office.preparer)
    order = orders.prepare_recover(payment, 1_000, citation="审计", actor=office.preparer)
    orders.sign(order, actor=office.signer)
    assert (paid_fen(year.paid.pk), pool(), balance("treasury")) == (SUBSIDY - 1_000, 0, before + 1_000)
    assert [*check_budget(), *check_review()[1]] == []


def test_nothing_new_comes_into_a_closed_year(office, year):
    factories.take(year.waiting, "reject", year.firms[1], office)
    closed(office)
    for attempt in (
        lambda: fire(year.draft, "submit", actor=year.firms[2].actor),
        lambda: fire(year.waiting, "appeal", actor=year.firms[1].actor, reason="再看"),
    ):
        with pytest.raises(Exception, match="截止|已到期"), transaction.atomic():
            attempt()
    assert pool() == 0


def test_a_close_that_was_interrupted_goes_on_and_a_second_run_changes_nothing(office, year, monkeypatch):
    order = orders.sign(prepared(office), actor=office.approver)
    calls = iter([None, None])

    def tired(done, total, message):
        try:
            next(calls)
        except StopIteration:
            raise RuntimeError("测试：进程被杀") from None

    with pytest.raises(RuntimeError):
        orders.run(f"order:{order.pk}", SimpleNamespace(report=tired))
    assert (fresh(order).state, is_closed(*YEAR)) == ("signed", False)
    orders.run(f"order:{order.pk}", QUIET)
    assert (fresh(order).state, is_closed(*YEAR)) == ("done", True)
    before = balance("treasury")
    orders.run(f"order:{order.pk}", QUIET)
    assert balance("treasury") == before
    assert [*check_budget(), *check_review()[1]] == []


def test_nobody_closes_a_year_by_hand_or_opens_it_again(office, year):
    order = prepared(office)
    insert = "INSERT INTO ledger_closedyear (period, order_id, closed_at) VALUES ('compute_voucher:2025', %s, now())"
    for statement, said in ((insert, "money left"),):
        with pytest.raises(Error, match=said), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, [order.pk])
    orders.withdraw(order, actor=office.preparer, reason="重来")
    closed(office)
    for statement in ("DELETE FROM ledger_closedyear", "UPDATE ledger_closedyear SET period = 'x:2020'"):
        with pytest.raises(Error, match="permission denied"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


@pytest.mark.django_db(transaction=True)
def test_the_close_and_late_top_ups_at_the_same_instant_leave_no_money_in_a_closed_pool():
    office = factories.office()
    make_year(office)
    close = orders.sign(prepared(office), actor=office.approver)
    late = [orders.prepare_top_up(*YEAR, 777, citation="x", actor=office.preparer) for _ in range(4)]
    before, shuts = balance("treasury"), threading.Event()

    def tell(done, total, message):
        if done == total:
            shuts.set()

    def top_up(order):
        shuts.wait(60)
        return orders.sign(order, actor=office.second)

    answers = at_once(
        [lambda: orders.run(f"order:{close.pk}", SimpleNamespace(report=tell)), *(partial(top_up, o) for o in late)]
    )
    came = [fresh(order).state for order in late].count("done")
    # Whoever came first: the close takes along what came before it, and who comes after it is told so.
    assert (fresh(close).state, is_closed(*YEAR), pool()) == ("done", True, 0)
    assert sum(isinstance(answer, (YearClosed, Busy)) for answer in answers[1:]) == len(late) - came
    assert balance("treasury") == before + 1_000_000 - 400_000
    assert (books.check().problems, check_budget()) == ([], [])
