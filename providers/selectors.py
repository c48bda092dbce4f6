"""Reading providers: who is listed on a day, what is sold, and where it runs."""

import datetime as dt

from django.db.models import Q, QuerySet

from providers.models import Product, Provider


def listed_on(on: dt.date) -> QuerySet[Provider]:
    """The providers on the city's list on the day `on`."""
    return Provider.objects.filter(Q(listed_until=None) | Q(listed_until__gt=on), listed_from__lte=on)


def products_on(on: dt.date) -> QuerySet[Product]:
    """What is sold on the day `on`, with provider and centre."""
    rows = Product.objects.filter(Q(valid_until=None) | Q(valid_until__gt=on), valid_from__lte=on)
    return rows.select_related("provider", "centre")


def location_of(product: Product) -> str:
    """`local` when the product's centre lies in Wuxi, else `external` (item 二（三）7 of the draft opinions)."""
    return "local" if product.centre.in_wuxi else "external"
