"""Red letters that come whenever they come: before a decision, after approval, after payment; and taken back."""

import datetime as dt

import pytest
from django.db import IntegrityError, connection, transaction

from tests import factories
from vouchers import invoices
from vouchers.claims import letters
from vouchers.claims.intake import ClaimError, InvoiceRefused
from vouchers.claims.removals import remove_invoice
from vouchers.disbursement import services as disbursement
from vouchers.disbursement.services import BatchRefused
from vouchers.ledger.selectors import held_fen, paid_fen
from vouchers.management.demo.papers import credit_code
from vouchers.review import reversals
from vouchers.review.errors import ReviewRefused, TogetherRefused
from vouchers.review.flags import open_flags
from vouchers.review.models import ClawbackProposal, ReversalFlag
from vouchers.review.services import fire
from vouchers.review.together import fire_many

pytestmark = pytest.mark.django_db

GROSS, GRANTED = 10_600_000, 3_180_000


@pytest.fixture
def claim_in(office, firm):
    def make(state):
        return factories.drive(factories.ready(firm, factories.product(), 1), state, firm, office)

    return make


def the_invoice(claim):
    return claim.allocations.get().invoice


def reverse(claim, office, total_fen=None, number="25329999999999999999"):
    """Half an invoice, or all of it, found reversed at the tax platform."""
    blue = the_invoice(claim)
    part = {} if total_fen is None else {"total_fen": total_fen, "tax_fen": total_fen * 6 // 106, "number": number}
    letter = letters.enter_letter(blue, user=office.reviewer.user, **part)
    reversals.sweep()
    claim.refresh_from_db()
    return letter


@pytest.mark.parametrize("state", ["approved", "publicised", "payable"])
def test_an_approved_claim_is_suspended_and_decided_anew_on_what_is_left(office, firm, claim_in, state):
    claim = claim_in(state)
    reverse(claim, office, GROSS // 2)
    assert claim.state == "suspended"
    with pytest.raises(ReviewRefused, match="重新核定"):
        fire(claim, "dismiss", actor=office.approver, reason="没有问题")
    fire(claim, "reassess", actor=office.approver, reason="重新核定")
    fire(claim, "review", actor=office.reviewer)
    claim.refresh_from_db()
    assert claim.granted_fen == held_fen(claim.pk) == GRANTED // 2
    assert not open_flags().exists()
    assert reversals.sweep() == 0
    fire(claim, "approve", actor=office.approver)


def test_a_claim_reviewed_already_is_not_approved_but_sent_back(office, firm, claim_in):
    claim = claim_in("reviewed")
    reverse(claim, office, GROSS // 2)
    assert claim.state == "reviewed"
    with pytest.raises(ReviewRefused, match="已被红冲或作废"):
        fire(claim, "approve", actor=office.approver)
    fire(claim, "send_back", actor=office.approver, reason="发票被红冲")
    fire(claim, "review", actor=office.reviewer)
    fire(claim, "approve", actor=office.approver)
    claim.refresh_from_db()
    assert claim.granted_fen == GRANTED // 2


def test_nor_is_it_approved_among_many(office, firm, claim_in):
    claim = claim_in("reviewed")
    reverse(claim, office, GROSS // 2)
    with pytest.raises(TogetherRefused, match="已被红冲或作废"):
        fire_many({claim.pk: None}, "approve", actor=office.approver)


def test_a_claim_not_decided_yet_simply_counts_the_letter(office, firm, claim_in):
    claim = claim_in("accepted")
    reverse(claim, office, GROSS // 2)
    assert claim.state == "accepted"
    fire(claim, "review", actor=office.reviewer)
    claim.refresh_from_db()
    assert claim.granted_fen == GRANTED // 2


def test_the_database_refuses_to_approve_past_an_open_flag(office, firm, claim_in, monkeypatch):
    claim = claim_in("reviewed")
    reverse(claim, office)
    monkeypatch.setattr("vouchers.review.consequences.refuse_flagged", lambda *_: None)
    with pytest.raises(IntegrityError, match="reversed since it was decided"), transaction.atomic():
        fire(claim, "approve", actor=office.approver)


def test_a_batch_with_a_reversed_invoice_is_neither_frozen_nor_released(office, firm, claim_in):
    claim = claim_in("payable")
    batch = disbursement.open_batch(claim.call, approval_reference="批复", actor=office.preparer)
    disbursement.add_claims(batch, [claim], actor=office.preparer)
    reverse(claim, office, GROSS // 2)
    assert claim.state == "batched"
    with pytest.raises(BatchRefused, match="已被红冲或作废"):
        disbursement.freeze(batch, actor=office.preparer)
    disbursement.remove_claim(batch.payments.get(), actor=office.preparer)
    reversals.sweep()
    claim.refresh_from_db()
    assert claim.state == "suspended"


def test_a_paid_claim_gets_a_proposal_of_exactly_what_was_too_much(office, firm, claim_in):
    claim = claim_in("paid")
    letter = reverse(claim, office, GROSS // 2)
    proposal = ClawbackProposal.objects.get()
    assert (proposal.claim, proposal.letter, proposal.state) == (claim, letter, "proposed")
    assert (proposal.paid_fen, proposal.due_fen, proposal.amount_fen) == (GRANTED, GRANTED // 2, GRANTED // 2)
    assert claim.state == "paid"
    assert paid_fen(claim.pk) == GRANTED
    reversals.sweep()
    assert ClawbackProposal.objects.count() == 1


def test_a_second_letter_supersedes_the_first_proposal(office, firm, claim_in):
    claim = claim_in("paid")
    reverse(claim, office, GROSS // 4)
    reverse(claim, office, GROSS // 4, number="25328888888888888888")
    states = list(ClawbackProposal.objects.order_by("pk").values_list("state", "amount_fen"))
    assert states == [("superseded", GRANTED // 4), ("proposed", GRANTED // 2)]


def test_an_invoice_reversed_wholly_leaves_nothing(office, firm, claim_in):
    claim = claim_in("paid")
    reverse(claim, office)
    assert ClawbackProposal.objects.get().amount_fen == GRANTED


def test_finance_closes_a_proposal_once_with_a_note(office, firm, claim_in):
    claim = claim_in("paid")
    reverse(claim, office)
    proposal = ClawbackProposal.objects.get()
    with pytest.raises(reversals.Refused, match="填写说明"):
        reversals.close_proposal(proposal, "settled", note=" ", by=office.preparer.user)
    reversals.close_proposal(proposal, "settled", note="已从当期拨付扣回", by=office.preparer.user)
    with pytest.raises(reversals.Refused, match="已经办结"):
        reversals.close_proposal(proposal, "dropped", note="重复", by=office.signer.user)
    with pytest.raises(IntegrityError), transaction.atomic():
        ClawbackProposal.objects.update(amount_fen=1, due_fen=GRANTED - 1)


def red_letter_of(claim, firm, monkeypatch, *, total_fen=-GROSS // 2, reverses=None, red=True, buyer=None):
    """What a reader would make of a red letter's file."""
    blue = the_invoice(claim)
    tax = total_fen * 6 // 106
    line = invoices.Line(blue.lines.get().name, "", "", "", "", total_fen - tax, "6%", tax)
    read = invoices.Invoice(
        carrier="xml", kind=blue.kind, number="25327777777777777777", code="", check_code="", date=dt.date(2025, 7, 1),
        buyer_name=firm.name, buyer_id=buyer or firm.organisation.uscc, seller_name=blue.seller_name,
        seller_id=blue.seller_id, amount_fen=total_fen - tax, tax_fen=tax, total_fen=total_fen, red=red,
        reverses=blue.number if reverses is None else reverses, remark="", lines=(line,), warnings=(),
    )  # fmt: skip
    monkeypatch.setattr("vouchers.invoices.guard.read", lambda content: read)
    return b"<?xml version='1.0'?><letter/>"


def test_the_enterprise_may_hand_in_a_red_letter_at_any_time(office, firm, claim_in, monkeypatch):
    claim = claim_in("payable")
    content = red_letter_of(claim, firm, monkeypatch)
    letter = letters.upload_letter(claim, name="红字.xml", content=content, user=firm.clerk)
    again = letters.upload_letter(claim, name="红字.xml", content=content, user=firm.clerk)
    assert again == letter
    assert letter.bound_at is not None
    assert letter.attachment.claim is None
    reversals.sweep()
    claim.refresh_from_db()
    assert claim.state == "suspended"
    assert "红冲" in claim.events.latest("version").reason


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"red": False, "total_fen": GROSS}, "不是红字发票"),
        ({"reverses": "25320000000000009999"}, "没有找到"),
        ({"reverses": ""}, "没有找到"),
        ({"buyer": credit_code(77)}, "购买方不是本单位"),
    ],
)
def test_a_red_letter_that_does_not_fit_is_refused_in_words(office, firm, claim_in, monkeypatch, changes, words):
    claim = claim_in("submitted")
    content = red_letter_of(claim, firm, monkeypatch, **changes)
    with pytest.raises(InvoiceRefused, match=words):
        letters.upload_letter(claim, name="红字.xml", content=content, user=firm.clerk)
    assert ReversalFlag.objects.count() == 0


def test_nobody_of_another_enterprise_hands_in_a_letter(office, firm, claim_in, monkeypatch):
    claim = claim_in("submitted")
    content = red_letter_of(claim, firm, monkeypatch)
    with pytest.raises(ClaimError, match="不是该单位的经办人"):
        letters.upload_letter(claim, name="红字.xml", content=content, user=office.reviewer.user)


def test_an_officers_letter_is_not_taken_away_by_its_enterprise(office, firm, claim_in):
    claim = claim_in("returned")
    letter = reverse(claim, office, GROSS // 2)
    with pytest.raises(ClaimError, match="不能移除"):
        remove_invoice(claim, letter, user=firm.clerk)
    for sql in ("DELETE FROM vouchers_invoice WHERE id = %s", "UPDATE vouchers_invoice SET bound_at = NULL WHERE id = %s",
                "UPDATE vouchers_invoice SET reverses = '' WHERE id = %s"):  # fmt: skip
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, [letter.pk])
    remove_invoice(claim, the_invoice(claim), user=firm.clerk)
    letter.refresh_from_db()
    assert letter.bound_at is not None


def test_a_letter_entered_by_mistake_is_withdrawn_and_counts_no_more(office, firm, claim_in):
    claim = claim_in("payable")
    letter = reverse(claim, office)
    assert claim.state == "suspended"
    with pytest.raises(ClaimError, match="理由"):
        letters.withdraw_letter(letter, reason="", user=office.approver.user)
    letters.withdraw_letter(letter, reason="录错了发票", user=office.approver.user)
    reversals.sweep()
    fire(claim, "dismiss", actor=office.approver, reason="红冲登记有误")
    claim.refresh_from_db()
    assert (claim.state, claim.granted_fen) == ("payable", GRANTED)
    # The same again, this time rightly.
    assert reverse(claim, office) == letter
    assert claim.state == "suspended"


def test_a_letter_counted_from_the_beginning_stops_nothing(office, firm, claim_in):
    claim = factories.ready(firm, factories.product(), 1)
    letters.enter_letter(the_invoice(claim), total_fen=GROSS // 2, tax_fen=300_000, number="25329999999999999999",
                         user=office.reviewer.user)  # fmt: skip
    factories.drive(claim, "payable", firm, office)
    reversals.sweep()
    claim.refresh_from_db()
    assert (claim.state, claim.granted_fen) == ("payable", GRANTED // 2)
    assert ReversalFlag.objects.count() == 1
    assert not open_flags().exists()


@pytest.mark.parametrize(
    "wrong",
    [{"total_fen": GROSS + 1, "number": "1"}, {"total_fen": 0}, {"total_fen": 100}, {"total_fen": 100, "tax_fen": 101}],
)
def test_a_letter_never_reverses_more_than_the_invoice(office, firm, claim_in, wrong):
    claim = claim_in("submitted")
    with pytest.raises(InvoiceRefused):
        letters.enter_letter(the_invoice(claim), user=office.reviewer.user, **wrong)
