"""The pages of the year's calls: every parameter with its clause, edited until published, by two people."""

import pytest

from tests import factories
from vouchers.admin.notices.forms import CallForm
from vouchers.calls.models import Call
from vouchers.calls.services import terms_of
from vouchers.rules.terms import CallTerms

pytestmark = pytest.mark.django_db


def draft(desk, name="reviewer", year=2024):
    answer = desk.browser(name).post("/admin/calls/new/", {"scheme": "compute_voucher", "fiscal_year": year})
    assert answer.status_code == 302, answer.content.decode()
    return Call.objects.latest("pk")


def body(call, page, **changes):
    """The form as the page shows it, with changes; what is None is not sent."""
    form = page.context["form"]
    sent = {"seen": page.context["seen"]}
    for field in form:
        value = field.value()
        if isinstance(value, bool):
            sent |= {field.name: "on"} if value else {}
        elif value is not None:
            sent[field.name] = value
    return {name: value for name, value in (sent | changes).items() if value is not None}


def text(answer, status=200):
    assert answer.status_code == status, answer.content.decode()[:3000]
    return answer.content.decode()


def test_every_parameter_of_a_call_is_on_the_form_and_every_term_of_the_rules_too():
    internal = {"id", "scheme", "fiscal_year", "version", "law_id", "class_rates", "published_at", "frozen_at"}
    columns = {field.name for field in Call._meta.concrete_fields} - internal
    assert columns == set(CallForm.base_fields)
    assert set(CallTerms.__dataclass_fields__) - {"scheme", "fiscal_year", "version", "class_rates"} <= columns


def test_a_first_draft_is_what_the_law_allows_and_the_next_what_was_published_before(desk):
    first = draft(desk)
    assert (first.version, first.annual_cap_fen, str(first.local_rate)) == (1, 200_000_000, "0.3000")
    again = desk.browser("reviewer").post("/admin/calls/new/", {"scheme": "compute_voucher", "fiscal_year": 2024})
    assert "已有一份草稿" in text(again, 409)
    nothing = desk.browser("reviewer").post("/admin/calls/new/", {"scheme": "compute_voucher", "fiscal_year": 2030})
    assert "没有项目" in text(nothing, 409)
    second = draft(desk, year=2025)
    assert (second.version, second.citation, second.published_at) == (2, desk.call.citation, None)
    assert terms_of(second).spend_from == terms_of(desk.call).spend_from


def test_a_draft_is_edited_in_words_that_a_clerk_knows_and_published_by_another(desk):
    call = draft(desk)
    address = f"/admin/calls/{call.pk}/"
    page = desk.browser("reviewer").get(address)
    assert "每年每家企业和单位获得补助最高不超过 200 万元" in text(page)
    assert "政策未作规定，由申报通知确定" in text(page)
    changes = {
        "citation": "锡工信〔2024〕9号",
        "years_cap_fen": "3,000,000",
        "local_rate": "28",
        "proration": "exclusive",
    }
    assert desk.browser("reviewer").post(address, body(call, page, **changes)).status_code == 302
    call.refresh_from_db()
    assert (call.years_cap_fen, str(call.local_rate), call.proration) == (300_000_000, "0.2800", "exclusive")
    assert desk.browser("reviewer").post(f"{address}publish/").status_code == 403
    seen = desk.browser("approver").get(address).context["seen"]
    assert desk.browser("approver").post(f"{address}publish/", {"seen": seen}).status_code == 302
    call.refresh_from_db()
    assert call.published_at
    shown = text(desk.browser("auditor").get(address))
    assert "3,000,000.00 元" in shown
    assert "按天数折算（首尾相减）" in shown
    assert "28%" in shown
    assert "<input" not in shown.partition("资金和比例")[2].partition("修改记录")[0]
    late = desk.browser("reviewer").post(address, body(call, page, local_rate="10"))
    assert "已经发布" in text(late, 409)


def test_who_wrote_a_draft_last_does_not_publish_it(desk):
    call = draft(desk, "approver")
    address = f"/admin/calls/{call.pk}/"
    page = desk.browser("approver").get(address)
    assert "请由另一名审批人员发布" in text(page)
    desk.browser("approver").post(f"{address}publish/", {"seen": page.context["seen"]})
    call.refresh_from_db()
    assert call.published_at is None
    desk.browser("second").post(f"{address}publish/", {"seen": "0"})
    call.refresh_from_db()
    assert call.published_at is None


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"local_rate": "40"}, "30%的补助"),
        ({"local_rate": "abc"}, "百分数"),
        ({"annual_cap_fen": "3000000"}, "最高不超过 200 万元"),
        ({"years_cap_fen": "1000000"}, "多年累计上限低于单位年度上限"),
        ({"contract_cap_fen": "9000000"}, "高于单位年度上限"),
        ({"minimum_grant_fen": "5000", "claim_cap_fen": "4000"}, "最低补助额高于单次申请上限"),
        ({"filing_until": "2024-12-31"}, "申报截止早于申报开始"),
        ({"spend_from": "2023-12-31"}, "年度"),
        ({"publicity_days": "-1"}, "0"),
        ({"title": ""}, "请填写通知名称"),
    ],
)
def test_what_makes_no_sense_is_told_and_everything_typed_stays(desk, changes, told):
    call = draft(desk)
    address = f"/admin/calls/{call.pk}/"
    page = desk.browser("reviewer").get(address)
    typed = body(call, page, citation="键入的文号", **changes)
    shown = text(desk.browser("reviewer").post(address, typed), 409)
    assert told in shown
    assert "没有保存" in shown
    assert 'value="键入的文号"' in shown
    call.refresh_from_db()
    assert call.citation != "键入的文号"


def test_two_people_never_overwrite_each_other(desk):
    call = draft(desk)
    address = f"/admin/calls/{call.pk}/"
    old = desk.browser("approver").get(address)
    desk.browser("reviewer").post(address, body(call, desk.browser("reviewer").get(address), title="甲"))
    answer = desk.browser("approver").post(address, body(call, old, title="乙"))
    assert "刚刚被其他人改过" in text(answer, 409)
    call.refresh_from_db()
    assert call.title == "甲"


def test_everyone_in_the_bureau_reads_and_only_some_write(desk):
    call = draft(desk)
    for name in ("preparer", "auditor", "system_admin"):
        shown = text(desk.browser(name).get(f"/admin/calls/{call.pk}/"))
        assert "保存草稿" not in shown
        before = Call.objects.get(pk=call.pk).title
        desk.browser(name).post(f"/admin/calls/{call.pk}/", {"title": "x"})
        assert Call.objects.get(pk=call.pk).title == before
        assert desk.browser(name).post("/admin/calls/new/", {}).status_code == 403


def test_the_list_asks_as_often_for_many_as_for_one(desk):
    few = desk.queries("auditor", "/admin/calls/")
    for version in (2, 3, 4):
        factories.call(version=version)
    assert desk.queries("auditor", "/admin/calls/") == few
