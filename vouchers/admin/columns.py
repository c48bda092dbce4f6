"""Columns that several pages share: yuan instead of fen, and a firm's name of today."""

from typing import Any, cast

from django.conf import settings
from django.contrib import admin
from django.db import models
from django.db.models import F, OuterRef, QuerySet, Subquery

from applicants.models import OrganisationName
from audit.admin import ReadOnlyAdmin
from vouchers.money import grouped


def yuan_column(field: str, label: str):
    """A column that shows the fen of `field` as yuan."""

    @admin.display(description=f"{label}（元）", ordering=field)
    def show(row) -> str:
        fen = getattr(row, field)
        return "" if fen is None else grouped(fen)

    return show


class MoneyAdmin(ReadOnlyAdmin):
    """A read-only page whose `*_fen` fields show as yuan, in lists and in detail."""

    def get_list_display(self, request):
        """The list's columns, fen as yuan."""
        return [self._shown(name) for name in super().get_list_display(request)]

    def get_fields(self, request, obj=None):
        """The fields in detail, fen as yuan."""
        return [self._shown(name) for name in super().get_fields(request, obj)]

    def _shown(self, name: Any):
        if not isinstance(name, str) or not name.endswith("_fen"):
            return name
        field = cast(models.Field, self.opts.get_field(name))
        return yuan_column(name, str(field.verbose_name).removesuffix("（分）"))


class ApplicantAdmin(MoneyAdmin):
    """A page of rows that belong to an organisation, shown by the name it bears today.

    `organisation_path` is the way from the row to the organisation's id.
    """

    organisation_path = "organisation_id"

    def get_queryset(self, request) -> QuerySet:
        """With today's name of the organisation, in the same query."""
        today = settings.CLOCK.today()
        names = OrganisationName.objects.filter(organisation=OuterRef("applicant_id"), valid_from__lte=today)
        rows = super().get_queryset(request).annotate(applicant_id=F(self.organisation_path))
        return rows.annotate(applicant_name=Subquery(names.order_by("-valid_from").values("name")[:1]))

    @admin.display(description="单位", ordering="applicant_name")
    def applicant(self, row) -> str:
        """Today's name."""
        return row.applicant_name or ""
