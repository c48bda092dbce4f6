"""What happened, who had which duty, and what was decided."""

from django.contrib import admin

from audit.admin import ReadOnlyAdmin
from vouchers.admin.columns import MoneyAdmin
from vouchers.review.models import ClaimDuty, ClaimEvent, Decision, VoucherEvent


@admin.register(ClaimEvent)
class ClaimEventAdmin(ReadOnlyAdmin):
    """Every step of every claim."""

    list_display = ("at", "claim", "verb", "source", "target", "actor", "role", "duty", "reason")
    list_filter = ("verb", "role")
    list_select_related = ("claim", "actor")
    search_fields = ("claim__number", "actor__name")
    search_help_text = "按申请编号或操作人查找"
    ordering = ("-at", "-pk")


@admin.register(VoucherEvent)
class VoucherEventAdmin(ReadOnlyAdmin):
    """Every step of every voucher."""

    list_display = ("at", "voucher", "verb", "source", "target", "actor", "reason")
    list_filter = ("verb",)
    list_select_related = ("voucher", "actor")
    search_fields = ("voucher__serial_number", "actor__name")
    search_help_text = "按券号或操作人查找"
    ordering = ("-at", "-pk")


@admin.register(ClaimDuty)
class ClaimDutyAdmin(ReadOnlyAdmin):
    """Who has which duty on which claim."""

    list_display = ("claim", "user", "duty")
    list_filter = ("duty",)
    list_select_related = ("claim", "user")
    search_fields = ("claim__number", "user__name")
    search_help_text = "按申请编号或人员查找"


@admin.register(Decision)
class DecisionAdmin(MoneyAdmin):
    """Decisions with their frozen facts, and why the amount is what it is."""

    list_display = ("made_at", "claim", "law_id", "computed_fen", "granted_fen", "binding")
    list_filter = ("binding", "law_id")
    list_select_related = ("claim", "call", "event")
    search_fields = ("claim__number",)
    search_help_text = "按申请编号查找"
    ordering = ("-made_at", "-pk")

    def get_queryset(self, request):
        """Lists leave the frozen facts in the database."""
        rows = super().get_queryset(request)
        return rows if request.resolver_match.url_name.endswith("_change") else rows.defer("result")
