"""Officers prove two factors before any page; a code works once; five wrong codes lock."""

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection
from django.test import Client

from accounts import services
from accounts.models import User
from audit.models import AuditEntry

pytestmark = pytest.mark.django_db

SET_UP = "/accounts/2fa/totp/activate/"
CODE = "/accounts/2fa/authenticate/"


def admitted(client) -> bool:
    return client.get("/admin/").status_code == 200


def enter(client, code):
    return client.post(CODE, {"code": code})


def test_an_officer_with_one_factor_gets_to_the_set_up_page_and_nowhere_else(client, officer, sign_in):
    sign_in(client)
    for path in (
        "/start/",
        "/admin/",
        "/admin/login/",
        "/admin/audit/auditentry/",
        "/accounts/2fa/",
        "/accounts/password/change/",
    ):
        assert client.get(path, follow=True).request["PATH_INFO"] == SET_UP
    assert client.post("/accounts/password/change/", {"oldpassword": "x"}).url == SET_UP
    assert "密钥" in client.get(SET_UP).content.decode()


@pytest.mark.usefixtures("commit_at_once")
def test_setting_up_admits_at_once_and_hands_out_recovery_codes(client, officer, sign_in, phone_from):
    sign_in(client)
    phone = phone_from(client.get(SET_UP))
    before = client.session.session_key
    answer = client.post(SET_UP, {"code": phone.code()})
    assert answer.url == "/accounts/2fa/recovery-codes/"
    assert client.session.session_key != before
    assert client.get(answer.url).content.decode().count('<li class="num">') == 10
    assert admitted(client)
    assert AuditEntry.objects.filter(action="user.add_second_factor", actor__contains="zhangmin").count() == 2


def test_a_wrong_code_sets_nothing_up_and_keeps_the_seed_on_the_page(client, officer, sign_in, phone_from):
    sign_in(client)
    phone = phone_from(client.get(SET_UP))
    answer = client.post(SET_UP, {"code": phone.wrong_code()})
    assert "动态码不对" in answer.content.decode()
    assert phone_from(answer).seed == phone.seed
    assert not Authenticator.objects.exists()


def test_both_factors_are_asked_and_the_way_on_is_kept(officer, give_phone, sign_in):
    client, phone = Client(), give_phone(officer)
    answer = client.post(
        "/accounts/login/?next=/admin/audit/auditentry/",
        {"login": "zhangmin", "password": "Kq7#vein-lotus", "next": "/admin/audit/auditentry/"},
    )
    assert answer.url == CODE
    assert not admitted(client)
    assert enter(client, phone.code()).url == "/admin/audit/auditentry/"
    assert admitted(client)


def test_a_code_is_refused_the_second_time(officer, give_phone, sign_in):
    phone, first, second = give_phone(officer), Client(), Client()
    code = phone.code()
    sign_in(first)
    sign_in(second)
    assert enter(first, code).status_code == 302
    assert "已经用过" in enter(second, code).content.decode()
    assert not admitted(second)
    assert enter(second, phone.code(later=1)).status_code == 302
    assert admitted(second)


def test_a_code_older_than_the_last_spent_one_is_refused(officer, give_phone, sign_in):
    phone, first, second = give_phone(officer), Client(), Client()
    earlier, later = phone.code(), phone.code(later=1)
    sign_in(first)
    sign_in(second)
    enter(first, later)
    enter(second, earlier)
    assert admitted(first)
    assert not admitted(second)


def test_the_code_that_confirmed_the_set_up_does_not_sign_in(client, officer, sign_in, phone_from):
    sign_in(client)
    phone = phone_from(client.get(SET_UP))
    code = phone.code()
    client.post(SET_UP, {"code": code})
    other = Client()
    sign_in(other)
    enter(other, code)
    assert not admitted(other)


def test_five_wrong_codes_lock_the_code_and_a_right_password_does_not_unlock_it(officer, give_phone, sign_in):
    phone = give_phone(officer)
    for _ in range(5):
        client = Client()
        sign_in(client)
        assert "动态码不对" in enter(client, phone.wrong_code()).content.decode()
    client = Client()
    sign_in(client)
    assert "已锁定" in enter(client, phone.code()).content.decode()
    assert not admitted(client)
    found = list(AuditEntry.objects.filter(ok=False).order_by("id").values_list("action", flat=True))
    assert found == ["sign_in.code"] * 5 + ["sign_in.locked"]


def test_a_recovery_code_stands_in_once(client, officer, sign_in, phone_from):
    sign_in(client)
    client.post(SET_UP, {"code": phone_from(client.get(SET_UP)).code()})
    code = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()[0]
    first, second = Client(), Client()
    sign_in(first)
    sign_in(second)
    enter(first, code)
    enter(second, code)
    assert admitted(first)
    assert not admitted(second)


def test_seeds_are_ciphertext_in_the_database(client, officer, sign_in, phone_from):
    sign_in(client)
    phone = phone_from(client.get(SET_UP))
    client.post(SET_UP, {"code": phone.code()})
    with connection.cursor() as cursor:
        cursor.execute("SELECT type, data::text FROM mfa_authenticator")
        stored = dict(cursor.fetchall())
    assert '"s1:' in stored["totp"]
    assert phone.seed not in stored["totp"]
    assert '"seed": "s1:' in stored["recovery_codes"]


def test_an_officer_cannot_give_up_the_second_factor_and_a_member_can(officer_client, make_user, give_phone, sign_in):
    page = officer_client.post("/accounts/2fa/totp/deactivate/").content.decode()
    assert "不能停用" in page
    assert Authenticator.objects.filter(user__username="zhangmin").exists()
    member = make_user("qianyi")
    phone, client = give_phone(member), Client()
    sign_in(client, "qianyi")
    enter(client, phone.code())
    client.post("/accounts/2fa/totp/deactivate/")
    assert not Authenticator.objects.filter(user=member).exists()


def test_a_reset_sends_the_officer_back_to_the_set_up(officer_client, officer, sign_in):
    services.reset_second_factor(officer)
    client = Client()
    sign_in(client)
    assert client.get("/admin/", follow=True).request["PATH_INFO"] == SET_UP


def test_a_role_given_in_mid_session_asks_for_the_code_that_is_set_up(make_user, give_phone, settings):
    user = make_user("qianyi")
    give_phone(user)
    client = Client()
    client.force_login(user)
    assert client.get("/accounts/2fa/").status_code == 200
    services.appoint(user, "auditor", valid_from=settings.CLOCK.today())
    assert client.get("/admin/").url == "/accounts/2fa/reauthenticate/?next=/admin/"


def test_a_code_proved_again_admits(make_user, give_phone):
    user = make_user("zhangmin", role="auditor")
    phone, client = give_phone(user), Client()
    client.force_login(user)
    answer = client.post("/accounts/2fa/reauthenticate/", {"code": phone.code(), "next": "/admin/"})
    assert answer.url == "/admin/"
    assert admitted(client)


def test_a_member_needs_no_second_factor_and_is_not_admitted(client, make_user, sign_in):
    make_user("qianyi")
    sign_in(client, "qianyi")
    assert client.get("/accounts/2fa/").status_code == 200
    assert client.get("/admin/", follow=True).status_code == 403


def test_superuser_and_staff_flags_open_nothing(client, make_user, sign_in):
    User.objects.filter(pk=make_user("qianyi").pk).update(is_superuser=True, is_staff=True)
    sign_in(client, "qianyi")
    assert client.get("/admin/", follow=True).status_code == 403
