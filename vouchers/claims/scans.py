"""Scans and photos of invoices, read by OCR in the background: a suggestion in the form, never an invoice by itself.

A person compares it with the original and saves it; until then nothing is entered.
"""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings

from vouchers.claims.drafts import suggest
from vouchers.claims.papers import Attachment
from vouchers.documents.storage import load
from vouchers.invoices import Invoice, UnreadableInvoice, guard
from vouchers.invoices.ocr import PICTURES, UNREAD
from vouchers.jobs import services as jobs
from vouchers.jobs.models import Job
from vouchers.money import yuan

SCAN = "ocr"
BY_MACHINE = "图片识别（OCR）"


def request_scan(attachment: Attachment, unread: UnreadableInvoice) -> Job | None:
    """Have a file read by OCR if that may help and this portal has it; the job, or None."""
    if unread.code != PICTURES or not settings.OCR:
        return None
    return jobs.request(SCAN, f"attachment:{attachment.pk}", requested_by=attachment.uploaded_by)


def scan_jobs(attachments: list[Attachment]) -> dict[int, Job]:
    """The latest OCR job of each attachment that has one, by its id."""
    subjects = {f"attachment:{attachment.pk}": attachment.pk for attachment in attachments}
    rows = Job.objects.filter(kind=SCAN, subject__in=subjects).order_by("pk")
    return {subjects[job.subject]: job for job in rows}


def run(subject: str, progress: jobs.Progress) -> None:
    """Read one file and fill in its form. Whoever has begun to type in the meantime keeps what they typed."""
    attachment = Attachment.objects.select_related("claim").filter(pk=int(subject.partition(":")[2])).first()
    if attachment is None or attachment.claim is None or attachment.invoices.exists():
        progress.report(1, 1, "文件已移除或已登记，不用再识别。")
        return
    progress.report(0, 1, "正在识别图片中的文字")
    try:
        read = guard.read_scan(load(attachment.stored_name, attachment.sha256))
    except UnreadableInvoice as unread:
        progress.report(1, 1, str(unread)[:200])
        return
    suggest(attachment.claim, form_name(attachment), form_of(read), by=BY_MACHINE)
    progress.report(1, 1, "识别好了，请对照原件核对后保存。")


def form_name(attachment: Attachment) -> str:
    """The half-typed form that types in this file."""
    return f"typed:{attachment.pk}"


def form_of(read: Invoice) -> str:
    """The invoice as the form for typing it in holds it, a query string; `doubt` says each warning."""
    fields = [
        ("kind", _kind(read)),
        ("code", read.code),
        ("number", read.number),
        ("date", read.date.isoformat()),
        ("seller_name", read.seller_name.replace(UNREAD, "")),
        ("seller_id", read.seller_id),
        ("buyer_name", read.buyer_name.replace(UNREAD, "")),
        ("total_fen", yuan(read.total_fen)),
        ("remark", read.remark),
        ("lines-TOTAL_FORMS", str(len(read.lines))),
        ("lines-INITIAL_FORMS", "0"),
    ]
    for row, line in enumerate(read.lines):
        values = {
            "name": line.name,
            "spec": line.spec,
            "unit": line.unit,
            "quantity": line.quantity,
            "unit_price": line.unit_price,
            "amount_fen": yuan(line.amount_fen),
            "tax_rate": line.tax_rate,
            "tax_fen": yuan(line.tax_fen),
        }
        fields += [(f"lines-{row}-{name}", value) for name, value in values.items()]
    return urlencode([*fields, *(("doubt", warning.message) for warning in read.warnings)])


def _kind(read: Invoice) -> str:
    """The kind as the form offers it."""
    special = "专" in read.kind
    if read.code:
        return "增值税专用发票" if special else "增值税普通发票"
    return "电子发票（增值税专用发票）" if special else "电子发票（普通发票）"
