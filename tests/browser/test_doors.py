"""Signing in, as people do it."""

import pytest

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_officer_signs_in_with_the_phone_and_sees_the_desk(sign_in, officer):
    _, phone = officer("shenhe", "沈荷", "reviewer")
    visitor = sign_in("shenhe", phone)
    assert visitor.page.url.endswith("/admin/")
    visitor.look("officer-home")


def test_the_way_in_is_whole_at_every_width(visit):
    visitor = visit()
    for name, path in {"home": "/", "login": "/accounts/login/", "policy": "/policy/", "help": "/help/"}.items():
        visitor.go(path)
        visitor.look(name)
