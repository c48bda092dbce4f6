"""Papers handed in: what is refused, what is bound, and what is never used twice."""

import datetime as dt

import pytest
from django.db import IntegrityError, connection, transaction

from audit.models import AuditEntry
from tests import factories
from tests.at_once import at_once
from vouchers.claims import services as claims
from vouchers.claims.binding import InvoiceInUse, UsedElsewhere
from vouchers.claims.completeness import Incomplete
from vouchers.claims.models import Claim
from vouchers.claims.papers import Attachment, Invoice, InvoiceClash
from vouchers.invoices import UnreadableInvoice
from vouchers.ledger.selectors import held_fen
from vouchers.messages.models import Message
from vouchers.review.errors import NothingToGrant
from vouchers.review.services import fire
from vouchers.workflow import IllegalTransition

pytestmark = pytest.mark.django_db
HALF = 5_300_000


def both_years(office):
    """One firm with a voucher for 2024 and one for 2025."""
    firm_2025 = factories.firm(1, factories.call(), reviewer=office.reviewer)
    return factories.join(firm_2025, factories.call(year=2024), office.reviewer), firm_2025


def half(claim, firm, product, serial, paid_fen=HALF, paid_on=factories.PAID_ON):
    """A complete claim on the invoice that the firm entered before, with a payment of its own."""
    invoice = Invoice.objects.get(organisation=firm.organisation)
    factories.pay(claim, firm, invoice, serial, paid_fen, paid_on)
    claims.declare_line(claim, invoice.lines.get(), product, user=firm.clerk)
    return factories.complete(claim, firm)


def test_an_invoice_paid_half_in_each_year_serves_both_years_and_nothing_twice(office, product):
    firm_2024, firm_2025 = both_years(office)
    in_2024 = {"paid_on": dt.date(2024, 12, 30), "issued_on": dt.date(2024, 12, 1)}
    first = factories.submitted(firm_2024, product, 1, paid_fen=HALF, **in_2024)
    second = half(factories.draft(firm_2025), firm_2025, product, "S2")
    fire(second, "submit", actor=firm_2025.actor)
    assert [held_fen(claim.pk) for claim in (first, second)] == [1_590_000, 1_590_000]
    invoice = Invoice.objects.get()
    assert invoice.allocated_fen == invoice.total_fen
    third = half(factories.draft(firm_2025), firm_2025, product, "S3", paid_fen=1)
    with pytest.raises(UsedElsewhere, match="剩余部分不足"), transaction.atomic():
        fire(third, "submit", actor=firm_2025.actor)
    third.refresh_from_db()
    assert (third.state, held_fen(third.pk)) == ("draft", 0)


def test_the_two_years_of_a_half_paid_invoice_never_count_it_whole_twice(office, product):
    """Also where the call takes the invoice as its base as soon as anything was paid."""
    call = factories.call(tax_basis="incl_tax")
    firm = factories.firm(1, call, reviewer=office.reviewer)
    first = factories.submitted(firm, product, 1, paid_fen=HALF)
    second = half(factories.draft(firm), firm, product, "S2")
    fire(second, "submit", actor=firm.actor)
    assert held_fen(first.pk) + held_fen(second.pk) == 3_180_000


def test_a_payment_used_in_another_claim_is_not_used_again(firm, product):
    payment = factories.submitted(firm, product, 1).allocations.get().payment
    claim = factories.ready(firm, product, 2, paid_fen=HALF)
    claims.allocate(claim, payment, claim.allocations.get().invoice, 1, user=firm.clerk)
    with pytest.raises(UsedElsewhere, match="S1"), transaction.atomic():
        fire(claim, "submit", actor=firm.actor)
    assert held_fen(claim.pk) == 0


def test_a_returned_claim_cannot_take_what_another_claim_holds_of_the_invoice(office, firm, product):
    first = factories.ready(firm, product, 1)
    allocation = first.allocations.get()
    claims.allocate(first, allocation.payment, allocation.invoice, HALF, user=firm.clerk)
    fire(first, "submit", actor=firm.actor)
    second = half(factories.draft(firm), firm, product, "S2")
    fire(second, "submit", actor=firm.actor)
    factories.take(first, "return", firm, office)
    with pytest.raises(claims.ClaimError, match="剩余部分不足"):
        claims.allocate(first, allocation.payment, allocation.invoice, HALF + 1, user=firm.clerk)
    allocation.refresh_from_db()
    assert allocation.amount_fen == HALF


def test_an_incomplete_claim_is_told_everything_at_once(firm, product):
    claim = factories.draft(firm)
    invoice = factories.add_invoice(claim, firm, product, 1)
    factories.pay(claim, firm, invoice, "S1b", 1)
    other = factories.add_invoice(claim, firm, product, 2)
    claim.allocations.filter(invoice=other).delete()
    with pytest.raises(Incomplete) as refusal:
        fire(claim, "submit", actor=firm.actor)
    assert {d.code for d in refusal.value.deficiencies} == {
        "missing_contract", "missing_receipt", "missing_usage", "unpaid_invoice", "invoice_overpaid", "no_declaration",
    }  # fmt: skip
    assert all(d.message in str(refusal.value) for d in refusal.value.deficiencies)
    with pytest.raises(Incomplete, match="尚未选择"):
        fire(factories.draft(firm), "submit", actor=firm.actor)


def test_a_payment_matched_beyond_its_amount_is_told_before_submission(firm, product):
    claim = factories.ready(firm, product, 1)
    second = factories.add_invoice(claim, firm, product, 2)
    payment = claim.allocations.first().payment
    claims.allocate(claim, payment, second, 1, user=firm.clerk)
    with pytest.raises(Incomplete) as refusal:
        fire(claim, "submit", actor=firm.actor)
    assert {d.code for d in refusal.value.deficiencies} == {"payment_overspent", "invoice_overpaid"}


def test_after_submission_nothing_is_edited(firm, product):
    claim = factories.submitted(firm, product, 1)
    line, allocation = claim.lines.get(), claim.allocations.get()
    attempts = [
        lambda: claims.upload(claim, kind="other", name="a.pdf", content=b"%PDF-1.7 a", user=firm.clerk),
        lambda: claims.declare_line(claim, line.invoice_line, product, user=firm.clerk),
        lambda: claims.allocate(claim, allocation.payment, allocation.invoice, 1, user=firm.clerk),
        lambda: claims.sign_declaration(claim, user=firm.clerk),
        lambda: factories.add_invoice(claim, firm, product, 2),
        lambda: factories.pay(claim, firm, allocation.invoice, "S9", 1),
    ]
    for attempt in attempts:
        with pytest.raises(claims.ClaimError, match="已经提交"):
            attempt()
    assert Attachment.objects.filter(claim=claim).count() == 4


def test_a_stranger_fills_in_nothing(firm, product):
    claim = factories.ready(firm, product, 1)
    stranger = factories.user("stranger")
    with pytest.raises(claims.ClaimError, match="经办人"):
        claims.upload(claim, kind="other", name="a.pdf", content=b"%PDF-1.7 a", user=stranger)
    with pytest.raises(claims.ClaimError, match="经办人"):
        claims.open_claim(claim.voucher, user=stranger)


@pytest.mark.parametrize(("size", "word"), [(0, "空的"), (20 * 2**20 + 1, "20 MB"), (60 * 2**20, "20 MB")])
def test_an_empty_or_oversized_file_is_refused_and_leaves_nothing(firm, size, word):
    claim = factories.draft(firm)
    with pytest.raises(claims.ClaimError, match=word):
        claims.upload(claim, kind="contract", name="合同.pdf", content=b"\0" * size, user=firm.clerk)
    with pytest.raises(UnreadableInvoice):
        claims.add_invoice_file(claim, name="发票.xml", content=b"\0" * size, user=firm.clerk)
    assert not Attachment.objects.exists()


def test_an_invoice_of_another_buyer_is_refused(firm, office, product):
    other = factories.firm(2, firm.call, reviewer=office.reviewer)
    with pytest.raises(claims.InvoiceRefused, match="购买方识别号"):
        factories.add_invoice(factories.draft(firm), other, product, 1)
    assert not Invoice.objects.exists()


def test_a_line_of_another_firms_invoice_cannot_be_claimed(firm, office, product):
    other = factories.firm(2, firm.call, reviewer=office.reviewer)
    invoice = factories.add_invoice(factories.draft(other), other, product, 1)
    claim = factories.draft(firm)
    with pytest.raises(claims.ClaimError, match="不属于本单位"):
        claims.declare_line(claim, invoice.lines.get(), product, user=firm.clerk)


@pytest.mark.parametrize("fen", [0, -1])
def test_a_payment_of_nothing_is_refused(firm, product, fen):
    claim = factories.draft(firm)
    invoice = factories.add_invoice(claim, firm, product, 1)
    with pytest.raises(claims.ClaimError, match="大于零"):
        factories.pay(claim, firm, invoice, "S9", fen)


def test_the_same_bank_transfer_is_entered_once(firm, product):
    claim = factories.draft(firm)
    invoice = factories.add_invoice(claim, firm, product, 1)
    with pytest.raises(claims.ClaimError, match="已经登记过"):
        factories.pay(claim, firm, invoice, "S1", 5)


def test_what_was_paid_before_the_law_gets_nothing_and_the_reason(office, product):
    firm_2024, _ = both_years(office)
    days = {"paid_on": dt.date(2023, 12, 31), "issued_on": dt.date(2023, 12, 1)}
    claim = factories.ready(firm_2024, product, 1, **days)
    with pytest.raises(NothingToGrant, match="有效期|施行|实施") as refusal:
        fire(claim, "submit", actor=firm_2024.actor)
    assert [line.reason for line in refusal.value.decision.lines] == ["not_in_force"]
    claim.refresh_from_db()
    assert claim.state == "draft"


def test_a_red_letter_handed_in_reduces_the_claim_at_review(firm, office, product):
    claim = factories.submitted(firm, product, 1)
    invoice = Invoice.objects.get()
    red = Invoice.objects.create(
        organisation=firm.organisation, read_by="machine", kind="special", number="9" * 20, issued_on=invoice.issued_on,
        buyer_id=invoice.buyer_id, amount_fen=-5_000_000, tax_fen=-300_000, total_fen=-5_300_000, red=True,
        reverses=invoice.number,
    )  # fmt: skip
    line = invoice.lines.get()
    red.lines.create(position=1, name=line.name, tax_rate=line.tax_rate, amount_fen=-5_000_000, tax_fen=-300_000)
    factories.take(claim, "accept", firm, office)
    factories.take(claim, "review", firm, office)
    assert held_fen(claim.pk) == 1_590_000


@pytest.mark.django_db(transaction=True)
def test_one_number_in_two_firms_claims_at_the_same_instant_is_bound_once(office, product):
    call = factories.call()
    both = [factories.firm(number, call, reviewer=office.reviewer) for number in (1, 2)]
    ready = [(firm, factories.ready(firm, product, 7)) for firm in both]
    messages = Message.objects.count()
    answers = at_once([lambda f=f, c=c: fire(c, "submit", actor=f.actor) for f, c in ready])
    refusals = [answer for answer in answers if isinstance(answer, Exception)]
    assert [type(refusal) for refusal in refusals] == [InvoiceInUse]
    loser = ready[answers.index(refusals[0])]
    winner = ready[1 - answers.index(refusals[0])]
    assert loser[0].name not in str(refusals[0])
    assert winner[0].name not in str(refusals[0])
    claim = Claim.objects.get(pk=loser[1].pk)
    assert (claim.state, claim.version, claim.queue_number, held_fen(claim.pk)) == ("draft", 0, None, 0)
    assert not claim.allocations.filter(live=True).exists()
    assert Invoice.objects.exclude(bound_at=None).get().organisation_id == winner[0].organisation.pk
    assert Message.objects.count() == messages + 1
    assert InvoiceClash.objects.get().claim_id == claim.pk
    entry = AuditEntry.objects.get(action="invoice.clash")
    assert (entry.ok, entry.subject) == (False, f"claim:{claim.pk}")


@pytest.mark.django_db(transaction=True)
def test_two_claims_at_once_never_take_more_of_an_invoice_than_there_is(office, product):
    firm = factories.firm(1, factories.call(), reviewer=office.reviewer)
    first = factories.ready(firm, product, 1, paid_fen=6_000_000)
    second = half(factories.draft(firm), firm, product, "S2", paid_fen=6_000_000)
    answers = at_once([lambda c=c: fire(c, "submit", actor=firm.actor) for c in (first, second)])
    assert sorted(type(answer).__name__ for answer in answers) == ["ClaimEvent", "UsedElsewhere"]
    assert Invoice.objects.get().allocated_fen == 6_000_000


@pytest.mark.django_db(transaction=True)
def test_a_claim_submitted_twice_at_the_same_instant_is_submitted_once(office, product):
    firm = factories.firm(1, factories.call(), reviewer=office.reviewer)
    claim = factories.ready(firm, product, 1)
    answers = at_once([lambda: fire(claim, "submit", actor=firm.actor)] * 2)
    assert sorted(type(answer).__name__ for answer in answers) == ["ClaimEvent", "IllegalTransition"]
    refusal = next(answer for answer in answers if isinstance(answer, IllegalTransition))
    assert "已提交" in str(refusal)
    assert held_fen(claim.pk) == 3_180_000
    assert claim.decisions.count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_invoice_let_go_by_one_claim_and_taken_by_another_at_once_stays_bound(office, product):
    firm = factories.firm(1, factories.call(), reviewer=office.reviewer)
    first = factories.submitted(firm, product, 1, paid_fen=HALF)
    second = half(factories.draft(firm), firm, product, "S2")
    answers = at_once(
        [lambda: fire(first, "withdraw", actor=firm.actor), lambda: fire(second, "submit", actor=firm.actor)]
    )
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    invoice = Invoice.objects.get()
    assert (invoice.allocated_fen, invoice.bound_at is None) == (HALF, False)


def refused(sql, *params, match=None):
    with connection.cursor() as cursor, pytest.raises(IntegrityError, match=match), transaction.atomic():
        cursor.execute(sql, params)


def test_sums_bindings_and_buyers_are_kept_by_the_database(firm, office, product):
    claim = factories.submitted(firm, product, 1)
    invoice, payment = claim.allocations.get().invoice, claim.allocations.get().payment
    refused("UPDATE vouchers_invoice SET allocated_fen = 0 WHERE id = %s", invoice.pk, match="sum")
    refused("UPDATE vouchers_paymentmade SET allocated_fen = 0 WHERE id = %s", payment.pk, match="sum")
    refused("UPDATE vouchers_invoice SET bound_at = NULL WHERE id = %s", invoice.pk, match="invoice_used_is_bound")
    refused("UPDATE vouchers_invoice SET buyer_id = 'X' WHERE id = %s", invoice.pk, match="somebody else")
    refused("UPDATE vouchers_allocation SET amount_fen = amount_fen + 1 WHERE claim_id = %s", claim.pk)
    foreign = factories.firm(2, firm.call, reviewer=office.reviewer)
    refused("UPDATE vouchers_invoice SET organisation_id = %s WHERE id = %s", foreign.organisation.pk, invoice.pk)
