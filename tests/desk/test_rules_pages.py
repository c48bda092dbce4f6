"""The what-if page and the pages of agreements, as officers and the enterprise see them."""

import pytest
from django.test import Client

from tests import factories
from vouchers.budget import orders
from vouchers.claims.agreements import Agreement
from vouchers.claims.models import Voucher
from vouchers.review.services import fire_voucher

pytestmark = pytest.mark.django_db


def browser_of(user) -> Client:
    """A clerk's browser."""
    client = Client()
    client.force_login(user)
    return client


def test_a_changed_rate_is_compared_over_the_years_claims(desk):
    desk.claim()
    page = desk.browser("approver").get("/admin/what-if/", {"ask": "1", "local_rate": "15"})
    text = page.content.decode()
    assert page.status_code == 200
    assert "31,800.00" in text
    assert "15,900.00" in text
    assert "1 家减少" in text


def test_what_exceeds_the_law_is_refused_with_its_clause_and_kept(desk):
    desk.claim()
    page = desk.browser("auditor").get("/admin/what-if/", {"ask": "1", "local_rate": "40"})
    assert page.status_code == 422
    assert "30%的补助" in page.content.decode()
    assert 'value="40"' in page.content.decode()
    lifted = desk.browser("auditor").get("/admin/what-if/", {"ask": "1", "local_rate": "40", "lift": "on"})
    assert "42,400.00" in lifted.content.decode()


@pytest.mark.parametrize("typed", ["abc", "101", "-1", "1.234"])
def test_a_rate_that_is_none_is_told_beside_its_field(desk, typed):
    page = desk.browser("approver").get("/admin/what-if/", {"ask": "1", "local_rate": typed})
    assert page.status_code == 422
    assert typed in page.content.decode()


def test_money_that_came_during_the_year_is_counted(desk):
    desk.claim()
    call, office = desk.call, desk.office
    order = orders.prepare_top_up(call.scheme, call.fiscal_year, 700, citation="文", actor=office.preparer)
    before = desk.browser("approver").get("/admin/what-if/", {"ask": "1", "local_rate": "15"})
    assert "年中追加和调整" not in before.content.decode()
    orders.sign(order, actor=office.approver)
    page = desk.browser("approver").get("/admin/what-if/", {"ask": "1", "local_rate": "15"})
    assert "年中追加和调整" in page.content.decode()
    assert "7.00" in page.content.decode()


def test_the_what_if_page_is_for_those_who_decide_on_money(desk):
    assert desk.browser("reviewer").get("/admin/what-if/").status_code == 403


def test_the_what_if_page_asks_as_often_for_many_claims_as_for_one(desk):
    desk.claim()
    few = desk.queries("approver", "/admin/what-if/?ask=1&local_rate=15")
    for _ in range(3):
        desk.claim()
    assert desk.queries("approver", "/admin/what-if/?ask=1&local_rate=15") == few


def typed(desk, **changes) -> dict:
    """An agreement as a reviewer types it."""
    firm = desk.firm()
    desk.firm_of_agreement = firm
    return {
        "uscc": firm.organisation.uscc, "scheme": "negotiated_compute", "fiscal_year": "2025", "title": "大模型训练",
        "reference": "锡政会纪〔2025〕8 号", "cost_fen": "2000000", "rate": "50", "grant_fen": "1000000",
        "amount_1": "600000", "condition_1": "训练完成 50%", "amount_2": "400000", "condition_2": "模型上线", **changes,
    }  # fmt: skip


def written_down(desk, **changes) -> Agreement:
    answer = desk.browser("reviewer").post("/admin/agreements/new/", typed(desk, **changes))
    assert answer.status_code == 302, answer.content.decode()
    return Agreement.objects.latest("pk")


def test_an_agreement_is_written_down_approved_by_another_and_shown_to_its_firm(desk):
    agreement = written_down(desk)
    url = f"/admin/agreements/{agreement.pk}/"
    assert "批准，协议生效" in desk.browser("approver").get(url).content.decode()
    answer = desk.browser("approver").post(f"{url}do/", {"seen_version": "0", "approve": "1"})
    assert answer.status_code == 302
    agreement.refresh_from_db()
    assert agreement.state == "in_force"
    factories.call(scheme="negotiated_compute", annual_cap_fen=1_000_000_000, local_rate="0.60", external_rate="0.60")
    clerk = browser_of(desk.firm_of_agreement.clerk)
    page = clerk.get("/claims/agreements/").content.decode()
    assert "训练完成 50%" in page
    assert clerk.post(f"/claims/agreements/{agreement.number}/qualify/").status_code == 302
    voucher = Voucher.objects.get(scheme="negotiated_compute")
    fire_voucher(voucher, "issue", actor=desk.office.reviewer)
    opened = clerk.post(f"/claims/agreements/{agreement.number}/1/")
    assert opened.status_code == 302
    assert clerk.get(opened.url).status_code == 200
    assert clerk.get("/claims/").status_code == 200


def test_a_refused_form_keeps_everything_that_was_typed(desk):
    answer = desk.browser("reviewer").post("/admin/agreements/new/", typed(desk, rate="70"))
    text = answer.content.decode()
    assert answer.status_code == 409
    assert "原则上算力服务补贴比例不高于60%" in text
    assert "请写明理由并由两名审批人员批准" in text
    assert 'value="70"' in text
    assert "训练完成 50%" in text


def test_another_firm_sees_and_claims_nothing_of_it(desk):
    agreement = written_down(desk)
    desk.browser("approver").post(f"/admin/agreements/{agreement.pk}/do/", {"seen_version": "0", "approve": "1"})
    stranger = browser_of(desk.firm().clerk)
    assert "大模型训练" not in stranger.get("/claims/agreements/").content.decode()
    assert stranger.post(f"/claims/agreements/{agreement.number}/1/").status_code == 404
    assert stranger.post(f"/claims/agreements/{agreement.number}/qualify/").status_code == 404


def test_a_stale_approval_changes_nothing(desk):
    agreement = written_down(desk)
    answer = desk.browser("approver").post(f"/admin/agreements/{agreement.pk}/do/", {"seen_version": "7"})
    assert answer.status_code == 409
    agreement.refresh_from_db()
    assert agreement.state == "drafted"
    refused = desk.browser("approver").post(
        f"/admin/agreements/{agreement.pk}/do/", {"seen_version": "0", "close": "1", "reason": ""}
    )
    assert "请填写理由" in refused.content.decode()


def test_the_list_of_agreements_asks_as_often_for_many_as_for_one(desk):
    written_down(desk)
    few = desk.queries("auditor", "/admin/agreements/")
    for _ in range(3):
        written_down(desk)
    assert desk.queries("auditor", "/admin/agreements/") == few
