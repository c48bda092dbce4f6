"""What an enterprise says of contract, service and rate classes is on the officer's page, and in the trace."""

import datetime as dt

import pytest

from tests import factories
from vouchers.claims.contracts import ContractFacts
from vouchers.claims.services import declare_line
from vouchers.review.services import fire

pytestmark = pytest.mark.django_db


def filed(desk, contract, **terms):
    call = factories.call(year=2025, version=2, **terms)
    firm = factories.firm(90, call, reviewer=desk.office.reviewer)
    claim = factories.ready(firm, desk.product, 90)
    line = claim.lines.get().invoice_line
    declare_line(claim, line, desk.product, user=firm.clerk, contract=contract)
    fire(claim, "submit", actor=firm.actor)
    return claim


def shown(desk, claim):
    answer = desk.browser("reviewer").get(f"/admin/claims/{claim.pk}/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_officer_sees_contract_and_service_and_how_they_count(desk):
    facts = ContractFacts(
        "HT-9", contract_fen=20_000_000, service_from=dt.date(2025, 1, 1), service_until=dt.date(2026, 12, 31)
    )
    page = shown(desk, filed(desk, facts, within_contract=True, proration="inclusive"))
    for words in ("合同和服务情况", "HT-9", "200,000.00 元", "2025-01-01 至 2026-12-31", "首尾两日都计"):
        assert words in page


def test_a_call_that_asks_for_none_of_it_shows_none_of_it(desk):
    assert "合同和服务情况" not in shown(desk, desk.claim())
