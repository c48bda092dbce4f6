"""From the rows of a signed batch to the plain sheets that are printed."""

from __future__ import annotations

from collections import Counter

from django.utils import timezone

from accounts.encryption import masked_account
from applicants.selectors import names_on
from vouchers import rules
from vouchers.disbursement.models import Batch, Payment
from vouchers.documents.printing import LetterSheet, LetterStep, RosterRow, RosterSheet
from vouchers.ledger.selectors import cap_used_fen
from vouchers.policy import law_for

BUREAU = "无锡市工业和信息化局"
SCHEME_TITLE = "算力券"


def payments_of(batch: Batch) -> list[Payment]:
    """The batch's live payments in the order of its roster: by district, then by claim number."""
    rows = batch.payments.exclude(state="dropped").select_related("claim__organisation", "claim__call")
    return sorted(rows, key=lambda p: (p.claim.organisation.district, p.claim.number))


def decision_of(payment: Payment) -> rules.Decision:
    """The decision by which the payment's amount was granted."""
    stored = payment.claim.decisions.order_by("-pk").values_list("result", flat=True)[0]
    return rules.Decision.from_json(stored)


def roster_sheet(batch: Batch, payments: list[Payment], *, short_code: str) -> RosterSheet:
    """拨付汇总表: what finance signs and the bank pays."""
    return RosterSheet(
        title=f"{batch.call.fiscal_year} 年度{SCHEME_TITLE}补助资金拨付汇总表",
        bureau=BUREAU,
        batch_number=batch.number,
        basis=batch.approval_reference,
        scheme_title=SCHEME_TITLE,
        fiscal_year=batch.call.fiscal_year,
        made_on=timezone.localdate(batch.signed_at),
        prepared_by=batch.frozen_by.name,
        signed_by=batch.signed_by.name,
        short_code=short_code,
        rows=tuple(_row(position, payment) for position, payment in enumerate(payments, start=1)),
    )


def _row(position: int, payment: Payment) -> RosterRow:
    claim, organisation = payment.claim, payment.claim.organisation
    decision = decision_of(payment)
    location = {line.ref: line.location for line in decision.facts.lines}
    base: Counter = Counter()
    for line in decision.lines:
        base[location.get(line.ref)] += line.base_fen
    used = cap_used_fen(claim.call.scheme, claim.call.fiscal_year, organisation.pk)
    return RosterRow(
        position=position,
        district=organisation.district,
        name=payment.payee_name,
        uscc=organisation.uscc,
        claim_number=claim.number,
        local_fen=base["local"],
        external_fen=base["external"],
        computed_fen=decision.computed_fen,
        prior_fen=used - payment.amount_fen,
        amount_fen=payment.amount_fen,
        bank_name=payment.bank_name,
        account_number=payment.account_number,
    )


def letter_sheet(batch: Batch, payment: Payment, *, short_code: str) -> LetterSheet:
    """拨款通知书: what one enterprise gets, and why it is that amount."""
    claim, organisation = payment.claim, payment.claim.organisation
    law = law_for(claim.call.scheme, claim.call.fiscal_year)
    made_on = timezone.localdate(batch.signed_at)
    return LetterSheet(
        title="拨款通知书",
        bureau=BUREAU,
        batch_number=batch.number,
        document_number=f"{batch.number}-{claim.number}",
        recipient=names_on([organisation.pk], made_on)[organisation.pk],
        uscc=organisation.uscc,
        claim_number=claim.number,
        scheme_title=SCHEME_TITLE,
        fiscal_year=claim.call.fiscal_year,
        amount_fen=payment.amount_fen,
        bank_name=payment.bank_name,
        account_number=masked_account(payment.account_number),
        steps=tuple(LetterStep(step.citation, step.text, step.amount_fen) for step in decision_of(payment).trace),
        basis=f"{law.title}、{claim.call.title}（{claim.call.citation}）、{batch.approval_reference}",
        made_on=made_on,
        short_code=short_code,
    )
