"""Registering with a double click, and what a new password ends."""

import pytest
from django.test import Client
from knox.models import AuthToken

from accounts.models import User
from accounts.tokens import new_token
from tests.at_once import at_once
from tests.doors.conftest import PASSWORD

PERSON = {
    "name": "顾明月",
    "email": "gu@example.cn",
    "phone": "13912345678",
    "username": "gumingyue",
    "password": PASSWORD,
    "again": PASSWORD,
}


@pytest.mark.django_db(transaction=True)
def test_two_clicks_on_register_are_one_account_and_one_answer():
    answers = at_once([lambda: Client().post("/register/", PERSON)] * 3)
    assert [answer.status_code for answer in answers] == [302] * 3
    assert User.objects.count() == 1


@pytest.mark.django_db
def test_a_new_password_ends_the_tokens_of_whoever_knew_the_old_one(client, make_user, sign_in):
    person = make_user("zhangmin")
    new_token(person)
    sign_in(client)
    new = "Vm3#otter-Glade"
    client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert not AuthToken.objects.exists()
