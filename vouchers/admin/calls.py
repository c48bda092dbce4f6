"""Calls and working days."""

from django.contrib import admin

from audit.admin import ReadOnlyAdmin
from vouchers.admin.columns import MoneyAdmin
from vouchers.calls.models import Call, Holiday


@admin.register(Call)
class CallAdmin(MoneyAdmin):
    """The year's calls and their versions."""

    list_display = (
        "title",
        "fiscal_year",
        "version",
        "appropriation_fen",
        "annual_cap_fen",
        "shortage",
        "published_at",
    )
    list_filter = ("scheme", "fiscal_year", "shortage")
    search_fields = ("title", "citation")
    search_help_text = "按通知名称或文号查找"


@admin.register(Holiday)
class HolidayAdmin(ReadOnlyAdmin):
    """Days that differ from the plain week."""

    list_display = ("day", "name", "is_workday")
    list_filter = ("is_workday",)
    search_fields = ("name",)
