"""What a submission takes for itself: invoice numbers and the money paid on them. Called by `vouchers.review` alone.

The database is the judge: a partial unique index keeps one bound row a number, and CHECKs on the running sums keep
every fen of an invoice and of a payment from being claimed twice.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import psycopg2
from django.db import Error, IntegrityError, connection

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


def wanted(dossier: Dossier) -> tuple[list[int], list[int], list[int]]:
    """What `vouchers_bind` is to bind of the claim: invoices with the red letters against them, payments, allocations.

    In number order, so that two claims never wait for each other in a ring.
    """
    payments = sorted({match.payment_id for match in dossier.allocations})
    matches = [match.pk for match in dossier.allocations if not match.live]
    return [bill.pk for bill in _bills(dossier)], payments, matches


def sums_expected(dossier: Dossier) -> list[int]:
    """What live claims use of each of the `wanted` invoices once they are bound, if no other claim comes in between."""
    sums = {bill.pk: bill.allocated_fen for bill in _bills(dossier)}
    for match in dossier.allocations:
        if not match.live:
            sums[match.invoice_id] += match.amount_fen
    return list(sums.values())


def bind(dossier: Dossier, *, at: dt.datetime) -> None:
    """Bind the claim's invoices, and the red letters against them, and make its allocations live.

    Raises `InvoiceInUse` or `UsedElsewhere`; either ends the caller's transaction, which is the submission that failed.
    """
    invoices, payments, matches = wanted(dossier)
    try:
        (sums,) = _BIND.one(invoices, payments, matches, at) or ([],)
    except IntegrityError as error:
        refusal = refusal_of(error, dossier)
        if refusal is None:
            raise
        raise refusal from error
    dossier.bind_with(dict(zip(invoices, sums, strict=True)))


def read_bound(dossier: Dossier) -> None:
    """Take note of what a step has bound by itself, and of the sums as they are now that the invoices are locked."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, allocated_fen FROM vouchers_invoice WHERE id = ANY (%s)", [list(dossier.invoices)])
        dossier.bind_with(dict(cursor.fetchall()))


def _bills(dossier: Dossier) -> list[Bill]:
    """The claim's invoices and the red letters against them, in the order in which they are locked."""
    reds = (red for letters in dossier.red_letters.values() for red in letters)
    return sorted((*dossier.invoices.values(), *reds), key=lambda row: (row.code, row.number))


def refusal_of(error: Error, dossier: Dossier) -> ClaimError | None:
    """What it means that the database refused to bind the papers of `dossier`; None when it means nothing here."""
    told = error.__cause__.diag if isinstance(error.__cause__, psycopg2.Error) else None
    constraint, detail = (told.constraint_name, told.message_detail or "") if told else (None, "")
    if constraint == "invoice_number_once":
        # "Key (…)=(25322000000012345678) already exists."
        number = detail.partition(")=(")[2].partition(")")[0]
        return InvoiceInUse(next(bill for bill in _bills(dossier) if bill.code + bill.number == number))
    if constraint not in ("invoice_paid_once", "payment_made_used_once"):
        return None
    row = int(detail.partition("(")[2].partition(",")[0])  # "Failing row contains (7, …)."
    if constraint == "invoice_paid_once":
        number = dossier.invoices[row].number
        return UsedElsewhere(f"发票 {number} 的金额已在其他申请中使用，剩余部分不足，请减少对应金额。")
    serial = next(match.payment.serial_number for match in dossier.allocations if match.payment_id == row)
    return UsedElsewhere(f"流水号 {serial} 的付款已在其他申请中使用，剩余部分不足，请减少对应金额。")


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
