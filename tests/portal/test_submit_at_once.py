"""A double click on “提交”: one submission, and both answers lead to its receipt."""

import pytest

from tests import factories
from tests.at_once import at_once
from tests.doors.test_walls import signed_in
from vouchers.review.models import ClaimEvent

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_clicks_submit_once_and_both_come_to_the_receipt():
    firm = factories.firm(1, factories.call(), reviewer=factories.officer("shenhe", "reviewer"))
    claim = factories.ready(firm, factories.product(), 1)
    clients = [signed_in(firm.clerk) for _ in range(3)]
    said = {"version": claim.version, "truth": "on", "unrelated": "on"}
    answers = at_once([lambda c=c: c.post(f"/claims/{claim.number}/submit/", said) for c in clients])
    assert {getattr(answer, "url", answer.status_code) for answer in answers} == {f"/claims/{claim.number}/receipt/"}
    assert ClaimEvent.objects.filter(verb="submit").count() == 1
