"""Vouchers and claims."""

from django.contrib import admin

from audit.admin import ReadOnlyAdmin
from vouchers.admin.columns import ApplicantAdmin
from vouchers.claims.models import Claim, FilingQueue, Voucher


@admin.register(Voucher)
class VoucherAdmin(ApplicantAdmin):
    """Vouchers applied for and issued."""

    list_display = ("serial_number", "applicant", "fiscal_year", "state", "applied_at")
    list_filter = ("state", "fiscal_year", "scheme")
    list_select_related = ("organisation", "call")
    search_fields = ("serial_number", "^organisation__uscc", "organisation__names__name")
    search_help_text = "按券号、信用代码或单位名称查找"


@admin.register(Claim)
class ClaimAdmin(ApplicantAdmin):
    """Claims in every state."""

    list_display = (
        "number",
        "applicant",
        "state",
        "queue_number",
        "turn",
        "computed_fen",
        "granted_fen",
        "submitted_at",
    )
    list_filter = ("state", "waiting", "call__fiscal_year", "organisation__district")
    list_select_related = ("organisation", "call", "voucher", "declared_by")
    search_fields = (
        "number",
        "^organisation__uscc",
        "organisation__names__name",
        "lines__invoice_line__invoice__number",
    )
    search_help_text = "按申请编号、信用代码、单位名称或发票号码查找"

    @admin.display(description="轮候")
    def turn(self, claim) -> str:
        """Said only of those who wait."""
        return "轮候中" if claim.waiting else ""


@admin.register(FilingQueue)
class FilingQueueAdmin(ReadOnlyAdmin):
    """How many claims have been filed in each year."""

    list_display = ("scheme", "fiscal_year", "last_number")
    list_filter = ("fiscal_year",)
    search_fields = ("scheme",)
