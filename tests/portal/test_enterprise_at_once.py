"""Two people of an enterprise at the same instant."""

import datetime as dt

import pytest
from django.conf import settings

from applicants import affairs, errors
from applicants.models import BankAccount, Membership, Organisation
from applicants.selectors import current_account, members_of, seen_account
from applicants.services import add_member
from tests import factories
from tests.at_once import at_once
from vouchers.claims.models import Voucher
from vouchers.claims.services import apply_for_voucher
from vouchers.management.demo.papers import credit_code

pytestmark = pytest.mark.django_db(transaction=True)

LICENCE = {
    "code": credit_code(77),
    "name": "无锡澄影智能科技有限公司",
    "category": "digital_enterprise",
    "district": "滨湖区",
    "address": "蠡溪路1号",
    "legal_representative": "周舟",
    "contact_name": "顾明月",
    "contact_phone": "13912345678",
    "registered_on": dt.date(2019, 3, 15),
}


@pytest.fixture
def two():
    """An organisation with two owners, and these."""
    firm = factories.firm(1, factories.call())
    second = factories.user("second")
    add_member(firm.organisation, second, "owner", since=factories.BEGIN)
    return firm, [firm.clerk, second]


def test_two_owners_who_leave_at_once_leave_one(two):
    firm, owners = two
    memberships = [members_of(firm.organisation).get(user=user) for user in owners]
    pairs = zip(memberships, owners, strict=True)
    results = at_once([lambda m=m, u=u: affairs.dismiss(m, u) for m, u in pairs])
    assert sorted(map(type, results), key=str) == sorted([type(None), errors.LastOwner], key=str)
    assert members_of(firm.organisation).filter(role="owner").count() == 1


def test_two_accounts_at_once_are_one_change(two):
    firm, owners = two
    seen = seen_account(current_account(firm.organisation, settings.CLOCK.today()))

    def change(user, number):
        return affairs.change_account(
            firm.organisation, user, seen=seen, holder_name=firm.name, bank_name="江苏银行", branch="", number=number
        )

    results = at_once([lambda: change(owners[0], "622200000001"), lambda: change(owners[1], "622200000002")])
    assert sum(isinstance(result, errors.ChangedMeanwhile) for result in results) == 1
    assert BankAccount.objects.filter(valid_until=None).count() == 1


def test_one_code_registered_by_two_people_at_once_is_one_enterprise():
    people = [factories.user("first"), factories.user("second")]
    results = at_once([lambda user=user: affairs.register_own(user, **LICENCE) for user in people])
    assert sum(isinstance(result, errors.AlreadyRegistered) for result in results) == 1
    assert Organisation.objects.count() == Membership.objects.count() == 1


def test_one_person_in_two_tabs_registers_one_enterprise():
    person = factories.user("first")
    codes = [credit_code(77), credit_code(78)]
    results = at_once([lambda code=code: affairs.register_own(person, **LICENCE | {"code": code}) for code in codes])
    assert sum(isinstance(result, errors.AlreadyActing) for result in results) == 1
    assert Organisation.objects.count() == 1


def test_a_voucher_asked_for_in_two_tabs_is_one(two):
    firm, owners = two
    jobs = [lambda u=u: apply_for_voucher(firm.organisation, firm.call, purpose="训练", user=u) for u in owners]
    assert sum(isinstance(result, Voucher) for result in at_once(jobs)) == 1
    assert Voucher.objects.count() == 1
