"""Whose papers a claim stands on is kept by foreign keys, and what is handed in is bound: also for SQL by hand."""

import pytest
from django.db import IntegrityError, connection, transaction

from tests import factories
from tests.at_once import at_once
from vouchers.claims.models import Claim
from vouchers.claims.papers import Allocation, ClaimLine, Invoice, PaymentMade
from vouchers.review.services import fire

pytestmark = pytest.mark.django_db

LINE = (
    "INSERT INTO vouchers_claimline (claim_id, invoice_line_id, service, location, seller_related,"
    " subsidised_elsewhere, contract, classes) SELECT %s, id, 'intelligent', 'local', false, false, '', '[]'"
    " FROM vouchers_invoiceline WHERE invoice_id = %s"
)
MATCH = (
    "INSERT INTO vouchers_allocation (claim_id, payment_id, invoice_id, amount_fen, live) VALUES (%s, %s, %s, 1, false)"
)


@pytest.fixture
def office():
    return factories.office()


@pytest.fixture
def product():
    return factories.product()


@pytest.fixture
def firms(office):
    call = factories.call()
    return [factories.firm(number, call, reviewer=office.reviewer) for number in (1, 2)]


def at_commit(sql, *params):
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def refused(sql, *params, match):
    with pytest.raises(IntegrityError, match=match), transaction.atomic():
        at_commit(sql, *params)


def papers(firm, product, number):
    """A complete draft, its invoice and its payment."""
    claim = factories.ready(firm, product, number)
    match = claim.allocations.get()
    return claim, match.invoice, match.payment


def test_no_line_and_no_match_rests_on_another_firms_paper(firms, product):
    mine, my_invoice, my_payment = papers(firms[0], product, 1)
    _, invoice, payment = papers(firms[1], product, 2)
    refused(LINE, mine.pk, invoice.pk, match="claim_line_invoice_of_firm")
    refused(MATCH, mine.pk, my_payment.pk, invoice.pk, match="allocation_invoice_of_firm")
    refused(MATCH, mine.pk, payment.pk, my_invoice.pk, match="allocation_payment_of_firm")


def test_the_firm_of_a_paper_is_written_by_the_database_whatever_is_said(firms, product):
    mine, _, _ = papers(firms[0], product, 1)
    _, invoice, _ = papers(firms[1], product, 2)
    other = firms[1].organisation.pk
    at_commit("UPDATE vouchers_allocation SET organisation_id = %s WHERE claim_id = %s", other, mine.pk)
    at_commit("UPDATE vouchers_claimline SET organisation_id = %s, invoice_id = %s", other, invoice.pk)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT l.organisation_id = c.organisation_id AND l.organisation_id = a.organisation_id"
            " AND l.invoice_id = i.invoice_id FROM vouchers_claimline l JOIN vouchers_claim c ON c.id = l.claim_id"
            " JOIN vouchers_allocation a ON a.claim_id = c.id JOIN vouchers_invoiceline i ON i.id = l.invoice_line_id"
        )
        assert cursor.fetchall() == [(True,), (True,)]


def test_a_paper_that_a_draft_rests_on_is_not_given_to_another_firm(firms, product):
    _, invoice, payment = papers(firms[0], product, 1)
    other = firms[1].organisation.pk
    refused("UPDATE vouchers_paymentmade SET organisation_id = %s WHERE id = %s", other, payment.pk, match="of_firm")
    refused(
        "UPDATE vouchers_invoice SET organisation_id = %s WHERE id = %s", other, invoice.pk,
        match="allocation_invoice_of_firm|claim_line_invoice_of_firm",
    )  # fmt: skip
    Allocation.objects.filter(invoice=invoice).delete()
    refused(
        "UPDATE vouchers_invoice SET organisation_id = %s WHERE id = %s", other, invoice.pk,
        match="claim_line_invoice_of_firm",
    )  # fmt: skip


def test_a_claimed_line_is_not_moved_to_another_invoice(firms, product):
    _, first, _ = papers(firms[0], product, 1)
    _, second, _ = papers(firms[0], product, 2)
    line = first.lines.get()
    refused(
        "UPDATE vouchers_invoiceline SET invoice_id = %s, position = 9 WHERE id = %s", second.pk, line.pk,
        match="claim_line_of_its_invoice",
    )  # fmt: skip


def test_nothing_is_matched_into_a_claim_under_way(firms, product):
    claim, invoice, payment = papers(firms[0], product, 1)
    fire(claim, "submit", actor=firms[0].actor)
    factories.pay(factories.draft(firms[0]), firms[0], invoice, "S1b", 5)
    Allocation.objects.exclude(claim=claim).delete()
    later = PaymentMade.objects.get(serial_number="S1b")
    refused(MATCH, claim.pk, later.pk, invoice.pk, match="its papers stay")


def hand_in(claim, *, bind):
    """What a step writes, by SQL, with or without its binding."""
    with connection.cursor() as cursor:
        if bind:
            match = claim.allocations.get()
            cursor.execute(
                "SELECT vouchers_bind(ARRAY[%s], ARRAY[%s], ARRAY[%s], now())",
                [match.invoice_id, match.payment_id, match.pk],
            )
        cursor.execute(
            "UPDATE vouchers_claim SET state = 'submitted', version = 1, queue_number = 1, submitted_at = now()"
            " WHERE id = %s",
            [claim.pk],
        )
        cursor.execute(
            "INSERT INTO vouchers_claimevent (claim_id, version, verb, source, target, role, actor_id, duty, reason, at)"
            " SELECT %s, 1, 'submit', 'draft', 'submitted', 'applicant', declared_by_id, '', '', declared_at"
            " FROM vouchers_claim WHERE id = %s",
            [claim.pk, claim.pk],
        )
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def test_a_claim_is_not_handed_in_without_binding_its_papers(firms, product):
    claim, _, _ = papers(firms[0], product, 1)
    with pytest.raises(IntegrityError, match="without binding"), transaction.atomic():
        hand_in(claim, bind=False)
    hand_in(claim, bind=True)
    assert Claim.objects.get(pk=claim.pk).state == "submitted"


def test_a_line_without_a_counted_payment_on_its_invoice_is_not_handed_in(firms, product):
    claim, invoice, payment = papers(firms[0], product, 1)
    other = factories.add_invoice(claim, firms[0], product, 2)
    claim.allocations.filter(invoice=other).delete()
    with pytest.raises(IntegrityError, match="without binding"), transaction.atomic():
        hand_in(claim, bind=True)


def red_letter(invoice, **changes):
    return Invoice.objects.create(
        organisation_id=invoice.organisation_id, read_by="machine", kind="数电专票", number="9" * 20,
        issued_on=invoice.issued_on, buyer_id=invoice.buyer_id, amount_fen=-5, tax_fen=0, total_fen=-5, red=True,
        reverses=invoice.code + invoice.number, **changes,
    )  # fmt: skip


def test_a_red_letter_against_a_used_invoice_is_not_let_go(firms, product):
    claim, invoice, _ = papers(firms[0], product, 1)
    letter = red_letter(invoice)
    fire(claim, "submit", actor=firms[0].actor)
    letter.refresh_from_db()
    assert letter.bound_at is not None
    refused("UPDATE vouchers_invoice SET bound_at = NULL WHERE id = %s", letter.pk, match="that claims use")
    fire(claim, "withdraw", actor=firms[0].actor)
    letter.refresh_from_db()
    invoice.refresh_from_db()
    assert (letter.bound_at, invoice.bound_at) == (None, None)


@pytest.mark.django_db(transaction=True)
def test_an_invoice_never_changes_hands_at_the_instant_a_draft_takes_it(firms, product):
    other = firms[1].organisation.pk
    for number in range(3):
        claim, invoice, payment = papers(firms[0], product, 10 + number)
        ClaimLine.objects.filter(claim=claim).delete()
        Allocation.objects.filter(claim=claim).delete()

        def take(claim=claim, invoice=invoice, payment=payment):
            with transaction.atomic():
                at_commit(LINE, claim.pk, invoice.pk)
                at_commit(MATCH, claim.pk, payment.pk, invoice.pk)

        def give(invoice=invoice):
            Invoice.objects.filter(pk=invoice.pk).update(organisation_id=other)

        answers = at_once([take, give])
        assert [type(answer) for answer in answers if answer is not None] == [IntegrityError], answers
        taken = Allocation.objects.filter(claim=claim).exists()
        invoice.refresh_from_db()
        assert taken == (invoice.organisation_id == claim.organisation_id)


@pytest.mark.django_db(transaction=True)
def test_a_match_slipped_in_at_the_instant_of_submission_is_counted_or_refused(firms, product):
    firm = firms[0]
    for number in range(3):
        claim, invoice, _ = papers(firm, product, 10 + number)
        factories.pass_days(1)
        spare = factories.draft(firm)
        factories.pay(spare, firm, invoice, f"extra{number}", 1)
        later = PaymentMade.objects.get(serial_number=f"extra{number}")
        Allocation.objects.filter(claim=spare).delete()
        at_once(
            [
                lambda claim=claim: fire(claim, "submit", actor=firm.actor),
                lambda claim=claim, later=later, invoice=invoice: at_commit(MATCH, claim.pk, later.pk, invoice.pk),
            ]
        )
        claim.refresh_from_db()
        assert claim.state == "draft" or not claim.allocations.filter(live=False).exists()
