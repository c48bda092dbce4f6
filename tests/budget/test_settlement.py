"""A pro-rata year in the database: nothing is held before the one settlement, and what it gives is what was signed."""

import datetime as dt
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction

from tests import factories
from tests.at_once import at_once
from vouchers.budget import orders, settlement
from vouchers.budget.checks import check_budget
from vouchers.budget.errors import BudgetError
from vouchers.budget.models import Order, SettlementShare
from vouchers.budget.services import promote_all
from vouchers.calls.services import publish
from vouchers.claims import services as papers
from vouchers.jobs import services as jobs
from vouchers.ledger import books
from vouchers.ledger.selectors import cap_used_fen, held_fen, pool_available_fen
from vouchers.messages.models import Message
from vouchers.review.errors import NotFunded, SamePerson
from vouchers.review.replay import check_review
from vouchers.review.services import fire
from vouchers.tasks import HANDLERS

SUBSIDY = 3_180_000
YEAR = ("compute_voucher", 2025)
QUIET = SimpleNamespace(report=lambda done, total, message: None)
pytestmark = pytest.mark.django_db


def window():
    return settings.CLOCK.today() + dt.timedelta(days=20)


@pytest.fixture
def year(office):
    """Three firms with one claim each under a call that settles pro rata; the pool has half of what they ask."""
    call = factories.call(pool_fen=3 * SUBSIDY // 2, shortage="pro_rata", filing_until=window())
    product = factories.product()
    firms = [factories.firm(n, call, reviewer=office.reviewer) for n in (1, 2, 3)]
    claims = [factories.submitted(firm, product, n) for n, firm in enumerate(firms, start=1)]
    return call, firms, claims, product


def fresh(*claims):
    for claim in claims:
        claim.refresh_from_db()
    return claims


def prepared(office, call):
    return orders.prepare_settlement(*YEAR, call.filing_until, citation="会议纪要〔2026〕1号", actor=office.preparer)


def signed(office, order):
    orders.sign(order, actor=office.approver, seen=order.digest)
    jobs.run(orders.job_of(order).pk, HANDLERS)
    order.refresh_from_db()
    return order


def settle_all(office, call):
    factories.pass_days(21)
    return signed(office, prepared(office, call))


def test_nothing_is_held_before_the_settlement_and_nobody_is_served_or_approved(office, year):
    call, firms, claims, product = year
    for claim in fresh(*claims):
        assert (claim.granted_fen, claim.waiting, held_fen(claim.pk)) == (SUBSIDY, True, 0)
    assert promote_all() == 0
    for verb in ("accept", "review"):
        factories.take(claims[0], verb, firms[0], office)
    with pytest.raises(NotFunded):
        fire(claims[0], "approve", actor=office.approver)
    assert (
        "申报期满后一并按比例结算"
        in Message.objects.get(subject__contains="已提交", subject__startswith=f"兑付申请 {claims[1].number}").body
    )
    assert pool_available_fen(*YEAR) == 3 * SUBSIDY // 2


def test_the_database_itself_lets_no_claim_of_such_a_year_hold_at_its_turn(office, year):
    claims = year[2]
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute(
            "UPDATE vouchers_claim SET version = version + 1, queue_number = 99, waiting = false WHERE id = %s",
            [claims[0].pk],
        )
        cursor.execute("SELECT waiting FROM vouchers_claim WHERE id = %s", [claims[0].pk])
        assert cursor.fetchone() == (True,)
        transaction.set_rollback(True)


def test_a_settlement_gives_every_claim_its_share_and_the_books_agree(office, year):
    call, firms, claims, _ = year
    order = settle_all(office, call)
    assert (order.state, order.amount_fen) == ("done", 3 * SUBSIDY // 2)
    for claim in fresh(*claims):
        assert (claim.granted_fen, claim.computed_fen, claim.waiting) == (SUBSIDY // 2, SUBSIDY, False)
        assert held_fen(claim.pk) == SUBSIDY // 2
        decision = claim.decisions.latest("pk")
        assert (decision.binding, decision.event) == ("pro_rata", None)
        steps = [step["rule"] for step in decision.result["decision"]["trace"]]
        assert steps[-2:] == ["allotment", "granted"]
    assert pool_available_fen(*YEAR) == 0
    assert cap_used_fen(*YEAR, firms[0].organisation.pk) == SUBSIDY // 2
    assert "本期结算完成" in Message.objects.filter(organisation=firms[0].organisation).latest("pk").subject
    assert [*check_budget(), *check_review()[1]] == []


def test_running_it_again_changes_nothing(office, year):
    call, _, claims, _ = year
    order = settle_all(office, call)
    before = [(claim.granted_fen, held_fen(claim.pk)) for claim in fresh(*claims)]
    orders.run(f"order:{order.pk}", QUIET)
    with pytest.raises(BudgetError, match="没有需要结算"):
        prepared(office, call)
    assert [(claim.granted_fen, held_fen(claim.pk)) for claim in fresh(*claims)] == before
    assert SettlementShare.objects.count() == 3


def test_it_waits_for_the_end_of_the_window(office, year):
    with pytest.raises(BudgetError, match="尚未截止"):
        prepared(office, year[0])


def test_a_change_between_preparing_and_signing_voids_it_and_nothing_moves(office, year):
    call, firms, claims, _ = year
    factories.pass_days(21)
    order = prepared(office, call)
    fire(claims[1], "withdraw", actor=firms[1].actor)
    order = signed(office, order)
    assert order.state == "void"
    assert "重新编制" in order.outcome
    assert [claim.waiting for claim in fresh(claims[0], claims[2])] == [True, True]
    assert (pool_available_fen(*YEAR), SettlementShare.objects.count()) == (3 * SUBSIDY // 2, 0)
    assert signed(office, prepared(office, call)).state == "done"
    assert held_fen(claims[0].pk) == 3 * SUBSIDY // 4


def test_one_alone_never_settles(office, year):
    call = year[0]
    factories.pass_days(21)
    order = prepared(office, call)
    both = factories.officer("liangren", "approver", "finance")
    with pytest.raises(BudgetError, match="审批人员"):
        orders.sign(order, actor=office.signer, seen=order.digest)
    with pytest.raises(BudgetError, match="不一致"):
        orders.sign(order, actor=office.approver, seen="x")
    orders.withdraw(order, actor=office.preparer, reason="重做")
    own = orders.prepare_settlement(*YEAR, call.filing_until, citation="纪要", actor=both)
    with pytest.raises(SamePerson, match="编制人"):
        orders.sign(own, actor=both, seen=own.digest)
    with pytest.raises(IntegrityError, match="order_signed_by_another"), transaction.atomic():
        Order.objects.filter(pk=own.pk).update(state="signed", signed_by=both.user, signed_at=settings.CLOCK.now())


def test_money_released_afterwards_goes_to_the_next_window(office, year):
    call, firms, claims, product = year
    settle_all(office, call)
    fire(claims[0], "withdraw", actor=firms[0].actor)
    assert promote_all() == 0
    assert pool_available_fen(*YEAR) == SUBSIDY // 2
    # The others keep their shares, also when they are decided again.
    for verb in ("return", "resubmit", "accept", "review"):
        factories.take(claims[1], verb, firms[1], office)
    assert fresh(claims[1])[0].granted_fen == held_fen(claims[1].pk) == SUBSIDY // 2
    second = second_window(call)
    firm = factories.firm(9, second, reviewer=office.reviewer)
    newcomer = factories.submitted(firm, product, 9)
    factories.pass_days(30)
    order = orders.prepare_settlement(*YEAR, second.filing_until, citation="纪要", actor=office.preparer)
    signed(office, order)
    assert fresh(newcomer)[0].granted_fen == held_fen(newcomer.pk) == SUBSIDY // 2
    assert [*check_budget(), *check_review()[1]] == []


def second_window(call):
    """The same year's call with a later window."""
    call.pk, call.version, call.published_at, call.frozen_at = None, 2, None, None
    call.filing_from = settings.CLOCK.today()
    call.filing_until = settings.CLOCK.today() + dt.timedelta(days=20)
    call._state.adding = True
    return publish(call, actor="test")


def test_a_claim_lowered_and_raised_again_after_the_settlement_gets_no_fen_back(office, year):
    call, firms, claims, product = year
    settle_all(office, call)
    claim, firm = claims[0], firms[0]
    factories.take(claim, "return", firm, office)
    allocation = claim.allocations.get()
    papers.allocate(claim, allocation.payment, allocation.invoice, 1_000_000, user=firm.clerk)
    factories.take(claim, "resubmit", firm, office)
    assert held_fen(claim.pk) == 300_000
    factories.take(claim, "return", firm, office)
    papers.allocate(claim, allocation.payment, allocation.invoice, 10_600_000, user=firm.clerk)
    factories.take(claim, "resubmit", firm, office)
    assert held_fen(claim.pk) == fresh(claim)[0].granted_fen == 300_000
    assert [*check_budget(), *check_review()[1]] == []


def test_caps_are_taken_before_the_shares(office):
    call = factories.call(
        pool_fen=SUBSIDY, shortage="pro_rata", filing_until=window(), annual_cap_fen=SUBSIDY + 820_000
    )
    product = factories.product()
    twice, once = (factories.firm(n, call, reviewer=office.reviewer) for n in (1, 2))
    claims = [factories.submitted(twice, product, n) for n in (1, 2)] + [factories.submitted(once, product, 3)]
    settle_all(office, call)
    shares = list(SettlementShare.objects.order_by("pk").values_list("asked_fen", "share_fen"))
    assert [asked for asked, _ in shares] == [SUBSIDY, 820_000, SUBSIDY]
    assert sum(share for _, share in shares) == SUBSIDY
    assert [claim.granted_fen for claim in fresh(*claims)] == [share for _, share in shares]
    assert [*check_budget(), *check_review()[1]] == []


def test_a_share_below_the_minimum_is_dropped_and_says_so(office, year, monkeypatch):
    call, firms, claims, product = year
    small_firm = factories.firm(4, call, reviewer=office.reviewer)
    small = factories.submitted(small_firm, product, 4, gross_fen=106_000)
    monkeypatch.setattr(settlement, "min_grant_of", lambda *year: 100_000)
    order = settle_all(office, call)
    assert order.figures["dropped"] == 1
    assert (fresh(small)[0].granted_fen, small.waiting, held_fen(small.pk)) == (0, False, 0)
    assert sum(held_fen(claim.pk) for claim in claims) == 3 * SUBSIDY // 2
    assert "低于最低补助额" in Message.objects.filter(organisation=small_firm.organisation).latest("pk").body
    assert [*check_budget(), *check_review()[1]] == []


@pytest.mark.django_db(transaction=True)
def test_settling_twice_at_once_while_a_claim_leaves_gives_each_share_once():
    office = factories.office()
    call = factories.call(pool_fen=SUBSIDY, shortage="pro_rata", filing_until=window())
    product = factories.product()
    firms = [factories.firm(n, call, reviewer=office.reviewer) for n in (1, 2, 3, 4)]
    claims = [factories.submitted(firm, product, n) for n, firm in enumerate(firms, start=1)]
    factories.pass_days(21)
    order = prepared(office, call)
    orders.sign(order, actor=office.approver, seen=order.digest)
    run = [lambda: orders.run(f"order:{order.pk}", QUIET)] * 3
    leave = [lambda: fire(claims[3], "withdraw", actor=firms[3].actor)]
    at_once([*run, *leave])
    order.refresh_from_db()
    held = [held_fen(claim.pk) for claim in claims]
    left = fresh(claims[3])[0].state == "withdrawn"
    if order.state == "done":
        assert held[:3] == [SUBSIDY // 4] * 3
        assert sum(held) + pool_available_fen(*YEAR) == SUBSIDY
        assert SettlementShare.objects.count() == 4
    else:
        assert (order.state, held, left) == ("void", [0] * 4, True)
    assert [*check_budget(), *books.check().problems] == []


@pytest.mark.django_db(transaction=True)
def test_preparing_at_once_leaves_one_order():
    office = factories.office()
    call = factories.call(pool_fen=SUBSIDY, shortage="pro_rata", filing_until=window())
    firm = factories.firm(1, call, reviewer=office.reviewer)
    factories.submitted(firm, factories.product(), 1)
    factories.pass_days(21)
    answers = at_once([lambda: prepared(office, call)] * 4)
    assert sum(isinstance(answer, Order) for answer in answers) == 1
    assert all(isinstance(answer, Order | BudgetError) for answer in answers)
