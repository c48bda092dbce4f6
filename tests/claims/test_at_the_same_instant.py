"""Two clicks, two tabs, two claims: one draft, one quota."""

import pytest
from knox.models import AuthToken

from accounts.tokens import TooManyTokens, new_token
from tests import factories
from tests.at_once import at_once
from vouchers.claims import services as claims
from vouchers.claims import uploads
from vouchers.claims.intake import ClaimError
from vouchers.claims.models import Claim, Voucher
from vouchers.claims.papers import Attachment

pytestmark = pytest.mark.django_db(transaction=True)
PDF = b"%PDF-1.7 test"


@pytest.fixture
def firm():
    return factories.firm(1, factories.call(), reviewer=factories.officer("shenhe", "reviewer"))


def test_a_second_click_opens_no_second_draft(firm):
    voucher = Voucher.objects.select_related("organisation", "call").get()
    opened = at_once([lambda: claims.open_claim(voucher, user=firm.clerk)] * 4)
    assert {claim.pk for claim in opened} == {Claim.objects.get().pk}


def test_another_draft_is_opened_once_something_is_in_the_first(firm):
    claims.upload(factories.draft(firm), kind="contract", name="a.pdf", content=PDF, user=firm.clerk)
    factories.draft(firm)
    factories.pass_days(1)
    factories.draft(firm)
    assert Claim.objects.count() == 3


def test_the_quota_holds_for_uploads_to_two_claims_at_once(firm, monkeypatch):
    first = factories.draft(firm)
    factories.pass_days(1)
    drafts = [first, factories.draft(firm)]
    monkeypatch.setattr(uploads, "MOST_BYTES", len(PDF) + 1)
    jobs = [
        lambda d=d: claims.upload(d, kind="contract", name="a.pdf", content=PDF, user=firm.clerk) for d in drafts * 3
    ]
    assert sum(isinstance(result, ClaimError) for result in at_once(jobs)) == 5
    assert Attachment.objects.count() == 1


def test_tokens_asked_for_at_once_are_no_more_than_five(firm):
    results = at_once([lambda: new_token(firm.clerk)] * 8)
    assert sum(isinstance(result, TooManyTokens) for result in results) == 3
    assert AuthToken.objects.count() == 5
