"""Files, invoices, payments and how they belong together."""

from django.contrib import admin

from audit.admin import ReadOnlyAdmin
from vouchers.admin.columns import ApplicantAdmin, MoneyAdmin
from vouchers.claims.agreements import Agreement, Tranche
from vouchers.claims.drafts import HalfTyped
from vouchers.claims.papers import (
    Allocation,
    Attachment,
    ClaimLine,
    DoubtAnswer,
    Invoice,
    InvoiceClash,
    InvoiceCopy,
    InvoiceLine,
    PaymentMade,
)
from vouchers.claims.verification import Verification, VerificationWaiver


@admin.register(Attachment)
class AttachmentAdmin(ApplicantAdmin):
    """Uploaded files."""

    list_display = ("original_name", "kind", "applicant", "claim", "size", "uploaded_by", "uploaded_at")
    list_filter = ("kind",)
    list_select_related = ("organisation", "claim", "uploaded_by")
    search_fields = ("original_name", "claim__number", "=sha256")
    search_help_text = "按文件名、申请编号或校验值查找"


@admin.register(Invoice)
class InvoiceAdmin(ApplicantAdmin):
    """Invoices, as read or typed in."""

    list_display = (
        "number",
        "kind",
        "applicant",
        "seller_name",
        "issued_on",
        "total_fen",
        "red",
        "bound_at",
        "read_by",
    )
    list_filter = ("kind", "red", "read_by")
    list_select_related = ("organisation", "attachment")
    search_fields = ("=number", "seller_name", "^organisation__uscc")
    search_help_text = "按发票号码、销售方或信用代码查找"


@admin.register(InvoiceLine)
class InvoiceLineAdmin(MoneyAdmin):
    """Lines of invoices."""

    list_display = ("invoice", "position", "name", "quantity", "amount_fen", "tax_rate", "tax_fen")
    list_select_related = ("invoice",)
    search_fields = ("=invoice__number", "name")
    search_help_text = "按发票号码或项目名称查找"


@admin.register(ClaimLine)
class ClaimLineAdmin(MoneyAdmin):
    """Lines that a subsidy is asked for, with what was declared."""

    list_display = ("claim", "invoice_line", "service", "location", "seller_related", "subsidised_elsewhere")
    list_filter = ("service", "location", "seller_related", "subsidised_elsewhere")
    list_select_related = ("claim", "invoice_line", "product")
    search_fields = ("claim__number", "=invoice_line__invoice__number")
    search_help_text = "按申请编号或发票号码查找"


@admin.register(PaymentMade)
class PaymentMadeAdmin(ApplicantAdmin):
    """What applicants paid."""

    list_display = ("serial_number", "applicant", "payee_name", "paid_on", "amount_fen", "allocated_fen")
    list_select_related = ("organisation", "attachment")
    search_fields = ("=serial_number", "payee_name", "^organisation__uscc")
    search_help_text = "按流水号、收款人或信用代码查找"


@admin.register(Allocation)
class AllocationAdmin(MoneyAdmin):
    """Which payment paid which invoice, in which claim."""

    list_display = ("claim", "payment", "invoice", "amount_fen", "live")
    list_filter = ("live",)
    list_select_related = ("claim", "payment", "invoice")
    search_fields = ("claim__number", "=invoice__number", "=payment__serial_number")
    search_help_text = "按申请编号、发票号码或流水号查找"


@admin.register(InvoiceClash)
class InvoiceClashAdmin(MoneyAdmin):
    """Numbers that two organisations claimed: to be looked into."""

    list_display = ("number", "claim", "found_at")
    list_select_related = ("claim",)
    search_fields = ("=number", "claim__number")
    search_help_text = "按发票号码或申请编号查找"


@admin.register(HalfTyped)
class HalfTypedAdmin(ReadOnlyAdmin):
    """That somebody is typing, and when; what was typed is the applicant's own until it is entered."""

    list_display = ("claim", "form", "by", "at")
    list_select_related = ("claim",)
    search_fields = ("claim__number",)
    search_help_text = "按申请编号查找"
    ordering = ("-at",)
    unseen = ("body",)


@admin.register(Agreement)
class AgreementAdmin(ApplicantAdmin):
    """Agreements made case by case, with their history."""

    list_display = ("number", "title", "applicant", "scheme", "grant_fen", "state", "made_by", "made_at")
    list_filter = ("scheme", "state")
    list_select_related = ("organisation", "made_by")
    search_fields = ("=number", "title", "reference", "^organisation__uscc")
    search_help_text = "按协议编号、项目名称、批准文号或信用代码查找"


@admin.register(Tranche)
class TrancheAdmin(MoneyAdmin):
    """The parts in which agreements are paid."""

    list_display = ("agreement", "position", "amount_fen", "condition")
    list_select_related = ("agreement",)
    search_fields = ("=agreement__number", "condition")
    search_help_text = "按协议编号或拨付条件查找"


@admin.register(InvoiceCopy)
class InvoiceCopyAdmin(ReadOnlyAdmin):
    """Other files of invoices, and where they differ."""

    list_display = ("invoice", "attachment", "carrier", "found_at")
    list_select_related = ("invoice", "attachment")
    search_fields = ("=invoice__number",)
    search_help_text = "按发票号码查找"


@admin.register(DoubtAnswer)
class DoubtAnswerAdmin(ReadOnlyAdmin):
    """What enterprises said to doubts about their invoices."""

    list_display = ("at", "invoice", "code", "text", "by")
    list_select_related = ("invoice", "by")
    search_fields = ("=invoice__number", "text")
    search_help_text = "按发票号码或说明内容查找"


@admin.register(Verification)
class VerificationAdmin(ReadOnlyAdmin):
    """Every question to the tax platform, and its answer."""

    list_display = ("asked_at", "invoice", "status", "provider", "attempt", "asked_by", "reference")
    list_filter = ("status", "provider")
    list_select_related = ("invoice", "asked_by")
    search_fields = ("=invoice__number", "=reference")
    search_help_text = "按发票号码或平台流水号查找"
    ordering = ("-asked_at", "-pk")


@admin.register(VerificationWaiver)
class VerificationWaiverAdmin(ReadOnlyAdmin):
    """Invoices paid on without an answer, and the two officers who said so."""

    list_display = ("asked_at", "invoice", "reason", "asked_by", "agreed_by", "agreed_at")
    list_select_related = ("invoice", "asked_by", "agreed_by")
    search_fields = ("=invoice__number", "reason")
    search_help_text = "按发票号码或理由查找"
    ordering = ("-asked_at", "-pk")
