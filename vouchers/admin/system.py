"""Jobs, documents and messages."""

from django.contrib import admin

from audit.admin import ReadOnlyAdmin
from vouchers.admin.columns import ApplicantAdmin
from vouchers.documents.models import Document
from vouchers.jobs.models import Job
from vouchers.messages.models import Message


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """Long work and its progress."""

    list_display = ("kind", "subject", "state", "done", "total", "message", "attempts", "requested_by", "requested_at")
    list_filter = ("state", "kind")
    list_select_related = ("requested_by",)
    search_fields = ("^subject",)


@admin.register(Document)
class DocumentAdmin(ReadOnlyAdmin):
    """What was printed."""

    list_display = ("title", "kind", "subject", "short_code", "sha256", "made_at")
    list_filter = ("kind",)
    search_fields = ("title", "=short_code", "^subject", "=sha256")
    search_help_text = "按标题、查验码或校验值查找"


@admin.register(Message)
class MessageAdmin(ApplicantAdmin):
    """What organisations and officers were told."""

    list_display = ("created_at", "applicant", "officer", "channel", "subject", "state")
    list_filter = ("channel", "state")
    list_select_related = ("organisation", "officer")
    search_fields = ("subject", "^organisation__uscc")
    search_help_text = "按标题或信用代码查找"
