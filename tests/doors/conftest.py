"""People at the door, and the phone in an officer's hand."""

import datetime as dt
import time

import pytest
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.db import transaction
from django.test import Client

from accounts import services

PASSWORD = "Kq7#vein-lotus"


@pytest.fixture(autouse=True)
def _no_files(settings):
    """Leave out what only serves files: each new client would list them all."""
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "whitenoise" not in each]


@pytest.fixture
def commit_at_once(monkeypatch):
    """What waits for the commit happens inside the request, as it does outside tests."""
    monkeypatch.setattr(transaction, "on_commit", lambda func, using=None, robust=False: func())


class Phone:
    """An authenticator app: it knows the seed and shows codes."""

    def __init__(self, seed: str):
        self.seed = seed

    def code(self, later: int = 0) -> str:
        """The code of this 30-second step, or of one `later`. The server takes one step more or less."""
        step = int(time.time()) // 30 + later
        return totp.format_hotp_value(totp.hotp_value(self.seed, step))

    def wrong_code(self) -> str:
        """A code that belongs to no step near now."""
        near = {self.code(later) for later in range(-2, 4)}
        return next(code for code in (f"{n:06d}" for n in range(10)) if code not in near)


@pytest.fixture
def make_user(db):
    """A user of the given username; with `role`, an officer."""

    def make(username="qianyi", role=None, **kwargs):
        user = services.create_user(username, "钱毅", PASSWORD, **kwargs)
        if role:
            services.appoint(user, role, valid_from=dt.date(2025, 1, 1))
        return user

    return make


@pytest.fixture
def give_phone(db):
    """Set up a second factor for a user, as the set-up page would."""

    def give(user) -> Phone:
        seed = totp.generate_totp_secret()
        Authenticator.objects.create(
            user=user, type=Authenticator.Type.TOTP, data={"secret": get_adapter().encrypt(seed)}
        )
        return Phone(seed)

    return give


@pytest.fixture
def phone_from():
    """The phone that scanned the set-up page `answer`."""
    return lambda answer: Phone(answer.context["form"].secret)


@pytest.fixture
def sign_in():
    """Send the sign-in form; gives the answer."""

    def send(client: Client, login="zhangmin", password=PASSWORD, **extra):
        return client.post("/accounts/login/", {"login": login, "password": password}, **extra)

    return send


@pytest.fixture
def officer(make_user):
    """A reviewer without a second factor."""
    return make_user("zhangmin", role="reviewer")


@pytest.fixture
def officer_client(officer, give_phone, sign_in):
    """A client in which the officer has proved both factors."""
    client, phone = Client(), give_phone(officer)
    sign_in(client)
    answer = client.post("/accounts/2fa/authenticate/", {"code": phone.code()})
    assert answer.status_code == 302
    return client
