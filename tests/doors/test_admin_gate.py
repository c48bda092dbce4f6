"""The stock admin: for officers with two factors, to look at and nothing more."""

import datetime as dt

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import SignInAttempts, User
from applicants import services as applicants
from applicants.models import BankAccount, Organisation
from applicants.uscc import check_character
from audit.admin import ReadOnlyAdmin
from audit.models import AuditEntry
from providers import services as providers
from providers.models import Provider

pytestmark = pytest.mark.django_db

DAY = dt.date(2025, 6, 2)
PHONE, OTHER_PHONE, NUMBER = "13812345678", "13987654321", "32050161888800001234"
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
OURS = [model for model in MODELS if model._meta.app_label != "vouchers" and model is not SignInAttempts]


def address(model, page="changelist", *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def code(number):
    first = f"91320211MA1{number:06d}"
    return first + check_character(first)


def fill(number, by=None):
    """One organisation with an account and a member's worth of neighbours, and one provider."""
    organisation = applicants.register_organisation(
        code=code(number),
        name=f"单位{number}",
        category="cluster_enterprise",
        district="滨湖区",
        address="某路1号",
        legal_representative="周舟",
        contact_name="吴越",
        contact_phone=PHONE,
        registered_on=dt.date(2019, 3, 4),
        by=by,
    )
    applicants.set_bank_account(
        organisation, holder_name=f"单位{number}", bank_name="江苏银行", number=NUMBER, on=DAY, by=by
    )
    applicants.add_sanction(code(number), list_name="名单", reason="r", source="s", listed_on=DAY)
    user = User.objects.create(username=f"m{number}", name="钱毅", phone=PHONE)
    applicants.add_member(organisation, user, "owner", since=DAY)
    provider = providers.register_provider(
        code=code(100 + number), name=f"服务商{number}", listed_from=DAY, contact_phone=PHONE
    )
    centre = providers.add_centre(provider, name="中心", kind="intelligent", city="无锡市", address="某路2号")
    providers.add_product(
        provider, centre, name="节点", service="intelligent", unit="月", price_fen=123456, valid_from=DAY
    )
    with connection.cursor() as cursor:
        # Links entries into the chain now; outside tests the commit does.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
    return organisation


def test_every_model_in_the_admin_is_read_only():
    for model, registered in admin.site._registry.items():
        assert isinstance(registered, ReadOnlyAdmin), model


def test_every_list_opens_searches_and_sorts(officer_client):
    fill(1)
    for model in MODELS:
        columns = ".".join(str(n + 1) for n in range(len(admin.site._registry[model].list_display)))
        assert officer_client.get(address(model), {"q": "1", "o": columns}).status_code == 200, model
    assert all(admin.site._registry[model].search_fields for model in OURS)


def test_a_list_asks_the_database_as_often_for_fifty_rows_as_for_one(officer_client):
    def asked() -> dict[str, int]:
        counts = {}
        for model in OURS:
            with CaptureQueriesContext(connection) as queries:
                officer_client.get(address(model))
            counts[model._meta.label] = len(queries)
        return counts

    fill(1)
    officer_client.get("/admin/")
    few = asked()
    for number in range(2, 51):
        fill(number)
    assert asked() == few


def test_every_row_opens_and_so_does_its_history(officer_client):
    fill(1)
    for model in OURS:
        row = model.objects.first()
        page = officer_client.get(address(model, "change", row.pk))
        history = officer_client.get(address(model, "history", row.pk))
        assert page.status_code == 200, model
        assert history.status_code == (200 if hasattr(model, "history") else 404), model
        assert ("修改记录" in page.content.decode()) == hasattr(model, "history"), model


def test_nobody_adds_changes_or_deletes_here_not_even_a_superuser(officer_client):
    User.objects.filter(username="zhangmin").update(is_superuser=True, is_staff=True)
    fill(1)
    for model in OURS:
        row, before = model.objects.first(), list(model.objects.values())
        for answer in (
            officer_client.get(address(model, "add")),
            officer_client.post(address(model, "add"), {}),
            officer_client.post(address(model, "change", row.pk), {"name": "x", "uscc": "x", "_save": "1"}),
            officer_client.post(address(model, "delete", row.pk), {"post": "yes"}),
        ):
            assert answer.status_code == 403, model
        action = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
        officer_client.post(address(model), action)
        assert list(model.objects.values()) == before, model


def test_phones_and_account_numbers_are_masked_everywhere_history_included(officer_client, officer):
    organisation = fill(1, by=officer)
    organisation.contact_phone = OTHER_PHONE
    organisation.save()
    account = BankAccount.objects.get()
    account.number = NUMBER[::-1]
    account.save()
    seen = ""
    for model in (User, Organisation, BankAccount, Provider, AuditEntry):
        pages = [address(model)]
        for row in model.objects.all():
            pages.append(address(model, "change", row.pk))
            if hasattr(model, "history"):
                pages.append(address(model, "history", row.pk))
        seen += "".join(officer_client.get(page).content.decode() for page in pages)
    for secret in (PHONE, OTHER_PHONE, NUMBER, NUMBER[::-1], account.fingerprint):
        assert secret not in seen
    for mask in ("138****5678", "139****4321", "**** 1234", "138****5678 → 139****4321"):
        assert mask in seen


def test_history_shows_who_changed_what_from_what_to_what(officer_client, officer):
    organisation = fill(1, by=officer)
    applicants.rename(organisation, "新名有限公司", on=DAY, by=officer)
    first = organisation.names.get(why="registered")
    page = officer_client.get(address(type(first), "history", first.pk)).content.decode()
    assert "（空） → 2025-06-02" in page
    assert "钱毅（zhangmin）" in page
    assert page.index("修改</td>") < page.index("新建</td>")


def test_the_old_names_find_an_organisation(officer_client):
    organisation = fill(1)
    applicants.rename(organisation, "新名有限公司", on=DAY)
    page = officer_client.get(address(Organisation), {"q": "单位1"}).content.decode()
    assert "新名有限公司" in page


def test_the_page_of_tables_lists_everything(officer_client):
    page = officer_client.get("/admin/tables/").content.decode()
    assert all(address(model) in page for model in MODELS)


def test_passwords_are_changed_and_people_leave_on_the_one_page_for_it(officer_client):
    assert officer_client.get("/admin/password_change/").url == "/accounts/password/change/"
    assert officer_client.post("/admin/logout/").url == "/accounts/logout/"
