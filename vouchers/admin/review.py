"""What happened, who had which duty, and what was decided."""

import json

from django.contrib import admin
from django.utils.html import format_html, format_html_join

from audit.admin import ReadOnlyAdmin
from vouchers.admin.columns import MoneyAdmin
from vouchers.claims.corrections import CorrectionItem
from vouchers.money import grouped
from vouchers.review.funding import Case
from vouchers.review.models import (
    ClaimDuty,
    ClaimEvent,
    ClawbackProposal,
    Decision,
    LineCut,
    Objection,
    ReversalFlag,
    VoucherEvent,
)


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
    unseen = ("result",)

    def get_fields(self, request, obj=None):
        """The explanation and the frozen facts in words and as stored."""
        return [*super().get_fields(request, obj), "explanation", "stored"]

    @admin.display(description="为什么是这个金额")
    def explanation(self, decision) -> str:
        """Every step with its clause and what it makes."""
        rows = (
            (
                step.text,
                step.citation,
                "" if step.amount_fen is None else f"{grouped(step.amount_fen)} 元",
            )
            for step in Case.from_json(decision.result).decision.trace
        )
        return format_html("<ol>{}</ol>", format_html_join("", "<li>{}（{}） {}</li>", rows))

    @admin.display(description="冻结的事实、条款与结论")
    def stored(self, decision) -> str:
        """What a replay decides again."""
        return format_html("<pre>{}</pre>", json.dumps(decision.result, ensure_ascii=False, indent=1))

    def get_queryset(self, request):
        """Lists leave the frozen facts in the database."""
        rows = super().get_queryset(request)
        return rows if request.resolver_match.url_name.endswith("_change") else rows.defer("result")


@admin.register(LineCut)
class LineCutAdmin(MoneyAdmin):
    """What reviewers took off claimed lines."""

    list_display = ("claim", "invoice_line", "amount_fen", "reason", "event")
    list_select_related = ("claim", "invoice_line", "event")
    search_fields = ("claim__number", "reason")
    search_help_text = "按申请编号或理由查找"
    ordering = ("-pk",)


@admin.register(CorrectionItem)
class CorrectionItemAdmin(ReadOnlyAdmin):
    """What claims were returned for, and the answers."""

    list_display = ("claim", "position", "text", "answer", "answered_by", "answered_at")
    list_select_related = ("claim", "answered_by")
    search_fields = ("claim__number", "text", "answer")
    search_help_text = "按申请编号、意见或答复查找"
    ordering = ("-pk",)


@admin.register(Objection)
class ObjectionAdmin(ReadOnlyAdmin):
    """What was said against claims under publicity."""

    list_display = ("number", "claim", "state", "received_at", "handled_by", "closed_at")
    list_filter = ("state",)
    list_select_related = ("claim", "handled_by")
    search_fields = ("number", "claim__number")
    search_help_text = "按异议编号或申请编号查找"
    ordering = ("-pk",)


@admin.register(ReversalFlag)
class ReversalFlagAdmin(ReadOnlyAdmin):
    """Red letters and voids that met a claim, and how it stood then."""

    list_display = ("found_at", "claim", "invoice", "letter", "state")
    list_filter = ("state",)
    list_select_related = ("claim", "invoice", "letter")
    search_fields = ("claim__number", "=invoice__number", "=letter__number")
    search_help_text = "按申请编号或发票号码查找"


@admin.register(ClawbackProposal)
class ClawbackProposalAdmin(MoneyAdmin):
    """What was paid too much, as far as later red letters show."""

    list_display = ("made_at", "claim", "letter", "paid_fen", "due_fen", "amount_fen", "state")
    list_filter = ("state",)
    list_select_related = ("claim", "letter", "closed_by")
    search_fields = ("claim__number", "=letter__number")
    search_help_text = "按申请编号或红字发票号码查找"
    unseen = ("result",)
