"""Red letters that come outside a claim's own forms: uploaded after submission, or found at the tax platform."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Concat

from accounts.locks import refuse_when_locked
from audit.services import record
from vouchers.claims.intake import ClaimError, InvoiceRefused, enter_invoice, find_invoice
from vouchers.claims.keeping import store_file
from vouchers.claims.models import Claim
from vouchers.claims.papers import Invoice
from vouchers.claims.services import require_member
from vouchers.claims.uploads import cleared, require_allowed
from vouchers.documents.storage import path_of
from vouchers.invoices import guard
from vouchers.money import grouped


def upload_letter(claim: Claim, *, name: str, content: bytes, user) -> Invoice:
    """Enter a red letter against an invoice of the claim's organisation, whatever state the claim is in.

    Raises `invoices.UnreadableInvoice`, `InvoiceRefused` or `ClaimError`; nothing stays then.
    """
    require_member(user, claim.organisation)
    require_allowed("invoice", name, content)
    if not cleared(name, content):
        raise ClaimError("病毒检查暂时没有答复，红字发票没有收下。请稍后再上传。")
    read = guard.read(content)
    if read.buyer_id != claim.organisation.uscc:
        raise InvoiceRefused("这张红字发票的购买方不是本单位，请核对后重新上传。")
    if not read.red:
        raise InvoiceRefused("这不是红字发票。提交以后只能补交红字发票；其他发票请在可以修改时上传。")
    if blue_of(claim.organisation_id, read.reverses) is None:
        raise InvoiceRefused(f"没有找到这张红字发票冲销的蓝字发票“{read.reverses or '未读到号码'}”，请核对原件。")
    with refuse_when_locked(), transaction.atomic():
        known = find_invoice(claim.organisation, read.code, read.number)
        if known is not None:
            return known
        attachment = store_file(claim.organisation_id, None, kind="invoice", name=name, content=content, user=user)
        try:
            letter = enter_invoice(
                claim.organisation, read, attachment=attachment, read_by="machine", today=settings.CLOCK.today()
            )
        except ClaimError:
            path_of(attachment.stored_name).unlink(missing_ok=True)
            raise
        _bind(letter)
        _record(user, "invoice.letter", letter)
    return letter


def enter_letter(
    blue: Invoice,
    *,
    number: str = "",
    issued_on: dt.date | None = None,
    total_fen: int | None = None,
    tax_fen: int | None = None,
    void: bool = False,
    user,
) -> Invoice:
    """Enter what an officer found at the tax platform: that `blue` was voided, or reversed by letter `number`.

    Without an amount it was reversed wholly. Fen above zero say how much, tax included and the tax in it. The row is a
    red letter like any other, so that every amount follows from it. Raises `InvoiceRefused`.
    """
    whole = total_fen is None
    total = blue.total_fen if total_fen is None else total_fen
    tax = blue.tax_fen if whole else (tax_fen or 0)
    if blue.red or not 0 < total <= blue.total_fen or not 0 <= tax <= min(total, max(blue.tax_fen, 0)):
        raise InvoiceRefused(
            f"红冲金额须大于零且不超过发票价税合计 {grouped(blue.total_fen)} 元，其中税额不超过原税额。"
        )
    if not whole and not number:
        raise InvoiceRefused("部分红冲须填写红字发票号码。")
    # A void, and a reversal whose letter the platform does not name, still needs a number of its own.
    own_number = number or f"{'作废' if void else '红冲'}{blue.number[-18:]}"
    code = "" if number else blue.code
    with refuse_when_locked(), transaction.atomic():
        known = find_invoice(blue.organisation, code, own_number)
        if known is not None:
            if not known.red or known.reverses != blue.code + blue.number:
                raise InvoiceRefused(f"号码 {own_number} 已登记为另一张发票，请核对。")
            if known.withdrawn_at is not None:
                known.withdrawn_at, known.bound_at = None, settings.CLOCK.now()
                known.save(update_fields=["withdrawn_at", "bound_at"])
                _record(user, "invoice.officers_letter", known)
            return known
        letter = Invoice.objects.create(
            organisation_id=blue.organisation_id,
            read_by="officer",
            kind=blue.kind,
            code=code,
            number=own_number,
            issued_on=issued_on or settings.CLOCK.today(),
            buyer_name=blue.buyer_name,
            buyer_id=blue.buyer_id,
            seller_name=blue.seller_name,
            seller_id=blue.seller_id,
            amount_fen=tax - total,
            tax_fen=-tax,
            total_fen=-total,
            red=True,
            reverses=blue.code + blue.number,
            remark="作废" if void else "红冲",
        )
        letter.lines.create(position=1, name="作废" if void else "红冲", amount_fen=tax - total, tax_fen=-tax)
        _bind(letter)
        _record(user, "invoice.officers_letter", letter)
    return letter


def withdraw_letter(letter: Invoice, *, reason: str, user) -> None:
    """Take back a letter that an officer entered by mistake; the row stays and counts no more. Raises `ClaimError`."""
    if not reason.strip():
        raise ClaimError("请写明撤销登记的理由。")
    with refuse_when_locked(), transaction.atomic():
        letter = Invoice.objects.select_for_update().get(pk=letter.pk)
        if letter.read_by != "officer" or letter.withdrawn_at is not None:
            raise ClaimError("只有由工作人员登记、尚未撤销的红冲或作废可以撤销。")
        letter.bound_at, letter.withdrawn_at = None, settings.CLOCK.now()
        letter.save(update_fields=["bound_at", "withdrawn_at"])
        _record(user, "invoice.letter_withdrawn", letter, reason=reason.strip())


def blue_of(organisation_id: int, reverses: str) -> Invoice | None:
    """The organisation's invoice that a red letter names, however it is split into code and number."""
    if not reverses:
        return None
    rows = Invoice.objects.filter(organisation=organisation_id, red=False).annotate(whole=Concat("code", "number"))
    return rows.filter(whole=reverses).first()


def _bind(letter: Invoice) -> None:
    """From now on its enterprise cannot take it away."""
    Invoice.objects.filter(pk=letter.pk).update(bound_at=settings.CLOCK.now())
    letter.refresh_from_db(fields=["bound_at"])


def _record(user, action: str, letter: Invoice, **detail) -> None:
    record(
        actor=f"user:{user.pk} {user.name}",
        action=action,
        subject=f"invoice:{letter.pk}",
        at=settings.CLOCK.now(),
        detail={"number": letter.number, "reverses": letter.reverses, "total_fen": letter.total_fen, **detail},
    )
