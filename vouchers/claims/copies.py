"""The same invoice in another file: recognised by its number, kept beside the first, and held against it."""

from __future__ import annotations

import hashlib
from dataclasses import asdict

from django.conf import settings

from vouchers import invoices
from vouchers.claims.models import Claim
from vouchers.claims.papers import Invoice, InvoiceCopy
from vouchers.documents.storage import load
from vouchers.invoices import guard
from vouchers.invoices.compare import differences


def as_read(invoice: Invoice) -> invoices.Invoice:
    """What was entered of an invoice, in the form that a reader gives."""
    lines = tuple(
        invoices.Line(
            name=line.name,
            spec=line.spec,
            unit=line.unit,
            quantity=line.quantity,
            unit_price=line.unit_price,
            amount_fen=line.amount_fen,
            tax_rate=line.tax_rate,
            tax_fen=line.tax_fen,
        )
        for line in invoice.lines.order_by("position")
    )
    return invoices.Invoice(
        carrier=invoice.carrier,
        kind=invoice.kind,
        number=invoice.number,
        code=invoice.code,
        check_code=invoice.check_code,
        date=invoice.issued_on,
        buyer_name=invoice.buyer_name,
        buyer_id=invoice.buyer_id,
        seller_name=invoice.seller_name,
        seller_id=invoice.seller_id,
        amount_fen=invoice.amount_fen,
        tax_fen=invoice.tax_fen,
        total_fen=invoice.total_fen,
        red=invoice.red,
        reverses=invoice.reverses,
        remark=invoice.remark,
        lines=lines,
        warnings=(),
    )


def known_file(invoice: Invoice, content: bytes) -> bool:
    """Whether these very bytes belong to the invoice already."""
    digest = hashlib.sha256(content).hexdigest()
    first = invoice.attachment
    return (first is not None and first.sha256 == digest) or invoice.copies.filter(attachment__sha256=digest).exists()


def keep_copy(claim: Claim, invoice: Invoice, read: invoices.Invoice, attachment) -> InvoiceCopy:
    """Keep another file of `invoice`, read as `read`, and where the two differ."""
    return InvoiceCopy.objects.create(
        invoice=invoice,
        attachment=attachment,
        carrier=read.carrier,
        differences=_found(invoice, read),
        found_at=settings.CLOCK.now(),
    )


def renew_copies(invoice: Invoice) -> None:
    """Hold every other file of `invoice` against what stands now, after it was typed anew."""
    for copy in invoice.copies.select_related("attachment"):
        try:
            read = guard.read(load(copy.attachment.stored_name, copy.attachment.sha256))
        except invoices.UnreadableInvoice:
            continue  # it was read once; what it then said stays
        copy.differences = _found(invoice, read)
        copy.save(update_fields=["differences"])


def _found(invoice: Invoice, read: invoices.Invoice) -> list[dict]:
    return [{**asdict(each), "grave": each.grave} for each in differences(as_read(invoice), read)]
