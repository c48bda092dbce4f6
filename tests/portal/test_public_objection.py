"""Anybody may object to what is publicised; nobody else's name comes out."""

import pytest

from tests import factories
from vouchers.review.models import Objection

pytestmark = pytest.mark.django_db

GIVEN = {"name": "钱毅", "contact": "13912345678", "text": "这家单位的算力是转卖来的，附合同照片。"}


@pytest.fixture(autouse=True)
def _no_files(settings):
    """Leave out what only serves files: each new client would list them all."""
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "whitenoise" not in each]


@pytest.fixture
def publicised(office):
    """A firm and its publicised claim."""
    firm = factories.firm(1, factories.call(), reviewer=office.reviewer)
    claim = factories.ready(firm, factories.product(), 1)
    return firm, factories.drive(claim, "publicised", firm, office)


def test_an_objection_is_received_and_gets_a_number(client, publicised):
    firm, claim = publicised
    address = f"/publicity/{claim.pk}/objection/"
    assert firm.name in client.get(address).content.decode()
    answer = client.post(address, GIVEN, follow=True)
    received = Objection.objects.get()
    assert (received.claim_id, received.name, received.contact) == (claim.pk, "钱毅", "13912345678")
    page = answer.content.decode()
    assert received.number in page
    assert "钱毅" not in page
    assert "13912345678" not in client.get(address).content.decode()


@pytest.mark.parametrize("missing", ["name", "contact", "text"])
def test_what_is_missing_is_named_and_the_rest_kept(client, publicised, missing):
    answer = client.post(f"/publicity/{publicised[1].pk}/objection/", GIVEN | {missing: " "})
    page = answer.content.decode()
    assert "请填写" in page
    assert all(value in page for name, value in GIVEN.items() if name != missing)
    assert not Objection.objects.exists()


def test_a_claim_that_is_not_publicised_is_not_known(client, publicised, office):
    firm, claim = publicised
    other = factories.submitted(factories.firm(2, firm.call, reviewer=office.reviewer), factories.product(), 2)
    for pk in (other.pk, claim.pk + 1000):
        assert client.get(f"/publicity/{pk}/objection/").status_code == 404
        assert client.post(f"/publicity/{pk}/objection/", GIVEN).status_code == 404
    assert not Objection.objects.exists()


def test_a_flood_from_one_network_is_stopped_and_nothing_typed_is_lost(client, publicised, settings):
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {"objection": "2/h/ip"}
    for _ in range(2):
        client.post(f"/publicity/{publicised[1].pk}/objection/", GIVEN)
    page = client.post(f"/publicity/{publicised[1].pk}/objection/", GIVEN).content.decode()
    assert "异议太多" in page
    assert GIVEN["text"] in page
    assert Objection.objects.count() == 2
