"""An enterprise's own details, account, members, messages and voucher; and the walls around them."""

import re
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from applicants import affairs, errors
from applicants.models import BankAccount, Membership, Organisation
from applicants.selectors import current_account, members_of
from applicants.services import add_member, add_sanction, rename
from audit.models import AuditEntry
from tests import factories
from vouchers.claims.models import Voucher
from vouchers.messages.services import tell
from vouchers.review.services import fire_voucher

pytestmark = pytest.mark.django_db

CONTACTS = {
    "contact_name": "吴越",
    "contact_phone": "139-1234-5678",
    "contact_email": "wu@example.cn",
    "address": "新址",
}


@pytest.fixture(autouse=True)
def _no_files(settings):
    """Leave out what only serves files: each new client would list them all."""
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "whitenoise" not in each]


@pytest.fixture
def firm(call):
    return factories.firm(1, call)


@pytest.fixture
def owner(firm):
    """A client of the firm's owner."""
    return signed_in(firm.clerk)


@pytest.fixture
def clerk(firm):
    """A client of a clerk of the firm."""
    person = factories.user("jingban")
    add_member(firm.organisation, person, "clerk", since=factories.BEGIN)
    return signed_in(person)


def signed_in(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def text_of(answer) -> str:
    """What a person reads."""
    assert answer.status_code == 200
    return re.sub(r"<[^>]+>", "", answer.content.decode())


def seen_in(client, path) -> str:
    """The state that a form's screen showed."""
    return re.search(r'name="seen"[^>]*value="([^"]*)"', client.get(path).content.decode()).group(1)


def account_of(firm, **changes):
    return {
        "holder_name": firm.name,
        "bank_name": "江苏银行",
        "branch": "滨湖支行",
        "number": "6222 0011 2233",
    } | changes


PATHS = [
    "/enterprise/",
    "/enterprise/contacts/",
    "/enterprise/account/",
    "/enterprise/members/",
    "/enterprise/messages/",
    "/vouchers/apply/",
]


@pytest.mark.parametrize("path", PATHS)
def test_a_stranger_is_sent_to_sign_in_and_an_officer_or_an_outsider_is_refused(client, path):
    assert client.get(path).url == f"/accounts/login/?next={path}"
    assert signed_in(factories.user("bare")).get(path).status_code == 403
    assert signed_in(factories.user("shenji", "auditor")).get(path).status_code in (302, 403)


def test_the_profile_says_who_the_enterprise_is(owner, firm):
    rename(firm.organisation, "无锡新名科技有限公司", on=settings.CLOCK.today(), document="变更登记通知书")
    page = text_of(owner.get("/enterprise/"))
    for words in ("无锡新名科技有限公司", firm.name, "变更登记通知书", firm.organisation.uscc, "138****0000"):
        assert words in page
    assert "13800000000" not in page


def test_a_sanction_in_force_is_told(owner, firm):
    assert "失信名单" not in text_of(owner.get("/enterprise/"))
    today = settings.CLOCK.today()
    add_sanction(firm.organisation.uscc, list_name="严重失信", reason="虚报", source="信用无锡", listed_on=today)
    assert "严重失信：虚报" in text_of(owner.get("/enterprise/"))


def test_contacts_are_changed_with_history_and_trail(owner, firm):
    seen = seen_in(owner, "/enterprise/contacts/")
    assert owner.post("/enterprise/contacts/", CONTACTS | {"seen": seen}).url == "/enterprise/"
    now = Organisation.objects.get()
    assert (now.contact_name, now.contact_phone, now.contact_email) == ("吴越", "13912345678", "wu@example.cn")
    assert now.history.first().history_user == firm.clerk
    entry = AuditEntry.objects.get(action="organisation.change_contacts")
    assert entry.detail == {"changed": ["address", "contact_email", "contact_name", "contact_phone"]}


def test_bad_contacts_are_named_and_kept(owner, firm):
    seen = seen_in(owner, "/enterprise/contacts/")
    answer = owner.post("/enterprise/contacts/", CONTACTS | {"seen": seen, "contact_phone": "一二三"})
    assert "电话写法不对" in text_of(answer)
    assert 'value="吴越"' in answer.content.decode()
    assert 'value="一二三"' in answer.content.decode()
    assert Organisation.objects.get().contact_name == "经办"


def test_of_two_tabs_the_second_overwrites_nothing_unseen(owner, clerk, firm):
    seen = seen_in(owner, "/enterprise/contacts/")
    clerk.post("/enterprise/contacts/", CONTACTS | {"seen": seen})
    mine = CONTACTS | {"contact_name": "郑直", "seen": seen}
    answer = owner.post("/enterprise/contacts/", mine)
    assert "有人改过这里的内容" in text_of(answer)
    assert 'value="郑直"' in answer.content.decode()
    assert Organisation.objects.get().contact_name == "吴越"
    # Having read that, the person may save: the form now knows what it replaces.
    fresh = re.search(r'name="seen"[^>]*value="([^"]*)"', answer.content.decode()).group(1)
    assert fresh != seen
    assert owner.post("/enterprise/contacts/", mine | {"seen": fresh}).status_code == 302
    assert Organisation.objects.get().contact_name == "郑直"


def test_the_same_contacts_sent_twice_are_saved_once(owner):
    seen = seen_in(owner, "/enterprise/contacts/")
    for _ in range(2):
        assert owner.post("/enterprise/contacts/", CONTACTS | {"seen": seen}).status_code == 302
    assert AuditEntry.objects.filter(action="organisation.change_contacts").count() == 1


def test_a_typing_error_over_a_stale_screen_does_not_hide_the_other_change(owner, clerk):
    seen = seen_in(owner, "/enterprise/contacts/")
    clerk.post("/enterprise/contacts/", CONTACTS | {"seen": seen})
    answer = owner.post("/enterprise/contacts/", CONTACTS | {"seen": seen, "contact_phone": "?"})
    again = re.search(r'name="seen"[^>]*value="([^"]*)"', answer.content.decode()).group(1)
    assert again == seen


def test_an_account_is_set_masked_and_the_old_one_kept(owner, firm):
    seen = seen_in(owner, "/enterprise/account/")
    assert owner.post("/enterprise/account/", account_of(firm, seen=seen)).url == "/enterprise/account/"
    account = current_account(firm.organisation, settings.CLOCK.today())
    assert (account.number, account.bank_name, account.branch) == ("622200112233", "江苏银行", "滨湖支行")
    page = text_of(owner.get("/enterprise/account/"))
    assert "**** 2233" in page
    assert "**** 0001" in page
    assert "622200112233" not in page
    assert "62000000" not in page


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"holder_name": "无锡别家有限公司"}, "与单位名称"),
        ({"holder_name": "张三"}, "只能拨到本单位的对公账户"),
        ({"number": "12"}, "账号不对"),
        ({"number": "六二二二"}, "账号不对"),
        ({"bank_name": ""}, "请填写开户银行"),
    ],
)
def test_an_account_that_cannot_be_paid_to_is_refused_and_what_was_typed_kept(owner, firm, typed, words):
    seen = seen_in(owner, "/enterprise/account/")
    answer = owner.post("/enterprise/account/", account_of(firm, seen=seen) | typed)
    assert words in text_of(answer)
    assert 'value="滨湖支行"' in answer.content.decode()
    assert BankAccount.objects.count() == 1


def test_the_same_account_sent_twice_is_one_change_and_a_stale_screen_changes_nothing(owner, firm):
    seen = seen_in(owner, "/enterprise/account/")
    for _ in range(2):
        assert owner.post("/enterprise/account/", account_of(firm, seen=seen)).status_code == 302
    assert BankAccount.objects.count() == 2
    answer = owner.post("/enterprise/account/", account_of(firm, seen=seen, number="777788889999"))
    assert "有人改过这里的内容" in text_of(answer)
    assert BankAccount.objects.count() == 2


def test_a_clerk_changes_neither_account_nor_members(clerk, firm):
    page = clerk.get("/enterprise/account/").content.decode()
    assert "由本单位负责人填写" in page
    assert 'name="number"' not in page
    account = current_account(firm.organisation, settings.CLOCK.today())
    clerk.post("/enterprise/account/", account_of(firm, seen=str(account.pk)))
    factories.user("other")
    clerk.post("/enterprise/members/", {"login": "other", "role": "owner"})
    mine = members_of(firm.organisation).get(role="owner")
    clerk.post(f"/enterprise/members/{mine.pk}/end/")
    assert BankAccount.objects.count() == 1
    assert members_of(firm.organisation).count() == 2


def test_an_owner_adds_and_removes_people(owner, firm):
    person = factories.user("liming")
    assert owner.post("/enterprise/members/", {"login": "LiMing", "role": "clerk"}).status_code == 302
    membership = members_of(firm.organisation).get(user=person)
    theirs = signed_in(person)
    assert theirs.get("/enterprise/").status_code == 200
    assert "liming" in text_of(owner.get("/enterprise/members/"))
    owner.post(f"/enterprise/members/{membership.pk}/end/")
    assert theirs.get("/enterprise/").status_code == 403
    assert "以前的成员" in text_of(owner.get("/enterprise/members/"))
    assert Membership.objects.get(pk=membership.pk).until == settings.CLOCK.today()


@pytest.mark.parametrize("login", ["nobody", "a@b.cn", ""])
def test_an_unknown_person_is_not_added_and_what_was_typed_stays(owner, firm, login):
    answer = owner.post("/enterprise/members/", {"login": login, "role": "clerk"})
    assert "没有找到" in text_of(answer) or "请填写" in text_of(answer)
    assert members_of(firm.organisation).count() == 1


def test_an_account_with_an_unconfirmed_address_is_not_added(owner, firm):
    person = factories.user("impostor")
    EmailAddress.objects.create(user=person, email="colleague@example.cn", primary=True)
    assert "没有找到" in text_of(owner.post("/enterprise/members/", {"login": "impostor", "role": "clerk"}))


def test_an_officer_is_not_added_and_nobody_twice(owner, firm):
    factories.user("shenhe", "reviewer")
    page = text_of(owner.post("/enterprise/members/", {"login": "shenhe", "role": "clerk"}))
    assert "工作人员的账号不能加入" in page
    page = text_of(owner.post("/enterprise/members/", {"login": firm.clerk.username, "role": "clerk"}))
    assert "已经是本单位成员" in page


def test_the_last_owner_cannot_leave(owner, clerk, firm):
    mine = members_of(firm.organisation).get(role="owner")
    page = text_of(owner.post(f"/enterprise/members/{mine.pk}/end/", follow=True))
    assert "至少要有一名负责人" in page
    with pytest.raises(errors.LastOwner):
        affairs.dismiss(mine, firm.clerk)
    add_member(firm.organisation, factories.user("second"), "owner", since=factories.BEGIN)
    assert owner.post(f"/enterprise/members/{mine.pk}/end/").url == "/start/"
    assert owner.get("/enterprise/").status_code == 403


def test_ending_a_membership_twice_ends_it_once(owner, firm, clerk):
    membership = members_of(firm.organisation).get(role="clerk")
    for _ in range(2):
        assert owner.post(f"/enterprise/members/{membership.pk}/end/").status_code == 302
    assert AuditEntry.objects.filter(action="organisation.end_membership").count() == 1


def test_members_of_another_enterprise_are_not_known(owner, call):
    other = factories.firm(2, call)
    membership = members_of(other.organisation).get()
    assert owner.post(f"/enterprise/members/{membership.pk}/end/").status_code == 404
    assert members_of(other.organisation).count() == 1


def test_who_belongs_to_several_chooses_and_never_one_that_is_not_theirs(owner, firm, call):
    second, foreign = factories.firm(2, call), factories.firm(3, call)
    add_member(second.organisation, firm.clerk, "clerk", since=factories.BEGIN)
    assert second.name in text_of(owner.get("/enterprise/"))
    owner.post("/enterprise/switch/", {"organisation": second.organisation.pk})
    assert second.organisation.uscc in text_of(owner.get("/enterprise/"))
    for bad in (foreign.organisation.pk, "", "x", 10**9):
        assert owner.post("/enterprise/switch/", {"organisation": bad}).status_code == 404
    assert second.organisation.uscc in text_of(owner.get("/enterprise/"))
    assert owner.get("/enterprise/switch/").status_code == 405


def test_messages_are_one_s_own_newest_first_in_pages(owner, firm, call):
    other = factories.firm(2, call)
    for number in range(25):
        tell(firm.organisation, f"第{number}件", "内容<b>\n第二行")
    tell(other.organisation, "别家的", "秘密")
    first, second = (text_of(owner.get(f"/enterprise/messages/?page={page}")) for page in (1, 2))
    assert first.index("第24件") < first.index("第23件")
    assert "第0件" in second
    assert "别家的" not in first + second
    assert "内容&lt;b&gt;" in first


def test_the_messages_ask_as_often_for_fifty_as_for_one(owner, firm):
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert owner.get("/enterprise/messages/").status_code == 200
        return len(asked)

    tell(firm.organisation, "第一件", "内容")
    owner.get("/enterprise/")  # the first page of a session notes when it was seen
    for_one = queries()
    for number in range(49):
        tell(firm.organisation, f"第{number}件", "内容")
    assert queries() == for_one


def test_a_voucher_is_applied_for_once(owner, firm, call):
    assert "200万元" in text_of(owner.get("/vouchers/apply/"))
    given = {"call": call.pk, "purpose": "训练面料瑕疵检测模型"}
    assert owner.post("/vouchers/apply/", given).url == "/vouchers/apply/"
    voucher = Voucher.objects.get()
    assert (voucher.organisation_id, voucher.purpose) == (firm.organisation.pk, given["purpose"])
    page = text_of(owner.get("/vouchers/apply/"))
    assert "已申领，等待发放" in page
    assert voucher.serial_number in page
    assert "已经申领过" in text_of(owner.post("/vouchers/apply/", given))
    assert Voucher.objects.count() == 1


def test_after_a_refusal_one_reads_why_and_applies_again(owner, call):
    owner.post("/vouchers/apply/", {"call": call.pk, "purpose": "训练"})
    fire_voucher(
        Voucher.objects.get(), "refuse", actor=factories.officer("shenhe", "reviewer"), reason="用途写得太简单"
    )
    page = text_of(owner.get("/vouchers/apply/"))
    assert "上次申领没有通过" in page
    assert "用途写得太简单" in page
    owner.post("/vouchers/apply/", {"call": call.pk, "purpose": "训练面料瑕疵检测模型"})
    assert list(Voucher.objects.order_by("pk").values_list("state", flat=True)) == ["refused", "applied"]


def test_an_issued_voucher_leads_on_to_the_claims(owner, call):
    owner.post("/vouchers/apply/", {"call": call.pk, "purpose": "训练"})
    fire_voucher(Voucher.objects.get(), "issue", actor=factories.officer("shenhe", "reviewer"))
    page = owner.get("/vouchers/apply/").content.decode()
    assert "去申请兑付" in page
    assert "<textarea" not in page


@pytest.mark.parametrize("purpose", ["", "   ", "字" * 501])
def test_a_purpose_that_will_not_do_is_named_and_kept(owner, call, purpose):
    answer = owner.post("/vouchers/apply/", {"call": call.pk, "purpose": purpose})
    assert answer.status_code == 200
    assert 'class="msg"' in answer.content.decode()
    assert purpose.strip() in answer.content.decode()
    assert not Voucher.objects.exists()


def test_nothing_is_applied_for_under_a_call_that_is_not_open(owner, call):
    today = settings.CLOCK.today()
    closed = factories.call(year=2024, filing_from=today - timedelta(9), filing_until=today - timedelta(1))
    for bad in (closed.pk, call.pk + 1000, "", "x"):
        assert owner.post("/vouchers/apply/", {"call": bad, "purpose": "训练"}).status_code == 404
    factories.pass_days(400)
    client = signed_in(factories.User.objects.get(username="clerk1"))
    assert "现在没有可以申领的年度" in text_of(client.get("/vouchers/apply/"))


def test_a_session_that_ended_comes_back_to_the_page_it_left(owner, call):
    owner.logout()
    answer = owner.post("/enterprise/contacts/", CONTACTS)
    assert answer.url == "/accounts/login/?next=/enterprise/contacts/"
