"""Removing and correcting while a claim may be changed; nobody overwrites a newer entry unawares."""

from dataclasses import replace

import pytest

from tests import factories
from tests.claims.test_intake import typed
from vouchers.claims import amendments, removals
from vouchers.claims import services as claims
from vouchers.claims.papers import Allocation, Attachment, ClaimLine, Invoice, PaymentMade
from vouchers.claims.seen import ChangedMeanwhile, seen_row
from vouchers.documents.storage import path_of
from vouchers.review.corrections import open_items, return_for_correction
from vouchers.review.services import fire

pytestmark = pytest.mark.django_db


@pytest.fixture
def claim(firm, product):
    return factories.ready(firm, product, 1)


def entered(payment, **changes):
    names = ("serial_number", "paid_on", "payer_name", "payee_name", "amount_fen", "attachment")
    return {name: getattr(payment, name) for name in names} | changes


def test_a_removed_invoice_is_gone_with_its_file_once_the_transaction_stands(
    claim, firm, django_capture_on_commit_callbacks
):
    invoice = Invoice.objects.select_related("attachment").get()
    stored = path_of(invoice.attachment.stored_name)
    with django_capture_on_commit_callbacks() as waiting:
        assert removals.remove_invoice(claim, invoice, user=firm.clerk)
    assert stored.exists()
    waiting[0]()
    assert not stored.exists()
    assert not ClaimLine.objects.exists()
    assert not Allocation.objects.exists()
    assert PaymentMade.objects.count() == 1


def test_an_invoice_of_a_returned_claim_can_be_removed_and_its_number_is_free(claim, firm, office):
    fire(claim, "submit", actor=firm.actor)
    fire(claim, "return", actor=office.reviewer, reason="不对")
    assert removals.remove_invoice(claim, Invoice.objects.get(), user=firm.clerk)
    assert not Invoice.objects.exists()


def test_an_invoice_that_another_claim_uses_stays(claim, firm):
    invoice = Invoice.objects.get()
    other = factories.draft(firm)
    claims.declare_line(other, invoice.lines.get(), ClaimLine.objects.get().product, user=firm.clerk)
    assert not removals.remove_invoice(claim, invoice, user=firm.clerk)
    assert list(ClaimLine.objects.values_list("claim", flat=True)) == [other.pk]


def test_nothing_of_a_submitted_claim_is_removed(claim, firm):
    fire(claim, "submit", actor=firm.actor)
    invoice, payment = Invoice.objects.get(), PaymentMade.objects.get()
    for remove in (
        lambda: removals.remove_invoice(claim, invoice, user=firm.clerk),
        lambda: removals.remove_payment(claim, payment, user=firm.clerk),
        lambda: removals.remove_file(Attachment.objects.filter(kind="contract").get(), user=firm.clerk),
    ):
        with pytest.raises(claims.ClaimError, match="已经提交"):
            remove()


def test_a_file_that_an_invoice_or_payment_rests_on_is_not_removed(claim, firm):
    payment = PaymentMade.objects.get()
    receipt = Attachment.objects.get(kind="receipt")
    amendments.correct_payment(claim, payment, **entered(payment, attachment=receipt), seen=None, user=firm.clerk)
    with pytest.raises(claims.ClaimError, match="回单"):
        removals.remove_file(receipt, user=firm.clerk)
    with pytest.raises(claims.ClaimError, match="原件"):
        removals.remove_file(Attachment.objects.get(kind="invoice"), user=firm.clerk)
    removals.remove_payment(claim, payment, user=firm.clerk)
    removals.remove_file(receipt, user=firm.clerk)
    assert not Attachment.objects.filter(kind="receipt").exists()


def test_another_firms_invoice_is_not_removed(claim, office, call):
    other = factories.firm(2, call, reviewer=office.reviewer)
    with pytest.raises(claims.ClaimError):
        removals.remove_invoice(factories.draft(other), Invoice.objects.get(), user=other.clerk)
    assert ClaimLine.objects.count() == 1


def test_a_payment_is_corrected_unless_somebody_else_did_meanwhile(claim, firm):
    payment = PaymentMade.objects.get()
    seen = seen_row(payment)
    amendments.correct_payment(claim, payment, **entered(payment, serial_number="新"), seen=seen, user=firm.clerk)
    with pytest.raises(ChangedMeanwhile):
        amendments.correct_payment(claim, payment, **entered(payment, serial_number="旧"), seen=seen, user=firm.clerk)
    assert PaymentMade.objects.get().serial_number == "新"


def test_a_payment_that_was_submitted_is_locked(claim, firm, office):
    fire(claim, "submit", actor=firm.actor)
    fire(claim, "return", actor=office.reviewer, reason="不对")
    payment = PaymentMade.objects.get()
    with pytest.raises(claims.ClaimError, match="已锁定"):
        amendments.correct_payment(claim, payment, **entered(payment, amount_fen=1), seen=None, user=firm.clerk)


def test_a_typed_invoice_is_corrected_and_keeps_what_was_declared_of_its_lines(firm, product):
    claim = factories.draft(firm)
    read = typed(firm)
    invoice = claims.add_typed_invoice(claim, read, attachment=None, user=firm.clerk)
    claims.declare_line(claim, invoice.lines.get(), product, user=firm.clerk)
    line = replace(read.lines[0], name="改过的名称")
    more = replace(line, amount_fen=100, tax_fen=0)
    better = replace(
        read, number="25320000000000000008", lines=(line, more), amount_fen=read.amount_fen + 100,
        total_fen=read.total_fen + 100,
    )  # fmt: skip
    amendments.correct_typed_invoice(claim, invoice, better, seen=seen_row(invoice), user=firm.clerk)
    assert [row.name for row in invoice.lines.all()] == ["改过的名称", "改过的名称"]
    assert ClaimLine.objects.get().invoice_line.name == "改过的名称"
    amendments.correct_typed_invoice(claim, invoice, replace(read, lines=(line,)), seen=None, user=firm.clerk)
    assert Invoice.objects.get().lines.count() == 1


def test_an_invoice_read_from_its_file_is_not_corrected_by_hand(claim, firm):
    with pytest.raises(claims.ClaimError, match="原件读出"):
        amendments.correct_typed_invoice(claim, Invoice.objects.get(), typed(firm), seen=None, user=firm.clerk)


def test_the_matches_of_a_claim_are_set_all_or_none(claim, firm, product):
    second = factories.add_invoice(claim, firm, product, 2)
    first, payment = Invoice.objects.exclude(pk=second.pk).get(), PaymentMade.objects.order_by("pk").first()
    seen = amendments.seen_matches(claim)
    with pytest.raises(claims.ClaimError, match="多出"):
        amendments.set_matches(claim, {(payment.pk, second.pk): 1}, seen=seen, user=firm.clerk)
    assert Allocation.objects.count() == 2
    half = first.total_fen // 2
    amendments.set_matches(claim, {(payment.pk, first.pk): half}, seen=seen, user=firm.clerk)
    with pytest.raises(ChangedMeanwhile):
        amendments.set_matches(claim, {(payment.pk, first.pk): 0}, seen=seen, user=firm.clerk)
    amendments.set_matches(claim, {(payment.pk, first.pk): 0}, seen=None, user=firm.clerk)
    assert Allocation.objects.count() == 1


def test_the_lines_of_an_invoice_are_declared_as_one_and_not_over_a_newer_choice(claim, firm, product):
    invoice = Invoice.objects.get()
    seen = amendments.seen_lines(claim, invoice)
    amendments.declare_lines(claim, invoice, {}, seen=seen, user=firm.clerk)
    assert not ClaimLine.objects.exists()
    with pytest.raises(ChangedMeanwhile):
        amendments.declare_lines(claim, invoice, {}, seen=seen, user=firm.clerk)
    chosen = {invoice.lines.get().pk: amendments.Declared(product, seller_related=True)}
    amendments.declare_lines(claim, invoice, chosen, seen=None, user=firm.clerk)
    assert ClaimLine.objects.get().seller_related


def test_an_answer_to_a_correction_does_not_overwrite_a_newer_one(claim, firm, office):
    fire(claim, "submit", actor=firm.actor)
    return_for_correction(claim, ["补合同"], actor=office.reviewer)
    claim.refresh_from_db()
    item = open_items(claim)[0]
    seen = amendments.seen_answer(item)
    amendments.answer_correction(item, "补了", seen=seen, user=firm.clerk)
    with pytest.raises(ChangedMeanwhile):
        amendments.answer_correction(item, "没补", seen=seen, user=firm.clerk)
    assert open_items(claim)[0].answer == "补了"
