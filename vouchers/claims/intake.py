"""What comes in from outside is checked before a row is made of it; every refusal says what to mend."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import asdict

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models.functions import Concat

from accounts.errors import Refused
from applicants.models import Organisation
from vouchers import invoices
from vouchers.claims.papers import Attachment, Invoice, InvoiceLine
from vouchers.money import MAX_FEN

# Older invoices than any scheme could cover are typing errors.
EARLIEST = dt.date(2015, 1, 1)
# What a reader made of the file, which nobody types.
_READ_ONLY = {"warnings", "boxes", "seals"}


class ClaimError(Refused):
    """Something about a claim that its applicant must mend; the text is Chinese and says how."""


class InvoiceRefused(ClaimError):
    """An invoice that cannot be part of this organisation's claims."""


class LinesUnread(InvoiceRefused):
    """Its lines could not be read: somebody must type it in."""


def find_invoice(organisation: Organisation, code: str, number: str) -> Invoice | None:
    """The organisation's invoice of this number, however it was split into code and number."""
    rows = Invoice.objects.filter(organisation=organisation).annotate(whole=Concat("code", "number"))
    return rows.filter(whole=code + number).first()


def enter_invoice(
    organisation: Organisation,
    read: invoices.Invoice,
    *,
    attachment: Attachment | None,
    read_by: str,
    today: dt.date,
) -> Invoice:
    """Make rows of an invoice that was read or typed in. Raises `InvoiceRefused`; nothing stays then."""
    require_plausible(read, today)
    if find_invoice(organisation, read.code, read.number) is not None:
        raise InvoiceRefused(f"发票 {read.number} 已在本单位登记过，请直接选用。")
    invoice = Invoice(organisation=organisation, attachment=attachment, read_by=read_by, **header_of(read))
    lines = [InvoiceLine(invoice=invoice, **fields) for fields in lines_of(read)]
    require_fitting(f"发票 {read.number}", invoice, *lines)
    try:
        with transaction.atomic():
            invoice.save()
            InvoiceLine.objects.bulk_create(lines)
    except IntegrityError as error:
        raise InvoiceRefused(f"发票 {read.number} 已在本单位登记过，请直接选用。") from error
    return invoice


def header_of(read: invoices.Invoice) -> dict:
    """The columns of an invoice's row."""
    return {
        "carrier": read.carrier,
        "kind": read.kind,
        "code": read.code,
        "number": read.number,
        "check_code": read.check_code,
        "issued_on": read.date,
        "buyer_name": read.buyer_name,
        "buyer_id": read.buyer_id,
        "seller_name": read.seller_name,
        "seller_id": read.seller_id,
        "amount_fen": read.amount_fen,
        "tax_fen": read.tax_fen,
        "total_fen": read.total_fen,
        "red": read.red,
        "reverses": read.reverses.strip(),
        "remark": read.remark,
        "warnings": [asdict(warning) for warning in read.warnings],
        "boxes": [asdict(box) for box in read.boxes],
        "seals": [asdict(seal) for seal in read.seals],
    }


def lines_of(read: invoices.Invoice) -> list[dict]:
    """The columns of the rows of its lines, in order."""
    return [
        {
            "position": position,
            "name": line.name,
            "spec": line.spec,
            "unit": line.unit,
            "quantity": line.quantity,
            "unit_price": line.unit_price,
            "amount_fen": line.amount_fen,
            "tax_rate": line.tax_rate,
            "tax_fen": line.tax_fen,
        }
        for position, line in enumerate(read.lines, start=1)
    ]


def require_fitting(what: str, *rows: models.Model) -> None:
    """Raises `InvoiceRefused` naming every field that does not fit its column."""
    wrong = []
    for row in rows:
        try:
            row.clean_fields(exclude={field.name for field in row._meta.fields if field.is_relation} | _READ_ONLY)
        except ValidationError as error:
            labels = {field.name: field.verbose_name for field in row._meta.fields}
            wrong += [f"{labels[name]}：{''.join(texts)}" for name, texts in error.message_dict.items()]
    if wrong:
        raise InvoiceRefused(f"{what}有内容不符合要求，请更正后重新登记。" + "；".join(wrong[:5]))


def require_plausible(read: invoices.Invoice, today: dt.date) -> None:
    """Numbers as the tax authorities give them, a day that has been, and sums that add up; else `InvoiceRefused`."""
    electronic = not read.code and re.fullmatch("[0-9]{20}", read.number)
    legacy = re.fullmatch("[0-9]{10}|[0-9]{12}", read.code) and re.fullmatch("[0-9]{8}", read.number)
    if not electronic and not legacy:
        raise InvoiceRefused(
            f"发票号码“{read.number}”不对：数电票为 20 位数字、没有发票代码；其他发票代码为 10 或 12 位、号码为 8 位数字。"
        )
    if not EARLIEST <= read.date <= today:
        raise InvoiceRefused(f"发票 {read.number} 的开票日期 {read.date} 不对，请核对后更正。")
    sums = (read.amount_fen, read.tax_fen, read.total_fen)
    if read.amount_fen + read.tax_fen != read.total_fen or max(map(abs, sums)) > MAX_FEN:
        raise InvoiceRefused(f"发票 {read.number} 的金额与税额之和不等于价税合计，请核对后更正。")
    if read.red != (read.total_fen < 0):
        raise InvoiceRefused(f"发票 {read.number} 的红字标志与金额正负不符，请核对后更正。")
    if not read.lines:
        raise LinesUnread(f"发票 {read.number} 的明细未能识读，请改为人工填写。")
    off_by = [
        sum(getattr(line, name) for line in read.lines) - getattr(read, name) for name in ("amount_fen", "tax_fen")
    ]
    # A fen a line is what rounding line by line may make.
    if max(map(abs, off_by)) > len(read.lines):
        raise InvoiceRefused(f"发票 {read.number} 各行合计与票面合计不符，请核对明细后重新登记。")
