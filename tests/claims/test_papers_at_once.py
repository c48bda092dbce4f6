"""Papers at the same instant: each fen once, three questions a day, and no approval past a letter."""

import pytest

from tests import factories
from tests.at_once import at_once
from vouchers.claims import letters
from vouchers.claims import services as claims
from vouchers.claims.binding import UsedElsewhere
from vouchers.claims.models import Claim
from vouchers.claims.papers import Invoice
from vouchers.claims.verification import Verification
from vouchers.invoices.verifier import Double
from vouchers.review import reversals, verifying
from vouchers.review.flags import open_flags
from vouchers.review.services import fire
from vouchers.review.verifying import VerificationRefused

pytestmark = pytest.mark.django_db(transaction=True)
GROSS = 10_600_000


def test_a_merged_payment_pays_each_invoice_once_however_many_claims_ask_at_once(firm):
    """Three drafts, each with its own invoice, all matched to one payment that is worth two of them."""
    product, drafts = factories.product(), []
    for number in (1, 2, 3):
        draft = factories.draft(firm)
        factories.add_invoice(draft, firm, product, number)
        drafts.append(draft)
        factories.pass_days(1)
    payment = claims.record_payment(
        drafts[0], serial_number="合并", paid_on=factories.PAID_ON, payer_name=firm.name, payee_name="示范算力1",
        amount_fen=2 * GROSS, attachment=None, user=firm.clerk,
    )  # fmt: skip
    for draft in drafts:
        invoice = Invoice.objects.get(allocations__claim=draft)
        draft.allocations.all().delete()
        claims.allocate(draft, payment, invoice, GROSS, user=firm.clerk)
        factories.complete(draft, firm)
    results = at_once([lambda draft=draft: fire(draft, "submit", actor=firm.actor) for draft in drafts])
    refused = [result for result in results if isinstance(result, Exception)]
    assert [type(each) for each in refused] == [UsedElsewhere]
    payment.refresh_from_db()
    assert payment.allocated_fen == 2 * GROSS
    assert Claim.objects.filter(state="submitted").count() == 2


def test_three_questions_a_day_also_when_six_ask_at_once(office, firm):
    factories.submitted(firm, factories.product(), 1)
    invoice = Invoice.objects.get()
    results = at_once([lambda: verifying.ask(invoice, Double(), actor=office.reviewer)] * 6)
    assert sum(isinstance(result, VerificationRefused) for result in results) == 3
    assert sorted(Verification.objects.values_list("attempt", flat=True)) == [1, 2, 3]


@pytest.mark.parametrize("round_", range(3))
def test_an_approval_and_a_letter_at_once_never_leave_a_believed_amount(office, firm, round_):
    claim = factories.drive(factories.ready(firm, factories.product(), 1), "reviewed", firm, office)
    invoice = Invoice.objects.get()

    def reverse():
        letter = letters.enter_letter(invoice, user=office.reviewer.user)
        reversals.follow(letter)

    at_once([lambda: fire(claim, "approve", actor=office.approver), reverse])
    reversals.sweep()
    claim.refresh_from_db()
    assert open_flags().filter(claim=claim).exists()
    assert claim.state in ("reviewed", "suspended")
