"""The desk's pages: who sees what, what is found, and that they ask as often for many rows as for one."""

import datetime as dt
import re

import pytest
from django.conf import settings
from django.test import Client

from accounts.services import appoint
from applicants.models import OrganisationName
from applicants.services import add_sanction, rename
from tests import factories
from vouchers.admin.desk.days import WorkingDays
from vouchers.calls.models import Holiday
from vouchers.claims import services as claims

pytestmark = pytest.mark.django_db

PAGES = ["/admin/", "/admin/queue/?view=all", "/admin/vouchers-queue/", "/admin/publicity/"]
ROLES = ["reviewer", "approver", "preparer", "auditor", "system_admin", "security_admin", "audit_admin"]


def numbers(desk, who, query):
    return [claim.number for claim in desk.browser(who).get(f"/admin/queue/?{query}").context["page"]]


def applies(desk, number):
    firm = factories.firm(number, desk.call)
    return claims.apply_for_voucher(firm.organisation, desk.call, purpose="训练", user=firm.clerk)


def test_every_officer_opens_every_page_and_nobody_else_does(desk):
    claim = desk.claim("accepted")
    pages = [*PAGES, f"/admin/claims/{claim.pk}/", "/admin/tables/"]
    for role in ROLES:
        for page in pages:
            desk.look(role, page)
    clerk = Client()
    clerk.force_login(claim.firm.clerk)
    for page in pages:
        assert Client().get(page).status_code == 302
        assert clerk.get(page).status_code in (302, 403), page


def test_drafts_are_not_handed_in_and_not_seen(desk):
    claim = factories.ready(desk.firm(), desk.product, 1)
    assert numbers(desk, "reviewer", "view=all") == []
    assert desk.browser("reviewer").get(f"/admin/claims/{claim.pk}/").status_code == 404
    assert desk.act("reviewer", claim, "accept").status_code == 404


def test_what_waits_is_told_by_role(desk):
    for state in ("submitted", "accepted", "reviewed", "approved", "suspended", "payable"):
        desk.claim(state)
    mine = {who: len(numbers(desk, who, "view=mine")) for who in ("reviewer", "approver", "second", "preparer")}
    # The reviewer's own review keeps nothing from them; the approver approved what is approved now.
    assert mine == {"reviewer": 3, "approver": 3, "second": 3, "preparer": 1}
    groups = {who: desk.browser(who).get("/admin/").context["groups"] for who in ROLES}
    assert [g["role"] for g in groups["reviewer"]] == ["reviewer"]
    assert [g["role"] for g in groups["auditor"]] == ["auditor"]
    assert {row.label: row.count for row in groups["reviewer"][0]["rows"]}["申报待受理"] == 1
    assert {row.label: row.count for row in groups["preparer"][0]["rows"]}["待拨付"] == 1
    assert groups["security_admin"] == []


def test_the_pool_adds_up(desk):
    for state in ("submitted", "paid", "rejected"):
        desk.claim(state)
    pool = desk.browser("reviewer").get("/admin/").context["pool"]
    assert pool.appropriated_fen == desk.call.appropriation_fen == pool.paid_fen + pool.held_fen + pool.free_fen
    assert pool.paid_fen == pool.held_fen == 3_180_000 - 3_180_000 % 100


def test_pages_ask_as_often_for_fifty_rows_as_for_one(desk):
    first = desk.claim("accepted")
    pages = [*PAGES, f"/admin/claims/{first.pk}/?view=all"]
    applies(desk, 499)
    few = {page: desk.queries("reviewer", page) for page in pages}
    for at in range(50):
        desk.claim(("submitted", "accepted", "publicised")[at % 3])
        applies(desk, 500 + at)
    many = {page: desk.queries("reviewer", page) for page in pages}
    assert many == few
    assert max(many.values()) <= 45, many


def test_a_claim_of_fifty_invoices_asks_as_often_as_one_of_one(desk):
    one, firm = desk.claim("submitted"), desk.firm()
    claim = factories.draft(firm)
    for number in range(50):
        factories.add_invoice(claim, firm, desk.product, 7000 + number, gross_fen=106_000)
    factories.drive(factories.complete(claim, firm), "submitted", firm, desk.office)
    for role in ("reviewer", "auditor"):
        few, many = (desk.queries(role, f"/admin/claims/{pk}/?view=all") for pk in (one.pk, claim.pk))
        assert few == many
    assert "发票 50" in desk.look("reviewer", f"/admin/claims/{claim.pk}/")


def test_a_search_finds_by_number_name_code_and_invoice(desk):
    first, second = desk.claim(), desk.claim()
    invoice = second.lines.get().invoice_line.invoice.number
    for text in (second.number, second.firm.name, second.organisation.uscc, invoice):
        assert numbers(desk, "reviewer", f"view=all&q={text}") == [second.number], text
    assert set(numbers(desk, "reviewer", "view=all&q=DF2025")) == {first.number, second.number}
    assert numbers(desk, "reviewer", "view=all&q=没有这一家") == []


def test_filters_leave_what_they_say(desk):
    small, large = desk.claim(gross_fen=1_060_000), desk.claim(gross_fen=106_000_000)
    assert numbers(desk, "reviewer", "view=all&low=100,000") == [large.number]
    assert numbers(desk, "reviewer", "view=all&high=10000") == [small.number]
    assert numbers(desk, "reviewer", "view=all&sort=-granted") == [large.number, small.number]
    assert numbers(desk, "reviewer", "view=all&year=2024") == []
    assert numbers(desk, "reviewer", "view=all&district=江阴市") == []
    assert len(numbers(desk, "reviewer", "view=all&district=滨湖区")) == 2
    add_sanction(
        small.organisation.uscc, list_name="失信被执行人", reason="测试", source="测试", listed_on=factories.BEGIN
    )
    page = desk.look("reviewer", "/admin/queue/?view=all&doubts=1")
    assert "列入失信名单" in page
    nonsense = desk.look("reviewer", "/admin/queue/?view=all&low=abc&due=x&page=zz&sort=?")
    assert "这些条件没有采用" in nonsense


def test_an_officer_of_a_district_sees_it_first_and_may_see_the_city(desk):
    desk.claim()
    person = factories.user("jiangyin")
    appoint(person, "reviewer", district="江阴市", valid_from=factories.BEGIN)
    desk.office = factories.Office(factories.Actor(person), *[desk.office.approver] * 4)
    desk.browsers.clear()
    assert numbers(desk, "reviewer", "view=all") == []
    assert len(numbers(desk, "reviewer", "view=all&district=all")) == 1
    assert desk.browser("reviewer").get("/admin/").context["counts"]["submitted"] == 0


def test_what_is_late_is_told_in_working_days(desk):
    settings.CLOCK.move_to(settings.CLOCK.now().replace(year=2026, month=12, day=7, hour=2))
    late = desk.claim()
    settings.CLOCK.move_to(settings.CLOCK.now() + dt.timedelta(days=7))
    fresh = desk.claim()
    assert numbers(desk, "reviewer", "view=mine&due=overdue") == []
    assert numbers(desk, "reviewer", "view=mine&due=today") == [late.number]
    assert "今天到期" in desk.look("reviewer", "/admin/queue/")
    settings.CLOCK.move_to(settings.CLOCK.now() + dt.timedelta(days=1))
    assert numbers(desk, "reviewer", "view=mine&due=overdue") == [late.number]
    assert "超期 1 天" in desk.look("reviewer", "/admin/")
    assert fresh.number not in numbers(desk, "reviewer", "view=mine&due=soon")


def test_a_holiday_is_no_working_day(desk):
    settings.CLOCK.move_to(settings.CLOCK.now().replace(year=2026, month=12, day=11, hour=2))
    friday = settings.CLOCK.today()
    assert WorkingDays().between(friday - dt.timedelta(days=7), friday) == 5
    Holiday.objects.create(day=friday - dt.timedelta(days=1), is_workday=False, name="放假")
    Holiday.objects.create(day=friday - dt.timedelta(days=5), is_workday=True, name="调休")
    days = WorkingDays()
    assert days.between(friday - dt.timedelta(days=1), friday) == 1
    assert days.between(friday - dt.timedelta(days=7), friday) == 5
    for left in (-1, 0, 1, 3):
        since = days.waiting_since(left)
        assert days.between(since.date() - dt.timedelta(days=1), friday) >= 5 - left


def pick(claim):
    """The claim as the page offers it: with the version that the officer sees."""
    claim.refresh_from_db()
    return f"{claim.pk}:{claim.version}"


def test_who_picked_a_claim_before_another_moved_it_is_told_which(desk):
    mine, moved = desk.claim(), desk.claim()
    picks = [pick(mine), pick(moved)]
    for verb in ("return", "resubmit"):
        factories.take(moved, verb, moved.firm, desk.office)
    answer = desk.browser("reviewer").post("/admin/queue/", {"verb": "accept", "pick": picks})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert f"{moved.number}：该申请刚刚被他人处理过" in page
    mine.refresh_from_db()
    assert mine.state == "submitted"
    malformed = {"verb": "accept", "pick": [str(mine.pk), f"{mine.pk}:", ":1", "x:y"]}
    assert "请勾选" in desk.browser("reviewer").post("/admin/queue/", malformed).content.decode()


def test_many_are_taken_at_once_or_none_of_them(desk):
    some = [desk.claim() for _ in range(3)]
    picks = {"verb": "accept", "pick": [pick(claim) for claim in some]}
    for who in ("approver", "auditor", "preparer"):
        assert desk.browser(who).post("/admin/queue/?view=all", picks).status_code == 409
    assert desk.browser("reviewer").post("/admin/queue/?view=submitted", picks).status_code == 302
    other = desk.claim()
    answer = desk.browser("reviewer").post("/admin/queue/?view=all", {**picks, "pick": [pick(some[0]), pick(other)]})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert some[0].number in page
    assert re.search(rf'value="{pick(other)}"[^>]*checked', page)
    other.refresh_from_db()
    assert other.state == "submitted"
    assert "请勾选" in desk.browser("reviewer").post("/admin/queue/", {"verb": "accept"}).content.decode()


def test_approved_claims_are_publicised_together(desk):
    some = [desk.claim("approved") for _ in range(2)]
    answer = desk.browser("approver").post("/admin/queue/", {"verb": "publicise", "pick": [pick(c) for c in some]})
    assert answer.status_code == 302
    assert desk.browser("auditor").get("/admin/publicity/").context["shown"][0].pk == some[0].pk


def test_vouchers_are_issued_together_and_refused_with_a_reason(desk):
    made = [applies(desk, number) for number in (31, 32, 33)]
    page = "/admin/vouchers-queue/"
    for who in ("approver", "auditor", "preparer", "security_admin"):
        assert desk.browser(who).post(page, {"pick": [made[0].pk]}).status_code == 409
    refused = desk.browser("reviewer").post(page, {"refuse": made[0].pk, "reason": " "})
    assert refused.status_code == 409
    assert "请填写不予发放的理由" in refused.content.decode()
    assert desk.browser("reviewer").post(page, {"refuse": made[0].pk, "reason": "用途不符"}).status_code == 302
    assert desk.browser("reviewer").post(page, {"pick": [v.pk for v in made[1:]]}).status_code == 302
    for voucher in made:
        voucher.refresh_from_db()
    assert [voucher.state for voucher in made] == ["refused", "issued", "issued"]
    again = desk.browser("reviewer").post(page, {"pick": [made[1].pk]})
    assert "不能发放" in again.content.decode()


def test_markup_in_names_shows_as_text(desk):
    claim = desk.claim()
    evil = "<script>alert(1)</script>有限公司"
    OrganisationName.objects.filter(organisation=claim.organisation).update(name=evil)
    desk.act("reviewer", claim, "return", item=["<img src=x onerror=alert(1)>"])
    for page in ("/admin/", "/admin/queue/?view=all", f"/admin/claims/{claim.pk}/", "/admin/applicants/organisation/"):
        text = desk.look("reviewer", page)
        assert "<script>alert" not in text, page
        assert "<img src=x" not in text, page
    assert "&lt;script&gt;" in desk.look("reviewer", f"/admin/claims/{claim.pk}/")


def test_a_file_comes_as_an_attachment_and_only_of_this_organisation(desk):
    claim, other = desk.claim(), desk.claim()
    file, foreign = claim.attachments.first(), other.attachments.first()
    answer = desk.browser("auditor").get(f"/admin/claims/{claim.pk}/files/{file.pk}/")
    assert answer.status_code == 200
    assert answer["Content-Disposition"].startswith("attachment")
    assert desk.browser("auditor").get(f"/admin/claims/{claim.pk}/files/{foreign.pk}/").status_code == 404


def test_the_screen_says_what_the_system_found(desk):
    claim = desk.claim("submitted", gross_fen=10_600_000, paid_fen=5_300_000)
    rename(claim.organisation, "无锡新名科技有限公司", on=settings.CLOCK.today(), document="更名通知书")
    screen = desk.browser("reviewer").get(f"/admin/claims/{claim.pk}/").context
    results = {check.key: check.result for check in screen["checks"]}
    assert results["number"] == results["buyer_id"] == results["seller_name"] == "ok"
    assert results["total"] == "warn"
    rows = screen["sheet"].rows
    at = next(i for i, row in enumerate(rows) if row.label == "计入的费用")
    assert sum(row.amount_fen for row in rows[:at]) == rows[at].amount_fen == 5_300_000


def test_the_sheet_adds_up_down_to_the_grant_whatever_cuts_it(desk):
    claim = desk.claim("reviewed", gross_fen=900_000_000)
    sheet = desk.browser("approver").get(f"/admin/claims/{claim.pk}/").context["sheet"]
    assert sheet.granted_fen == 200_000_000
    at = next(i for i, row in enumerate(sheet.rows) if row.label == "测算额")
    assert sheet.rows[at].amount_fen + sum(row.amount_fen for row in sheet.rows[at + 1 :]) == sheet.granted_fen
    assert all(row.cite for row in sheet.rows if row.kind == "cut")


def test_neighbours_follow_the_view_that_the_officer_came_from(desk):
    first, second, third = desk.claim(), desk.claim(), desk.claim()
    around = desk.browser("reviewer").get(f"/admin/claims/{second.pk}/?view=submitted").context["around"]
    assert around == {"place": 2, "count": 3, "before": first.pk, "after": third.pk}


def test_no_page_holds_inline_code(desk):
    claim = desk.claim("accepted")
    for page in [*PAGES, f"/admin/claims/{claim.pk}/", "/admin/tables/", "/admin/providers/provider/"]:
        text = desk.look("reviewer", page)
        assert not re.search(r"<style|\sstyle\s*=|\son\w+\s*=|javascript:", text), page
        assert not re.search(r"<script(?![^>]*\ssrc=)", text), page
        assert 'aria-label="工作台导航"' in text
