"""Whoever lost the password gets a new one by e-mail, and nobody learns who has an account."""

import re

import pytest
from django.core import mail
from django.test import Client

from tests.doors.conftest import PASSWORD

pytestmark = pytest.mark.django_db
NEW = "Zx4!lotus-harbour"


@pytest.fixture
def person(make_user):
    return make_user("qianyi", email="qianyi@example.com")


def ask(client, email):
    return client.post("/accounts/password/reset/", {"email": email}, follow=True)


def link():
    return re.search(r"http://testserver(/accounts/password/reset/key/\S+)", mail.outbox[-1].body)[1]


def test_a_new_password_by_e_mail_works_once_and_ends_every_session(client, person, sign_in, commit_at_once):
    elsewhere = Client()
    sign_in(elsewhere, "qianyi")
    assert ask(client, "QIANYI@example.com").status_code == 200
    assert person.email == mail.outbox[-1].to[0]
    path = link()
    page = client.get(path, follow=True)
    assert "保存新密码" in page.content.decode()
    answer = client.post(page.request["PATH_INFO"], {"password1": NEW, "password2": NEW}, follow=True)
    assert "密码已修改" in answer.content.decode()
    assert elsewhere.get("/start/").status_code == 302
    assert sign_in(Client(), "qianyi", NEW).status_code == 302
    assert "不符" in sign_in(Client(), "qianyi", PASSWORD).content.decode()
    assert "链接已失效" in Client().get(path, follow=True).content.decode()


def test_a_weak_password_is_refused_in_chinese_and_the_link_still_works(client, person):
    ask(client, "qianyi@example.com")
    page = client.get(link(), follow=True)
    answer = client.post(page.request["PATH_INFO"], {"password1": "12345678", "password2": "12345678"})
    assert answer.status_code == 200
    assert "保存新密码" in answer.content.decode()


def test_an_unknown_address_gets_the_same_answer_and_no_letter(client, person):
    known = ask(client, "qianyi@example.com").content
    sent = len(mail.outbox)
    unknown = ask(Client(), "nobody@example.com").content
    assert re.sub(rb"nonce=\S+", b"", known) == re.sub(rb"nonce=\S+", b"", unknown)
    assert len(mail.outbox) == sent == 1
