"""Each lock of the services and of the database's functions, at the moment that it is there for.

`locks.csv` names every lock with the test that turns red without it; `python -m tests.mutants locks` takes each away.
"""

import datetime as dt
from fractions import Fraction
from functools import partial
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.core import mail
from django.db import connection, transaction

from accounts import tokens
from applicants import affairs
from applicants.errors import AlreadyActing, ChangedMeanwhile
from applicants.selectors import current_account, seen_account
from audit.models import AuditEntry
from tests import factories
from tests.claims.test_intake import typed
from tests.in_between import in_between
from vouchers.budget import orders
from vouchers.budget.models import SettlementShare
from vouchers.budget.services import promote_all
from vouchers.calls.models import Call
from vouchers.calls.services import CallError, amend_call, draft_call, freeze, mark_of, publish, publish_as
from vouchers.claims import amendments, letters, uploads
from vouchers.claims import services as claims
from vouchers.claims.agreements import Agreement, Tranche
from vouchers.claims.intake import ClaimError
from vouchers.claims.models import Voucher
from vouchers.claims.papers import Attachment, Invoice, InvoiceLine, PaymentMade
from vouchers.disbursement import books_check
from vouchers.disbursement import services as disbursement
from vouchers.disbursement.models import Batch, Payment
from vouchers.disbursement.services import BatchRefused
from vouchers.invoices.verifier import Double
from vouchers.jobs import services as jobs
from vouchers.ledger.errors import YearClosed
from vouchers.ledger.models import Transfer
from vouchers.management.demo.papers import credit_code
from vouchers.messages.models import Message
from vouchers.messages.services import send_waiting
from vouchers.review import objections, reversals, verifying
from vouchers.review.errors import ReviewRefused, StaleClaim
from vouchers.review.models import ClawbackProposal, ReversalFlag
from vouchers.review.negotiated import Part, approve_agreement, draft_agreement
from vouchers.review.services import fire
from vouchers.review.together import fire_many
from vouchers.review.verifying import VerificationRefused
from vouchers.workflow import IllegalTransition

pytestmark = pytest.mark.django_db(transaction=True)
SAID = {"name": "周周", "contact": "13812345678", "text": "该单位与销售方是同一实际控制人。"}
SUBSIDY = 3_180_000
QUIET = SimpleNamespace(report=lambda done, total, message: None)


@pytest.fixture
def claim_in(office, firm, product):
    """A claim driven to a state."""
    return lambda state: factories.drive(factories.ready(firm, product, 1), state, firm, office)


def sql(statement, *values, stop=False):
    """One statement in a transaction of its own; with `stop` it can be met before it commits, at "now"."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)
        if stop:
            cursor.execute("SELECT 'before commit'")


def open_batch(claim, office):
    batch = disbursement.open_batch(claim.call, approval_reference="批复", actor=office.preparer)
    return batch, disbursement.add_claims(batch, [claim], actor=office.preparer)[0]


def reverse(claim, office):
    blue = Invoice.objects.get(allocations__claim=claim)
    return letters.enter_letter(blue, user=office.reviewer.user)


def test_a_job_is_run_by_one_worker():
    job, ran = jobs.request("count", "x"), []
    work = {"count": lambda *_: ran.append(1)}
    outcome = in_between(lambda: jobs.run(job.pk, work), lambda: jobs.run(job.pk, work))
    assert (outcome.first, outcome.second, ran) == (True, False, [1])


def top_up_untold(office, monkeypatch):
    """Money for two claims comes to the pool, and nobody is served by it yet."""
    with monkeypatch.context() as untold:
        untold.setattr(orders, "promote_after_commit", lambda *_: None)
        order = orders.prepare_top_up("compute_voucher", 2025, 2 * SUBSIDY, citation="追加", actor=office.preparer)
        orders.sign(order, actor=office.approver)


def test_the_head_of_the_queue_is_served_once(office, product, monkeypatch):
    call = factories.call(pool_fen=1)
    firm = factories.firm(1, call, reviewer=office.reviewer)
    claim = factories.submitted(firm, product, 1)
    top_up_untold(office, monkeypatch)
    outcome = in_between(promote_all, promote_all)
    assert (outcome.first, outcome.second, outcome.waited) == (1, 0, True)
    assert Transfer.objects.filter(kind="hold", target=f"held:{claim.pk}").count() == 1


def test_a_step_is_judged_on_the_claim_as_it_is_written(office, claim_in):
    claim = claim_in("submitted")
    accept = partial(fire, claim, "accept", actor=office.reviewer)
    outcome = in_between(accept, accept)
    assert (outcome.first.verb, type(outcome.second), outcome.waited) == ("accept", IllegalTransition, True)


def test_a_step_of_many_is_judged_on_the_claims_as_they_are_written(office, firm, claim_in):
    claim = claim_in("submitted")
    outcome = in_between(
        lambda: fire_many({claim.pk: None}, "accept", actor=office.reviewer),
        lambda: fire(claim, "withdraw", actor=firm.actor),
    )
    assert (outcome.first, outcome.second.source, outcome.waited) == (1, "accepted", True)


def test_a_letter_meets_its_claim_once(office, claim_in):
    reverse(claim_in("accepted"), office)
    outcome = in_between(reversals.sweep, reversals.sweep)
    assert (outcome.first, outcome.second, outcome.waited) == (1, 0, True)
    assert ReversalFlag.objects.count() == 1


def test_what_was_paid_too_much_is_proposed_once(office, claim_in):
    reverse(claim_in("paid"), office)
    with transaction.atomic():
        reversals._meet(*reversals._unmet()[0])
    outcome = in_between(reversals.sweep, reversals.sweep)
    assert (outcome.first, outcome.second, outcome.waited) == (0, 0, True)
    assert ClawbackProposal.objects.count() == 1


def proposal(office, claim):
    reverse(claim, office)
    reversals.sweep()
    return ClawbackProposal.objects.get()


def test_a_proposal_is_closed_once(office, claim_in):
    made = proposal(office, claim_in("paid"))
    close = partial(reversals.close_proposal, made, note="说明", by=office.preparer.user)
    outcome = in_between(partial(close, "settled"), partial(close, "dropped"))
    assert (outcome.first, type(outcome.second).__name__, outcome.waited) == (None, "Refused", True)


def test_a_proposal_that_asks_for_nothing_any_more_is_not_closed_twice(office, claim_in):
    made = proposal(office, claim_in("paid"))
    letters.withdraw_letter(made.letter, reason="录错", user=office.approver.user)
    close = partial(reversals.close_proposal, made, "settled", note="说明", by=office.preparer.user)
    outcome = in_between(reversals.sweep, close)
    assert (outcome.first, type(outcome.second).__name__, outcome.waited) == (0, "Refused", True)


def test_a_letter_is_withdrawn_once(office, claim_in):
    letter = reverse(claim_in("accepted"), office)
    withdraw = partial(letters.withdraw_letter, letter, reason="录错", user=office.approver.user)
    outcome = in_between(withdraw, withdraw)
    assert (outcome.first, type(outcome.second), outcome.waited) == (None, ClaimError, True)


def test_no_more_objections_than_may_be_open(office, claim_in, monkeypatch):
    monkeypatch.setattr(objections, "MOST_OPEN_ON_A_CLAIM", 1)
    claim = claim_in("publicised")
    outcome = in_between(lambda: objections.object_to(claim, **SAID), lambda: objections.object_to(claim, **SAID))
    assert (type(outcome.second), outcome.waited) == (ReviewRefused, True)
    assert claim.objections.count() == 1


def test_an_objection_is_taken_up_once(office, claim_in):
    objection = objections.object_to(claim_in("publicised"), **SAID)
    take = partial(objections.handle, objection, "investigate", actor=office.reviewer, seen_version=0)
    outcome = in_between(take, take)
    assert (outcome.first.version, type(outcome.second), outcome.waited) == (1, StaleClaim, True)


@pytest.fixture
def agreement(office, firm):
    return draft_agreement(
        firm.organisation, scheme="negotiated_compute", fiscal_year=2025, title="大模型", reference="8 号",
        cost_fen=200_000_000, rate=Fraction(1, 2), grant_fen=100_000_000, parts=[Part(40_000_000, "一")],
        user=office.reviewer.user,
    )  # fmt: skip


def test_an_agreement_is_approved_by_one_at_a_time(office, agreement):
    outcome = in_between(
        lambda: approve_agreement(agreement, seen_version=0, user=office.approver.user),
        lambda: approve_agreement(agreement, seen_version=0, user=office.second.user),
    )
    assert (type(outcome.first), type(outcome.second), outcome.waited) == (Agreement, StaleClaim, True)


def test_two_tranches_at_once_stay_within_the_grant(agreement):
    add = "INSERT INTO vouchers_tranche (agreement_id, position, amount_fen, condition) VALUES (%s, %s, 40000000, 'x')"
    outcome = in_between(
        lambda: sql(add, agreement.pk, 2, stop=True), lambda: sql(add, agreement.pk, 3), at="before commit"
    )
    assert (outcome.first, "exceed its grant" in str(outcome.second), outcome.waited) == (None, True, True)
    assert Tranche.objects.count() == 2


def test_attempts_at_the_tax_platform_are_numbered(office, claim_in):
    claim_in("accepted")
    ask = partial(verifying.ask, Invoice.objects.get(), Double(), actor=office.reviewer)
    outcome = in_between(ask, ask)
    assert (outcome.first.attempt, outcome.second.attempt, outcome.waited) == (1, 2, True)


def test_a_waiver_is_agreed_to_once(office, claim_in):
    claim_in("accepted")
    waiver = verifying.ask_waiver(Invoice.objects.get(), reason="停机", actor=office.preparer)
    outcome = in_between(
        lambda: verifying.agree_to_waiver(waiver, actor=office.approver),
        lambda: verifying.agree_to_waiver(waiver, actor=office.second),
    )
    assert (outcome.first.agreed_by, type(outcome.second)) == (office.approver.user, VerificationRefused)


def test_a_call_is_published_once():
    made = factories.call()
    Call.objects.bulk_create([Call(**{f.attname: getattr(made, f.attname) for f in Call._meta.concrete_fields}
                                   | {"id": None, "version": 2, "published_at": None, "law_id": ""})])  # fmt: skip
    draft = Call.objects.get(version=2)
    outcome = in_between(lambda: publish(draft, actor="a"), lambda: publish(draft, actor="b"))
    assert (type(outcome.first), type(outcome.second), outcome.waited) == (Call, CallError, True)


def test_a_draft_of_a_call_is_changed_by_one_at_a_time(office):
    factories.call()
    draft = draft_call("compute_voucher", 2025, user=office.reviewer.user)
    amend = partial(amend_call, draft, {"title": "改过的标题"}, seen=mark_of(draft), user=office.reviewer.user)
    outcome = in_between(amend, amend)
    assert (type(outcome.first), type(outcome.second), outcome.waited) == (Call, CallError, True)


def test_what_is_published_is_the_draft_that_the_publisher_saw(office):
    factories.call()
    draft = draft_call("compute_voucher", 2025, user=office.reviewer.user)
    seen = {"seen": mark_of(draft)}
    outcome = in_between(
        lambda: publish_as(draft, user=office.approver.user, **seen),
        lambda: amend_call(draft, {"title": "改过的标题"}, user=office.reviewer.user, **seen),
    )
    assert (type(outcome.first), type(outcome.second), outcome.waited) == (Call, CallError, True)


def test_what_is_frozen_is_what_was_looked_at(office, call, product, claim_in):
    claim = claim_in("payable")
    other = factories.firm(2, call, reviewer=office.reviewer)
    later = factories.drive(factories.ready(other, product, 2), "payable", other, office)
    batch, _ = open_batch(claim, office)
    outcome = in_between(
        lambda: disbursement.freeze(batch, actor=office.preparer),
        lambda: disbursement.add_claims(batch, [later], actor=office.preparer),
    )
    assert (outcome.first.state, type(outcome.second), outcome.waited) == ("frozen", BatchRefused, True)


def test_a_batch_is_cancelled_as_it_was_looked_at(office, claim_in):
    batch, _ = open_batch(claim_in("payable"), office)
    outcome = in_between(
        lambda: disbursement.cancel(batch, actor=office.preparer, reason="重编"),
        lambda: disbursement.freeze(batch, actor=office.preparer),
    )
    assert (outcome.first.state, type(outcome.second), outcome.waited) == ("cancelled", BatchRefused, True)


def test_two_answers_of_the_bank_are_entered_one_after_the_other(office, claim_in):
    _, payment = open_batch(claim_in("payable"), office)
    batch = disbursement.freeze(payment.batch, actor=office.preparer)
    disbursement.sign(batch, actor=office.signer, seen_digest=batch.digest)
    with transaction.atomic():
        Payment.objects.update(state="sent")
        released = {"released_at": settings.CLOCK.now(), "released_by": office.preparer.user}
        Batch.objects.update(state="released", **released)
    answer = {"reference": "Y1", "answered_on": settings.CLOCK.today(), "actor": office.preparer}
    outcome = in_between(
        lambda: disbursement.record_answer(payment, "lose", **answer),
        lambda: disbursement.record_answer(payment, "pay", **answer),
    )
    assert (outcome.first.state, outcome.second.state, outcome.waited) == ("unknown", "paid", True)


def test_two_checks_that_end_together_tell_of_trouble_once(office, monkeypatch):
    monkeypatch.setattr(books_check, "check_batches", lambda: ["账目不符"])
    outcome = in_between(books_check.run_nightly, books_check.run_nightly)
    assert (outcome.first, outcome.second, outcome.waited) == (None, None, True)
    assert AuditEntry.objects.filter(action=books_check.ACTION, ok=False).count() == 2
    told = Message.objects.filter(officer=office.preparer.user, channel="portal")
    assert [message.subject for message in told] == ["账目核对发现 1 个问题"]


def test_an_order_is_signed_once(office, call):
    order = orders.prepare_top_up("compute_voucher", 2025, 5, citation="8 号", actor=office.preparer)
    outcome = in_between(
        lambda: orders.sign(order, actor=office.approver), lambda: orders.sign(order, actor=office.second)
    )
    assert (outcome.first.state, type(outcome.second), outcome.waited) == ("done", IllegalTransition, True)


def test_two_clicks_open_one_claim(firm):
    voucher = Voucher.objects.select_related("organisation", "call").get()
    begin = partial(claims.open_claim, voucher, user=firm.clerk)
    outcome = in_between(begin, begin)
    assert (outcome.first, outcome.waited) == (outcome.second, True)


def test_a_submission_waits_for_who_is_changing_the_claim(firm, product):
    claim = factories.ready(firm, product, 1)
    outcome = in_between(
        lambda: claims.upload(claim, kind="other", name="a.pdf", content=b"%PDF-1.7 x", user=firm.clerk),
        lambda: fire(claim, "submit", actor=firm.actor),
    )
    assert (type(outcome.first), outcome.second.verb, outcome.waited) == (Attachment, "submit", True)


def test_a_submission_waits_for_who_changes_an_attachment_by_sql(firm, product):
    claim = factories.ready(firm, product, 1)
    outcome = in_between(
        lambda: sql("UPDATE vouchers_attachment SET original_name = 'x' WHERE claim_id = %s", claim.pk, stop=True),
        lambda: fire(claim, "submit", actor=firm.actor),
        at="before commit",
    )
    assert (outcome.first, outcome.second.verb, outcome.waited) == (None, "submit", True)


def test_a_submission_waits_for_who_changes_a_line_of_its_invoice_by_sql(firm, product):
    claim = factories.ready(firm, product, 1)
    change = "UPDATE vouchers_invoiceline SET name = 'x' WHERE id = %s"
    outcome = in_between(
        lambda: sql(change, InvoiceLine.objects.get().pk, stop=True),
        lambda: fire(claim, "submit", actor=firm.actor),
        at="before commit",
    )
    assert (outcome.first, outcome.second.verb, outcome.waited) == (None, "submit", True)


def test_no_e_mail_is_sent_twice(firm):
    Message.objects.create(
        organisation=firm.organisation, channel="email", address="a@example.cn", subject="s", body="b",
        created_at=settings.CLOCK.now(),
    )  # fmt: skip
    outcome = in_between(send_waiting, send_waiting, at="^UPDATE")
    assert (outcome.first, outcome.second, len(mail.outbox)) == (1, 0, 1)


def test_no_person_has_more_tokens_than_may_be(firm, monkeypatch):
    monkeypatch.setattr(tokens, "MOST", 1)
    outcome = in_between(lambda: tokens.new_token(firm.clerk), lambda: tokens.new_token(firm.clerk))
    assert (type(outcome.second), outcome.waited) == (tokens.TooManyTokens, True)


def two_drafts(firm):
    first = factories.draft(firm)
    factories.pass_days(1)
    return first, factories.draft(firm)


def test_two_uploads_stay_within_what_one_enterprise_may_store(firm, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_BYTES", 10)
    first, second = two_drafts(firm)
    put = partial(claims.upload, kind="other", name="a.pdf", content=b"%PDF-1.7", user=firm.clerk)
    outcome = in_between(partial(put, first), partial(put, second))
    assert (type(outcome.first), type(outcome.second), outcome.waited) == (Attachment, ClaimError, True)


def test_a_payment_is_not_allocated_while_it_is_corrected(firm, product):
    first, second = two_drafts(firm)
    invoice = factories.add_invoice(first, firm, product, 1)
    payment = PaymentMade.objects.get()
    first.allocations.all().delete()
    names = ("serial_number", "paid_on", "payer_name", "payee_name", "attachment")
    entered = {name: getattr(payment, name) for name in names} | {"amount_fen": 5}
    outcome = in_between(
        lambda: amendments.correct_payment(first, payment, **entered, seen=None, user=firm.clerk),
        lambda: claims.allocate(second, payment, invoice, payment.amount_fen, user=firm.clerk),
    )
    assert (type(outcome.first), outcome.waited) == (PaymentMade, True)


def test_an_invoice_is_not_allocated_while_it_is_typed_anew(firm, product):
    first, second = two_drafts(firm)
    read = typed(firm)
    invoice = claims.add_typed_invoice(first, read, attachment=None, user=firm.clerk)
    payment = claims.record_payment(
        second, serial_number="S", paid_on=factories.PAID_ON, payer_name=firm.name, payee_name=read.seller_name,
        amount_fen=read.total_fen, attachment=None, user=firm.clerk,
    )  # fmt: skip
    outcome = in_between(
        lambda: amendments.correct_typed_invoice(first, invoice, read, seen=None, user=firm.clerk),
        lambda: claims.allocate(second, payment, invoice, read.total_fen, user=firm.clerk),
    )
    assert (type(outcome.first), outcome.waited) == (Invoice, True)


def test_one_account_is_changed_at_a_time(firm):
    seen = seen_account(current_account(firm.organisation, settings.CLOCK.today()))
    change = partial(
        affairs.change_account, firm.organisation, firm.clerk,
        seen=seen, holder_name=firm.name, bank_name="江苏银行", branch="",
    )  # fmt: skip
    outcome = in_between(partial(change, number="622200000001"), partial(change, number="622200000002"))
    assert (type(outcome.second), outcome.waited) == (ChangedMeanwhile, True)


def test_one_person_registers_one_enterprise():
    person = factories.user("first")
    licence = {
        "category": "digital_enterprise", "district": "滨湖区", "address": "路1号", "legal_representative": "周",
        "contact_name": "顾", "contact_phone": "13912345678", "registered_on": factories.BEGIN,
    }  # fmt: skip
    register = partial(affairs.register_own, person, **licence)
    outcome = in_between(
        partial(register, code=credit_code(77), name="甲公司"), partial(register, code=credit_code(78), name="乙公司")
    )
    assert (type(outcome.second), outcome.waited) == (AlreadyActing, True)


def test_an_invoice_is_not_let_go_while_another_claim_takes_it(firm, product):
    first, second = two_drafts(firm)
    invoice = factories.add_invoice(first, firm, product, 1, paid_fen=5_000_000)
    factories.complete(first, firm)
    factories.pay(second, firm, invoice, "S9", 5_000_000)
    claims.declare_line(second, invoice.lines.get(), product, user=firm.clerk)
    factories.complete(second, firm)
    fire(first, "submit", actor=firm.actor)
    outcome = in_between(
        lambda: fire(second, "submit", actor=firm.actor), lambda: fire(first, "withdraw", actor=firm.actor)
    )
    assert [outcome.first.verb, outcome.second.verb] == ["submit", "withdraw"]
    invoice.refresh_from_db()
    assert (invoice.bound_at is not None, invoice.allocated_fen) == (True, 5_000_000)


@pytest.mark.parametrize("verb", ["submit", "withdraw"])
def test_payments_are_locked_in_the_order_of_their_ids_so_that_nobody_waits_in_a_ring(firm, product, verb):
    claim = factories.draft(firm)
    invoices = [factories.add_invoice(claim, firm, product, number) for number in (1, 2)]
    first, second = PaymentMade.objects.order_by("pk")
    claim.allocations.all().delete()
    for invoice, payment in zip(invoices, (second, first), strict=True):
        claims.allocate(claim, payment, invoice, invoice.total_fen, user=firm.clerk)
    factories.complete(claim, firm)
    if verb == "withdraw":
        fire(claim, "submit", actor=firm.actor)

    def hold_the_first():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT FROM vouchers_paymentmade WHERE id = %s FOR UPDATE", [first.pk])
            cursor.execute("SELECT 'before commit'")
            cursor.execute("SELECT id FROM vouchers_paymentmade WHERE id = %s FOR UPDATE NOWAIT", [second.pk])
            return cursor.fetchone()

    outcome = in_between(hold_the_first, lambda: fire(claim, verb, actor=firm.actor), at="before commit")
    assert (outcome.first, outcome.second.verb, outcome.waited) == ((second.pk,), verb, True)


def test_invoices_are_locked_before_payments(firm, product):
    claim = factories.submitted(firm, product, 1)
    invoice, payment = Invoice.objects.get(), PaymentMade.objects.get()

    def hold_the_payment():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT FROM vouchers_paymentmade WHERE id = %s FOR UPDATE", [payment.pk])
            cursor.execute("SELECT 'before commit'")
            cursor.execute("SELECT FROM vouchers_invoice WHERE id = %s FOR UPDATE NOWAIT", [invoice.pk])

    outcome = in_between(hold_the_payment, lambda: fire(claim, "withdraw", actor=firm.actor), at="before commit")
    assert ("could not obtain lock" in str(outcome.first), outcome.waited) == (True, True)


def test_nobody_takes_a_number_while_the_head_of_the_queue_is_served(office, product, monkeypatch):
    call = factories.call(pool_fen=1)
    firms = [factories.firm(number, call, reviewer=office.reviewer) for number in (1, 2)]
    head, newcomer = factories.submitted(firms[0], product, 1), factories.ready(firms[1], product, 2)
    top_up_untold(office, monkeypatch)
    outcome = in_between(promote_all, lambda: fire(newcomer, "submit", actor=firms[1].actor))
    for claim in (head, newcomer):
        claim.refresh_from_db()
    assert (outcome.first, head.waiting, newcomer.waiting, outcome.waited) == (1, False, False, True)


def test_who_takes_the_next_number_sees_what_the_one_before_left(office, product):
    call = factories.call(pool_fen=2 * SUBSIDY)
    firms = [factories.firm(number, call, reviewer=office.reviewer) for number in (1, 2, 3)]
    factories.submitted(firms[0], product, 1)
    second, third = (factories.ready(firm, product, number) for number, firm in enumerate(firms[1:], start=2))

    def submits():
        with transaction.atomic():
            fire(second, "submit", actor=firms[1].actor)
            connection.cursor().execute("SELECT 'before commit'")

    outcome = in_between(submits, lambda: fire(third, "submit", actor=firms[2].actor), at="before commit")
    third.refresh_from_db()
    assert (outcome.first, outcome.second.verb, third.waiting, outcome.waited) == (None, "submit", True, True)


def test_what_a_firm_has_over_several_years_is_counted_one_claim_at_a_time(office, product):
    calls = [factories.call(year=year, years_cap_fen=5_000_000) for year in (2024, 2025)]
    firm = factories.firm(1, calls[0], reviewer=office.reviewer)
    later = factories.join(firm, calls[1], office.reviewer)
    days = {"paid_on": dt.date(2024, 6, 20), "issued_on": dt.date(2024, 6, 10)}
    first, second = factories.ready(firm, product, 1, **days), factories.ready(later, product, 2)
    outcome = in_between(
        lambda: fire(first, "submit", actor=firm.actor),
        lambda: fire(second, "submit", actor=firm.actor),
        at="take_step",
    )
    second.refresh_from_db()
    assert [outcome.first.verb, outcome.second.verb, outcome.waited] == ["submit", "submit", True]
    assert second.granted_fen == 5_000_000 - SUBSIDY


def test_the_first_submissions_of_a_year_do_not_wait_for_each_other_in_a_ring(office, product):
    """One firm has its bounds and wants the queue; meanwhile the queue is made, and the firm's other claim has it and
    wants the bounds."""
    call = factories.call(years_cap_fen=5_000_000)
    freeze(call, at=settings.CLOCK.now())  # its row would keep the others away from the start
    firm, other = (factories.firm(number, call, reviewer=office.reviewer) for number in (1, 2))
    first = factories.ready(firm, product, 1)
    factories.pass_days(1)
    second, strangers = factories.ready(firm, product, 2), factories.ready(other, product, 3)

    def meanwhile():
        return fire(strangers, "submit", actor=other.actor), fire(second, "submit", actor=firm.actor)

    outcome = in_between(lambda: fire(first, "submit", actor=firm.actor), meanwhile, at="take_step")
    assert (outcome.first.verb, outcome.waited) == ("submit", True)
    assert [event.verb for event in outcome.second] == ["submit", "submit"]
    second.refresh_from_db()
    assert (second.granted_fen, second.queue_number) == (5_000_000 - SUBSIDY, 3)


def test_nobody_leaves_while_the_shares_are_given(office, product):
    until = settings.CLOCK.today() + dt.timedelta(days=20)
    call = factories.call(pool_fen=SUBSIDY, shortage="pro_rata", filing_until=until)
    firms = [factories.firm(number, call, reviewer=office.reviewer) for number in (1, 2)]
    leaving, _ = (factories.submitted(firm, product, number) for number, firm in enumerate(firms, start=1))
    factories.pass_days(21)
    order = orders.prepare_settlement("compute_voucher", 2025, until, citation="纪要", actor=office.preparer)
    orders.sign(order, actor=office.approver, seen=order.digest)
    outcome = in_between(
        lambda: orders.run(f"order:{order.pk}", QUIET),
        lambda: fire(leaving, "withdraw", actor=firms[0].actor),
        at="settlementshare",
    )
    order.refresh_from_db()
    assert (order.state, outcome.second.verb, outcome.waited) == ("done", "withdraw", True)
    assert SettlementShare.objects.count() == 2


def closing_order(office):
    """A year without claims whose pool is empty, with two orders: its signed close, and a top-up to be signed."""
    yesterday = settings.CLOCK.today() - dt.timedelta(days=1)
    factories.call(pool_fen=100, filing_until=yesterday)
    year, said = ("compute_voucher", 2025), {"citation": "结账", "actor": office.preparer}
    orders.sign(orders.prepare_adjust(*year, -100, reason="budget_cut", **said), actor=office.approver)
    late = orders.prepare_top_up(*year, 5, **said)
    return orders.sign(orders.prepare_close(*year, 0, None, **said), actor=office.approver), late


CLOSE = "INSERT INTO ledger_closedyear (period, order_id, closed_at) VALUES ('compute_voucher:2025', %s, now())"


def late_top_up(order, office, stop):
    with transaction.atomic():
        orders.sign(order, actor=office.second)
        if stop:
            connection.cursor().execute("SELECT 'before commit'")


def test_a_year_is_not_closed_over_money_that_just_came(office):
    order, late = closing_order(office)
    outcome = in_between(lambda: late_top_up(late, office, stop=True), lambda: sql(CLOSE, order.pk), at="before commit")
    assert (outcome.first, "has money left" in str(outcome.second), outcome.waited) == (None, True, True)


def test_no_money_comes_into_a_year_that_is_just_being_closed(office):
    order, late = closing_order(office)
    outcome = in_between(
        lambda: sql(CLOSE, order.pk, stop=True), lambda: late_top_up(late, office, stop=False), at="before commit"
    )
    assert (outcome.first, "结账" in str(outcome.second), outcome.waited) == (None, True, True)


def test_the_close_and_a_late_top_up_do_not_wait_for_each_other_in_a_ring(office):
    yesterday = settings.CLOCK.today() - dt.timedelta(days=1)
    factories.call(pool_fen=100, filing_until=yesterday)
    year, said = ("compute_voucher", 2025), {"citation": "结账", "actor": office.preparer}
    close = orders.sign(orders.prepare_close(*year, 0, None, **said), actor=office.approver)
    late = orders.prepare_top_up(*year, 5, **said)
    outcome = in_between(
        lambda: orders.run(f"order:{close.pk}", QUIET),
        lambda: orders.sign(late, actor=office.second),
        at="INSERT INTO ledger_closedyear",
    )
    close.refresh_from_db()
    assert (outcome.first, close.state, type(outcome.second), outcome.waited) == (None, "done", YearClosed, True)


def test_an_appeal_does_not_come_into_a_year_that_is_just_being_closed(office, product):
    until = settings.CLOCK.today() + dt.timedelta(days=1)
    call = factories.call(pool_fen=100, filing_until=until)
    firm = factories.firm(1, call, reviewer=office.reviewer)
    claim = factories.drive(factories.ready(firm, product, 1), "rejected", firm, office)
    factories.pass_days(3)
    order = orders.prepare_close("compute_voucher", 2025, 0, None, citation="结账", actor=office.preparer)
    order = orders.sign(order, actor=office.approver)
    outcome = in_between(
        lambda: fire(claim, "appeal", actor=firm.actor, reason="请再看"),
        lambda: orders.run(f"order:{order.pk}", QUIET),
        at="take_step",
    )
    order.refresh_from_db()
    claim.refresh_from_db()
    assert (order.state, claim.state, outcome.waited) == ("done", "rejected", False)
    assert "结账" in str(outcome.first)
