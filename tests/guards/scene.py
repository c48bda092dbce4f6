"""A bureau in the middle of its work: claims in every state, batches, payments, so that every wall has something behind it."""

from django.conf import settings

from tests import factories
from tests.guards.later_scene import Later
from vouchers.disbursement import services as disbursement
from vouchers.documents.services import file_document
from vouchers.jobs.services import request

STATES = (
    "submitted", "returned", "accepted", "reviewed", "approved_once", "approved", "publicised", "payable", "suspended",
    "rejected", "withdrawn",
)  # fmt: skip


def fill() -> None:
    """Make everything through the real services."""
    office, call, product = factories.office(), factories.call(second_approval_above_fen=3_180_001), factories.product()
    for number, state in enumerate(STATES, start=1):
        firm = factories.firm(number, call, reviewer=office.reviewer)
        gross = {"gross_fen": 20_000_000} if state == "approved_once" else {}
        factories.drive(factories.ready(firm, product, number, **gross), state, firm, office)
    factories.draft(firm)
    factories.ready(factories.firm(50, call, reviewer=office.reviewer), product, 50)
    for number, until in enumerate(("open", "frozen", "signed", "released", "paid", "bounced"), start=20):
        firm = factories.firm(number, call, reviewer=office.reviewer)
        batch(factories.drive(factories.ready(firm, product, number), "payable", firm, office), until, office)
    recovered(call, product, office)
    request("check_books", "books")
    Later(office, call, product).fill()


def batch(claim, until, office):
    """A batch with one claim, as far as `until`; its payment."""
    made = disbursement.open_batch(claim.call, approval_reference="批复", actor=office.preparer)
    (payment,) = disbursement.add_claims(made, [claim], actor=office.preparer)
    if until == "open":
        return payment
    made = disbursement.freeze(made, actor=office.preparer)
    if until == "frozen":
        return payment
    made = disbursement.sign(made, actor=office.signer, seen_digest=made.digest)
    if until == "signed":
        return payment
    papers = {disbursement.LETTER: f"{made.papers_subject}:claim:{claim.pk}", disbursement.ROSTER: made.papers_subject}
    for kind, subject in papers.items():
        code = f"{kind[:6]}{made.pk}"
        file_document(kind=kind, subject=subject, title="t", file_name="t.pdf", short_code=code, content=b"%PDF")
    disbursement.release(made, actor=office.preparer)
    if until in ("paid", "bounced"):
        answer = "pay" if until == "paid" else "fail"
        today = settings.CLOCK.today()
        disbursement.record_answer(
            payment, answer, reference="Y1", answered_on=today, message="账号有误", actor=office.preparer
        )
    return payment


def recovered(call, product, office):
    """A claim that was paid and of which a part came back."""
    firm = factories.firm(40, call, reviewer=office.reviewer)
    claim = factories.drive(factories.ready(firm, product, 40), "payable", firm, office)
    payment = batch(claim, "paid", office)
    factories.recover(payment.pk, 1_000, office)
