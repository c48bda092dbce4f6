"""What a submission takes for itself: invoice numbers and the money paid on them. Called by `vouchers.review` alone.

The database is the judge: a partial unique index keeps one bound row a number, and CHECKs on the running sums keep
every fen of an invoice and of a payment from being claimed twice.
"""

from __future__ import annotations

import datetime as dt

from django.db import IntegrityError, transaction

from vouchers.claims.facts import red_letters_of
from vouchers.claims.models import Claim
from vouchers.claims.papers import Allocation, Invoice
from vouchers.claims.services import ClaimError


class InvoiceInUse(ClaimError):
    """Another organisation's live claim holds this number. Whose is not told."""

    def __init__(self, invoice: Invoice):
        self.invoice = invoice
        super().__init__(
            f"发票号码 {invoice.number} 已被其他申请占用，本次未能提交，填写内容已保留。"
            "请核对发票是否正确；如确属本单位，请联系区工信部门，系统已通知核查。"
        )


class UsedElsewhere(ClaimError):
    """Claims together would take more of an invoice or a payment than there is."""


def bind(claim: Claim, *, at: dt.datetime) -> None:
    """Bind the claim's invoices, and the red letters against them, and make its allocations live.

    In number order, so that two claims never wait for each other in a ring. Raises `InvoiceInUse` or `UsedElsewhere`.
    """
    wanted = set(claim.lines.values_list("invoice_line__invoice_id", flat=True))
    wanted |= set(claim.allocations.values_list("invoice_id", flat=True))
    rows = {invoice.pk: invoice for invoice in Invoice.objects.filter(pk__in=wanted)}
    rows |= {red.pk: red for invoice in list(rows.values()) for red in red_letters_of(invoice)}
    for invoice in sorted(rows.values(), key=lambda row: (row.code, row.number)):
        if invoice.bound_at is not None:
            continue
        try:
            with transaction.atomic():
                Invoice.objects.filter(pk=invoice.pk).update(bound_at=at)
        except IntegrityError as error:
            if "invoice_number_once" not in str(error):
                raise
            raise InvoiceInUse(invoice) from error
    for allocation in claim.allocations.filter(live=False).order_by("invoice_id", "payment_id"):
        _make_live(allocation)


def _make_live(allocation: Allocation) -> None:
    try:
        with transaction.atomic():
            Allocation.objects.filter(pk=allocation.pk).update(live=True)
    except IntegrityError as error:
        if "invoice_paid_once" in str(error):
            number = allocation.invoice.number
            raise UsedElsewhere(f"发票 {number} 的金额已在其他申请中使用，剩余部分不足，请减少对应金额。") from error
        if "payment_made_used_once" in str(error):
            serial = allocation.payment.serial_number
            raise UsedElsewhere(f"流水号 {serial} 的付款已在其他申请中使用，剩余部分不足，请减少对应金额。") from error
        raise


def unbind(claim: Claim) -> None:
    """Let go of what a closed claim had taken. An invoice that no live claim uses any more is free again."""
    claim.allocations.filter(live=True).update(live=False)
    used = set(claim.lines.values_list("invoice_line__invoice_id", flat=True))
    used |= set(claim.allocations.values_list("invoice_id", flat=True))
    Invoice.objects.filter(pk__in=used, allocated_fen=0).update(bound_at=None)
