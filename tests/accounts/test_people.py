"""Accounts and officers: unique names, passwords that hold, roles that may not meet."""

import datetime as dt
import io
from itertools import combinations

import pytest
from django.contrib.auth.password_validation import get_default_password_validators
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from accounts import errors, passwords, selectors, services
from accounts.choices import ADMINISTRATOR_ROLES, BUSINESS_ROLES, ROLES
from accounts.models import Officer, User
from audit.models import AuditEntry

pytestmark = pytest.mark.django_db

DAY = dt.date(2025, 6, 2)
PASSWORD = "Kq7#vein-lotus"
BUSINESS = [role for role, _ in BUSINESS_ROLES]
ADMINISTRATORS = [role for role, _ in ADMINISTRATOR_ROLES]


def insert_office(user, role, start, end=None):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_officer (user_id, role, district, valid_from, valid_until)"
            " VALUES (%s, %s, '', %s, %s)",
            [user.pk, role, start, end],
        )


def refused(constraint):
    return pytest.raises(IntegrityError, match=constraint)


def test_nobody_exists_after_an_installation():
    assert not User.objects.exists()


def test_a_username_is_taken_in_whatever_case(make_user):
    make_user("zhangmin")
    with pytest.raises(errors.UsernameTaken):
        make_user("ZhangMin")
    with refused("username_unique_in_any_case"), transaction.atomic():
        User(username="ZHANGMIN", password="x").save()


def test_an_email_is_taken_in_whatever_case_and_may_be_missing_often(make_user):
    make_user("a1", email="zhang@example.cn")
    with pytest.raises(errors.UsernameTaken):
        make_user("a2", email="Zhang@Example.cn")
    make_user("a3")
    make_user("a4")


@pytest.mark.parametrize("username", ["a@b.cn", "张敏", "-zhang", "z", "zhang min", ""])
def test_a_username_that_could_be_mistaken_is_refused(make_user, username):
    with pytest.raises(errors.BadUsername):
        make_user(username)
    with refused("username_is_plain"), transaction.atomic():
        User(username=username, password="x").save()


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("Sh0rt#pwd", "至少要有10个字符"),
        ("Password123", "很多人都在用"),
        ("Zhangmin#2", "相近"),
        ("Wuxi算力2025!", "人人想得到"),
        ("onlylowercaseletters", "至少三种"),
    ],
)
def test_a_weak_password_is_refused_by_its_own_rule_in_chinese(password, why):
    with pytest.raises(errors.WeakPassword, match=why):
        services.create_user("zhangmin", "张敏", password)
    services.create_user("zhangmin", "张敏", PASSWORD)


def test_the_asvs_profile_asks_for_length_and_no_composition(settings):
    settings.AUTH_PASSWORD_VALIDATORS = passwords.validators("asvs")
    get_default_password_validators.cache_clear()
    try:
        services.create_user("a1", "张敏", "onlylowercaseletters")
        with pytest.raises(errors.WeakPassword, match="12个字符"):
            services.create_user("a2", "张敏", "Kq7#vein-lo")
    finally:
        get_default_password_validators.cache_clear()


def test_a_new_account_is_audited_and_has_history_without_its_password(make_user):
    admin = make_user("shenjie")
    user = services.create_user("zhangmin", "张敏", PASSWORD, by=admin)
    entry = AuditEntry.objects.get(subject=f"user:{user.pk}")
    assert (entry.action, entry.actor, entry.ok) == ("user.create", f"user:{admin.pk} shenjie", True)
    row = user.history.get()
    assert row.history_user == admin
    assert not hasattr(row, "password")


@pytest.mark.parametrize(("first", "second"), list(combinations(ADMINISTRATORS, 2)))
def test_two_of_the_three_administrators_never_meet_in_one_account(make_user, first, second):
    user = make_user()
    services.appoint(user, first, valid_from=DAY)
    with pytest.raises(errors.RoleConflict):
        services.appoint(user, second, valid_from=DAY + dt.timedelta(days=30))
    with refused("officer_roles_apart"), transaction.atomic():
        insert_office(user, second, DAY - dt.timedelta(days=30))


@pytest.mark.parametrize("administrator", ADMINISTRATORS)
@pytest.mark.parametrize("business", BUSINESS)
def test_an_administrator_holds_no_business_role_whichever_came_first(make_user, administrator, business):
    one, two = make_user("a1"), make_user("a2")
    insert_office(one, administrator, DAY)
    with refused("officer_roles_apart"), transaction.atomic():
        insert_office(one, business, DAY)
    insert_office(two, business, DAY)
    with refused("officer_roles_apart"), transaction.atomic():
        insert_office(two, administrator, DAY)


def test_an_update_cannot_bring_two_roles_together_either(make_user):
    user = make_user()
    insert_office(user, "system_admin", DAY, DAY + dt.timedelta(days=10))
    insert_office(user, "finance", DAY + dt.timedelta(days=10))
    with refused("officer_roles_apart"), transaction.atomic():
        Officer.objects.filter(role="system_admin").update(valid_until=None)


def test_business_roles_may_meet_and_one_role_is_not_given_twice(make_user):
    user = make_user()
    for role in BUSINESS:
        services.appoint(user, role, valid_from=DAY)
    assert selectors.roles_of(user, DAY) == frozenset(BUSINESS)
    with pytest.raises(errors.RoleConflict):
        services.appoint(user, "reviewer", valid_from=DAY, district="滨湖区")


def test_an_unknown_role_or_district_is_refused_by_the_database(make_user):
    user = make_user()
    with refused("officer_role_known"), transaction.atomic():
        insert_office(user, "emperor", DAY)
    with refused("officer_district_known"), transaction.atomic():
        Officer(user=user, role="reviewer", district="姑苏区", valid_from=DAY).save()
    with refused("officer_days_in_order"), transaction.atomic():
        insert_office(user, "reviewer", DAY, DAY - dt.timedelta(days=1))


def test_a_role_counts_from_its_first_day_until_the_day_before_its_end(make_user):
    user = make_user()
    office = services.appoint(user, "finance", valid_from=DAY)
    services.dismiss(office, DAY + dt.timedelta(days=5))
    days = [-1, 0, 4, 5]
    assert [selectors.is_officer(user, DAY + dt.timedelta(days=day)) for day in days] == [False, True, True, False]
    assert office.history.count() == 2


def test_a_disabled_account_has_no_roles(make_user):
    user = make_user()
    services.appoint(user, "finance", valid_from=DAY)
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert selectors.roles_of(user, DAY) == frozenset()


def test_the_shell_makes_the_first_officer(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))
    call_command("appoint", "shenjie", "security_admin", "--name", "沈洁", stdout=io.StringIO())
    assert selectors.roles_of(User.objects.get(username="shenjie")) == {"security_admin"}


def test_the_shell_says_why_it_refuses(monkeypatch, make_user):
    make_user("shenjie")
    call_command("appoint", "shenjie", "security_admin", stdout=io.StringIO())
    with pytest.raises(CommandError, match="互斥"):
        call_command("appoint", "shenjie", "finance")
    with pytest.raises(CommandError, match="--name"):
        call_command("appoint", "nobody", "finance")


def test_every_role_has_its_own_room_in_the_constraint(make_user):
    # A role missing from the constraint's CASE would count as an administrator: exactly three may.
    alone = [role for role, _ in ROLES if not _may_stand_beside(make_user(f"u-{role}"), role)]
    assert sorted(alone) == sorted(ADMINISTRATORS)


def _may_stand_beside(user, role):
    insert_office(user, role, DAY)
    neighbour = "auditor" if role != "auditor" else "reviewer"
    try:
        with transaction.atomic():
            insert_office(user, neighbour, DAY)
    except IntegrityError:
        return False
    return True
