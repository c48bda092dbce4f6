"""Taking back what was entered by mistake, while the claim may be changed."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.db.models import ProtectedError

from accounts.locks import refuse_when_locked
from audit.services import record
from vouchers.claims.intake import ClaimError
from vouchers.claims.models import Claim
from vouchers.claims.papers import Allocation, Attachment, ClaimLine, Invoice, InvoiceCopy, PaymentMade
from vouchers.claims.pictures import forget_pictures
from vouchers.claims.services import require_editable
from vouchers.documents.storage import path_of


def remove_invoice(claim: Claim, invoice: Invoice, *, user) -> bool:
    """Take an invoice out of the claim; with its file for good when nothing else rests on it.

    Returns whether it is gone for good. Raises `ClaimError` for another organisation's.
    """
    with refuse_when_locked(), transaction.atomic():
        require_editable(claim, user)
        _require_own(claim, invoice.organisation_id)
        if invoice.read_by == "officer" or (invoice.red and invoice.bound_at is not None):
            raise ClaimError(f"红字发票 {invoice.number} 已登记，冲减原发票的金额，不能移除。如有疑问请联系审核部门。")
        copies = [copy.attachment for copy in invoice.copies.select_related("attachment")]
        claim.lines.filter(invoice_line__invoice=invoice).delete()
        claim.allocations.filter(invoice=invoice).delete()
        Invoice.objects.filter(pk=invoice.pk, allocated_fen=0).update(bound_at=None)
        gone = not _is_used(invoice) and _delete(invoice)
        if gone:
            for file in filter(None, [invoice.attachment, *copies]):
                _drop_file(file)
        _record(user, claim, "invoice.remove", number=invoice.number, gone=gone)
    return gone


def remove_payment(claim: Claim, payment: PaymentMade, *, user) -> bool:
    """Take a payment off the claim's invoices; for good when no other claim uses it. Its receipt stays.

    Returns whether it is gone for good. Raises `ClaimError` for another organisation's.
    """
    with refuse_when_locked(), transaction.atomic():
        require_editable(claim, user)
        _require_own(claim, payment.organisation_id)
        matched = list(claim.allocations.filter(payment=payment).values_list("invoice_id", flat=True))
        claim.allocations.filter(payment=payment).delete()
        Invoice.objects.filter(pk__in=matched, allocated_fen=0).update(bound_at=None)
        gone = not Allocation.objects.filter(payment=payment).exists() and _delete(payment)
        _record(user, claim, "payment.remove", serial=payment.serial_number, gone=gone)
    return gone


def remove_file(attachment: Attachment, *, user) -> None:
    """Remove an uploaded file. Raises `ClaimError` while an invoice or a payment rests on it."""
    claim = attachment.claim
    if claim is None:
        raise ClaimError("这份文件不属于任何申请，不能移除。")
    with refuse_when_locked(), transaction.atomic():
        require_editable(claim, user)
        invoice = attachment.invoices.first()
        if invoice is not None:
            raise ClaimError(f"“{attachment}”是发票 {invoice.number} 的原件，不能单独移除。请在“发票”里移除这张发票。")
        copy = InvoiceCopy.objects.filter(attachment=attachment).select_related("invoice").first()
        if copy is not None:
            if copy.invoice.bound_at is not None:
                raise ClaimError(f"“{attachment}”是发票 {copy.invoice.number} 的另一份文件，已随申请提交，不能移除。")
            copy.delete()
        payment = PaymentMade.objects.filter(attachment=attachment).first()
        if payment is not None:
            raise ClaimError(
                f"“{attachment}”是流水号 {payment.serial_number} 的回单，不能移除。请先在“付款”里移除或更换这笔付款的回单。"
            )
        _drop_file(attachment)
        _record(user, claim, "claim.remove_file", kind=attachment.kind, sha256=attachment.sha256)


def _is_used(invoice: Invoice) -> bool:
    return (
        Allocation.objects.filter(invoice=invoice).exists()
        or ClaimLine.objects.filter(invoice_line__invoice=invoice).exists()
    )


def _delete(row: Invoice | PaymentMade) -> bool:
    try:
        with transaction.atomic():
            row.delete()
    except ProtectedError:
        # An official's note rests on it (a cut, say): the row stays, out of the claim.
        return False
    return True


def _drop_file(attachment: Attachment) -> None:
    if attachment.invoices.exists() or PaymentMade.objects.filter(attachment=attachment).exists():
        return
    stored = attachment.stored_name
    attachment.delete()
    # After the commit: a transaction that fails must not have lost the file.
    transaction.on_commit(lambda: _unlink(stored))


def _unlink(stored: str) -> None:
    path_of(stored).unlink(missing_ok=True)
    forget_pictures(stored)


def _require_own(claim: Claim, organisation_id: int) -> None:
    if organisation_id != claim.organisation_id:
        raise ClaimError("这一项不属于本单位，请刷新页面。")


def _record(user, claim: Claim, action: str, **detail) -> None:
    at = settings.CLOCK.now()
    record(actor=f"user:{user.pk} {user.name}", action=action, subject=f"claim:{claim.pk}", at=at, detail=detail)
