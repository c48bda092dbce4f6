"""The year's call stays inside the law, and stays as it is once claims rest on it."""

import datetime as dt
from decimal import Decimal
from functools import partial

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction

from tests import factories
from tests.in_between import in_between
from vouchers.calls.calendar import add_working_days
from vouchers.calls.models import Call, Holiday
from vouchers.calls.services import CallError, current_call, draft_call, publish
from vouchers.claims.services import ClaimError
from vouchers.ledger.selectors import pool_available_fen
from vouchers.policy import NoLawInForce
from vouchers.review.services import fire
from vouchers.rules import CallExceedsLaw

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("change", "clause"),
    [
        ({"local_rate": Decimal("0.3001")}, "30%"),
        ({"external_rate": Decimal("0.1501")}, "15%"),
        ({"annual_cap_fen": 200_000_001}, "200 万元"),
        ({"pool_fen": 5_000_000_001}, "5000 万元"),
    ],
)
def test_a_call_beyond_a_ceiling_is_refused_with_the_clause_it_breaks(change, clause):
    with pytest.raises(CallExceedsLaw, match=clause):
        factories.call(**change)
    assert not Call.objects.exists()


def test_there_is_no_call_for_a_year_without_a_law():
    with pytest.raises(NoLawInForce, match="2026"):
        factories.call(year=2026)


def test_what_is_checked_is_what_is_published():
    """A draft saved with more than the law allows is not published by a copy in memory that keeps within it."""
    call = factories.call()
    draft = Call.objects.get(pk=call.pk)
    draft.pk, draft.version, draft.published_at, draft.local_rate = None, 2, None, Decimal("0.9000")
    draft.save()
    draft.local_rate = Decimal("0.3000")
    with pytest.raises(CallExceedsLaw):
        publish(draft, actor="test")
    assert current_call("compute_voucher", 2025).version == 1


def test_a_published_call_is_not_published_again():
    with pytest.raises(CallError, match="已经发布"):
        publish(factories.call(), actor="test")


def test_there_is_no_current_call_before_one_is_published():
    with pytest.raises(CallError, match="2024"):
        current_call("compute_voucher", 2024)


def test_the_same_appropriation_twice_funds_the_pool_once():
    call = factories.call(pool_fen=1_000)
    factories.appropriate(call, citation="测试拨款", actor="test")
    assert pool_available_fen("compute_voucher", 2025) == 1_000


@pytest.mark.parametrize("change", ["local_rate = 0.2", "frozen_at = NULL", "version = 9"])
def test_a_call_that_claims_rest_on_changes_no_more(change):
    office = factories.office()
    call = factories.call()
    with connection.cursor() as cursor:
        factories.submitted(factories.firm(1, call, reviewer=office.reviewer), factories.product(), 1)
        with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
            cursor.execute(f"UPDATE vouchers_call SET {change} WHERE id = %s", [call.pk])
        with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
            cursor.execute("DELETE FROM vouchers_call WHERE id = %s", [call.pk])
    call.refresh_from_db()
    call.title = "再改"
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        call.save()


def test_after_the_filing_window_nothing_is_submitted_and_the_draft_stays():
    office = factories.office()
    firm = factories.firm(1, factories.call(), reviewer=office.reviewer)
    claim = factories.ready(firm, factories.product(), 1)
    factories.pass_days(366)
    with pytest.raises(ClaimError, match="截止"):
        fire(claim, "submit", actor=firm.actor)
    claim.refresh_from_db()
    assert claim.state == "draft"
    assert claim.lines.count() == 1
    assert claim.call.frozen_at is None


def test_before_the_filing_window_nobody_applies():
    tomorrow = settings.CLOCK.today() + dt.timedelta(days=1)
    call = factories.call(filing_from=tomorrow)
    with pytest.raises(ClaimError, match="尚未开始"):
        factories.firm(1, call, reviewer=factories.office().reviewer)


def test_working_days_skip_weekends_and_holidays_and_count_worked_weekends():
    Holiday.objects.create(day=dt.date(2025, 10, 1), name="国庆节")
    Holiday.objects.create(day=dt.date(2025, 9, 28), name="国庆节调休", is_workday=True)
    friday = dt.date(2025, 9, 26)
    assert [add_working_days(friday, days) for days in (0, 1, 2, 3, 4)] == [
        friday,
        dt.date(2025, 9, 28),
        dt.date(2025, 9, 29),
        dt.date(2025, 9, 30),
        dt.date(2025, 10, 2),
    ]


@pytest.mark.django_db(transaction=True)
def test_two_officials_who_begin_a_draft_at_once_have_one():
    office, _ = factories.office(), factories.call()
    begin = partial(draft_call, "compute_voucher", 2025, user=office.reviewer.user)
    outcome = in_between(begin, begin)
    assert (type(outcome.first), type(outcome.second)) == (CallError, Call)
    assert Call.objects.count() == 2
