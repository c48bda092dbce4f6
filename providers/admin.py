"""Providers, centres and price lists, to look at."""

from django.contrib import admin

from audit.admin import ReadOnlyAdmin, masked
from providers.models import Centre, Product, Provider


@admin.register(Provider)
class ProviderAdmin(ReadOnlyAdmin):
    """The city's list of providers."""

    list_display = (
        "name",
        "uscc",
        "listed_from",
        "listed_until",
        "contact_name",
        masked("contact_phone", "联系电话"),
    )
    list_filter = ("listed_from", "listed_until")
    search_fields = ("name", "^uscc")
    search_help_text = "按名称或信用代码查找"
    ordering = ("name",)


@admin.register(Centre)
class CentreAdmin(ReadOnlyAdmin):
    """Where compute runs."""

    list_display = ("name", "provider", "kind", "city", "in_wuxi")
    list_filter = ("in_wuxi", "kind")
    list_select_related = ("provider",)
    search_fields = ("name", "provider__name", "city")
    search_help_text = "按名称、服务商或城市查找"
    ordering = ("name",)


@admin.register(Product)
class ProductAdmin(ReadOnlyAdmin):
    """What is sold, and at what price."""

    list_display = ("name", "provider", "centre", "service", "unit", "price", "valid_from", "valid_until")
    list_filter = ("service", "centre__in_wuxi")
    list_select_related = ("provider", "centre")
    search_fields = ("name", "provider__name", "centre__name")
    search_help_text = "按产品、服务商或算力中心查找"
    ordering = ("provider__name", "name")
    unseen = ("price_fen",)

    def get_fields(self, request, obj=None):
        """The price in yuan."""
        return [*super().get_fields(request, obj), "price"]

    @admin.display(description="单价（元）", ordering="price_fen")
    def price(self, product) -> str:
        """Fen as yuan, two decimals."""
        yuan, fen = divmod(product.price_fen, 100)
        return f"{yuan:,}.{fen:02d}"
