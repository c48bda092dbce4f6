"""Invoices as they come in, many files at once: each is entered, kept to be typed in, or refused in words."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from django.db.models import QuerySet

from accounts.errors import Refused
from vouchers.claims.intake import LinesUnread
from vouchers.claims.models import Claim
from vouchers.claims.papers import Attachment, Invoice
from vouchers.claims.scans import request_scan
from vouchers.claims.services import FileWaits, add_invoice_file, upload
from vouchers.claims.uploads import is_dangerous
from vouchers.invoices import UnreadableInvoice
from vouchers.jobs.models import Job


@dataclass(frozen=True)
class Received:
    """What became of one file. `invoice` was entered or found again; `attachment` waits to be typed in; with neither
    the file was refused. `message` says why, and what to do. `job` reads it by OCR in the background."""

    name: str
    invoice: Invoice | None = None
    attachment: Attachment | None = None
    message: str = ""
    job: Job | None = None


def receive_invoice(claim: Claim, *, name: str, content: bytes, user) -> Received:
    """Take in one invoice file. Raises nothing that the person could mend: the answer says it."""
    latest = Invoice.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    try:
        invoice = add_invoice_file(claim, name=name, content=content, user=user)
        return Received(name, invoice=invoice, message="" if invoice.pk > latest else _found_again(invoice, content))
    except FileWaits as waits:
        return Received(name, attachment=waits.attachment, message=str(waits))
    except (UnreadableInvoice, LinesUnread) as unread:
        if isinstance(unread, UnreadableInvoice) and is_dangerous(unread.code):
            return Received(name, message=unread.message)
        return _keep(claim, name, content, user, unread)
    except Refused as refusal:
        return Received(name, message=str(refusal))


def _found_again(invoice: Invoice, content: bytes) -> str:
    """What another file of a known invoice turned out to be."""
    digest = hashlib.sha256(content).hexdigest()
    copy = invoice.copies.filter(attachment__sha256=digest).first()
    if copy is None:
        return "本单位此前已登记过，直接选用。"
    if not copy.differences:
        return "与已登记的发票是同一张，两份文件各项一致。"
    return f"与已登记的发票是同一张，但有 {len(copy.differences)} 处不一致，请到发票页核对。"


def _keep(claim: Claim, name: str, content: bytes, user, unread: UnreadableInvoice | LinesUnread) -> Received:
    """Keep what cannot be read for somebody to type in, once however often it is uploaded."""
    digest = hashlib.sha256(content).hexdigest()
    known = claim.attachments.filter(kind="invoice", sha256=digest).first()
    if known is not None:
        return Received(name, attachment=known, message="这个文件已经上传过，等待人工填写。")
    try:
        # The scanner has cleared it already, before it was read.
        kept = upload(claim, kind="invoice", name=name, content=content, user=user, is_cleared=True)
    except Refused as refusal:
        return Received(name, message=str(refusal))
    job = request_scan(kept, unread) if isinstance(unread, UnreadableInvoice) else None
    message = "这是扫描件或照片，正在后台识别，识别好以后请核对。" if job else str(unread)
    return Received(name, attachment=kept, message=message, job=job)


def waiting_files(claim: Claim) -> QuerySet[Attachment]:
    """Invoice files of the claim that nobody has typed in yet."""
    return claim.attachments.filter(kind="invoice", invoices=None, copy=None).order_by("pk")
