"""The books."""

from django.contrib import admin

from vouchers.admin.columns import MoneyAdmin
from vouchers.ledger.models import Account, ClosedYear, Transfer


@admin.register(Account)
class AccountAdmin(MoneyAdmin):
    """Accounts and their balances."""

    list_display = ("key", "kind", "balance_fen")
    list_filter = ("kind",)
    search_fields = ("^key",)
    search_help_text = "按账户编号的开头查找，例如 held:12"


@admin.register(Transfer)
class TransferAdmin(MoneyAdmin):
    """Transfers, never changed."""

    list_display = ("at", "kind", "source_id", "target_id", "amount_fen", "subject", "actor")
    list_filter = ("kind",)
    list_select_related = ("source", "target", "original", "entry")
    search_fields = ("^key", "^subject")
    search_help_text = "按唯一键或对象查找，例如 claim:12"
    ordering = ("-id",)


@admin.register(ClosedYear)
class ClosedYearAdmin(MoneyAdmin):
    """Years whose books are closed."""

    list_display = ("period", "order", "closed_at")
    list_select_related = ("order",)
    search_fields = ("^period",)
    search_help_text = "按年度查找，例如 compute_voucher:2025"
