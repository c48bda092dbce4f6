"""Providers, their centres, and where what they sell runs."""

import datetime as dt

import pytest
from django.db import IntegrityError, connection, transaction

from audit.models import AuditEntry
from providers import errors, selectors, services
from providers.models import Centre, Product, Provider

pytestmark = pytest.mark.django_db

DAY = dt.date(2025, 6, 2)
CODE = "91350100M000100Y43"


@pytest.fixture
def provider():
    return services.register_provider(
        code=CODE, name="无锡太湖智算有限公司", listed_from=DAY, contact_name="陆远", contact_phone="13700001111"
    )


def add_product(provider, centre, **kwargs):
    facts = {"name": "八卡节点", "service": "intelligent", "unit": "节点·月", "price_fen": 4200000, "valid_from": DAY}
    return services.add_product(provider, centre, **(facts | kwargs))


def add_centre(provider, city, name="中心"):
    return services.add_centre(provider, name=name, kind="intelligent", city=city, address="某路1号")


@pytest.mark.parametrize("code", ["91350100M000100Y44", "91350100M000100Y4", ""])
def test_a_provider_with_a_wrong_code_is_refused(code):
    with pytest.raises(errors.InvalidUscc):
        services.register_provider(code=code, name="某公司", listed_from=DAY)
    assert not Provider.objects.exists()


def test_a_provider_is_listed_once(provider):
    with pytest.raises(errors.AlreadyListed):
        services.register_provider(code=CODE.lower(), name="某公司", listed_from=DAY)


def test_local_or_external_follows_the_centre_line_by_line(provider):
    here, there = add_centre(provider, "无锡市", "太湖中心"), add_centre(provider, "乌兰察布市", "草原中心")
    assert selectors.location_of(add_product(provider, here)) == "local"
    assert selectors.location_of(add_product(provider, there)) == "external"


def test_a_centre_outside_cannot_be_called_local_by_hand(provider):
    centre = add_centre(provider, "乌兰察布市")
    with pytest.raises(IntegrityError, match="centre_place_agrees"), transaction.atomic():
        Centre.objects.filter(pk=centre.pk).update(in_wuxi=True)
    with pytest.raises(errors.CentreExists):
        add_centre(provider, "无锡市")


def test_a_price_is_above_zero_and_stands_once(provider):
    centre = add_centre(provider, "无锡市")
    with pytest.raises(errors.BadPrice):
        add_product(provider, centre, price_fen=0)
    first = add_product(provider, centre)
    with pytest.raises(errors.PriceExists):
        add_product(provider, centre, price_fen=4000000)
    services.end_product(first, on=DAY + dt.timedelta(days=30))
    add_product(provider, centre, price_fen=4000000, valid_from=DAY + dt.timedelta(days=30))
    on = [DAY + dt.timedelta(days=n) for n in (0, 29, 30)]
    assert [selectors.products_on(day).get().price_fen for day in on] == [4200000, 4200000, 4000000]


def test_an_unknown_service_is_refused_by_the_database(provider):
    product = add_product(provider, add_centre(provider, "无锡市"))
    with pytest.raises(IntegrityError, match="product_service_known"), transaction.atomic():
        Product.objects.filter(pk=product.pk).update(service="quantum")


def test_the_list_holds_from_the_first_day_until_delisting(provider):
    services.delist_provider(provider, on=DAY + dt.timedelta(days=5))
    days = [-1, 0, 4, 5]
    listed = [selectors.listed_on(DAY + dt.timedelta(days=n)).exists() for n in days]
    assert listed == [False, True, True, False]
    assert provider.history.count() == 2
    assert set(AuditEntry.objects.values_list("action", flat=True)) == {"provider.register", "provider.delist"}


def test_a_providers_phone_is_ciphertext_in_the_table_and_in_its_history(provider):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT contact_phone FROM providers_provider"
            " UNION ALL SELECT contact_phone FROM providers_historicalprovider"
        )
        assert all(row[0].startswith("s1:") for row in cursor.fetchall())
