"""From the rows of a signed batch to the plain sheets that are printed."""

from __future__ import annotations

import datetime as dt
from collections import Counter

from django.utils import timezone

from accounts.encryption import masked_account
from accounts.models import User
from vouchers import rules
from vouchers.calls.calendar import add_working_days
from vouchers.claims.models import Claim
from vouchers.claims.papers import ClaimLine
from vouchers.disbursement.models import Batch, Payment
from vouchers.documents.printing import LetterLine, LetterSheet, LetterStep, RosterRow, RosterSheet, Signature
from vouchers.ledger.selectors import cap_used_fen
from vouchers.money import percent
from vouchers.policy import governing
from vouchers.review.funding import Case

BUREAU = "无锡市工业和信息化局"
FUNDING = "市级财政专项资金"
VERIFY_AT = "算力券管理平台“文书查验”"
CONTACT = "无锡市工业和信息化局算力券工作专班"
PLACES = {"local": "本市", "external": "外地"}


def payments_of(batch: Batch) -> list[Payment]:
    """The batch's live payments in the order of its roster: by district, then by claim number."""
    rows = batch.payments.exclude(state="dropped").select_related("claim__organisation", "claim__call")
    return sorted(rows, key=lambda p: (p.claim.organisation.district, p.claim.number))


def roster_sheet(batch: Batch, payments: list[Payment], *, short_code: str) -> RosterSheet:
    """拨付汇总表: what finance signs and the bank pays."""
    law = governing(batch.call.scheme, batch.call.fiscal_year)
    return RosterSheet(
        title=f"{batch.call.fiscal_year} 年度{law.scheme_title}补助资金拨付汇总表",
        bureau=BUREAU,
        batch_number=batch.number,
        approval=batch.approval_reference,
        basis=f"《{law.title}》{law.pool.citation}",
        scheme=law.scheme_title,
        fiscal_year=batch.call.fiscal_year,
        funding=FUNDING,
        made_on=timezone.localdate(batch.signed_at),
        short_code=short_code,
        verify_at=VERIFY_AT,
        signatures=(
            _signature("制表", batch.frozen_by, batch.frozen_at),
            _signature("复核签批", batch.signed_by, batch.signed_at),
            Signature("单位负责人"),
        ),
        rows=tuple(_row(number, payment) for number, payment in enumerate(payments, start=1)),
        digest=batch.digest,
    )


def letter_sheet(batch: Batch, payment: Payment, *, short_code: str) -> LetterSheet:
    """拨款通知书: what one enterprise gets, and why it is that amount."""
    claim, made_on = payment.claim, timezone.localdate(batch.signed_at)
    law, case = governing(claim.call.scheme, claim.call.fiscal_year), _case_of(claim)
    until = add_working_days(made_on, claim.call.appeal_days)
    return LetterSheet(
        title="拨款通知书",
        bureau=BUREAU,
        number=f"{batch.number}-{claim.number}",
        payee=payment.payee_name,
        uscc=claim.organisation.uscc,
        scheme=law.scheme_title,
        fiscal_year=claim.call.fiscal_year,
        claim_number=claim.number,
        batch_number=batch.number,
        approval=batch.approval_reference,
        amount_fen=payment.amount_fen,
        bank=payment.bank_name,
        account=masked_account(payment.account_number),
        basis=(f"《{law.title}》{law.pool.citation}", f"《{claim.call.title}》（{claim.call.citation}）"),
        lines=_lines(claim, case),
        steps=tuple(LetterStep(step.citation, step.text, step.amount_fen) for step in case.decision.trace),
        objection=f"对本通知有异议的，请于 {until.year} 年 {until.month} 月 {until.day} 日前通过算力券管理平台提出，并附相关证明材料。",
        contact=CONTACT,
        made_on=made_on,
        short_code=short_code,
        verify_at=VERIFY_AT,
    )


def _signature(role: str, user: User | None, at: dt.datetime | None) -> Signature:
    return Signature(role, user.name if user else "", timezone.localdate(at) if at else None)


def _case_of(claim: Claim) -> Case:
    """The decision by which the claim's amount was granted, with its facts."""
    return Case.from_json(claim.decisions.order_by("-pk").values_list("result", flat=True)[0])


def _row(number: int, payment: Payment) -> RosterRow:
    claim, organisation, case = payment.claim, payment.claim.organisation, _case_of(payment.claim)
    location = {line.ref: line.location for line in case.facts.lines}
    cost: Counter[str] = Counter()
    for line in case.decision.lines:
        cost[location.get(line.ref, "")] += line.base_fen
    used = cap_used_fen(claim.call.scheme, claim.call.fiscal_year, organisation.pk)
    return RosterRow(
        number=number,
        district=organisation.district,
        payee=payment.payee_name,
        uscc=organisation.uscc,
        claim_number=claim.number,
        local_cost_fen=cost["local"],
        external_cost_fen=cost["external"],
        computed_fen=case.decision.computed_fen,
        obtained_fen=used - payment.amount_fen,
        amount_fen=payment.amount_fen,
        bank=payment.bank_name,
        account=payment.account_number,
    )


def _lines(claim: Claim, case: Case) -> tuple[LetterLine, ...]:
    """Every line of the decision, with what the invoice calls it."""
    named = {line.pk: line for line in ClaimLine.objects.filter(claim=claim).select_related("invoice_line__invoice")}
    results = {result.ref: result for result in case.decision.lines}
    lines = []
    for fact in case.facts.lines:
        result = results[fact.ref]
        claimed = named[int(fact.ref.partition("-")[0])]
        lines.append(
            LetterLine(
                item=f"{claimed.invoice_line.name}（发票 {fact.label}）",
                provider=claimed.invoice_line.invoice.seller_name,
                place=PLACES[fact.location],
                citation=_citation(case.decision, fact.ref),
                base_fen=result.base_fen,
                rate=percent(result.rate),
                amount_fen=result.subsidy_fen,
                note=rules.REASONS[result.reason] if result.reason else "",
            )
        )
    return tuple(lines)


def _citation(decision: rules.Decision, ref: str) -> str:
    """The clause that the explanation gives for this line."""
    return next((step.citation for step in decision.trace if step.ref == ref), "")
