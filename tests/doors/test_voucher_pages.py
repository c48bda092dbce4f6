"""Every page of the vouchers in the admin: it opens, finds, masks, and asks the database as often for many rows."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import factories
from vouchers.disbursement import services as disbursement

pytestmark = pytest.mark.django_db
MODELS = [model for model in apps.get_app_config("vouchers").get_models() if admin.site.is_registered(model)]


def path(model, rest=""):
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/{rest}"


@pytest.fixture
def paid_claims():
    """Adds `count` claims, batched, each of a firm of its own; rows of nearly every kind come along."""
    office, call, product = factories.office(), factories.call(), factories.product()

    def add(numbers):
        claims = []
        for number in numbers:
            firm = factories.firm(number, call, reviewer=office.reviewer)
            claims.append(factories.drive(factories.ready(firm, product, number), "payable", firm, office))
        batch = disbursement.open_batch(call, approval_reference="批复", actor=office.preparer)
        disbursement.add_claims(batch, claims, actor=office.preparer)
        batch = disbursement.freeze(batch, actor=office.preparer)
        disbursement.sign(batch, actor=office.signer, seen_digest=batch.digest)
        disbursement.start_export(disbursement.Batch.objects.get(pk=batch.pk), actor=office.signer)

    return add


def queries(client, address):
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(address)
    assert answer.status_code == 200, address
    return len(asked), answer.content.decode()


def test_every_model_of_the_vouchers_is_shown():
    from vouchers.models import __all__ as registered

    assert {model.__name__ for model in MODELS} == set(registered)


def test_lists_and_details_open_and_ask_as_often_for_fifty_rows_as_for_one(officer_client, paid_claims):
    paid_claims([1])
    # Once for what is remembered: who this is, and which model has which number.
    counted(officer_client)
    lists, details = counted(officer_client)
    assert len(details) > 15
    paid_claims(range(2, 51))
    assert counted(officer_client) == (lists, details)
    assert max(lists.values()) <= 10


def counted(client):
    """How often each list, and each detail page of a first row, asks the database."""
    lists = {model: queries(client, path(model))[0] for model in MODELS}
    rows = {model: model.objects.order_by("pk").first() for model in MODELS}
    return lists, {m: queries(client, path(m, f"{row.pk}/change/"))[0] for m, row in rows.items() if row is not None}


def test_lists_find_what_they_say_they_find(officer_client, paid_claims):
    paid_claims([1, 2])
    for model in MODELS:
        queries(officer_client, path(model, "?q=DF2025"))
    _, page = queries(officer_client, "/admin/vouchers/claim/?q=示范2科技")
    assert "无锡示范2科技有限公司" in page
    assert "无锡示范1科技有限公司" not in page


def test_account_numbers_are_masked_and_amounts_are_yuan(officer_client, paid_claims):
    paid_claims([1])
    payment = disbursement.Payment.objects.get()
    _, page = queries(officer_client, path(disbursement.Payment, f"{payment.pk}/change/"))
    assert "6200000000000001" not in page
    assert "0001" in page
    assert "31,800.00" in page


def test_a_decision_explains_itself(officer_client, paid_claims):
    from vouchers.review.models import Decision

    paid_claims([1])
    _, page = queries(officer_client, path(Decision, f"{Decision.objects.latest('pk').pk}/change/"))
    assert "本市智能算力按 30% 补助" in page
    assert "二（三）7" in page


def test_nobody_changes_anything_there(officer_client, paid_claims):
    paid_claims([1])
    for model in MODELS:
        assert officer_client.get(path(model, "add/")).status_code == 403, model
        row = model.objects.order_by("pk").first()
        if row is not None:
            assert officer_client.post(path(model, f"{row.pk}/delete/"), {"post": "yes"}).status_code == 403, model
            assert officer_client.post(path(model, f"{row.pk}/change/"), {"state": "paid"}).status_code == 403, model
