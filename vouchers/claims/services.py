"""Filling in a claim: vouchers applied for, files kept, invoices and payments entered and matched.

Everything here changes drafts (and claims returned for correction) only. What moves a state is in `vouchers.review`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from accounts.locks import refuse_when_locked
from applicants.models import Organisation
from applicants.selectors import is_member
from audit.services import record
from providers.models import Product
from providers.selectors import location_of
from vouchers import invoices
from vouchers.calls.models import Call
from vouchers.claims.agreements import Tranche
from vouchers.claims.contracts import ContractFacts, require_agreement, require_one_amount, require_tranche
from vouchers.claims.copies import keep_copy, known_file
from vouchers.claims.intake import EARLIEST, ClaimError, InvoiceRefused, enter_invoice, find_invoice, require_fitting
from vouchers.claims.keeping import store_file
from vouchers.claims.models import Claim, FilingQueue, Voucher
from vouchers.claims.papers import (
    ATTACHMENT_KINDS,
    Allocation,
    Attachment,
    ClaimLine,
    Invoice,
    InvoiceLine,
    PaymentMade,
)
from vouchers.claims.pictures import pages_of
from vouchers.claims.uploads import cleared, require_allowed, require_harmless
from vouchers.documents.storage import QUARANTINE, load, path_of
from vouchers.invoices import guard
from vouchers.money import MAX_FEN, grouped

MAX_UPLOAD_BYTES = 20 * 1024 * 1024
EDITABLE = ("draft", "returned")
SECOND_CLICK = dt.timedelta(minutes=1)


class FileWaits(ClaimError):
    """The file was kept, but nobody reads it until the virus scanner has answered. `attachment` is it."""

    def __init__(self, attachment: Attachment):
        self.attachment = attachment
        super().__init__("文件已经收下，正在等待病毒检查，通过后会自动识读。不用重新上传。")


def apply_for_voucher(organisation: Organisation, call: Call, *, purpose: str, user) -> Voucher:
    """Apply for the year's voucher (申领). One for each applicant, scheme and year, unless it was refused.

    Raises `ClaimError` when the call is not open or there is one already.
    """
    require_member(user, organisation)
    now = settings.CLOCK.now()
    require_open(call)
    require_agreement(organisation, call)
    try:
        with transaction.atomic():
            voucher = Voucher.objects.create(
                organisation=organisation,
                call=call,
                scheme=call.scheme,
                fiscal_year=call.fiscal_year,
                serial_number=_serial("SLQ", call),
                purpose=purpose,
                applied_at=now,
            )
            _record(user, "voucher.apply", f"voucher:{voucher.pk}", number=voucher.serial_number)
    except IntegrityError as error:
        raise ClaimError(f"本单位 {call.fiscal_year} 年度已经申领过算力券，每年每家单位一张，不能重复申领。") from error
    return voucher


def open_claim(voucher: Voucher, *, user, tranche: Tranche | None = None) -> Claim:
    """Open a draft claim under an issued voucher, for a `tranche` where the scheme is agreed case by case. Raises
    `ClaimError` when voucher or tranche cannot be used.

    A second click within a minute gives the same draft back, as long as nothing was put into it.
    """
    require_member(user, voucher.organisation)
    require_tranche(voucher, tranche)
    if voucher.state != "issued":
        raise ClaimError(f"算力券 {voucher.serial_number} 目前为“{voucher.get_state_display()}”，发放后才能申请兑付。")
    with refuse_when_locked(), transaction.atomic():
        Voucher.objects.select_for_update(no_key=True).get(pk=voucher.pk)
        if claim := _just_opened(voucher, tranche):
            return claim
        claim = Claim.objects.create(
            voucher=voucher,
            tranche=tranche,
            organisation=voucher.organisation,
            call=voucher.call,
            number=_serial("DF", voucher.call),
            created_at=settings.CLOCK.now(),
        )
        _record(user, "claim.open", f"claim:{claim.pk}", number=claim.number)
    return claim


def _just_opened(voucher: Voucher, tranche: Tranche | None) -> Claim | None:
    """The draft that the first of two clicks opened."""
    empty = {"version": 0, "declared_at": None, "attachments": None, "lines": None, "allocations": None}
    since = settings.CLOCK.now() - SECOND_CLICK
    return Claim.objects.filter(voucher=voucher, tranche=tranche, state="draft", created_at__gte=since, **empty).first()


def upload(claim: Claim, *, kind: str, name: str, content: bytes, user, is_cleared: bool | None = None) -> Attachment:
    """Keep an uploaded file with a draft; in quarantine while the virus scanner has not answered. `is_cleared` says
    what it has answered, when it was asked already.

    Raises `ClaimError` when the file is empty, too large, infected, of no kind that papers come in, or one too many.
    """
    if not content:
        raise ClaimError(f"文件“{name}”是空的（0 字节）。请重新选择文件上传。")
    if len(content) > MAX_UPLOAD_BYTES:
        raise ClaimError(f"文件“{name}”超过 20 MB，无法接收。请压缩或拆分后重新上传。")
    if kind not in dict(ATTACHMENT_KINDS):
        raise ClaimError("材料类别不对，请重新选择。")
    require_member(user, claim.organisation)
    require_allowed(kind, name, content)
    if is_cleared is None:
        is_cleared = cleared(name, content)
        if is_cleared:
            require_harmless(name, content)
    with refuse_when_locked(), transaction.atomic():
        # Before a byte is written: whoever may not upload leaves no file behind.
        require_editable(claim, user)
        folder = "uploads" if is_cleared else QUARANTINE.rstrip("/")
        attachment = store_file(
            claim.organisation_id, claim.pk, kind=kind, name=name, content=content, user=user, folder=folder
        )
        _record(user, "claim.upload", f"claim:{claim.pk}", kind=kind, sha256=attachment.sha256)
    return attachment


def add_invoice_file(claim: Claim, *, name: str, content: bytes, user) -> Invoice:
    """Read an e-invoice and enter it. Raises `invoices.UnreadableInvoice` or `InvoiceRefused`; nothing stays then.

    An invoice that this organisation entered before, for another year's claim, is found again and used. Another file
    of it (the OFD to an XML, say) is kept beside the first, with what the two say differently.

    While the virus scanner does not answer the file is kept unread: `FileWaits`.
    """
    invoices.refuse_size(len(content))
    if not cleared(name, content):
        raise FileWaits(upload(claim, kind="invoice", name=name, content=content, user=user, is_cleared=False))
    read = guard.read(content)
    _require_buyer(claim.organisation, read.buyer_id)
    with refuse_when_locked(), transaction.atomic():
        require_editable(claim, user)
        known = find_invoice(claim.organisation, read.code, read.number)
        if known is not None and known_file(known, content):
            return known
        attachment = upload(claim, kind="invoice", name=name, content=content, user=user, is_cleared=True)
        try:
            if known is not None:
                keep_copy(claim, known, read, attachment)
                return known
            return enter_invoice(
                claim.organisation, read, attachment=attachment, read_by="machine", today=settings.CLOCK.today()
            )
        except InvoiceRefused:
            path_of(attachment.stored_name).unlink(missing_ok=True)
            raise


def enter_kept_file(attachment: Attachment) -> Invoice:
    """Read and enter an invoice file that was kept unread, for the person who uploaded it.

    Raises `invoices.UnreadableInvoice` or `ClaimError`; the file then stays, to be typed in.
    """
    claim = attachment.claim
    if claim is None:
        raise ClaimError("这份文件不属于任何申请。")
    content = load(attachment.stored_name, attachment.sha256)
    read = guard.read(content)
    _require_buyer(claim.organisation, read.buyer_id)
    with refuse_when_locked(), transaction.atomic():
        require_editable(claim, attachment.uploaded_by)
        attachment.pages = pages_of(content)
        attachment.save(update_fields=["pages"])
        today = settings.CLOCK.today()
        return enter_invoice(claim.organisation, read, attachment=attachment, read_by="machine", today=today)


def add_typed_invoice(claim: Claim, read: invoices.Invoice, *, attachment: Attachment | None, user) -> Invoice:
    """Enter an invoice that a person typed in because its file cannot be read yet. Raises `InvoiceRefused`."""
    _require_buyer(claim.organisation, read.buyer_id)
    _require_own(attachment, claim)
    with refuse_when_locked(), transaction.atomic():
        require_editable(claim, user)
        return enter_invoice(
            claim.organisation, read, attachment=attachment, read_by="typed", today=settings.CLOCK.today()
        )


def declare_line(
    claim: Claim,
    invoice_line: InvoiceLine,
    product: Product | None,
    *,
    user,
    seller_related: bool = False,
    subsidised_elsewhere: bool = False,
    contract: ContractFacts | None = None,
) -> ClaimLine:
    """Claim a subsidy for one invoice line, saying which product it bought.

    The product says what service it is and where its centre computes; local or external follows line by line. What an
    agreement pays for may be no product of the list (a building, say). `contract` is what some calls ask besides.
    Raises `ClaimError` for a line of another organisation's invoice.
    """
    invoice = invoice_line.invoice
    if invoice.organisation_id != claim.organisation_id:
        raise ClaimError("这张发票不属于本单位，请重新选择。")
    if product is None and claim.tranche_id is None:
        raise ClaimError("请选择所申报明细对应的算力产品。")
    if product is not None and invoice.seller_id != product.provider.uscc:
        raise ClaimError(
            f"所选产品“{product.name}”由{product.provider.name}提供，与发票销售方“{invoice.seller_name}”不一致，"
            "不能据此申请补助。请选择该销售方的产品。"
        )
    with refuse_when_locked(), transaction.atomic():
        require_editable(claim, user)
        line, _ = ClaimLine.objects.update_or_create(
            claim=claim,
            invoice_line=invoice_line,
            defaults={
                "product": product,
                "service": product.service if product else "other",
                "location": location_of(product) if product else "local",
                "seller_related": seller_related,
                "subsidised_elsewhere": subsidised_elsewhere,
                **(asdict(contract) if contract else {}),
            },
        )
        if contract and contract.contract:
            require_one_amount(claim)
    return line


def record_payment(
    claim: Claim,
    *,
    serial_number: str,
    paid_on: dt.date,
    payer_name: str,
    payee_name: str,
    amount_fen: int,
    attachment: Attachment | None,
    user,
) -> PaymentMade:
    """Enter a bank transfer by which the applicant paid. Raises `ClaimError` when its serial number is known."""
    if not 0 < amount_fen <= MAX_FEN:
        raise ClaimError("付款金额须大于零，请核对银行回单。")
    if not EARLIEST <= paid_on <= settings.CLOCK.today():
        raise ClaimError(f"付款日期 {paid_on} 不对，请核对银行回单。")
    _require_own(attachment, claim)
    payment = PaymentMade(
        organisation=claim.organisation,
        serial_number=serial_number.strip(),
        paid_on=paid_on,
        payer_name=payer_name,
        payee_name=payee_name,
        amount_fen=amount_fen,
        attachment=attachment,
    )
    require_fitting("付款", payment)
    with refuse_when_locked(), transaction.atomic():
        require_editable(claim, user)
        try:
            with transaction.atomic():
                payment.save()
                return payment
        except IntegrityError as error:
            raise ClaimError(f"流水号 {serial_number} 的付款已经登记过，请直接选用，不要重复登记。") from error


def allocate(claim: Claim, payment: PaymentMade, invoice: Invoice, amount_fen: int, *, user) -> Allocation:
    """Say how much of a payment paid an invoice. Raises `ClaimError` when that is more than either has."""
    if {payment.organisation_id, invoice.organisation_id} != {claim.organisation_id}:
        raise ClaimError("付款或发票不属于本单位，请重新选择。")
    if not 0 < amount_fen <= min(payment.amount_fen, invoice.total_fen):
        raise ClaimError(
            f"对应金额须大于零，且不超过付款 {grouped(payment.amount_fen)} 元和发票 {grouped(invoice.total_fen)} 元。"
        )
    with refuse_when_locked(), transaction.atomic():
        require_editable(claim, user)
        try:
            with transaction.atomic():
                allocation, _ = Allocation.objects.update_or_create(
                    claim=claim, payment=payment, invoice=invoice, defaults={"amount_fen": amount_fen}
                )
        except IntegrityError as error:
            # A returned claim's matches still count: what other claims use is not free.
            raise ClaimError("发票或付款的其余金额已在其他申请中使用，剩余部分不足，请减少对应金额。") from error
    return allocation


def drop_line(line: ClaimLine, *, user) -> None:
    """Ask no subsidy for this invoice line any more; the invoice itself stays."""
    with refuse_when_locked(), transaction.atomic():
        require_editable(line.claim, user)
        line.delete()


def drop_allocation(allocation: Allocation, *, user) -> None:
    """Take a payment off an invoice. An invoice of a returned claim that nothing rests on any more is free again."""
    with refuse_when_locked(), transaction.atomic():
        require_editable(allocation.claim, user)
        allocation.delete()
        Invoice.objects.filter(pk=allocation.invoice_id, allocated_fen=0).update(bound_at=None)


def sign_declaration(claim: Claim, *, user) -> None:
    """Sign the declaration of truth (真实性承诺). It is part of every submission and names its signer."""
    with refuse_when_locked(), transaction.atomic():
        require_editable(claim, user)
        now = settings.CLOCK.now()
        Claim.objects.filter(pk=claim.pk).update(declared_by=user, declared_at=now)
        _record(user, "claim.declare", f"claim:{claim.pk}")
    claim.declared_by, claim.declared_at = user, now


def filing_closed(call: Call) -> bool:
    """Whether the year's filing ended because the pool was spent (`first_come`)."""
    if call.shortage != "first_come":
        return False
    queues = FilingQueue.objects.filter(scheme=call.scheme, fiscal_year=call.fiscal_year)
    return queues.exclude(closed_at=None).exists()


def require_filing_open(call: Call) -> None:
    """Raises `ClaimError` once the pool was spent under a call that takes whoever comes first."""
    if filing_closed(call):
        raise ClaimError(
            f"{call.fiscal_year} 年度资金已经用完，申报已提前截止，不能再提交。已填写的内容仍为您保留，请留意后续通知。"
        )


def require_open(call: Call) -> None:
    """Raises `ClaimError` outside the call's filing window."""
    today = settings.CLOCK.today()
    if today < call.filing_from:
        raise ClaimError(f"申报尚未开始：{call.filing_from} 起可以申报。")
    if today > call.filing_until:
        raise ClaimError(f"申报已于 {call.filing_until} 截止。已填写的内容仍为您保留。")
    require_filing_open(call)


def require_editable(claim: Claim, user) -> None:
    """Lock the claim against a submission under way. Raises `ClaimError` unless it may be changed now."""
    require_member(user, claim.organisation)
    state = Claim.objects.select_for_update().values_list("state", flat=True).get(pk=claim.pk)
    if state not in EDITABLE:
        raise ClaimError("申请已经提交，不能再修改。如需更正，请等待退回补正，或先撤回申请。")


def require_member(user, organisation: Organisation) -> None:
    """Raises `ClaimError` unless `user` acts for the organisation."""
    if not is_member(user, organisation):
        raise ClaimError("您不是该单位的经办人，不能办理。请联系单位管理员添加。")


def _require_own(attachment: Attachment | None, claim: Claim) -> None:
    if attachment is not None and attachment.organisation_id != claim.organisation_id:
        raise ClaimError("所选材料不属于本单位，请重新上传。")


def _require_buyer(organisation: Organisation, buyer_id: str) -> None:
    if buyer_id != organisation.uscc:
        raise InvoiceRefused(
            f"发票购买方识别号为“{buyer_id or '空'}”，与本单位统一社会信用代码 {organisation.uscc} 不一致。"
            "只能使用开给本单位的发票，请核对后重新上传。"
        )


def _serial(prefix: str, call: Call) -> str:
    """The next number such as DF2025-000017, drawn from the database so that no two are alike."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('vouchers_serial')")
        return f"{prefix}{call.fiscal_year}-{cursor.fetchone()[0]:06d}"


def _record(user, action: str, subject: str, **detail) -> None:
    record(actor=f"user:{user.pk} {user.name}", action=action, subject=subject, at=settings.CLOCK.now(), detail=detail)
