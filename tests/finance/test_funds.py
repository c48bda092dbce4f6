"""The orders' pages: finance prepares, an approver signs with a fresh code, the auditor looks on, nobody does both."""

import datetime as dt

import pytest
from django.conf import settings
from django.urls import reverse

from tests import factories
from tests.finance.conftest import signed_in
from vouchers.budget import orders
from vouchers.budget.models import Order
from vouchers.disbursement.models import Payment
from vouchers.jobs import services as jobs
from vouchers.jobs.models import Job
from vouchers.ledger.selectors import is_closed, paid_fen, pool_available_fen
from vouchers.tasks import HANDLERS

YEAR = ("compute_voucher", 2025)
SUBSIDY = 3_180_000
pytestmark = pytest.mark.django_db


@pytest.fixture
def approver(office):
    return signed_in(office.approver.user)


def post(client, kind, **typed):
    query = "?year=2025"
    return client.post(reverse("admin:fund_new", args=[kind]) + query, typed)


def do(client, order, step, **typed):
    return client.post(reverse("admin:fund_do", args=[order.pk, step]), typed)


def page(client, name, *args, query=""):
    return client.get(reverse(f"admin:{name}", args=args) + query)


def text(answer):
    return answer.content.decode()


def finish(order):
    jobs.run(orders.job_of(order).pk, HANDLERS)
    order.refresh_from_db()
    return order


def test_a_top_up_from_the_form_to_the_pool(desk, approver, auditor, office):
    factories.call(pool_fen=SUBSIDY)
    refused = post(desk, "top_up", amount_fen="一百", citation="锡财〔2026〕9号")
    assert refused.status_code == 409
    assert "锡财〔2026〕9号" in text(refused)
    answer = post(desk, "top_up", amount_fen="1,000.50", citation="锡财〔2026〕9号")
    order = Order.objects.get()
    assert answer.status_code == 302
    assert "不能自己签批" in text(page(desk, "fund", order.pk)) or "等审批人员签批" in text(
        page(desk, "fund", order.pk)
    )
    for client in (auditor, approver):
        assert "壹仟元零伍角整" in text(page(client, "fund", order.pk))
    assert "fund_do" not in text(page(auditor, "fund", order.pk))
    assert pool_available_fen(*YEAR) == SUBSIDY
    unchecked = do(approver, order, "sign", seen="")
    assert unchecked.status_code == 409
    assert do(approver, order, "sign", seen="", checked="on").status_code == 302
    assert pool_available_fen(*YEAR) == SUBSIDY + 100_050
    assert "已办结" in text(page(auditor, "fund", order.pk))


def test_the_years_money_comes_by_an_order_of_two_people_once(desk, approver, auditor, office):
    factories.published(pool_fen=SUBSIDY)
    assert "年度资金还没有拨入" in text(page(desk, "funds"))
    shown = text(page(desk, "fund_new", "fund", query="?year=2025"))
    assert "31,800.00" in shown
    refused = post(desk, "fund", citation=" ")
    assert refused.status_code == 409
    assert post(desk, "fund", citation="锡财〔2026〕1号", amount_fen="99999999").status_code == 302
    order = Order.objects.get()
    assert (order.kind, order.amount_fen) == ("fund", SUBSIDY)  # what the call says, whatever is typed
    again = post(desk, "fund", citation="锡财〔2026〕2号")
    assert (again.status_code, "已有一张同类办理单" in text(again)) == (409, True)
    assert do(desk, order, "sign", seen="", checked="on").status_code == 409
    assert do(auditor, order, "sign", seen="", checked="on").status_code in (403, 404)
    assert pool_available_fen(*YEAR) == 0
    assert do(approver, order, "sign", seen="", checked="on").status_code == 302
    assert pool_available_fen(*YEAR) == SUBSIDY
    assert "已办结" in text(page(auditor, "fund", order.pk))
    assert "拨入资金</a>" not in text(page(desk, "funds"))
    assert "本年度资金已经拨入" in text(page(desk, "fund_new", "fund", query="?year=2025"))
    late = post(desk, "fund", citation="锡财〔2026〕3号")
    assert (late.status_code, "追加资金" in text(late)) == (409, True)
    assert pool_available_fen(*YEAR) == SUBSIDY


def test_signing_asks_for_a_fresh_code_and_one_code_counts_once(desk, office):
    factories.call()
    made = [orders.prepare_top_up(*YEAR, 5, citation="文", actor=office.preparer) for _ in range(2)]
    stale = signed_in(office.approver.user, proved_seconds_ago=3600)
    answer = do(stale, made[0], "sign", seen="", checked="on")
    assert (answer.status_code, "reauthenticate" in answer.url) == (302, True)
    fresh = signed_in(office.approver.user)
    assert do(fresh, made[0], "sign", seen="", checked="on").status_code == 302
    again = do(fresh, made[1], "sign", seen="", checked="on")
    assert "reauthenticate" in again.url
    assert [order.state for order in Order.objects.order_by("pk")] == ["done", "prepared"]


def test_the_auditor_and_the_reviewer_prepare_and_sign_nothing(office, auditor, desk):
    factories.call()
    order = orders.prepare_top_up(*YEAR, 5, citation="文", actor=office.preparer)
    reviewer = signed_in(office.reviewer.user)
    for client in (auditor, reviewer):
        assert post(client, "top_up", amount_fen="1", citation="文").status_code in (403, 404)
        assert do(client, order, "sign", seen="", checked="on").status_code in (403, 404)
    assert page(reviewer, "funds").status_code in (403, 404)
    assert do(desk, order, "sign", seen="", checked="on").status_code == 409
    order.refresh_from_db()
    assert order.state == "prepared"


def test_an_adjustment_of_a_cap_names_its_firm(desk, office, approver):
    call = factories.call()
    firm = factories.firm(1, call, reviewer=office.reviewer)
    factories.submitted(firm, factories.product(), 1)
    typed = {"reason": "cap_change", "sign": "minus", "amount_fen": "10000", "citation": "核查"}
    assert "统一社会信用代码" in text(post(desk, "adjust", **typed))
    assert "只有" in text(post(desk, "adjust", **typed | {"reason": "budget_cut", "uscc": firm.organisation.uscc}))
    assert post(desk, "adjust", **typed, uscc=firm.organisation.uscc.lower()).status_code == 302
    order = Order.objects.get()
    assert (order.amount_fen, order.organisation) == (-1_000_000, firm.organisation)
    assert firm.name in text(page(approver, "fund", order.pk))


def test_a_payment_is_recovered_from_its_batch(desk, second_desk, office):
    call = factories.call()
    firm = factories.firm(1, call, reviewer=office.reviewer)
    claim = factories.drive(factories.ready(firm, factories.product(), 1), "paid", firm, office)
    payment = Payment.objects.get()
    query = f"?year=2025&payment={payment.pk}"
    shown = text(page(desk, "fund_new", "recover", query=query))
    assert "31,800.00" in shown
    typed = {"payment": payment.pk, "amount_fen": "10000", "citation": "重复申报"}
    assert post(desk, "recover", **typed | {"amount_fen": "40000"}).status_code == 409
    assert post(desk, "recover", **typed).status_code == 302
    order = Order.objects.get()
    assert do(desk, order, "sign", seen="", checked="on").status_code == 409
    assert do(second_desk, order, "sign", seen="", checked="on").status_code == 302
    assert paid_fen(claim.pk) == SUBSIDY - 1_000_000


def test_a_settlement_is_looked_at_prepared_and_signed_for_exactly_its_shares(desk, approver, auditor, office):
    until = settings.CLOCK.today() + dt.timedelta(days=5)
    call = factories.call(pool_fen=SUBSIDY, shortage="pro_rata", filing_until=until)
    product = factories.product()
    firms = [factories.firm(n, call, reviewer=office.reviewer) for n in (1, 2)]
    claims = [factories.submitted(firm, product, n) for n, firm in enumerate(firms, start=1)]
    assert "没有需要结算" in text(page(desk, "fund_new", "settle", query="?year=2025"))
    factories.pass_days(10)
    shown = page(desk, "fund_new", "settle", query="?year=2025")
    assert "15,900.00" in text(shown)
    form = shown.context["form"]
    typed = {"until": form.initial["until"].isoformat(), "citation": "纪要"}
    moved = post(desk, "settle", **typed, seen="0" * 64)
    assert moved.status_code == 409
    assert "没有提交" in text(moved)
    assert form.initial["seen"] in text(moved)
    assert post(desk, "settle", **typed, seen=form.initial["seen"]).status_code == 302
    order = Order.objects.get()
    assert do(approver, order, "sign", seen=order.digest, checked="on").status_code == 302
    assert page(approver, "fund_progress", order.pk).headers.get("HX-Refresh") is None
    finish(order)
    assert page(approver, "fund_progress", order.pk).headers["HX-Refresh"] == "true"
    assert "15,900.00" in text(page(auditor, "fund", order.pk))
    assert [claim.number in text(page(auditor, "fund", order.pk)) for claim in claims] == [True, True]


def test_the_year_is_closed_from_its_page(desk, approver, office):
    factories.call(filing_until=settings.CLOCK.today() + dt.timedelta(days=5))
    assert "现在还不能结账" in text(page(desk, "fund_new", "close", query="?year=2025"))
    factories.pass_days(10)
    assert post(desk, "close", carry_fen="0", to_year="", citation="文").status_code == 302
    order = Order.objects.get()
    do(approver, order, "sign", seen="", checked="on")
    assert finish(order).state == "done"
    assert is_closed(*YEAR)
    assert "账目锁定" in text(page(desk, "funds"))
    assert post(desk, "top_up", amount_fen="5", citation="文").status_code == 409


def test_work_that_gave_up_is_started_again_by_a_signer(desk, approver, office):
    factories.call(filing_until=settings.CLOCK.today() + dt.timedelta(days=5))
    factories.pass_days(10)
    order = orders.sign(
        orders.prepare_close(*YEAR, 0, None, citation="文", actor=office.preparer), actor=office.approver
    )
    assert do(approver, order, "retry").status_code == 409
    Job.objects.update(state="dead", error="测试：数据库断开")
    assert "重新办理" in text(page(approver, "fund", order.pk))
    assert "重新办理" not in text(page(desk, "fund", order.pk))
    assert do(approver, order, "retry").status_code == 302
    assert finish(order).state == "done"


def test_an_order_is_withdrawn_with_a_reason(desk, office):
    factories.call()
    order = orders.prepare_top_up(*YEAR, 5, citation="文", actor=office.preparer)
    assert do(desk, order, "withdraw", reason="").status_code == 409
    assert do(desk, order, "withdraw", reason="文号有误").status_code == 302
    assert "文号有误" in text(page(desk, "fund", order.pk))
    assert do(desk, order, "nonsense").status_code == 404


def test_the_list_asks_the_database_as_often_for_fifty_orders_as_for_one(
    desk, office, django_assert_max_num_queries, django_assert_num_queries
):
    factories.call()
    orders.prepare_top_up(*YEAR, 5, citation="文", actor=office.preparer)
    page(desk, "funds")
    with django_assert_max_num_queries(40) as few:
        page(desk, "funds")
    for _ in range(49):
        orders.prepare_top_up(*YEAR, 5, citation="文", actor=office.preparer)
    with django_assert_num_queries(len(few)):
        page(desk, "funds")


def test_the_forecast_stands_on_home_and_books(desk, office):
    call = factories.call()
    firm = factories.firm(1, call, reviewer=office.reviewer)
    factories.submitted(firm, factories.product(), 1)
    for name in ("index", "books", "funds"):
        assert "日均净占用 31,800.00 元推算" in text(page(desk, name)), name
