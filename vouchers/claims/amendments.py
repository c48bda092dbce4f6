"""Correcting what was entered: typed invoices, payments, which lines are claimed, what paid what.

Each takes the mark of what the person saw (`vouchers.claims.seen`), so that nobody overwrites a newer entry unawares.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.locks import refuse_when_locked
from providers.models import Product
from vouchers import invoices
from vouchers.claims.contracts import ContractFacts
from vouchers.claims.copies import renew_copies
from vouchers.claims.corrections import CorrectionItem, answer_item
from vouchers.claims.intake import (
    EARLIEST,
    ClaimError,
    InvoiceRefused,
    find_invoice,
    header_of,
    lines_of,
    require_fitting,
    require_plausible,
)
from vouchers.claims.models import Claim
from vouchers.claims.papers import Allocation, Attachment, ClaimLine, Invoice, InvoiceLine, PaymentMade
from vouchers.claims.seen import require_unchanged, seen_row, seen_values
from vouchers.claims.services import allocate, declare_line, drop_line, require_editable
from vouchers.money import MAX_FEN, grouped


@dataclass(frozen=True)
class Declared:
    """What the applicant says of one invoice line that it claims."""

    product: Product | None
    seller_related: bool = False
    subsidised_elsewhere: bool = False
    contract: ContractFacts | None = None


def correct_typed_invoice(claim: Claim, invoice: Invoice, read: invoices.Invoice, *, seen: str | None, user) -> Invoice:
    """Type an invoice anew. Lines keep what was declared of them, by their position.

    Raises `InvoiceRefused` for one that was read from its file or that a submission has bound.
    """
    with refuse_when_locked(), transaction.atomic():
        require_editable(claim, user)
        invoice = Invoice.objects.select_for_update().get(pk=invoice.pk, organisation=claim.organisation_id)
        require_unchanged(seen, seen_row(invoice))
        if invoice.read_by != "typed":
            raise InvoiceRefused("这张发票的内容由系统从原件读出，不能改动。如有错误，请移除后换一份原件上传。")
        if invoice.bound_at is not None or _used_elsewhere(claim, invoice):
            raise InvoiceRefused(
                f"发票 {invoice.number} 已随申请提交，内容已锁定。确需更正的，请先移除这张发票，再重新填写。"
            )
        if read.buyer_id != claim.organisation.uscc:
            raise InvoiceRefused("只能使用开给本单位的发票，购买方识别号须与本单位统一社会信用代码一致。")
        require_plausible(read, settings.CLOCK.today())
        known = find_invoice(claim.organisation, read.code, read.number)
        if known is not None and known.pk != invoice.pk:
            raise InvoiceRefused(f"发票 {read.number} 已在本单位登记过，请直接选用。")
        for name, value in header_of(read).items():
            setattr(invoice, name, value)
        _rewrite_lines(claim, invoice, lines_of(read))
        renew_copies(invoice)
    return invoice


def _rewrite_lines(claim: Claim, invoice: Invoice, fields: list[dict]) -> None:
    known = {line.position: line for line in invoice.lines.all()}
    lines = [
        known.pop(each["position"]) if each["position"] in known else InvoiceLine(invoice=invoice) for each in fields
    ]
    for line, each in zip(lines, fields, strict=True):
        for name, value in each.items():
            setattr(line, name, value)
    require_fitting(f"发票 {invoice.number}", invoice, *lines)
    invoice.save()
    claim.lines.filter(invoice_line__in=known.values()).delete()
    InvoiceLine.objects.filter(pk__in=[line.pk for line in known.values()]).delete()
    for line in lines:
        line.save()


def correct_payment(
    claim: Claim,
    payment: PaymentMade,
    *,
    serial_number: str,
    paid_on: dt.date,
    payer_name: str,
    payee_name: str,
    amount_fen: int,
    attachment: Attachment | None,
    seen: str | None,
    user,
) -> PaymentMade:
    """Change what was entered of a payment. Raises `ClaimError` when a submission rests on it, or it cannot be so."""
    if not 0 < amount_fen <= MAX_FEN or not EARLIEST <= paid_on <= settings.CLOCK.today():
        raise ClaimError("付款金额须大于零，付款日期不能晚于今天，请核对银行回单。")
    if attachment is not None and attachment.organisation_id != claim.organisation_id:
        raise ClaimError("所选材料不属于本单位，请重新上传。")
    with refuse_when_locked(), transaction.atomic():
        require_editable(claim, user)
        payment = PaymentMade.objects.select_for_update().get(pk=payment.pk, organisation=claim.organisation_id)
        require_unchanged(seen, seen_row(payment))
        if payment.allocated_fen or payment.allocations.exclude(claim=claim).exists():
            raise ClaimError(
                f"流水号 {payment.serial_number} 的付款已随申请提交，内容已锁定。确需更正的，请先移除这笔付款，再重新登记。"
            )
        payment.serial_number, payment.paid_on = serial_number.strip(), paid_on
        payment.payer_name, payment.payee_name = payer_name, payee_name
        payment.amount_fen, payment.attachment = amount_fen, attachment
        require_fitting("付款", payment)
        try:
            with transaction.atomic():
                payment.save()
        except IntegrityError as error:
            raise ClaimError(f"流水号 {serial_number} 的付款已经登记过，请核对。") from error
    return payment


def seen_lines(claim: Claim, invoice: Invoice) -> str:
    """A mark of what the claim declares of the invoice's lines."""
    said = ("contract", "contract_fen", "signed_on", "service_from", "service_until", "classes")
    fields = ("invoice_line_id", "product_id", "seller_related", "subsidised_elsewhere", *said)
    rows = ClaimLine.objects.filter(claim=claim, invoice_line__invoice=invoice).order_by("invoice_line_id")
    return seen_values(*rows.values_list(*fields))


def declare_lines(claim: Claim, invoice: Invoice, declared: Mapping[int, Declared], *, seen: str | None, user) -> None:
    """Claim exactly the lines whose ids are in `declared`, all or none. Raises `ClaimError`."""
    with refuse_when_locked(), transaction.atomic():
        require_editable(claim, user)
        require_unchanged(seen, seen_lines(claim, invoice))
        for claim_line in claim.lines.filter(invoice_line__invoice=invoice).exclude(invoice_line__in=list(declared)):
            drop_line(claim_line, user=user)
        # What the form says of a contract takes the place of what it said before, on all its lines at once.
        if any(said.contract for said in declared.values()):
            claim.lines.filter(invoice_line__invoice=invoice).update(contract="", contract_fen=None)
        for line in invoice.lines.select_related("invoice").filter(pk__in=list(declared)):
            said = declared[line.pk]
            declare_line(
                claim,
                line,
                said.product,
                user=user,
                seller_related=said.seller_related,
                subsidised_elsewhere=said.subsidised_elsewhere,
                contract=said.contract,
            )


def seen_matches(claim: Claim) -> str:
    """A mark of which payment paid which invoice in the claim."""
    rows = claim.allocations.order_by("payment_id", "invoice_id")
    return seen_values(*rows.values_list("payment_id", "invoice_id", "amount_fen"))


def set_matches(claim: Claim, cells: Mapping[tuple[int, int], int], *, seen: str | None, user) -> None:
    """Say for each (payment, invoice) in `cells` how much of the one paid the other; 0 takes it off. All or none.

    Raises `ClaimError` when that is more than either has.
    """
    with refuse_when_locked(), transaction.atomic():
        require_editable(claim, user)
        require_unchanged(seen, seen_matches(claim))
        own = claim.organisation_id
        payments = PaymentMade.objects.filter(organisation=own).in_bulk({payment for payment, _ in cells})
        bills = Invoice.objects.filter(organisation=own).in_bulk({invoice for _, invoice in cells})
        for payment_id, invoice_id in sorted(cells):
            if payment_id not in payments or invoice_id not in bills:
                raise ClaimError("付款或发票不属于本单位，请重新选择。")
            _set(claim, payments[payment_id], bills[invoice_id], cells[payment_id, invoice_id], user)
        _require_within(claim)
        Invoice.objects.filter(pk__in=list(bills), allocated_fen=0).update(bound_at=None)


def _set(claim: Claim, payment: PaymentMade, invoice: Invoice, fen: int, user) -> None:
    known = Allocation.objects.filter(claim=claim, payment=payment, invoice=invoice)
    if not fen:
        known.delete()
    elif not known.filter(amount_fen=fen).exists():
        allocate(claim, payment, invoice, fen, user=user)


def _require_within(claim: Claim) -> None:
    """Neither side gives more than it has, in this claim and the live ones of other years together."""
    rows = list(claim.allocations.select_related("payment", "invoice"))
    for side, words in (("payment", "流水号 {} 的付款"), ("invoice", "发票 {}")):
        given: dict = {}
        own_live: dict = {}
        for row in rows:
            one = getattr(row, side)
            given[one] = given.get(one, 0) + row.amount_fen
            own_live[one] = own_live.get(one, 0) + (row.amount_fen if row.live else 0)
        for one, fen in given.items():
            total = one.amount_fen if side == "payment" else one.total_fen
            left = total - max(one.allocated_fen - own_live[one], 0)
            if fen > left:
                over = f"可用 {grouped(left)} 元，对应金额合计 {grouped(fen)} 元，多出 {grouped(fen - left)} 元"
                raise ClaimError(f"{words.format(one)}{over}，没有保存。请减少标红的金额。")


def _used_elsewhere(claim: Claim, invoice: Invoice) -> bool:
    lines = ClaimLine.objects.filter(invoice_line__invoice=invoice).exclude(claim=claim)
    return lines.exists() or invoice.allocations.exclude(claim=claim).exists()


def seen_answer(item: CorrectionItem) -> str:
    """A mark of the answer that stands."""
    return seen_values(item.answer, str(item.answered_at or ""))


def answer_correction(item: CorrectionItem, text: str, *, seen: str | None, user) -> CorrectionItem:
    """Answer one item of a correction, unless somebody has answered it anew since `seen`. Raises `ClaimError`."""
    with refuse_when_locked(), transaction.atomic():
        require_editable(item.claim, user)
        item.refresh_from_db()
        require_unchanged(seen, seen_answer(item))
        return answer_item(item, text, user=user)
