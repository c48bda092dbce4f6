"""What a submission takes for itself: invoice numbers and the money paid on them. Called by `vouchers.review` alone.

The database is the judge: a partial unique index keeps one bound row a number, and CHECKs on the running sums keep
every fen of an invoice and of a payment from being claimed twice.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db import IntegrityError, connection

from vouchers.claims.dossier import Bill, Dossier, Match
from vouchers.claims.intake import ClaimError
from vouchers.claims.models import Claim
from vouchers.claims.papers import Invoice


class InvoiceInUse(ClaimError):
    """Another organisation's live claim holds this number. Whose is not told."""

    def __init__(self, invoice: Bill):
        self.invoice = invoice
        super().__init__(
            f"发票号码 {invoice.number} 已被其他申请占用，本次未能提交，填写内容已保留。"
            "请核对发票是否正确；如确属本单位，请联系区工信部门，系统已通知核查。"
        )


class UsedElsewhere(ClaimError):
    """Claims together would take more of an invoice or a payment than there is."""


def bind(claim: Claim, *, at: dt.datetime, dossier: Dossier | None = None) -> None:
    """Bind the claim's invoices, and the red letters against them, and make its allocations live.

    In number order, so that two claims never wait for each other in a ring. Raises `InvoiceInUse` or `UsedElsewhere`;
    either ends the caller's transaction, which is the submission that failed.
    """
    dossier = dossier or Dossier(claim)
    reds = (red for letters in dossier.red_letters.values() for red in letters)
    invoice = None
    try:
        for invoice in sorted((*dossier.invoices.values(), *reds), key=lambda row: (row.code, row.number)):
            # Written even where it seems bound: another claim of the firm may be letting go of it this very moment.
            _execute("UPDATE vouchers_invoice SET bound_at = coalesce(bound_at, %s) WHERE id = %s", at, invoice.pk)
    except IntegrityError as error:
        if invoice is None or "invoice_number_once" not in str(error):
            raise
        raise InvoiceInUse(invoice) from error
    _lock_payments(match.payment_id for match in dossier.allocations)
    _make_live([allocation for allocation in dossier.allocations if not allocation.live])


def _make_live(allocations: list[Match]) -> None:
    allocation = None
    try:
        for allocation in allocations:
            _execute("UPDATE vouchers_allocation SET live = true WHERE id = %s", allocation.pk)
            allocation.live = True
    except IntegrityError as error:
        if allocation is not None and "invoice_paid_once" in str(error):
            number = allocation.invoice.number
            raise UsedElsewhere(f"发票 {number} 的金额已在其他申请中使用，剩余部分不足，请减少对应金额。") from error
        if allocation is not None and "payment_made_used_once" in str(error):
            serial = allocation.payment.serial_number
            raise UsedElsewhere(f"流水号 {serial} 的付款已在其他申请中使用，剩余部分不足，请减少对应金额。") from error
        raise


def _lock_payments(payment_ids: Iterable[int]) -> None:
    """After the invoices, in the order of their ids: two claims of a firm that share payments never deadlock."""
    for payment_id in sorted(set(payment_ids)):
        _execute("SELECT FROM vouchers_paymentmade WHERE id = %s FOR UPDATE", payment_id)


def _execute(sql: str, *values: dt.datetime | int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def unbind(claim: Claim) -> None:
    """Let go of what a closed claim had taken. An invoice that no live claim uses any more is free again, and so are
    the red letters against it."""
    dossier = Dossier(claim)
    bills = sorted(dossier.invoices.values(), key=lambda row: (row.code, row.number))
    for bill in bills:
        _execute("SELECT FROM vouchers_invoice WHERE id = %s FOR UPDATE", bill.pk)
    _lock_payments(match.payment_id for match in dossier.allocations)
    claim.allocations.filter(live=True).update(live=False)
    free = set(Invoice.objects.filter(pk__in=[bill.pk for bill in bills], allocated_fen=0).values_list("pk", flat=True))
    free |= {red.pk for pk in set(free) for red in dossier.red_letters[pk]}
    Invoice.objects.filter(pk__in=free).update(bound_at=None)
