"""Batches and payments out."""

from django.contrib import admin

from audit.admin import ReadOnlyAdmin
from vouchers.admin.columns import ApplicantAdmin
from vouchers.disbursement.models import Batch, Payment


@admin.register(Batch)
class BatchAdmin(ReadOnlyAdmin):
    """Disbursement batches."""

    list_display = ("number", "state", "approval_reference", "frozen_by", "signed_by", "released_at")
    list_filter = ("state", "call__fiscal_year")
    list_select_related = ("call", "created_by", "frozen_by", "signed_by", "released_by")
    search_fields = ("number", "approval_reference")
    search_help_text = "按批次号或批复文号查找"


@admin.register(Payment)
class PaymentAdmin(ApplicantAdmin):
    """Payments to enterprises; account numbers masked."""

    organisation_path = "claim__organisation_id"
    list_display = ("batch", "claim", "applicant", "amount_fen", "state", "bank_reference", "answered_on")
    list_filter = ("state",)
    list_select_related = ("batch", "claim", "bank_account")
    search_fields = ("batch__number", "claim__number", "payee_name", "=bank_reference")
    search_help_text = "按批次号、申请编号、收款人或银行流水号查找"
