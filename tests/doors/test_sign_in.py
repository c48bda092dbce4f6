"""Signing in: one answer for all mistakes, a lock after five, and sessions that end."""

import re
import time

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts import services
from accounts.middleware import LONGEST_SECONDS, STARTED
from accounts.models import Officer, User
from audit.models import AuditEntry

pytestmark = pytest.mark.django_db

PASSWORD = "Kq7#vein-lotus"


def signed_in(client) -> bool:
    return client.get("/accounts/2fa/").status_code == 200


def said(answer) -> str:
    """The page without what differs by chance (the form's token) or by what was typed."""
    text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", answer.content.decode())
    return re.sub(r'name="login" value="[^"]*"', "", text)


def actions(*names):
    return list(AuditEntry.objects.filter(action__in=names).order_by("id").values_list("action", "ok"))


@pytest.mark.parametrize("login", ["qianyi", "QianYi", "qian@example.cn", "QIAN@Example.cn", " qianyi "])
def test_a_member_signs_in_by_user_name_or_email_in_any_case(client, make_user, sign_in, login):
    user = make_user("qianyi", email="qian@example.cn")
    assert sign_in(client, login).url == "/start/"
    assert signed_in(client)
    assert client.get("/start/", follow=True).request["PATH_INFO"] == "/enterprise/register/"
    assert User.objects.get(pk=user.pk).last_login is not None
    assert user.history.count() == 1


def test_an_unknown_name_and_a_wrong_password_get_the_same_answer(client, make_user, sign_in):
    make_user("qianyi", email="qian@example.cn")
    answers = [
        sign_in(client, login, password)
        for login, password in [
            ("qianyi", "wrong"),
            ("nobody", "wrong"),
            ("no@example.cn", "wrong"),
            ("nobody", PASSWORD),
        ]
    ]
    assert len({(answer.status_code, said(answer)) for answer in answers}) == 1
    assert "不符" in said(answers[0])


def test_five_failures_lock_the_account_even_for_the_right_password(client, make_user, sign_in):
    user = make_user("qianyi", email="qian@example.cn")
    for login in ("qianyi", "qian@example.cn", "QIANYI", "qianyi", "qianyi"):
        assert "不符" in said(sign_in(client, login, "wrong"))
    assert "已锁定" in said(sign_in(client, "qianyi"))
    assert not signed_in(client)
    assert actions("sign_in.password", "sign_in.locked", "sign_in") == [("sign_in.password", False)] * 5 + [
        ("sign_in.locked", False)
    ]
    assert set(AuditEntry.objects.filter(ok=False).values_list("subject", flat=True)) == {f"user:{user.pk}"}


def test_a_name_that_does_not_exist_locks_just_the_same(client, make_user, sign_in):
    make_user("qianyi")
    known, unknown = Client(), Client()
    pairs = [(said(sign_in(known, "qianyi", "wrong")), said(sign_in(unknown, "nobody", "wrong"))) for _ in range(7)]
    assert all(one == other for one, other in pairs)
    assert "已锁定" in pairs[-1][0]
    assert "nobody" not in str(list(AuditEntry.objects.values("actor", "subject", "detail")))


def test_four_failures_and_a_success_start_the_count_afresh(client, make_user, sign_in):
    make_user("qianyi")
    for _ in range(2):
        for _ in range(4):
            sign_in(Client(), "qianyi", "wrong")
        one = Client()
        sign_in(one, "qianyi")
        assert signed_in(one)


def test_a_disabled_account_does_not_sign_in_and_its_sessions_die(client, make_user, sign_in):
    user = make_user("qianyi")
    sign_in(client, "qianyi")
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert not signed_in(client)
    assert sign_in(Client(), "qianyi").url == "/accounts/inactive/"


def test_signing_in_changes_the_session_and_signing_out_deletes_it(client, make_user, sign_in):
    make_user("qianyi")
    client.get("/accounts/login/")
    session = client.session
    session["before"] = True
    session.save()
    client.cookies["sessionid"] = before = session.session_key
    sign_in(client, "qianyi")
    during = client.cookies["sessionid"].value
    assert during != before
    assert not Session.objects.filter(pk=before).exists()
    client.post("/accounts/logout/")
    assert not Session.objects.filter(pk=during).exists()
    thief = Client()
    thief.cookies["sessionid"] = during
    assert not signed_in(thief)
    assert actions("sign_in", "sign_out") == [("sign_in", True), ("sign_out", True)]


def test_signing_out_asks_for_a_post(client, make_user, sign_in):
    make_user("qianyi")
    sign_in(client, "qianyi")
    client.get("/accounts/logout/")
    assert signed_in(client)


def test_a_session_left_alone_for_half_an_hour_is_over(client, make_user, sign_in):
    make_user("qianyi")
    sign_in(client, "qianyi")
    row = Session.objects.get()
    left = (row.expire_date - timezone.now()).total_seconds()
    assert 29 * 60 < left <= 30 * 60
    Session.objects.update(expire_date=timezone.now())
    assert not signed_in(client)


def test_a_busy_session_goes_on_but_not_beyond_twelve_hours(client, make_user, sign_in):
    make_user("qianyi")
    sign_in(client, "qianyi")
    session = client.session
    session[STARTED] -= LONGEST_SECONDS - 60
    session["session_seen"] = time.time() - 120
    session.save()
    Session.objects.update(expire_date=timezone.now() + timezone.timedelta(minutes=1))
    assert signed_in(client)
    assert (Session.objects.get().expire_date - timezone.now()).total_seconds() > 29 * 60
    session = client.session
    session[STARTED] -= 61
    session.save()
    answer = client.get("/accounts/2fa/", follow=True)
    assert answer.request["PATH_INFO"] == "/accounts/login/"
    assert "重新登录" in answer.content.decode()


def test_a_new_password_ends_the_other_sessions(client, make_user, sign_in):
    make_user("qianyi")
    other = Client()
    sign_in(client, "qianyi")
    sign_in(other, "qianyi")
    new = "Xw4!ridge-otter"
    answer = client.post(
        "/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new}, follow=True
    )
    assert "密码已修改" in answer.content.decode()
    assert signed_in(client)
    assert not signed_in(other)
    assert sign_in(Client(), "qianyi", new).status_code == 302
    assert actions("user.change_password") == [("user.change_password", True)]


def test_a_weak_new_password_is_refused_beside_its_field(client, make_user, sign_in):
    make_user("qianyi")
    sign_in(client, "qianyi")
    data = {"oldpassword": PASSWORD, "password1": "short", "password2": "short"}
    assert "至少要有10个字符" in client.post("/accounts/password/change/", data).content.decode()


def test_the_way_back_leads_to_no_other_site(client, make_user):
    make_user("qianyi")
    for target in ("https://evil.example/", "//evil.example/", "javascript:alert(1)"):
        answer = Client().post("/accounts/login/", {"login": "qianyi", "password": PASSWORD, "next": target})
        assert answer.url == "/start/"


def test_what_allauth_has_beside_the_sign_in_is_not_here(client):
    for path in ("/accounts/signup/", "/accounts/email/"):
        assert client.get(path).status_code == 404


def test_an_address_is_believed_only_from_our_own_proxies(client, make_user, sign_in, settings):
    make_user("qianyi")
    headers = {"HTTP_X_FORWARDED_FOR": "203.0.113.9, 198.51.100.7"}
    sign_in(Client(), "qianyi", "wrong", **headers)
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    sign_in(Client(), "qianyi", "wrong", **headers)
    assert list(AuditEntry.objects.filter(ok=False).order_by("id").values_list("ip", flat=True)) == [
        "127.0.0.1",
        "198.51.100.7",
    ]


def test_no_sign_in_without_a_record_of_it(client, make_user, sign_in, monkeypatch):
    make_user("qianyi")

    def broken(*args, **kwargs):
        raise RuntimeError("the trail cannot be written")

    monkeypatch.setattr("accounts.signals.note", broken)
    client.raise_request_exception = False
    assert sign_in(client, "qianyi").status_code == 500
    monkeypatch.undo()
    assert not signed_in(client)


def test_an_ended_role_counts_no_more_on_the_next_request(officer_client, settings):
    assert officer_client.get("/admin/").status_code == 200
    services.dismiss(Officer.objects.get(), settings.CLOCK.today())
    assert officer_client.get("/admin/", follow=True).status_code == 403


def test_passwords_are_stored_by_a_memory_hard_hash(settings):
    from config import settings as written

    assert written.PASSWORD_HASHERS[0].endswith("ScryptPasswordHasher")
    settings.PASSWORD_HASHERS = written.PASSWORD_HASHERS
    services.create_user("zhangmin", "张敏", PASSWORD)
    with connection.cursor() as cursor:
        cursor.execute("SELECT password FROM accounts_user")
        assert cursor.fetchone()[0].startswith("scrypt$")
