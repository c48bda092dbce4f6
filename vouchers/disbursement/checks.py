"""Is every payee of a batch still who and what they were? Asked for the whole batch at once, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Q

from applicants.models import BankAccount
from applicants.names import names_match
from applicants.selectors import names_on, sanctions_in_force
from vouchers.disbursement.models import Payment
from vouchers.review.flags import open_flags
from vouchers.review.reversals import not_yet_met
from vouchers.review.verifying import unverified


@dataclass(frozen=True, slots=True)
class Payee:
    """Whom a payment goes to: as frozen, or as on record today while it is not; and what speaks against paying."""

    name: str
    bank: str
    account: str
    problems: tuple[str, ...]


def payees_of(payments: Iterable[Payment]) -> dict[int, Payee]:
    """The payee of each payment by its id. Wants payments with `claim__organisation`."""
    rows, today = list(payments), settings.CLOCK.today()
    ids = {row.claim.organisation_id for row in rows}
    names = names_on(ids, today)
    valid = Q(valid_until=None) | Q(valid_until__gt=today)
    found = BankAccount.objects.filter(valid, organisation__in=ids, valid_from__lte=today)
    accounts = {account.organisation_id: account for account in found}
    codes = [row.claim.organisation.uscc for row in rows]
    listed = dict(sanctions_in_force(today).filter(uscc__in=codes).values_list("uscc", "list_name"))
    doubts = doubts_of([row for row in rows if row.state == "prepared"])
    return {
        row.pk: _payee(
            row,
            names.get(row.claim.organisation_id, ""),
            accounts.get(row.claim.organisation_id),
            listed.get(row.claim.organisation.uscc),
            doubts.get(row.claim_id, []),
        )
        for row in rows
    }


def doubts_of(payments: Iterable[Payment]) -> dict[int, list[str]]:
    """By claim, why its money may not leave yet: invoices that were reversed, or that the tax platform has not
    confirmed since the approval. Three queries for however many."""
    ids = [payment.claim_id for payment in payments]
    found = unverified(ids)
    for flag in open_flags().filter(claim__in=ids).select_related("invoice"):
        found.setdefault(flag.claim_id, []).append(f"发票 …{flag.invoice.number[-8:]} 已被红冲或作废，金额须重新核定")
    for claim_id in not_yet_met(ids):
        found.setdefault(claim_id, []).append("有红字发票刚刚登记，金额须重新核定")
    return found


def _payee(payment: Payment, name: str, account: BankAccount | None, listed: str | None, doubts: list[str]) -> Payee:
    problems = [*([f"已列入“{listed}”"] if listed is not None else []), *doubts]
    if payment.state in ("paid", "failed", "dropped"):
        problems = []
    elif account is None:
        problems.append("没有登记收款账户")
    elif not names_match(account.holder_name, name):
        problems.append(f"户名与单位名称不一致（户名：{account.holder_name}）")
    elif payment.account_fingerprint and account_changed(payment, account):
        problems.append("封存后账户有变更")
    if payment.account_fingerprint:
        return Payee(payment.payee_name, payment.bank_name, payment.account_number, tuple(problems))
    bank, number = (account.bank_name, account.number) if account else ("", "")
    return Payee(name, bank, number, tuple(problems))


def account_changed(payment: Payment, account: BankAccount | None) -> bool:
    """Whether the account on record differs from the one that was frozen with the payment."""
    return account is None or (account.pk, account.fingerprint, account.holder_name, account.bank_name) != (
        payment.bank_account_id,
        payment.account_fingerprint,
        payment.payee_name,
        payment.bank_name,
    )
