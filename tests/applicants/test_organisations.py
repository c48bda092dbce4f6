"""Organisations, their names through time, their members and sanctions."""

import datetime as dt

import pytest
from django.db import IntegrityError, connection, transaction

from accounts import services as accounts
from accounts.errors import Refused
from applicants import errors, selectors, services
from applicants.models import Organisation, OrganisationName
from audit.models import AuditEntry

pytestmark = pytest.mark.django_db

FOUNDED = dt.date(2019, 3, 4)
DAY = dt.date(2025, 6, 2)
BEFORE = DAY - dt.timedelta(days=1)


def test_a_wrong_code_is_refused_with_what_to_do(make_organisation):
    with pytest.raises(errors.InvalidUscc, match="营业执照"):
        make_organisation(code="91320214MA1XPQ3F0Q")
    assert not Organisation.objects.exists()


def test_an_organisation_is_registered_once(make_organisation, new_code):
    code = new_code()
    make_organisation(code=code)
    with pytest.raises(errors.AlreadyRegistered):
        make_organisation(code=f" {code.lower()} ")


def test_a_district_is_for_wuxi_alone(make_organisation):
    with pytest.raises(errors.DistrictNeeded):
        make_organisation(district="")
    with pytest.raises(errors.DistrictNeeded):
        make_organisation(city="苏州市")
    organisation = make_organisation(city="苏州市", district="")
    with pytest.raises(IntegrityError, match="district_fits_city"), transaction.atomic():
        Organisation.objects.filter(pk=organisation.pk).update(district="滨湖区")


def test_a_registration_is_audited_without_the_phone(make_organisation):
    organisation = make_organisation()
    entry = AuditEntry.objects.get(subject=f"organisation:{organisation.pk}")
    assert entry.action == "organisation.register"
    assert "13812345678" not in str(entry.detail)


def test_a_rename_keeps_every_name_for_its_days(make_organisation):
    organisation = make_organisation(name="无锡旧名科技有限公司")
    services.rename(organisation, "无锡新名科技股份有限公司", on=DAY, document="准予变更登记通知书")
    assert selectors.name_on(organisation, FOUNDED) == "无锡旧名科技有限公司"
    assert selectors.name_on(organisation, BEFORE) == "无锡旧名科技有限公司"
    assert selectors.name_on(organisation, DAY) == "无锡新名科技股份有限公司"
    first = organisation.names.get(why="registered")
    assert [row.valid_until for row in first.history.order_by("history_id")] == [None, DAY]


def test_a_name_is_asked_only_for_days_that_had_one(make_organisation):
    with pytest.raises(errors.NoNameOnDate):
        selectors.name_on(make_organisation(), FOUNDED - dt.timedelta(days=1))


def test_a_rename_before_the_present_name_is_refused(make_organisation):
    with pytest.raises(errors.BadNameDate):
        services.rename(make_organisation(), "别名", on=FOUNDED)


def test_two_names_on_one_day_are_refused_by_the_database(make_organisation):
    organisation, other = make_organisation(), make_organisation()
    insert = (
        "INSERT INTO applicants_organisationname (organisation_id, name, valid_from, valid_until, why, document)"
        " VALUES (%s, '另名', %s, %s, 'renamed', '')"
    )
    with connection.cursor() as cursor:
        for start, end in ((DAY, None), (FOUNDED, DAY), (dt.date(2000, 1, 1), FOUNDED + dt.timedelta(days=1))):
            with pytest.raises(IntegrityError, match="organisation_one_name_a_day"), transaction.atomic():
                cursor.execute(insert, [organisation.pk, start, end])
        cursor.execute(insert, [other.pk, dt.date(2000, 1, 1), FOUNDED])


def test_many_names_are_read_in_one_query(make_organisation, django_assert_num_queries):
    organisations = [make_organisation(name=f"单位{n}") for n in range(3)]
    services.rename(organisations[0], "改了", on=DAY)
    with django_assert_num_queries(1):
        names = selectors.names_on([each.pk for each in organisations], DAY)
    assert [names[each.pk] for each in organisations] == ["改了", "单位1", "单位2"]


def test_todays_name_comes_with_the_list(make_organisation, settings, django_assert_num_queries):
    organisation = make_organisation()
    services.rename(organisation, "明天的名字", on=settings.CLOCK.today() + dt.timedelta(days=1))
    with django_assert_num_queries(1):
        assert [str(each) for each in selectors.with_current_name(Organisation.objects.all())] == [
            "无锡澄影智能科技有限公司"
        ]


def test_a_merged_organisation_keeps_its_last_name_and_does_nothing_more(make_organisation, make_user):
    gone, survivor = make_organisation(name="被并公司"), make_organisation(name="存续公司")
    services.set_bank_account(
        gone, holder_name="被并公司", bank_name="江苏银行", number="32050161888800001", on=FOUNDED
    )
    services.merge_into(gone, survivor, on=DAY)
    gone.refresh_from_db()
    assert gone.merged_into == survivor
    assert selectors.name_on(gone, DAY + dt.timedelta(days=400)) == "被并公司"
    assert selectors.current_account(gone, BEFORE) is not None
    assert selectors.current_account(gone, DAY) is None
    for attempt in (
        lambda: services.rename(gone, "又名", on=DAY + dt.timedelta(days=9)),
        lambda: services.add_member(gone, make_user(), "owner", since=DAY),
        lambda: services.merge_into(survivor, gone, on=DAY),
    ):
        with pytest.raises(errors.MergedAway):
            attempt()


def test_mergers_in_a_row_all_end_at_the_last_survivor(make_organisation):
    first, second, third = (make_organisation(name=f"公司{n}") for n in range(3))
    services.merge_into(first, second, on=DAY)
    services.merge_into(second, third, on=DAY + dt.timedelta(days=1))
    assert set(third.absorbed.values_list("pk", flat=True)) == {first.pk, second.pk}


def test_nothing_merges_into_itself(make_organisation):
    organisation = make_organisation()
    with pytest.raises(errors.MergedAway):
        services.merge_into(organisation, organisation, on=DAY)
    with pytest.raises(IntegrityError, match="not_merged_into_itself"), transaction.atomic():
        Organisation.objects.filter(pk=organisation.pk).update(merged_into=organisation)


def test_members_see_their_own_and_what_merged_into_it(make_organisation, make_user):
    mine, absorbed, other = make_organisation(), make_organisation(), make_organisation()
    user = make_user()
    services.add_member(mine, user, "clerk", since=DAY)
    services.merge_into(absorbed, mine, on=DAY)
    assert set(selectors.visible_to(user)) == {mine, absorbed}
    assert other not in selectors.visible_to(user)


def test_a_member_acts_for_the_own_organisation_and_what_merged_into_it(make_organisation, make_user, settings):
    mine, absorbed, other = make_organisation(), make_organisation(), make_organisation()
    user = make_user()
    membership = services.add_member(mine, user, "clerk", since=DAY)
    absorbed = services.merge_into(absorbed, mine, on=DAY)
    assert [selectors.is_member(user, each) for each in (mine, absorbed, other)] == [True, True, False]
    services.end_membership(membership, on=settings.CLOCK.today())
    assert not selectors.is_member(user, mine)


def test_a_membership_that_ended_shows_nothing_and_one_begins_again(make_organisation, make_user, settings):
    organisation, user = make_organisation(), make_user()
    membership = services.add_member(organisation, user, "clerk", since=DAY)
    with pytest.raises(errors.AlreadyMember):
        services.add_member(organisation, user, "owner", since=DAY)
    services.end_membership(membership, on=settings.CLOCK.today())
    assert not selectors.visible_to(user).exists()
    services.add_member(organisation, user, "owner", since=settings.CLOCK.today())
    assert selectors.visible_to(user).get() == organisation


def test_officers_see_all_and_belong_to_none(make_organisation, make_user):
    organisation, officer = make_organisation(), make_user("zhangmin")
    accounts.appoint(officer, "auditor", valid_from=DAY)
    assert selectors.visible_to(officer).get() == organisation
    with pytest.raises(errors.OfficersMayNotJoin):
        services.add_member(organisation, officer, "clerk", since=DAY)


def test_a_sanction_counts_from_its_listing_until_it_is_lifted(new_code):
    code = new_code()
    sanction = services.add_sanction(code, list_name="严重违法失信名单", reason="r", source="s", listed_on=DAY)
    services.lift_sanction(sanction, on=DAY + dt.timedelta(days=10))
    days = [-1, 0, 9, 10]
    assert [selectors.is_sanctioned(code, DAY + dt.timedelta(days=n)) for n in days] == [False, True, True, False]
    assert not selectors.is_sanctioned(new_code(), DAY)


def test_a_sanction_stands_once_on_a_list(new_code):
    code = new_code()
    services.add_sanction(code, list_name="名单", reason="r", source="s", listed_on=DAY)
    with pytest.raises(errors.AlreadySanctioned):
        services.add_sanction(code, list_name="名单", reason="r", source="s", listed_on=DAY)
    with pytest.raises(errors.InvalidUscc):
        services.add_sanction("91350100M000100Y44", list_name="名单", reason="r", source="s", listed_on=DAY)


def test_every_refusal_says_something_in_chinese():
    for refusal in vars(errors).values():
        if isinstance(refusal, type) and issubclass(refusal, Refused) and refusal is not Refused:
            text = refusal("甲", "乙") if refusal is errors.AccountNameMismatch else refusal()
            assert any("一" <= letter <= "鿿" for letter in text.message)
            assert text.message.endswith(("。", "）"))


def test_a_refused_registration_leaves_no_half(make_organisation, monkeypatch):
    monkeypatch.setattr(OrganisationName, "save", lambda *a, **k: (_ for _ in ()).throw(RuntimeError))
    with pytest.raises(RuntimeError):
        make_organisation()
    assert not Organisation.objects.exists()
    assert not AuditEntry.objects.exists()
