"""The year's money, more money, less money, money back: one prepares, another signs, the ledger and the database hold both to it."""

import datetime as dt

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction

from accounts.services import appoint
from audit.models import AuditEntry
from tests import factories
from tests.at_once import at_once
from vouchers.budget import orders
from vouchers.budget.checks import check_budget
from vouchers.budget.errors import BudgetError
from vouchers.budget.models import Order
from vouchers.disbursement import services as disbursement
from vouchers.disbursement.models import Payment
from vouchers.ledger.errors import InsufficientFunds
from vouchers.ledger.models import Transfer
from vouchers.ledger.selectors import (
    balance,
    cap_opened_fen,
    cap_room_fen,
    held_fen,
    paid_fen,
    payment_left_fen,
    pool_available_fen,
)
from vouchers.review.errors import ReviewRefused, SamePerson
from vouchers.review.replay import check_review
from vouchers.review.services import fire
from vouchers.workflow import IllegalTransition

SUBSIDY = 3_180_000
YEAR = ("compute_voucher", 2025)
DOCUMENT = "锡财工贸〔2026〕8号"
pytestmark = pytest.mark.django_db


def pool():
    return pool_available_fen(*YEAR)


def top_up(office, fen=SUBSIDY, **changes):
    return orders.prepare_top_up(*YEAR, fen, **({"citation": DOCUMENT, "actor": office.preparer} | changes))


def adjust(office, fen, reason="budget_cut", **changes):
    said = {"reason": reason, "citation": DOCUMENT, "actor": office.preparer}
    return orders.prepare_adjust(*YEAR, fen, **(said | changes))


def paid_claim(office, call=None, number=1):
    call = call or factories.call()
    firm = factories.firm(number, call, reviewer=office.reviewer)
    claim = factories.drive(factories.ready(firm, factories.product(), number), "paid", firm, office)
    return firm, claim, Payment.objects.get(claim=claim)


def recover(office, payment, fen, **changes):
    said = {"citation": "审计报告", "actor": office.preparer}
    order = orders.prepare_recover(payment, fen, **(said | changes))
    return orders.sign(order, actor=office.signer)


def test_a_top_up_moves_when_signed_once_with_its_document(office):
    call = factories.call(pool_fen=SUBSIDY)
    order = top_up(office, 500)
    assert pool() == SUBSIDY
    order = orders.sign(order, actor=office.approver)
    assert (order.state, pool()) == ("done", SUBSIDY + 500)
    with pytest.raises(IllegalTransition):
        orders.sign(order, actor=office.approver)
    assert pool() == call.appropriation_fen + 500
    actions = AuditEntry.objects.filter(subject=f"order:{order.pk}").order_by("pk").values_list("action", "actor")
    assert [action for action, _ in actions] == ["order.prepare", "order.sign", "order.finish"]
    assert [*check_budget(), *check_review()[1]] == []


def test_the_years_appropriation_comes_by_an_order_with_its_document_and_serves_claims(office):
    factories.published(pool_fen=SUBSIDY)
    order = orders.prepare_fund(*YEAR, citation=DOCUMENT, actor=office.preparer)
    assert (order.amount_fen, pool()) == (SUBSIDY, 0)
    order = orders.sign(order, actor=office.approver)
    transfer = Transfer.objects.get(kind="fund", source="treasury")
    assert (order.state, pool(), transfer.note, transfer.actor) == ("done", SUBSIDY, DOCUMENT, office.approver.text)
    assert [*check_budget(), *check_review()[1]] == []
    with pytest.raises(BudgetError, match="已经拨入"):
        orders.prepare_fund(*YEAR, citation="又一份", actor=office.preparer)


def test_an_order_for_money_that_came_meanwhile_is_not_done(office):
    call = factories.published(pool_fen=SUBSIDY)
    order = orders.prepare_fund(*YEAR, citation=DOCUMENT, actor=office.preparer)
    factories.appropriate(call, citation=DOCUMENT, actor="test")
    with pytest.raises(BudgetError, match="已经拨入"):
        orders.sign(order, actor=office.approver)
    now = settings.CLOCK.now()
    mine = Order.objects.filter(pk=order.pk)
    with pytest.raises(IntegrityError, match="asked for"), transaction.atomic():
        mine.update(state="signed", signed_by=office.approver.user, signed_at=now + dt.timedelta(minutes=1))
        mine.update(state="done", done_at=now)
        at_commit("SELECT 1")
    assert pool() == SUBSIDY


def test_no_money_for_a_year_without_a_published_call_or_by_who_may_not(office):
    with pytest.raises(BudgetError, match="没有已发布的申报通知"):
        orders.prepare_fund(*YEAR, citation=DOCUMENT, actor=office.preparer)
    factories.published()
    for actor in (office.approver, office.reviewer):
        with pytest.raises(BudgetError, match="财务人员"):
            orders.prepare_fund(*YEAR, citation=DOCUMENT, actor=actor)
    order = orders.prepare_fund(*YEAR, citation=DOCUMENT, actor=office.preparer)
    for actor in (office.preparer, office.signer, office.reviewer):
        with pytest.raises(BudgetError, match="审批人员"):
            orders.sign(order, actor=actor)
    assert pool() == 0


@pytest.mark.parametrize(
    ("fen", "citation", "said"), [(0, DOCUMENT, "大于零"), (-5, DOCUMENT, "大于零"), (5, " ", "文号")]
)
def test_a_top_up_without_amount_or_document_is_refused(office, fen, citation, said):
    factories.call()
    with pytest.raises(BudgetError, match=said):
        top_up(office, fen, citation=citation)


def test_only_finance_prepares_and_only_an_approver_who_is_somebody_else_signs(office):
    factories.call()
    for actor in (office.approver, office.reviewer):
        with pytest.raises(BudgetError, match="财务人员"):
            top_up(office, actor=actor)
    order = top_up(office)
    for actor in (office.signer, office.reviewer, office.preparer):
        with pytest.raises(BudgetError, match="审批人员"):
            orders.sign(order, actor=actor)
    both = factories.officer("liangren", "approver", "finance")
    own = top_up(office, actor=both)
    with pytest.raises(SamePerson):
        orders.sign(own, actor=both)
    assert pool() == 5_000_000_000


def test_the_database_refuses_an_order_signed_by_its_maker_or_by_no_approver_or_changed(office):
    factories.call()
    order, now = top_up(office), settings.CLOCK.now()
    both = factories.officer("liangren", "approver", "finance")
    own = top_up(office, actor=both)
    mine, its = Order.objects.filter(pk=own.pk), Order.objects.filter(pk=order.pk)
    for change in (
        lambda: mine.update(state="signed", signed_by=both.user, signed_at=now),
        lambda: its.update(state="signed", signed_by=office.signer.user, signed_at=now),
        lambda: its.update(state="signed"),
        lambda: its.update(state="done", done_at=now),
        lambda: its.update(amount_fen=1),
        lambda: its.update(state="withdrawn", citation="别的"),
        lambda: Order.objects.create(
            number="x", kind="top_up", scheme="s", fiscal_year=2025, amount_fen=1, citation="x",
            prepared_at=now, prepared_by=office.approver.user,
        ),
    ):  # fmt: skip
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


def test_an_order_is_not_done_without_its_money(office):
    factories.call()
    order, now = top_up(office), settings.CLOCK.now()
    its = Order.objects.filter(pk=order.pk)
    its.update(state="signed", signed_by=office.approver.user, signed_at=now)
    with pytest.raises(IntegrityError, match="asked for"), transaction.atomic():
        its.update(state="done", done_at=now)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS moved IMMEDIATE")


def test_a_withdrawn_order_moves_nothing_ever(office):
    factories.call()
    order = orders.withdraw(top_up(office), actor=office.preparer, reason="文号有误")
    with pytest.raises(IllegalTransition):
        orders.sign(order, actor=office.approver)
    with pytest.raises(BudgetError, match="理由"):
        orders.withdraw(top_up(office), actor=office.preparer, reason=" ")


def test_an_adjustment_says_why_and_stays_within_what_is_free(office):
    factories.call(pool_fen=SUBSIDY)
    orders.sign(adjust(office, -1_000), actor=office.approver)
    orders.sign(adjust(office, 400, "entry_error"), actor=office.approver)
    assert pool() == SUBSIDY - 600
    with pytest.raises(BudgetError, match="可用余额"):
        adjust(office, -SUBSIDY)
    for fen, reason in ((0, "budget_cut"), (5, "nonsense"), (5, "cap_change")):
        with pytest.raises(BudgetError):
            adjust(office, fen, reason)
    assert [*check_budget(), *check_review()[1]] == []


def test_what_was_free_when_prepared_and_is_gone_when_signed_is_refused(office):
    call = factories.call(pool_fen=SUBSIDY)
    order = adjust(office, -1_000)
    firm = factories.firm(1, call, reviewer=office.reviewer)
    factories.submitted(firm, factories.product(), 1)
    with pytest.raises(InsufficientFunds), transaction.atomic():
        orders.sign(order, actor=office.approver)
    order.refresh_from_db()
    assert (order.state, pool()) == ("prepared", 0)


def test_a_firms_cap_is_cut_and_restored_but_never_above_the_calls(office):
    call = factories.call()
    firm = factories.firm(1, call, reviewer=office.reviewer)
    place = (*YEAR, firm.organisation.pk)
    with pytest.raises(BudgetError, match="尚未启用"):
        adjust(office, -5, "cap_change", organisation=firm.organisation)
    factories.submitted(firm, factories.product(), 1)
    orders.sign(adjust(office, -100_000_000, "cap_change", organisation=firm.organisation), actor=office.approver)
    assert (cap_opened_fen(*place), cap_room_fen(*place, 0)) == (100_000_000, 100_000_000 - SUBSIDY)
    second = factories.submitted(firm, factories.product(), 2, gross_fen=500_000_000)
    assert second.granted_fen == 100_000_000 - SUBSIDY
    for fen, said in ((-1, "余量 0.00"), (100_000_001, "超过申报通知")):
        with pytest.raises(BudgetError, match=said):
            adjust(office, fen, "cap_change", organisation=firm.organisation)
    orders.sign(adjust(office, 100_000_000, "cap_change", organisation=firm.organisation), actor=office.approver)
    assert cap_opened_fen(*place) == call.annual_cap_fen
    assert [*check_budget(), *check_review()[1]] == []


@pytest.mark.parametrize(("to", "restores"), [("pool", True), ("pool", False), ("treasury", True), ("treasury", False)])
def test_part_is_recovered_and_then_the_rest_to_where_the_call_says(office, to, restores):
    call = factories.call(pool_fen=SUBSIDY, recovered_to=to, recovery_restores_cap=restores)
    firm, claim, payment = paid_claim(office, call)
    order = recover(office, payment, 1_000_000)
    assert order.event.verb == "recover"
    assert (payment_left_fen(f"payment:{payment.pk}"), paid_fen(claim.pk)) == (SUBSIDY - 1_000_000, SUBSIDY - 1_000_000)
    payment.claim.refresh_from_db()
    with pytest.raises(BudgetError, match="21,800.00"):
        recover(office, payment, SUBSIDY)
    recover(office, payment, SUBSIDY - 1_000_000)
    claim.refresh_from_db()
    assert (claim.state, paid_fen(claim.pk)) == ("recovered", 0)
    assert (pool(), balance("treasury")) == ((SUBSIDY, -SUBSIDY) if to == "pool" else (0, 0))
    room = cap_room_fen(*YEAR, firm.organisation.pk, 0)
    assert room == (200_000_000 if restores else 200_000_000 - SUBSIDY)
    payment = Payment.objects.select_related("claim").get(pk=payment.pk)
    with pytest.raises(BudgetError, match="只有已到账"):
        recover(office, payment, 1)
    assert [*check_budget(), *check_review()[1]] == []


def test_a_bank_return_after_part_was_recovered_pays_no_fen_twice(office):
    firm, claim, payment = paid_claim(office)
    recover(office, payment, 1_000_000)
    disbursement.record_answer(
        payment, "fail", reference="T1", answered_on=settings.CLOCK.today(), actor=office.preparer, message="账号有误"
    )
    claim.refresh_from_db()
    rest = SUBSIDY - 1_000_000
    assert (claim.state, claim.granted_fen, held_fen(claim.pk), paid_fen(claim.pk)) == ("payable", rest, rest, 0)
    assert claim.decisions.latest("pk").binding == "recovered"
    assert payment_left_fen(f"payment:{payment.pk}") == 0
    for verb in ("batch", "pay"):
        factories.take(claim, verb, firm, office)
    assert paid_fen(claim.pk) == rest
    assert [*check_budget(), *check_review()[1]] == []


def test_who_judged_a_claim_neither_prepares_nor_signs_its_recovery(office):
    firm, claim, payment = paid_claim(office)
    for person in (office.reviewer, office.approver):
        appoint(person.user, "finance", valid_from=factories.BEGIN)
    with pytest.raises(SamePerson, match="审核"):
        orders.prepare_recover(payment, 5, citation="x", actor=office.reviewer)
    order = orders.prepare_recover(payment, 5, citation="x", actor=office.preparer)
    with pytest.raises(SamePerson, match="审批"):
        orders.sign(order, actor=office.approver)
    assert paid_fen(claim.pk) == SUBSIDY


@pytest.mark.django_db(transaction=True)
def test_two_orders_for_the_whole_signed_at_once_recover_it_once():
    office = factories.office()
    firm, claim, payment = paid_claim(office)
    made = [orders.prepare_recover(payment, SUBSIDY, citation="x", actor=office.preparer) for _ in range(3)]
    answers = at_once([lambda o=o: orders.sign(o, actor=office.signer) for o in made])
    assert sum(isinstance(answer, Order) for answer in answers) == 1
    assert (paid_fen(claim.pk), pool()) == (0, 5_000_000_000)
    assert [*check_budget(), *check_review()[1]] == []


@pytest.mark.django_db(transaction=True)
def test_a_top_up_signed_twice_at_once_counts_once_and_serves_the_queue_at_once():
    office = factories.office()
    call = factories.call(pool_fen=SUBSIDY - 1)
    firm = factories.firm(1, call, reviewer=office.reviewer)
    waiting = factories.submitted(firm, factories.product(), 1)
    order = top_up(office, 1)
    at_once([lambda: orders.sign(order, actor=office.approver), lambda: orders.sign(order, actor=office.second)])
    assert (held_fen(waiting.pk), pool()) == (SUBSIDY, 0)
    assert [*check_budget(), *check_review()[1]] == []


def test_a_recovery_needs_its_payment(office):
    firm, claim, payment = paid_claim(office)
    with pytest.raises(ReviewRefused, match="拨付记录"):
        fire(claim, "recover", actor=office.preparer, reason="x", payment=0, amount_fen=5)
    with pytest.raises(BudgetError, match="大于零"):
        orders.prepare_recover(payment, 0, citation="x", actor=office.preparer)


def test_nobody_recovers_alone_whatever_they_call(office):
    firm, claim, payment = paid_claim(office)
    said = {"actor": office.preparer, "reason": "x", "payment": payment.pk}
    order = orders.prepare_recover(payment, 500, citation="x", actor=office.preparer)
    for fen in (500, 501, None):  # prepared only; and never of another amount
        with pytest.raises(ReviewRefused, match="两人签批"):
            fire(claim, "recover", amount_fen=fen, **said)
    orders.sign(order, actor=office.signer)
    with pytest.raises(ReviewRefused, match="两人签批"):  # nor a second time by the same order
        fire(claim, "recover", amount_fen=500, **said)
    assert paid_fen(claim.pk) == SUBSIDY - 500


def at_commit(statement, *params):
    """Run SQL as the runtime role, and what the database looks at when it commits."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, params)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


POST = "SELECT ledger_post(jsonb_build_array(jsonb_build_object({})), '[]', %s, now())"
FIELDS = """'kind', '{kind}', 'source', '{source}', 'target', '{target}', 'amount_fen', {fen}, 'key', '{key}',
    'subject', 'x', 'reason', '{reason}', 'note', '{note}', 'original', {original}, 'room', NULL"""


def movement(**said):
    fields = {"fen": 5, "reason": "", "note": "x", "original": "NULL"} | said
    return POST.format(FIELDS.format(**fields))


def test_sql_by_hand_moves_no_years_money_without_a_signed_order(office):
    firm, claim, payment = paid_claim(office)
    order = top_up(office, 5)
    pool_key, cap = "pool:compute_voucher:2025", f"cap:compute_voucher:2025:{firm.organisation.pk}"
    own = f"order:{order.pk}"
    paid = {"source": f"paid:{claim.pk}", "original": f"'pay:payment:{payment.pk}'"}
    for said in (
        {"kind": "top_up", "source": "treasury", "target": pool_key, "key": "top_up:evil"},
        {"kind": "top_up", "source": "treasury", "target": pool_key, "key": f"top_up:{own}", "note": DOCUMENT},
        {"kind": "fund", "source": "treasury", "target": pool_key, "key": "fund:evil"},
        {"kind": "adjust", "source": "treasury", "target": pool_key, "key": "adjust:evil", "reason": "entry_error"},
        {"kind": "adjust", "source": "statute", "target": cap, "key": f"adjust:{own}", "reason": "cap_change"},
        {"kind": "adjust", "source": pool_key, "target": "treasury", "key": "adjust:evil", "reason": "budget_cut"},
        {"kind": "lapse", "source": pool_key, "target": "treasury", "key": f"lapse:{own}"},
        {"kind": "carry", "source": pool_key, "target": "pool:compute_voucher:2026", "key": f"carry:{own}"},
        {"kind": "issue", "source": pool_key, "target": "voucher:1", "key": "issue:evil"},
        {"kind": "recover", "target": "treasury", "key": "recover:evil", **paid},
        {"kind": "recover", "target": pool_key, "key": f"recover:event:{claim.events.last().pk}", **paid},
    ):
        with pytest.raises(IntegrityError, match="without a signed order"):
            at_commit(movement(**said), office.preparer.text)
    assert (pool(), paid_fen(claim.pk)) == (5_000_000_000 - SUBSIDY, SUBSIDY)


def test_an_order_signed_for_one_amount_covers_no_other_movement(office):
    factories.call()
    order, now = top_up(office, 5), settings.CLOCK.now()
    said = {"kind": "top_up", "source": "treasury", "target": "pool:compute_voucher:2025", "note": DOCUMENT}
    Order.objects.filter(pk=order.pk).update(state="signed", signed_by=office.approver.user, signed_at=now)
    for wrong in ({"fen": 6}, {"note": "y"}, {"key": "top_up:order:0"}):
        statement = movement(**{**said, "key": f"top_up:order:{order.pk}", **wrong})
        with pytest.raises(IntegrityError, match="without a signed order|asked for"), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(statement, [office.approver.text])
            Order.objects.filter(pk=order.pk).update(state="done", done_at=now)
            at_commit("SELECT 1")
