"""Writing providers. Each service audits what it did, in its transaction, and refuses in Chinese."""

import datetime as dt

from django.db import transaction

from accounts import rows
from accounts.models import User
from accounts.records import note
from providers import errors
from providers.models import HOME_CITY, Centre, Product, Provider


@transaction.atomic
def register_provider(
    *,
    code: str,
    name: str,
    listed_from: dt.date,
    listed_until: dt.date | None = None,
    contact_name: str = "",
    contact_phone: str = "",
    contact_email: str = "",
    document: str = "",
    by: User | None = None,
) -> Provider:
    """Put a provider on the city's list. Raises InvalidUscc (the database judges it) or AlreadyListed."""
    provider = Provider(
        uscc=code.strip().upper(),
        name=name.strip(),
        listed_from=listed_from,
        listed_until=listed_until,
        contact_name=contact_name,
        contact_phone=contact_phone,
        contact_email=contact_email,
        document=document,
    )
    if len(provider.uscc) != 18:
        raise errors.InvalidUscc
    rows.insert(
        provider, by, {"provider_uscc_valid": errors.InvalidUscc, "providers_provider_uscc_key": errors.AlreadyListed}
    )
    note(by, "provider.register", _subject(provider), uscc=provider.uscc, name=provider.name)
    return provider


@transaction.atomic
def delist_provider(provider: Provider, *, on: dt.date, by: User | None = None) -> None:
    """From the day `on` the provider is no longer on the list."""
    provider.listed_until = max(on, provider.listed_from)
    rows.save(provider, by)
    note(by, "provider.delist", _subject(provider), on=str(on))


@transaction.atomic
def add_centre(provider: Provider, *, name: str, kind: str, city: str, address: str, by: User | None = None) -> Centre:
    """A place where compute runs; local when `city` is 无锡市. Raises CentreExists."""
    centre = Centre(
        provider=provider, name=name.strip(), kind=kind, city=city, in_wuxi=city == HOME_CITY, address=address
    )
    rows.insert(centre, by, {"centre_name_once_a_provider": errors.CentreExists})
    note(by, "centre.add", _subject(provider), centre=centre.name, city=city)
    return centre


@transaction.atomic
def add_product(
    provider: Provider,
    centre: Centre,
    *,
    name: str,
    service: str,
    unit: str,
    price_fen: int,
    valid_from: dt.date,
    by: User | None = None,
) -> Product:
    """A line of the price list, in fen for one unit. Raises BadPrice or PriceExists."""
    product = Product(
        provider=provider,
        centre=centre,
        name=name.strip(),
        service=service,
        unit=unit,
        price_fen=price_fen,
        valid_from=valid_from,
    )
    rows.insert(product, by, {"product_price_positive": errors.BadPrice, "product_price_once": errors.PriceExists})
    note(by, "product.add", _subject(provider), product=product.name, price_fen=price_fen)
    return product


@transaction.atomic
def end_product(product: Product, *, on: dt.date, by: User | None = None) -> None:
    """From the day `on` the product is no longer sold at this price."""
    product.valid_until = max(on, product.valid_from)
    rows.save(product, by)
    note(by, "product.end", _subject(product.provider), product=product.name, on=str(on))


def _subject(provider: Provider) -> str:
    return f"provider:{provider.pk}"
