"""What a draft or a returned claim may take back, and what waits too long for another."""

import threading

import pytest
from django.db import connection, transaction

from accounts.locks import Busy
from tests import factories
from vouchers.claims import services as claims
from vouchers.claims.models import Claim
from vouchers.claims.papers import Allocation, Invoice
from vouchers.review.services import fire

pytestmark = pytest.mark.django_db


def test_a_line_and_a_match_of_a_returned_claim_can_be_taken_back_and_free_the_number(office):
    call, product = factories.call(), factories.product()
    firm = factories.firm(1, call, reviewer=office.reviewer)
    claim = factories.ready(firm, product, 1)
    second = factories.add_invoice(claim, firm, product, 2)
    fire(claim, "submit", actor=firm.actor)
    fire(claim, "return", actor=office.reviewer, reason="第二张发票不属于算力服务")
    claims.drop_line(claim.lines.get(invoice_line__invoice=second), user=firm.clerk)
    claims.drop_allocation(Allocation.objects.get(invoice=second), user=firm.clerk)
    second.refresh_from_db()
    assert (second.bound_at, second.allocated_fen) == (None, 0)
    fire(claim, "resubmit", actor=firm.actor)
    claim.refresh_from_db()
    assert claim.granted_fen == 3_180_000
    assert Invoice.objects.filter(bound_at__isnull=False).count() == 1


def test_nothing_is_taken_back_from_a_submitted_claim(office):
    call, product = factories.call(), factories.product()
    firm = factories.firm(1, call, reviewer=office.reviewer)
    claim = factories.submitted(firm, product, 1)
    with pytest.raises(claims.ClaimError):
        claims.drop_line(claim.lines.get(), user=firm.clerk)
    with pytest.raises(claims.ClaimError):
        claims.drop_allocation(claim.allocations.get(), user=firm.clerk)


@pytest.mark.django_db(transaction=True)
def test_whoever_waits_too_long_for_a_claim_is_told_to_try_again():
    office = factories.office()
    call, product = factories.call(), factories.product()
    firm = factories.firm(1, call, reviewer=office.reviewer)
    claim = factories.submitted(firm, product, 1)
    held, done = threading.Event(), threading.Event()

    def hog():
        with transaction.atomic():
            Claim.objects.select_for_update().get(pk=claim.pk)
            held.set()
            done.wait(20)
        connection.close()

    hogging = threading.Thread(target=hog)
    hogging.start()
    held.wait(10)
    try:
        with pytest.raises(Busy, match="稍候重试"):
            fire(claim, "accept", actor=office.reviewer)
    finally:
        done.set()
        hogging.join()
    assert fire(claim, "accept", actor=office.reviewer).target == "accepted"
