"""The read-only base of every page of the admin, and the audit trail on it."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404
from django.shortcuts import render

from audit.models import AuditEntry, ChainLink

HISTORY_ROWS = 200
_KINDS = {"+": "新建", "~": "修改", "-": "删除"}


def shown(field: models.Field, row: models.Model) -> str:
    """What a screen shows of one field of a row: the choice's label, and a mask instead of a sealed value."""
    value = getattr(row, field.name, None)
    if hasattr(field, "masked"):
        return field.masked(value)
    if value is None or value == "":
        return "（空）"
    if isinstance(value, bool):
        return "是" if value else "否"
    return str(dict(field.flatchoices or []).get(value, value))


def masked(name: str, label: str):
    """A column or line that shows the sealed field `name` of a row as its mask, under `label`."""

    @admin.display(description=label, empty_value="（空）")
    def show(row):
        return row._meta.get_field(name).masked(getattr(row, name))

    return show


class ReadOnlyAdmin(admin.ModelAdmin):
    """A model to look at, for whoever the site admits, and for nobody to change.

    Rows change through services alone. Fields with a `masked` method (sealed ones) show their mask; those
    in `unseen` do not show at all. Set `list_select_related` for what `list_display` and `__str__` follow,
    so that a list asks the database the same number of questions for one row or fifty.
    """

    actions = None
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    unseen: tuple[str, ...] = ()

    def has_module_permission(self, request) -> bool:
        """The site has judged already."""
        return self.admin_site.has_permission(request)

    def has_view_permission(self, request, obj=None) -> bool:
        """The site has judged already."""
        return self.admin_site.has_permission(request)

    def has_add_permission(self, request, obj=None) -> bool:
        """Nobody adds here."""
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        """Nobody changes here."""
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        """Nobody deletes here."""
        return False

    def get_fields(self, request, obj=None):
        """Every column but the key and the unseen ones; sealed ones masked."""
        return [
            masked(field.name, str(field.verbose_name)) if hasattr(field, "masked") else field.name
            for field in self.opts.fields
            if field.name not in self.unseen and not field.auto_created
        ]

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """The row, with a way to its history when it has one."""
        context = {"has_row_history": hasattr(self.model, "history"), **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)

    def history_view(self, request, object_id, extra_context=None):
        """What changed in the row, when, by whom: the newest first, values before and after."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if not hasattr(self.model, "history"):
            raise Http404
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        records = list(
            self.model.history.filter(**{self.opts.pk.attname: row.pk})
            .select_related("history_user")
            .order_by("-history_id")[: HISTORY_ROWS + 1]
        )
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": f"修改记录：{row}",
            "object": row,
            "opts": self.opts,
            "entries": self._entries(records)[:HISTORY_ROWS],
            "cut_after": HISTORY_ROWS if len(records) > HISTORY_ROWS else None,
        }
        return render(request, "admin/row_history.html", context)

    def _entries(self, records: list) -> list[dict[str, Any]]:
        older = [*records[1:], None]
        return [
            {
                "at": record.history_date,
                "who": record.history_user,
                "kind": _KINDS[record.history_type],
                "changes": self._changes(before, record) if before else [],
            }
            for record, before in zip(records, older, strict=True)
        ]

    def _changes(self, before, after) -> list[tuple[str, str, str]]:
        return [
            (field.verbose_name, shown(field, before), shown(field, after))
            for field in after.tracked_fields
            if field.name not in self.unseen and getattr(before, field.attname) != getattr(after, field.attname)
        ]


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Who did what."""

    list_display = ("at", "actor", "action", "subject", "ok", "ip")
    list_filter = ("ok", "at")
    search_fields = ("^subject", "^actor", "^action")
    search_help_text = "按对象、操作人或操作的开头查找，例如 organisation:12"
    ordering = ("-id",)


@admin.register(ChainLink)
class ChainLinkAdmin(ReadOnlyAdmin):
    """The chain that shows whether an entry was changed or taken away."""

    list_display = ("seq", "entry", "algorithm", "digest")
    list_select_related = ("entry",)
    search_fields = ("=seq", "^entry__subject")
    search_help_text = "按序号或对象的开头查找"
    ordering = ("-seq",)
    unseen = ("prev_hash", "hash")

    def get_fields(self, request, obj=None):
        """The digests as text."""
        return [*super().get_fields(request, obj), "previous_digest", "digest"]

    @admin.display(description="前一摘要")
    def previous_digest(self, link) -> str:
        """The digest of the link before, in hex."""
        return bytes(link.prev_hash).hex()

    @admin.display(description="摘要")
    def digest(self, link) -> str:
        """This link's digest, in hex."""
        return bytes(link.hash).hex()
