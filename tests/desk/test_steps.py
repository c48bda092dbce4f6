"""Every step through the page: by whoever may, refused to everybody else, never on a stale screen."""

import pytest

from applicants.models import Membership
from tests import factories
from vouchers import workflow
from vouchers.admin.desk.actions import VERBS
from vouchers.claims.papers import ClaimLine
from vouchers.review.objections import object_to

pytestmark = pytest.mark.django_db

# From which state each verb is tried, by whom, and with what.
STEPS = [
    ("submitted", "accept", "reviewer", {}),
    ("submitted", "return", "reviewer", {"item": ["缺少合同盖章页。", "", "回单不清晰。"]}),
    ("submitted", "reject", "reviewer", {"reason": "不在范围。", "confirm": "on"}),
    ("accepted", "review", "reviewer", {}),
    ("accepted", "return", "reviewer", {"item": ["请补充用量清单。"]}),
    ("accepted", "reject", "reviewer", {"reason": "不在范围。", "confirm": "on"}),
    ("reviewed", "approve", "approver", {"confirm": "on"}),
    ("reviewed", "send_back", "approver", {"reason": "请补充核减说明。"}),
    ("reviewed", "reject", "approver", {"reason": "不真实。", "confirm": "on"}),
    ("approved_once", "approve", "second", {"confirm": "on"}),
    ("approved", "publicise", "approver", {"confirm": "on"}),
    ("publicised", "suspend", "reviewer", {"reason": "收到异议。"}),
    ("suspended", "dismiss", "approver", {"reason": "异议不成立。"}),
    ("suspended", "reassess", "approver", {"reason": "需要重审。"}),
    ("suspended", "reject", "approver", {"reason": "发票作废。", "confirm": "on"}),
]
LARGE = {"approved_once": {"gross_fen": 530_000_000}}


@pytest.mark.parametrize(("state", "verb", "who", "data"), STEPS)
def test_a_step_is_taken_by_whoever_may_and_by_nobody_else(desk, state, verb, who, data):
    claim = desk.claim(state, **LARGE.get(state, {}))
    roles = {role for t in workflow.CLAIM.verbs(state) if t.verb == verb for role in t.roles}
    for other in ("reviewer", "approver", "preparer", "auditor", "system_admin", "security_admin", "audit_admin"):
        role = "finance" if other == "preparer" else other
        if role in roles:
            continue
        answer = desk.act(other, claim, verb, **data)
        assert answer.status_code == (409 if role in ("reviewer", "approver") else 403), other
        claim.refresh_from_db()
        assert claim.state == state
    answer = desk.act(who, claim, verb, **data)
    assert answer.status_code == 302, answer.content.decode()
    claim.refresh_from_db()
    assert claim.state in {t.target for t in workflow.CLAIM.verbs(state) if t.verb == verb}
    assert claim.events.latest("version").verb == verb


def test_the_screen_offers_exactly_the_verbs_of_state_and_role(desk):
    for state in ("submitted", "accepted", "reviewed", "approved", "publicised", "suspended", "payable", "rejected"):
        claim = desk.claim(state)
        for who in ("reviewer", "approver", "preparer", "auditor", "system_admin"):
            page = desk.look(who, f"/admin/claims/{claim.pk}/")
            role = "finance" if who == "preparer" else who
            mine = {t.verb for t in workflow.CLAIM.verbs(state) if role in t.roles} & set(VERBS)
            forms = {verb for verb in VERBS if f'id="form-{verb}"' in page}
            assert forms == mine, (state, who)


def test_a_verb_of_another_room_is_no_page_of_the_desk(desk):
    claim = desk.claim("payable")
    for verb in ("batch", "pay", "submit", "nonsense"):
        assert desk.act("reviewer", claim, verb).status_code == 404


def test_an_irreversible_step_wants_its_confirmation_and_keeps_what_was_typed(desk):
    claim = desk.claim("submitted")
    answer = desk.act("reviewer", claim, "reject", reason="不在支持范围内")
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "请先勾选确认" in page
    assert "不在支持范围内</textarea>" in page
    claim.refresh_from_db()
    assert claim.state == "submitted"


def test_a_reason_that_is_missing_is_asked_for_in_words(desk):
    claim = desk.claim("publicised")
    page = desk.act("reviewer", claim, "suspend", reason="  ").content.decode()
    assert "请填写暂停核查的理由" in page


def test_a_ready_made_sentence_works_without_script(desk):
    claim = desk.claim("publicised")
    desk.act("reviewer", claim, "suspend", phrase="收到异议，需要核查。", reason="来电")
    assert claim.events.latest("version").reason == "收到异议，需要核查。\n来电"


def test_a_claim_is_returned_with_one_list_of_everything(desk):
    claim = desk.claim("submitted")
    desk.act("reviewer", claim, "return", item=["缺盖章页", "  ", "回单不清"])
    assert list(claim.corrections.values_list("position", "text")) == [(1, "缺盖章页"), (2, "回单不清")]
    page = desk.look("reviewer", f"/admin/claims/{claim.pk}/")
    assert "缺盖章页" in page
    assert "尚未答复" in page


def test_more_rows_can_be_asked_for_without_script_and_nothing_typed_is_lost(desk):
    claim = desk.claim("submitted")
    page = desk.act("reviewer", claim, "return", item=["第一", "第二", "第三"], more="1").content.decode()
    assert page.count('name="item"') == 5
    assert 'value="第三"' in page
    claim.refresh_from_db()
    assert claim.state == "submitted"


def test_a_cut_shows_at_once_in_the_amount_and_zero_takes_it_back(desk):
    claim = desk.claim("accepted", gross_fen=10_000_000)
    line = ClaimLine.objects.get(claim=claim)
    before = desk.browser("reviewer").get(f"/admin/claims/{claim.pk}/").context["sheet"].granted_fen
    answer = desk.act("reviewer", claim, "cut", line=line.pk, amount_fen="1,000.00", reason="超出用量")
    assert answer.status_code == 302, answer.content.decode()
    shown = desk.browser("reviewer").get(f"/admin/claims/{claim.pk}/")
    assert before - shown.context["sheet"].granted_fen == 30_000
    assert "超出用量" in shown.content.decode()
    claim.refresh_from_db()
    assert desk.act("reviewer", claim, "cut", line=line.pk, amount_fen="0", reason="更正").status_code == 302
    assert desk.browser("reviewer").get(f"/admin/claims/{claim.pk}/").context["sheet"].granted_fen == before


def test_a_cut_is_shown_before_it_is_made(desk):
    claim = desk.claim("accepted", gross_fen=10_000_000)
    asked = {"seen_version": claim.version, "line": claim.lines.get().pk, "amount_fen": "1000"}
    page = desk.browser("reviewer").get(f"/admin/claims/{claim.pk}/cut-preview/", asked).content.decode()
    assert "29,700.00" in page
    assert "减少 300.00" in page
    assert not claim.cuts.exists()
    assert desk.act("reviewer", claim, "cut", **asked, reason="超出用量").status_code == 302
    assert "29,700.00" in desk.look("reviewer", f"/admin/claims/{claim.pk}/")
    nonsense = desk.browser("reviewer").get(f"/admin/claims/{claim.pk}/cut-preview/", {"amount_fen": "x"})
    assert nonsense.content.decode().strip() == ""
    assert desk.browser("approver").get(f"/admin/claims/{claim.pk}/cut-preview/", asked).status_code == 403


def test_a_line_of_another_claim_cannot_be_cut(desk):
    claim, other = desk.claim("accepted"), desk.claim("accepted")
    answer = desk.act("reviewer", claim, "cut", line=other.lines.get().pk, amount_fen="1.00", reason="越界")
    assert answer.status_code == 409
    assert not other.cuts.exists()


def test_a_stale_screen_says_what_happened_and_keeps_the_reason(desk):
    claim = desk.claim("submitted")
    desk.act("reviewer", claim, "accept")
    answer = desk.act("reviewer", claim, "return", item=["请补充合同"])
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "申报有了变化" in page
    assert "受理" in page
    assert 'value="请补充合同"' in page
    claim.refresh_from_db()
    assert claim.state == "accepted"
    assert f'name="seen_version" value="{claim.version}"' in page


def test_a_stale_screen_keeps_the_reason_even_when_the_step_is_gone(desk):
    claim = desk.claim("reviewed")
    desk.act("approver", claim, "approve", confirm="on")
    page = desk.act("approver", claim, "send_back", reason="核减依据不足").content.decode()
    assert "核减依据不足" in page
    claim.refresh_from_db()
    assert claim.state == "approved"


def test_one_person_never_takes_two_duties_and_the_screen_says_why(desk):
    both = factories.officer("liangren", "reviewer", "approver")
    desk.office = factories.Office(both, desk.office.approver, desk.office.second, *([desk.office.preparer] * 2))
    claim = desk.claim("reviewed")
    page = desk.look("reviewer", f"/admin/claims/{claim.pk}/")
    assert "您已在该申请中承担“审核”" in page
    assert 'id="form-approve"' not in page
    assert 'id="form-send_back"' in page
    assert desk.act("reviewer", claim, "approve", confirm="on").status_code == 409
    claim.refresh_from_db()
    assert claim.state == "reviewed"
    assert claim.pk not in {c.pk for c in desk.browser("reviewer").get("/admin/queue/?view=mine").context["page"]}


def test_the_first_approver_is_not_the_second(desk):
    claim = desk.claim("approved_once", **LARGE["approved_once"])
    assert "您已在该申请中承担“审批”" in desk.look("approver", f"/admin/claims/{claim.pk}/")
    assert desk.act("approver", claim, "approve", confirm="on").status_code == 409
    assert desk.act("second", claim, "approve", confirm="on").status_code == 302


def test_an_officer_who_works_for_the_firm_decides_nothing_there(desk):
    claim = desk.claim("submitted")
    # The services do not let an officer join; who was a member before becoming one may still be.
    own = {"organisation": claim.organisation, "user": desk.office.reviewer.user}
    Membership.objects.create(**own, role="clerk", since=factories.BEGIN)
    assert "您是该单位的经办人" in desk.look("reviewer", f"/admin/claims/{claim.pk}/")
    assert desk.act("reviewer", claim, "accept").status_code == 409


def test_an_objection_is_looked_into_and_closed_on_the_publicity_desk(desk):
    claim = desk.claim("publicised")
    objection = object_to(claim, name="王某", contact="13900000000", text="该项目重复申报")
    page = desk.look("approver", "/admin/publicity/")
    assert "该项目重复申报" in page
    assert "13900000000" not in page
    given = {"objection": objection.pk, "seen_version": objection.version, "verb": "investigate"}
    assert desk.browser("auditor").post("/admin/publicity/", given).status_code == 409
    assert desk.browser("reviewer").post("/admin/publicity/", given).status_code == 302
    claim.refresh_from_db()
    assert claim.state == "suspended"
    closing = {**given, "seen_version": 1, "verb": "dismiss", "finding": ""}
    assert "理由" in desk.browser("approver").post("/admin/publicity/", closing).content.decode()
    assert desk.browser("approver").post("/admin/publicity/", {**closing, "finding": "不属实"}).status_code == 302
    objection.refresh_from_db()
    assert objection.state == "dismissed"
