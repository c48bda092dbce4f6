"""What a submission takes for itself: invoice numbers and the money paid on them. Called by `vouchers.review` alone.

The database is the judge: a partial unique index keeps one bound row a number, and CHECKs on the running sums keep
every fen of an invoice and of a payment from being claimed twice.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import psycopg2
from django.db import IntegrityError, connection

from vouchers.claims.dossier import Bill, Dossier
from vouchers.claims.intake import ClaimError
from vouchers.claims.models import Claim
from vouchers.claims.papers import Invoice
from vouchers.prepared import Prepared


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


_BIND = Prepared("bind", ("bigint[]", "bigint[]", "bigint[]", "timestamptz"), "SELECT vouchers_bind($1, $2, $3, $4)")


def bind(claim: Claim, *, at: dt.datetime, dossier: Dossier | None = None) -> None:
    """Bind the claim's invoices, and the red letters against them, and make its allocations live.

    In number order, so that two claims never wait for each other in a ring. Raises `InvoiceInUse` or `UsedElsewhere`;
    either ends the caller's transaction, which is the submission that failed.
    """
    dossier = dossier or Dossier(claim)
    bills = [bill.pk for bill in _bills(dossier)]
    payments = sorted({match.payment_id for match in dossier.allocations})
    matches = [match.pk for match in dossier.allocations if not match.live]
    try:
        (sums,) = _BIND.one(bills, payments, matches, at) or ([],)
    except IntegrityError as error:
        refusal = _refusal(error, dossier)
        if refusal is None:
            raise
        raise refusal from error
    dossier.allocated_fen = dict(zip(bills, sums, strict=True))
    for match in dossier.allocations:
        match.live = True


def _bills(dossier: Dossier) -> list[Bill]:
    """The claim's invoices and the red letters against them, in the order in which they are locked."""
    reds = (red for letters in dossier.red_letters.values() for red in letters)
    return sorted((*dossier.invoices.values(), *reds), key=lambda row: (row.code, row.number))


def _refusal(error: IntegrityError, dossier: Dossier) -> ClaimError | None:
    """What the constraint means that refused the row whose id is the error's detail."""
    told = error.__cause__.diag if isinstance(error.__cause__, psycopg2.Error) else None
    if told is None or told.constraint_name not in (
        "invoice_number_once",
        "invoice_paid_once",
        "payment_made_used_once",
    ):
        return None
    if told.constraint_name == "invoice_number_once":
        return InvoiceInUse(next(bill for bill in _bills(dossier) if bill.pk == int(told.message_detail)))
    match = next(match for match in dossier.allocations if match.pk == int(told.message_detail))
    if told.constraint_name == "invoice_paid_once":
        return UsedElsewhere(f"发票 {match.invoice.number} 的金额已在其他申请中使用，剩余部分不足，请减少对应金额。")
    return UsedElsewhere(
        f"流水号 {match.payment.serial_number} 的付款已在其他申请中使用，剩余部分不足，请减少对应金额。"
    )


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
    # What an officer found at the tax platform stays, for whichever claim uses the invoice next.
    Invoice.objects.filter(pk__in=free).exclude(read_by="officer").update(bound_at=None)
