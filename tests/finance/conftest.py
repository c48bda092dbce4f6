"""Officers at their desks, with both factors proved just now."""

import time

import pytest
from allauth.account.internal.flows.login import (
    _AUTHENTICATION_METHODS_USER_SESSION_KEY,
    AUTHENTICATION_METHODS_SESSION_KEY,
)
from django.test import Client

from accounts.middleware import STARTED
from tests import factories
from vouchers.disbursement import services as disbursement
from vouchers.jobs import services as jobs
from vouchers.jobs.models import Job
from vouchers.tasks import HANDLERS


@pytest.fixture(autouse=True)
def _no_files(settings):
    """Leave out what only serves files: each new client would list them all."""
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "whitenoise" not in each]


def signed_in(person, proved_seconds_ago=0):
    """A client of somebody who proved the second factor so many seconds ago."""
    client = Client()
    client.force_login(person)
    session, now = client.session, time.time()
    session[STARTED] = now
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [
        {"method": "password", "at": now},
        {"method": "mfa", "at": now - proved_seconds_ago, "id": 1, "type": "totp"},
    ]
    session[_AUTHENTICATION_METHODS_USER_SESSION_KEY] = str(person.pk)
    session.save()
    return client


@pytest.fixture
def office(db):
    return factories.office()


@pytest.fixture
def desk(office):
    """The first finance officer's client."""
    return signed_in(office.preparer.user)


@pytest.fixture
def second_desk(office):
    """The second finance officer's client."""
    return signed_in(office.signer.user)


@pytest.fixture
def auditor(db):
    return signed_in(factories.user("shenji", "auditor"))


@pytest.fixture
def payable(office):
    """Makes payable claims, each of a firm of its own: (call, claims)."""

    def make(count=2, first=1, call=None):
        call, product = call or factories.call(), factories.product()
        firms = [factories.firm(n, call, reviewer=office.reviewer) for n in range(first, first + count)]
        claims = [factories.ready(firm, product, n) for n, firm in enumerate(firms, start=first)]
        pairs = zip(claims, firms, strict=True)
        return call, [factories.drive(claim, "payable", firm, office) for claim, firm in pairs]

    return make


@pytest.fixture
def batch_in(office, payable):
    """Makes a batch in a state: (batch, claims)."""

    def make(state="open", count=2):
        call, claims = payable(count)
        batch = disbursement.open_batch(call, approval_reference="锡工信发〔2026〕31号", actor=office.preparer)
        disbursement.add_claims(batch, claims, actor=office.preparer)
        if state != "open":
            batch = disbursement.freeze(batch, actor=office.preparer)
        if state in ("signed", "released"):
            batch = disbursement.sign(batch, actor=office.signer, seen_digest=batch.digest)
        if state == "released":
            run(disbursement.start_export(batch, actor=office.preparer))
            batch = disbursement.release(batch, actor=office.preparer)
        return batch, claims

    return make


def run(job):
    """What the worker would do."""
    assert jobs.run(job.pk, HANDLERS)
    job.refresh_from_db()
    return job


def latest_job():
    return Job.objects.latest("pk")


def do(client, batch, step, query="", **data):
    """Post a step with a batch."""
    return client.post(f"/admin/batches/{batch.pk}/do/{step}/{query}", data)


def hidden(client, batch, step, name):
    """What the page's form for `step` carries in its hidden field `name`."""
    return client.get(f"/admin/batches/{batch.pk}/").context["forms"][step][name].value()
