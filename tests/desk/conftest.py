"""Officers at their desk: signed in with both factors, a browser for each."""

import time

import pytest
from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.middleware import STARTED
from tests import factories


@pytest.fixture(autouse=True)
def _no_files(settings):
    """Leave out what only serves files: each new client would list them all."""
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "whitenoise" not in each]


def browser_of(user) -> Client:
    """A browser in which `user` proved both factors."""
    client = Client()
    client.force_login(user)
    session = client.session
    session[STARTED] = time.time()
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "mfa", "at": time.time(), "id": 1, "type": "totp"}]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return client


class Desk:
    """A bureau, a call, something to buy; and the browsers of its officers."""

    def __init__(self):
        self.office, self.call, self.product = factories.office(), factories.call(), factories.product()
        self.last = 0
        self.browsers = {}

    def browser(self, name: str) -> Client:
        """The browser of an officer of the office (reviewer, approver, second, preparer), or of a lone role."""
        if name not in self.browsers:
            actor = getattr(self.office, name, None) or factories.officer(f"only-{name}".replace("_", "-"), name)
            self.browsers[name] = browser_of(actor.user)
        return self.browsers[name]

    def firm(self):
        """Another enterprise with its voucher."""
        self.last += 1
        return factories.firm(self.last, self.call, reviewer=self.office.reviewer)

    def claim(self, state: str = "submitted", **invoice):
        """A claim of a firm of its own, brought to `state`."""
        firm = self.firm()
        claim = factories.drive(factories.ready(firm, self.product, self.last, **invoice), state, firm, self.office)
        claim.firm = firm
        return claim

    def act(self, name: str, claim, verb: str, **data):
        """Send the form of `verb` as its page does; `seen_version` is what the claim has here."""
        given = {"seen_version": claim.version, **data}
        return self.browser(name).post(f"/admin/claims/{claim.pk}/do/{verb}/", given)

    def look(self, name: str, address: str) -> str:
        """The page at `address`, as text."""
        answer = self.browser(name).get(address)
        assert answer.status_code == 200, answer
        return answer.content.decode()

    def queries(self, name: str, address: str) -> int:
        """How often a page asks the database; asked twice, for what is remembered after the first time."""
        self.look(name, address)
        with CaptureQueriesContext(connection) as asked:
            self.look(name, address)
        return len(asked)


@pytest.fixture
def desk(db):
    """A desk with nothing on it."""
    return Desk()
