"""Batches: gathered, frozen, signed by another, released only as signed, answered by the bank."""

import datetime as dt

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction

from applicants.services import add_sanction, set_bank_account
from tests import factories
from tests.at_once import at_once
from vouchers.disbursement import services as disbursement
from vouchers.disbursement.models import Batch, Payment
from vouchers.disbursement.services import BatchRefused
from vouchers.documents.services import file_document
from vouchers.ledger.selectors import held_fen, paid_fen
from vouchers.review.errors import NotAllowed, SamePerson, Sanctioned
from vouchers.workflow import IllegalTransition

pytestmark = pytest.mark.django_db
TODAY = dt.date(2026, 12, 31)


def payable(office, count=2):
    """`count` payable claims, each of a firm of its own."""
    call, product = factories.call(), factories.product()
    firms = [factories.firm(n, call, reviewer=office.reviewer) for n in range(1, count + 1)]
    claims = [factories.ready(firm, product, n) for n, firm in enumerate(firms, start=1)]
    return call, [factories.drive(claim, "payable", firm, office) for claim, firm in zip(claims, firms, strict=True)]


def gathered(office, count=2):
    call, claims = payable(office, count)
    batch = disbursement.open_batch(call, approval_reference="批复 1 号", actor=office.preparer)
    disbursement.add_claims(batch, claims, actor=office.preparer)
    return batch, claims


def signed(office, count=2):
    batch, claims = gathered(office, count)
    batch = disbursement.freeze(batch, actor=office.preparer)
    return disbursement.sign(batch, actor=office.signer, seen_digest=batch.digest), claims


def print_papers(batch):
    """What the export leaves behind, with a word in place of every page."""
    subjects = [(disbursement.LETTER, f"{batch.papers_subject}:claim:{p.claim_id}") for p in batch.payments.all()]
    for number, (kind, subject) in enumerate([*subjects, (disbursement.ROSTER, batch.papers_subject)]):
        file_document(
            kind=kind, subject=subject, title="t", file_name="t.pdf", short_code=f"{batch.pk}-{number}", content=b"%PDF"
        )


def released(office, count=2):
    batch, claims = signed(office, count)
    print_papers(batch)
    return disbursement.release(batch, actor=office.preparer), claims


def test_a_batch_goes_from_gathering_to_reconciled_and_the_ledger_pays(office):
    batch, claims = released(office)
    for payment in batch.payments.all():
        disbursement.record_answer(payment, "pay", reference="Y1", answered_on=TODAY, actor=office.preparer)
    batch = disbursement.reconcile(batch, actor=office.preparer)
    assert batch.state == "reconciled"
    for claim in claims:
        claim.refresh_from_db()
        assert (claim.state, held_fen(claim.pk), paid_fen(claim.pk)) == ("paid", 0, 3_180_000)


def test_only_finance_works_on_batches(office):
    call, claims = payable(office, 1)
    with pytest.raises(BatchRefused):
        disbursement.open_batch(call, approval_reference="1", actor=office.reviewer)
    batch = disbursement.open_batch(call, approval_reference="1", actor=office.preparer)
    with pytest.raises(NotAllowed):
        disbursement.add_claims(batch, claims, actor=office.approver)
    for step in (disbursement.freeze, disbursement.release, disbursement.reconcile):
        with pytest.raises(BatchRefused):
            step(batch, actor=office.approver)


def test_a_claim_cannot_be_in_two_batches(office):
    batch, claims = gathered(office, 1)
    other = disbursement.open_batch(batch.call, approval_reference="2", actor=office.preparer)
    with pytest.raises(IllegalTransition):
        disbursement.add_claims(other, claims, actor=office.preparer)
    payment = batch.payments.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        Payment.objects.create(batch=other, claim=payment.claim, amount_fen=payment.amount_fen)


@pytest.mark.django_db(transaction=True)
def test_two_officers_gathering_the_same_claim_at_once_get_it_into_one_batch():
    office = factories.office()
    call, claims = payable(office, 1)
    batches = [disbursement.open_batch(call, approval_reference=str(n), actor=office.preparer) for n in range(2)]
    results = at_once([lambda b=b: disbursement.add_claims(b, claims, actor=office.preparer) for b in batches])
    assert sorted(isinstance(result, Exception) for result in results) == [False, True]
    assert Payment.objects.count() == 1


def test_a_removed_claim_is_payable_again(office):
    batch, claims = gathered(office)
    disbursement.remove_claim(batch.payments.first(), actor=office.preparer)
    claims[0].refresh_from_db()
    assert claims[0].state == "payable"
    assert disbursement.freeze(batch, actor=office.preparer).payments.exclude(state="dropped").count() == 1


def test_an_empty_batch_is_not_frozen(office):
    call = factories.call()
    batch = disbursement.open_batch(call, approval_reference="1", actor=office.preparer)
    with pytest.raises(BatchRefused, match="没有申请"):
        disbursement.freeze(batch, actor=office.preparer)


def test_freezing_copies_payee_and_account(office):
    batch, claims = gathered(office, 1)
    payment = disbursement.freeze(batch, actor=office.preparer).payments.get()
    assert (payment.payee_name, payment.bank_name) == ("无锡示范1科技有限公司", "示范银行")
    assert payment.account_number == "6200000000000001"
    with connection.cursor() as cursor:
        cursor.execute("SELECT account_number FROM vouchers_payment")
        assert "6200000000000001" not in cursor.fetchone()[0]


def test_whoever_froze_cannot_sign_nor_can_anybody_with_another_duty(office):
    batch, _ = gathered(office, 1)
    batch = disbursement.freeze(batch, actor=office.preparer)
    with pytest.raises(SamePerson):
        disbursement.sign(batch, actor=office.preparer, seen_digest=batch.digest)
    with pytest.raises(IntegrityError), transaction.atomic():
        Batch.objects.filter(pk=batch.pk).update(
            state="signed", signed_by=office.approver.user, signed_at=settings.CLOCK.now()
        )
    with pytest.raises(IntegrityError), transaction.atomic():
        Batch.objects.filter(pk=batch.pk).update(signed_by=office.preparer.user)


def test_a_signature_is_for_the_digest_on_the_screen(office):
    batch, _ = gathered(office, 1)
    batch = disbursement.freeze(batch, actor=office.preparer)
    with pytest.raises(BatchRefused, match="不一致"):
        disbursement.sign(batch, actor=office.signer, seen_digest="0" * 64)


def test_what_is_frozen_cannot_be_changed_not_even_by_sql(office):
    batch, _ = gathered(office, 1)
    batch = disbursement.freeze(batch, actor=office.preparer)
    for change in ({"amount_fen": 1}, {"payee_name": "别人"}, {"account_fingerprint": "x"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Payment.objects.filter(batch=batch).update(**change)


def test_a_payment_of_another_amount_than_granted_is_refused_by_the_database(office):
    call, claims = payable(office, 1)
    batch = disbursement.open_batch(call, approval_reference="1", actor=office.preparer)
    with pytest.raises(IntegrityError), transaction.atomic():
        Payment.objects.create(batch=batch, claim=claims[0], amount_fen=1)


def test_an_account_changed_after_freezing_blocks_release(office):
    batch, claims = signed(office, 2)
    print_papers(batch)
    organisation = claims[0].organisation
    set_bank_account(
        organisation,
        holder_name="无锡示范1科技有限公司",
        bank_name="示范银行",
        number="6200000000009999",
        on=settings.CLOCK.today(),
    )
    with pytest.raises(BatchRefused, match=claims[0].number):
        disbursement.release(batch, actor=office.preparer)
    cancelled = disbursement.cancel(batch, actor=office.preparer, reason="账户变更")
    assert cancelled.state == "cancelled"
    claims[0].refresh_from_db()
    assert (claims[0].state, held_fen(claims[0].pk)) == ("payable", 3_180_000)


def test_a_sanctioned_payee_blocks_freezing_and_release(office):
    batch, claims = signed(office, 1)
    print_papers(batch)
    add_sanction(
        claims[0].organisation.uscc, list_name="失信", reason="r", source="s", listed_on=settings.CLOCK.today()
    )
    with pytest.raises(Sanctioned):
        disbursement.release(batch, actor=office.preparer)
    batch.refresh_from_db()
    assert batch.state == "signed"


def test_nothing_is_released_before_its_papers_are_printed(office):
    batch, _ = signed(office, 1)
    with pytest.raises(BatchRefused, match="尚未生成"):
        disbursement.release(batch, actor=office.preparer)


def test_a_bounced_payment_makes_the_claim_payable_and_it_is_paid_again(office):
    batch, (claim,) = released(office, 1)
    disbursement.record_answer(
        batch.payments.get(), "fail", reference="T1", answered_on=TODAY, actor=office.preparer, message="账号不存在"
    )
    claim.refresh_from_db()
    assert (claim.state, held_fen(claim.pk), paid_fen(claim.pk)) == ("payable", 3_180_000, 0)
    again = disbursement.open_batch(batch.call, approval_reference="2", actor=office.preparer)
    disbursement.add_claims(again, [claim], actor=office.preparer)
    again = disbursement.freeze(again, actor=office.preparer)
    disbursement.sign(again, actor=office.signer, seen_digest=again.digest)


def test_money_that_comes_back_after_arrival_is_held_again_and_can_be_paid_anew(office):
    batch, (claim,) = released(office, 1)
    payment = disbursement.record_answer(
        batch.payments.get(), "pay", reference="Y1", answered_on=TODAY, actor=office.preparer
    )
    disbursement.record_answer(
        payment, "fail", reference="T1", answered_on=TODAY, actor=office.preparer, message="退票"
    )
    claim.refresh_from_db()
    assert (claim.state, held_fen(claim.pk), paid_fen(claim.pk)) == ("payable", 3_180_000, 0)


@pytest.mark.django_db(transaction=True)
def test_the_same_answer_entered_twice_at_once_pays_once():
    office = factories.office()
    batch, (claim,) = released(office, 1)
    payment = batch.payments.get()
    results = at_once(
        [lambda: disbursement.record_answer(payment, "pay", reference="Y1", answered_on=TODAY, actor=office.preparer)]
        * 4
    )
    assert sum(isinstance(result, IllegalTransition) for result in results) == 3
    assert paid_fen(claim.pk) == 3_180_000


def test_an_unknown_outcome_keeps_the_batch_open_until_the_bank_tells(office):
    batch, _ = released(office, 1)
    payment = disbursement.record_answer(
        batch.payments.get(), "lose", reference="", answered_on=TODAY, actor=office.preparer
    )
    with pytest.raises(BatchRefused, match="1 笔"):
        disbursement.reconcile(batch, actor=office.preparer)
    disbursement.record_answer(payment, "pay", reference="Y1", answered_on=TODAY, actor=office.preparer)
    assert disbursement.reconcile(batch, actor=office.preparer).state == "reconciled"
