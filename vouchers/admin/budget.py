"""Orders on a year's money, and what settlements gave."""

from django.contrib import admin

from vouchers.admin.columns import MoneyAdmin
from vouchers.budget.models import Order, SettlementShare


@admin.register(Order)
class OrderAdmin(MoneyAdmin):
    """Orders that two people sign."""

    list_display = ("number", "kind", "scheme", "fiscal_year", "amount_fen", "state", "prepared_by", "prepared_at")
    list_filter = ("kind", "state", "fiscal_year")
    list_select_related = ("prepared_by",)
    search_fields = ("^number", "citation")
    search_help_text = "按办理单号或依据查找"


@admin.register(SettlementShare)
class SettlementShareAdmin(MoneyAdmin):
    """What each claim asked for and got in a settlement."""

    list_display = ("order", "claim", "asked_fen", "share_fen", "dropped")
    list_filter = ("dropped",)
    list_select_related = ("order", "claim")
    search_fields = ("^order__number", "^claim__number")
    search_help_text = "按办理单号或申请编号查找"
