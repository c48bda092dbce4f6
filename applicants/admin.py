"""Organisations and what belongs to them, to look at."""

from django.contrib import admin
from django.db.models import QuerySet

from applicants.models import BankAccount, Membership, Organisation, OrganisationName, Sanction
from applicants.selectors import with_current_name
from audit.admin import ReadOnlyAdmin, masked


@admin.register(Organisation)
class OrganisationAdmin(ReadOnlyAdmin):
    """Applicants, by today's name."""

    list_display = ("current_name", "uscc", "category", "city", "district", "contact_name", "merged_into")
    list_filter = ("category", "district", "city")
    list_select_related = ("merged_into",)
    search_fields = ("^uscc", "names__name", "legal_representative")
    search_help_text = "按信用代码、现用或曾用名称、法定代表人查找"
    ordering = ("uscc",)

    def get_queryset(self, request) -> QuerySet[Organisation]:
        """With today's name, in the same query."""
        return with_current_name(super().get_queryset(request))

    def get_fields(self, request, obj=None):
        """Today's name first."""
        return ["current_name", *super().get_fields(request, obj)]

    @admin.display(description="现用名称", ordering="current_name")
    def current_name(self, organisation) -> str:
        """Today's name."""
        return organisation.current_name or "（尚未启用）"


@admin.register(OrganisationName)
class OrganisationNameAdmin(ReadOnlyAdmin):
    """What organisations were called, and when."""

    list_display = ("name", "organisation", "valid_from", "valid_until", "why", "document")
    list_filter = ("why",)
    list_select_related = ("organisation",)
    search_fields = ("name", "^organisation__uscc")
    search_help_text = "按名称或信用代码查找"
    ordering = ("organisation__uscc", "valid_from")


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    """Who acts for whom."""

    list_display = ("user", "organisation", "role", "since", "until")
    list_filter = ("role",)
    list_select_related = ("user", "organisation")
    search_fields = ("user__username", "user__name", "^organisation__uscc")
    search_help_text = "按用户名、姓名或信用代码查找"
    ordering = ("organisation__uscc", "since")


@admin.register(BankAccount)
class BankAccountAdmin(ReadOnlyAdmin):
    """Where grants go. Numbers show their last four characters."""

    list_display = (
        "organisation",
        "holder_name",
        "bank_name",
        masked("number", "账号"),
        "valid_from",
        "valid_until",
    )
    list_filter = ("bank_name",)
    list_select_related = ("organisation",)
    search_fields = ("holder_name", "^organisation__uscc")
    search_help_text = "按户名或信用代码查找（账号加密，不能查找）"
    ordering = ("organisation__uscc", "valid_from")
    unseen = ("fingerprint",)


@admin.register(Sanction)
class SanctionAdmin(ReadOnlyAdmin):
    """Lists of the dishonest."""

    list_display = ("uscc", "list_name", "reason", "source", "listed_on", "lifted_on")
    list_filter = ("list_name", "listed_on")
    search_fields = ("^uscc", "list_name", "reason")
    search_help_text = "按信用代码、名单或事由查找"
    ordering = ("-listed_on",)
