"""The account that grants go to: in the organisation's own name, sealed, one at a time."""

import datetime as dt

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from accounts.encryption import fingerprint
from applicants import errors, selectors, services
from applicants.models import BankAccount
from applicants.names import names_match
from audit.models import AuditEntry

NAME = "无锡澄影（集团）AI科技有限公司"
NUMBER = "32050161888800001234"
DAY = dt.date(2025, 6, 2)


def set_account(organisation, **kwargs):
    facts = {"holder_name": NAME, "bank_name": "江苏银行", "number": NUMBER, "on": DAY}
    return services.set_bank_account(organisation, **(facts | kwargs))


@pytest.fixture
def organisation(make_organisation):
    return make_organisation(name=NAME)


@pytest.mark.parametrize(
    "written",
    [
        "无锡澄影(集团)AI科技有限公司",
        "无锡澄影（集团）ＡＩ科技有限公司",
        " 无锡澄影 （集团） ai科技有限公司　",
        "无锡澄影〔集团〕AI科技有限公司",
        "无锡澄影[集团]AI科技有限公司\u200b",
    ],
)
def test_width_brackets_and_spaces_make_no_other_name(written):
    assert names_match(written, NAME)


@pytest.mark.parametrize("written", ["", "无锡澄影集团AI科技有限公司", "无锡澄影（集团）AI科技有限公司工会", "周舟"])
def test_another_name_is_another_name(written):
    assert not names_match(written, NAME)


def test_two_empty_names_do_not_match():
    assert not names_match(" ", "　")


@given(st.text(), st.text())
def test_matching_is_symmetric(a, b):
    assert names_match(a, b) == names_match(b, a)


@pytest.mark.django_db
def test_an_account_in_another_name_is_refused_with_both_names(organisation):
    with pytest.raises(errors.AccountNameMismatch, match="周舟.*澄影"):
        set_account(organisation, holder_name="周舟")
    assert not BankAccount.objects.exists()


@pytest.mark.django_db
def test_the_name_is_the_one_of_the_day(organisation):
    services.rename(organisation, "无锡新名有限公司", on=DAY)
    with pytest.raises(errors.AccountNameMismatch):
        set_account(organisation)
    assert set_account(organisation, holder_name="无锡新名有限公司").holder_name == "无锡新名有限公司"


@pytest.mark.django_db
def test_a_private_account_is_refused(organisation):
    with pytest.raises(errors.NotCorporate):
        set_account(organisation, corporate=False)
    account = set_account(organisation)
    with pytest.raises(IntegrityError, match="bank_account_is_corporate"), transaction.atomic():
        BankAccount.objects.filter(pk=account.pk).update(corporate=False)


@pytest.mark.django_db
@pytest.mark.parametrize("number", ["", "12345", "账号123456", "1" * 33, "1234567;"])
def test_what_is_no_account_number_is_refused(organisation, number):
    with pytest.raises(errors.BadAccountNumber):
        set_account(organisation, number=number)


@pytest.mark.django_db
def test_spaces_and_wide_digits_in_a_number_are_put_right(organisation):
    account = set_account(organisation, number="３２０5 0161-8888 0000 1234 ")
    assert account.number == NUMBER
    assert account.fingerprint == fingerprint(NUMBER)


@pytest.mark.django_db
def test_the_number_is_ciphertext_in_the_table_and_in_its_history(organisation):
    account = set_account(organisation)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT number FROM applicants_bankaccount UNION ALL SELECT number FROM applicants_historicalbankaccount"
        )
        stored = [row[0] for row in cursor.fetchall()]
    assert len(stored) == 2
    assert all(text.startswith("s1:") and NUMBER not in text for text in stored)
    assert account.history.get().number == NUMBER
    assert NUMBER not in str(account)
    assert NUMBER not in str(list(AuditEntry.objects.values_list("detail", flat=True)))


@pytest.mark.django_db
def test_a_new_account_ends_the_one_before_and_both_are_kept(organisation):
    later = DAY + dt.timedelta(days=30)
    first, second = set_account(organisation), set_account(organisation, number="32050161888800009999", on=later)
    assert selectors.current_account(organisation, later - dt.timedelta(days=1)) == first
    assert selectors.current_account(organisation, later) == second
    with pytest.raises(errors.BadAccountDate):
        set_account(organisation, on=DAY)


@pytest.mark.django_db
def test_an_account_is_corrected_on_its_first_day(organisation):
    set_account(organisation)
    corrected = set_account(organisation, number="32050161888800009999")
    assert selectors.current_account(organisation, DAY) == corrected


@pytest.mark.django_db
def test_two_accounts_on_one_day_are_refused_by_the_database(organisation):
    first = set_account(organisation)
    second = set_account(organisation, number="32050161888800009999", on=DAY + dt.timedelta(days=30))
    for row, change in ((first, {"valid_until": None}), (second, {"valid_from": DAY})):
        with pytest.raises(IntegrityError, match="bank_account_one_at_a_time"), transaction.atomic():
            BankAccount.objects.filter(pk=row.pk).update(**change)
