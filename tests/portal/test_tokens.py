"""A member's tokens for programs: seen once, listed by their beginning, ended with one click."""

import re

import pytest
from django.test import Client
from knox.models import AuthToken

from audit.models import AuditEntry
from tests import factories

pytestmark = pytest.mark.django_db
PAGE = "/enterprise/tokens/"


@pytest.fixture
def firm():
    return factories.firm(1, factories.call())


@pytest.fixture
def member(client, firm):
    client.force_login(firm.clerk)
    return client


def test_a_token_is_shown_once_works_and_is_ended(member, firm):
    made = member.post(PAGE)
    token = re.search(r'<code class="key">(\w+)</code>', made.content.decode())[1]
    assert "no-store" in made["Cache-Control"]
    assert token not in member.get(PAGE).content.decode()
    program = Client(headers={"authorization": f"Token {token}"})
    assert program.get("/api/v1/claims/").status_code == 200
    key = AuthToken.objects.get().token_key
    assert "立即不能再调用" in member.post(f"{PAGE}{key}/end/", follow=True).content.decode()
    assert program.get("/api/v1/claims/").status_code == 401
    actions = list(AuditEntry.objects.filter(action__startswith="token.").values_list("action", flat=True))
    assert sorted(actions) == ["token.create", "token.end"]
    assert token not in str(list(AuditEntry.objects.values_list("detail", flat=True)))


def test_there_are_five_at_most(member):
    for _ in range(5):
        member.post(PAGE)
    assert "最多 5 个" in member.post(PAGE).content.decode()
    assert AuthToken.objects.count() == 5


def test_looking_makes_none(member):
    member.get(PAGE)
    assert not AuthToken.objects.exists()


def test_nobody_ends_a_colleagues_token(member, firm):
    other = factories.firm(2, firm.call)
    AuthToken.objects.create(other.clerk)
    key = AuthToken.objects.get().token_key
    assert "没有找到这个令牌" in member.post(f"{PAGE}{key}/end/", follow=True).content.decode()
    assert AuthToken.objects.count() == 1
