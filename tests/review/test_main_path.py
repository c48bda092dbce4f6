"""The main job through the services, without screens."""

import datetime as dt

import pytest
from django.conf import settings

from tests import factories
from vouchers.ledger.selectors import cap_used_fen, held_fen, pool_available_fen
from vouchers.review.deadlines import pass_deadlines
from vouchers.review.services import fire

pytestmark = pytest.mark.django_db


def test_a_claim_goes_from_invoice_to_payable_and_the_ledger_follows():
    reviewer, approver = factories.officer("shenhe", "reviewer"), factories.officer("shenpi", "approver")
    call = factories.call()
    firm = factories.firm(1, call, reviewer=reviewer)
    claim = factories.submitted(firm, factories.product(), 1)
    assert (claim.state, claim.granted_fen, held_fen(claim.pk)) == ("submitted", 3_180_000, 3_180_000)
    assert pool_available_fen("compute_voucher", 2025) == 5_000_000_000 - 3_180_000
    assert cap_used_fen("compute_voucher", 2025, firm.organisation.pk) == 3_180_000
    fire(claim, "accept", actor=reviewer)
    fire(claim, "review", actor=reviewer)
    fire(claim, "approve", actor=approver)
    fire(claim, "publicise", actor=reviewer)
    claim.refresh_from_db()
    settings.CLOCK.move_to(settings.CLOCK.now() + dt.timedelta(days=15))
    assert pass_deadlines() == 1
    claim.refresh_from_db()
    assert claim.state == "payable"
