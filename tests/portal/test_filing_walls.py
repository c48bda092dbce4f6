"""Another enterprise's claim does not exist, on any address; and the pages ask as often for many rows as for one."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests import factories
from vouchers.claims import services as claims
from vouchers.claims.models import Claim
from vouchers.claims.papers import Attachment, Invoice, PaymentMade
from vouchers.portal.filing.urls import urlpatterns
from vouchers.review.corrections import open_items, return_for_correction

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_files(settings):
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "whitenoise" not in each]


def signed_in(firm):
    client = Client()
    client.force_login(firm.clerk)
    return client


def addresses(claim):
    """Every address of the room, with the ids of this claim."""
    ids = {
        "claim_open": claim.voucher_id,
        "claim_invoice_typed": Attachment.objects.filter(kind="invoice").first().pk,
        "claim_payment": PaymentMade.objects.first().pk,
        "claim_payment_remove": PaymentMade.objects.first().pk,
        "claim_file": Attachment.objects.first().pk,
        "claim_file_remove": Attachment.objects.first().pk,
        "claim_answer": open_items(claim)[0].pk,
    }
    for pattern in urlpatterns:
        if pattern.name not in ("claims", "agreements"):
            row = str(ids.get(pattern.name, Invoice.objects.first().pk))
            route = str(pattern.pattern).replace("<slug:number>", claim.number).replace("<slug:what>", "lines")
            for part in ("<int:pk>", "<int:file>", "<int:voucher>", "<int:position>", "<int:page>"):
                route = route.replace(part, row)
            yield pattern.name, f"/claims/{route}"


@pytest.fixture
def returned(firm, office):
    claim = factories.submitted(firm, factories.product(), 1)
    return_for_correction(claim, ["补合同"], actor=office.reviewer)
    claim.refresh_from_db()
    return claim


def state_of_everything():
    return [list(model.objects.order_by("pk").values()) for model in (Claim, Invoice, PaymentMade, Attachment)]


def test_another_enterprises_claim_does_not_exist_on_any_address(firm, returned, office):
    stranger = signed_in(factories.firm(2, firm.call, reviewer=office.reviewer))
    before = state_of_everything()
    for name, address in addresses(returned):
        for ask in (stranger.get, stranger.post):
            answer = ask(address)
            assert answer.status_code in (404, 405), (name, answer)
    assert state_of_everything() == before
    assert returned.number not in stranger.get("/claims/").content.decode()


def test_rows_of_another_enterprise_under_ones_own_claim_do_not_exist_either(firm, returned, office):
    other = factories.firm(2, firm.call, reviewer=office.reviewer)
    own, stranger = factories.draft(other), signed_in(other)
    before = state_of_everything()
    for name, address in addresses(returned):
        if any(f"/{part}/" in address for part in ("invoices", "payments", "files", "corrections", "keep")):
            row = address.replace(returned.number, own.number)
            if row.strip("/").split("/")[-1] in ("invoices", "waiting", "payments", "corrections", "match"):
                continue
            assert stranger.get(row).status_code in (404, 405), name
            assert stranger.post(row).status_code in (404, 405), name
    assert state_of_everything() == before


def test_strangers_and_officers_are_kept_out(returned, office):
    for name, address in [*addresses(returned), ("claims", "/claims/"), ("agreements", "/claims/agreements/")]:
        assert "/accounts/login/" in Client().get(address).url, name
    officer = Client()
    officer.force_login(office.reviewer.user)
    assert officer.get("/claims/").status_code in (302, 403)


def asked(client, address):
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200, address
    return len(queries)


def test_the_pages_ask_as_often_for_fifty_rows_as_for_one(firm):
    product = factories.product()
    claim = factories.ready(firm, product, 1)
    client = signed_in(firm)
    first = Invoice.objects.get()
    pages = [f"/claims/{claim.number}/{rest}" for rest in
             ("", "invoices/", "payments/", "papers/", "submit/", "decision/", f"invoices/{first.pk}/")] + ["/claims/"]  # fmt: skip
    for each in pages:
        asked(client, each)
    few = {each: asked(client, each) for each in pages}
    for number in range(2, 51):
        factories.add_invoice(claim, firm, product, number, gross_fen=1_060_000)
        claims.upload(claim, kind="other", name="a.pdf", content=b"%PDF", user=firm.clerk)
    for _ in range(9):
        factories.draft(firm)
    assert {each: asked(client, each) for each in pages} == few
    assert max(few.values()) <= 40
