"""From a stranger to the owner of a registered enterprise."""

import re
import smtplib

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from accounts.models import User
from accounts.services import create_user
from applicants.models import Membership, Organisation
from applicants.selectors import own_organisations
from audit.models import AuditEntry
from tests import factories
from vouchers.management.demo.papers import credit_code

pytestmark = pytest.mark.django_db

PASSWORD = "Kq7#vein-lotus"
PERSON = {
    "name": "顾明月",
    "email": "Gu@Example.cn",
    "phone": "139 1234 5678",
    "username": "gumingyue",
    "password": PASSWORD,
    "again": PASSWORD,
}
LICENCE = {
    "code": credit_code(77),
    "name": "无锡澄影智能科技有限公司",
    "category": "digital_enterprise",
    "district": "滨湖区",
    "legal_representative": "周舟",
    "registered_on": "2019-03-15",
    "address": "蠡溪路1号",
    "contact_name": "顾明月",
    "contact_phone": "0510-81820000",
    "contact_email": "",
}


@pytest.fixture(autouse=True)
def _no_files(settings):
    """Leave out what only serves files: each new client would list them all."""
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "whitenoise" not in each]


def text_of(answer) -> str:
    """What a person reads."""
    assert answer.status_code == 200
    return re.sub(r"<[^>]+>", "", answer.content.decode())


def link_in(message) -> str:
    """The path of the confirmation in a mail."""
    return re.search(r"https?://[^/]+(/accounts/confirm/\S+)", message.body).group(1)


def registered(**changes) -> Client:
    """A client that registered, and is signed in; its address is not confirmed."""
    client = Client()
    assert client.post("/register/", PERSON | changes).url == "/register/sent/"
    client.force_login(User.objects.get(username=(PERSON | changes)["username"]))
    return client


def confirmed(**changes) -> Client:
    """A client whose person confirmed the address."""
    client = registered(**changes)
    client.post(link_in(mail.outbox[-1]))
    return client


def test_the_whole_way_in(client):
    assert client.post("/register/", PERSON).url == "/register/sent/"
    assert "请查收邮件" in text_of(client.get("/register/sent/"))
    [message] = mail.outbox
    assert message.to == ["gu@example.cn"]
    assert message.subject == "【无锡市算力券】请确认您的邮箱"
    assert "顾明月" in message.body
    link = link_in(message)
    assert "gu@example.cn" in text_of(client.get(link))
    assert not EmailAddress.objects.get().verified
    assert client.post(link).url == "/accounts/login/"
    assert EmailAddress.objects.get().verified
    signed_in = client.post("/accounts/login/", {"login": "gumingyue", "password": PASSWORD}, follow=True)
    assert signed_in.redirect_chain[-1][0] == "/enterprise/register/"
    assert client.post("/enterprise/register/", LICENCE).url == "/enterprise/account/"
    user = User.objects.get()
    organisation = own_organisations(user).get()
    assert (organisation.current_name, organisation.contact_phone) == (LICENCE["name"], "051081820000")
    assert Membership.objects.get().role == "owner"
    assert "单位登记好了" in text_of(client.get("/enterprise/account/"))
    actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert {"user.register", "user.confirm_email", "organisation.register", "organisation.add_member"} <= actions


def test_the_phone_is_sealed_and_the_trail_tells_no_secret():
    registered()
    assert User.objects.get().phone == "13912345678"
    for entry in AuditEntry.objects.all():
        assert "13912345678" not in str(entry.detail)
        assert PASSWORD not in str(entry.detail)


def test_an_unconfirmed_account_can_act_for_nobody_and_gets_another_mail_when_asked():
    client = registered()
    page = text_of(client.get("/enterprise/register/"))
    assert "先确认邮箱" in page
    assert "统一社会信用代码" not in page
    client.post("/enterprise/register/", LICENCE)
    assert not Organisation.objects.exists()
    sent = len(mail.outbox)
    assert "gu@example.cn" in text_of(client.post("/register/again/", follow=True))
    # Within three minutes the first link has to do.
    assert len(mail.outbox) == sent


def test_an_address_that_is_taken_answers_alike_and_its_owner_is_told(client):
    create_user("old", "旧人", PASSWORD, email="gu@example.cn")
    answer = client.post("/register/", PERSON)
    assert answer.url == "/register/sent/"
    assert not User.objects.filter(username="gumingyue").exists()
    [message] = mail.outbox
    assert message.to == ["gu@example.cn"]
    assert "已经有账号" in message.subject
    assert "/accounts/login/" in message.body
    fresh = Client().post("/register/", PERSON | {"email": "new@example.cn", "username": "other"})
    assert (answer.status_code, answer.url, answer.content) == (fresh.status_code, fresh.url, fresh.content)


def test_a_weak_password_is_refused_even_for_an_address_that_is_taken(client):
    create_user("old", "旧人", PASSWORD, email="gu@example.cn")
    page = text_of(client.post("/register/", PERSON | {"password": "short", "again": "short"}))
    assert "密码至少要有10个字符" in page
    assert not mail.outbox


def test_a_username_that_is_taken_in_whatever_case_is_named(client):
    create_user("GuMingYue", "旧人", PASSWORD)
    page = text_of(client.post("/register/", PERSON))
    assert "这个用户名已经有人使用" in page


def test_the_same_form_sent_twice_makes_one_account(client):
    for _ in range(2):
        assert client.post("/register/", PERSON).url == "/register/sent/"
    assert User.objects.count() == 1
    assert len(mail.outbox) == 1


def test_the_same_form_with_another_password_does_not_pass_for_its_owner(client):
    client.post("/register/", PERSON)
    other = "Zr9!quiet-moon"
    assert "已经有人使用" in text_of(client.post("/register/", PERSON | {"password": other, "again": other}))


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"name": " "}, "请填写姓名"),
        ({"email": "gu@"}, "邮箱写法不对"),
        ({"phone": "12"}, "电话写法不对"),
        ({"username": "顾"}, "用户名须为"),
        ({"username": "a@b"}, "用户名须为"),
        ({"again": "另一个"}, "两次输入的密码不一样"),
        ({"name": "A\x00"}, "空字符"),
    ],
)
def test_bad_input_is_named_and_what_was_typed_kept(client, typed, words):
    given = PERSON | typed
    answer = client.post("/register/", given)
    assert words in text_of(answer)
    page = answer.content.decode()
    for name in {"name", "email", "phone", "username"} - set(typed):
        assert f'value="{given[name]}"' in page
    assert PASSWORD not in page
    assert not User.objects.exists()


def test_mail_that_does_not_go_out_loses_no_account(client, monkeypatch):
    def broken(*args, **kwargs):
        raise smtplib.SMTPServerDisconnected("gone")

    monkeypatch.setattr("django.core.mail.message.EmailMessage.send", broken)
    answer = client.post("/register/", PERSON, follow=True)
    assert "确认邮件现在发不出去" in text_of(answer)
    assert User.objects.filter(username="gumingyue").exists()


def test_a_flood_of_registrations_from_one_network_is_stopped(client, settings):
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {"signup": "1/m/ip"}
    client.post("/register/", PERSON)
    page = text_of(client.post("/register/", PERSON | {"username": "second", "email": "b@example.cn"}))
    assert "注册太多" in page


@pytest.mark.parametrize("key", ["nonsense", "MQ:1tTtTt:aaaaaaaa"])
def test_a_link_that_is_wrong_says_what_to_do(client, key):
    assert "链接不对，或者已经过期" in text_of(client.get(f"/accounts/confirm/{key}/"))
    assert client.post(f"/accounts/confirm/{key}/").status_code == 404


def test_a_link_works_once(client):
    registered()
    link = link_in(mail.outbox[0])
    client.post(link)
    assert "已经过期" in text_of(client.get(link))


def test_who_was_given_an_account_by_an_administrator_is_vouched_for(client):
    client.force_login(factories.user("newbie"))
    assert client.post("/enterprise/register/", LICENCE).url == "/enterprise/account/"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("", "请填写统一社会信用代码"),
        ("9132", "您填了4位"),
        (credit_code(77)[:-1] + "Z", "不会有“Z”"),
        (credit_code(77)[:8] + "999999999" + credit_code(77)[17:], "末位校验码与前17位对不上"),
    ],
)
def test_a_wrong_credit_code_is_explained_and_the_rest_kept(code, words):
    client = confirmed()
    answer = client.post("/enterprise/register/", LICENCE | {"code": code})
    assert words in text_of(answer)
    assert 'value="无锡澄影智能科技有限公司"' in answer.content.decode()
    assert not Organisation.objects.exists()


def test_a_code_is_taken_as_people_type_it():
    client = confirmed()
    typed = " " + "-".join([LICENCE["code"][:9].lower(), LICENCE["code"][9:]])
    assert client.post("/enterprise/register/", LICENCE | {"code": typed}).status_code == 302
    assert Organisation.objects.get().uscc == LICENCE["code"]


def test_an_enterprise_that_is_registered_already_is_not_taken_over():
    confirmed().post("/enterprise/register/", LICENCE)
    second = confirmed(username="second", email="second@example.cn")
    page = text_of(second.post("/enterprise/register/", LICENCE | {"name": "无锡别名有限公司"}))
    assert "已经登记过" in page
    assert "负责人" in page
    assert Membership.objects.count() == 1


def test_the_form_sent_twice_registers_once():
    client = confirmed()
    client.post("/enterprise/register/", LICENCE)
    assert client.post("/enterprise/register/", LICENCE | {"code": credit_code(78)}).url == "/enterprise/"
    assert Organisation.objects.count() == 1


@pytest.mark.parametrize("day", ["2999-01-01", "1500-01-01", "昨天"])
def test_a_founding_day_that_cannot_be_is_refused(day):
    page = text_of(confirmed().post("/enterprise/register/", LICENCE | {"registered_on": day}))
    assert "日期" in page
    assert not Organisation.objects.exists()


def test_a_stranger_is_asked_to_sign_in_and_comes_back(client):
    answer = client.get("/enterprise/register/")
    assert answer.url == "/accounts/login/?next=/enterprise/register/"


@pytest.mark.parametrize("role", ["reviewer", "finance", "system_admin"])
def test_officers_register_nothing(role, client):
    client.force_login(factories.user("officer", role))
    assert client.post("/enterprise/register/", LICENCE).status_code == 302
    assert not Organisation.objects.exists()


def test_after_signing_in_everybody_arrives_where_they_belong(client):
    firm = factories.firm(1, factories.call())
    for person, there in [(firm.clerk, "/claims/"), (factories.user("bare"), "/enterprise/register/")]:
        client.force_login(person)
        assert client.get("/start/").url == there
