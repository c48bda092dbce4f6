"""What the database itself refuses of claims and those who handle them, whatever a program says."""

from itertools import permutations

import pytest
from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection, connections, transaction

from tests import factories
from vouchers import workflow
from vouchers.claims.models import Claim
from vouchers.disbursement import services as disbursement
from vouchers.disbursement.models import Payment
from vouchers.review.errors import NotAllowed, SamePerson
from vouchers.review.models import ClaimDuty, ClaimEvent
from vouchers.review.services import SYSTEM_ACTOR, fire

pytestmark = pytest.mark.django_db


@pytest.fixture
def firm(office):
    return factories.firm(1, factories.call(second_approval_above_fen=0), reviewer=office.reviewer)


def at_commit(sql, *params):
    """Run `sql` and what the database checks at COMMIT."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def refused(sql, *params, match=None, error=IntegrityError):
    with pytest.raises(error, match=match), transaction.atomic():
        at_commit(sql, *params)


def test_no_state_is_written_without_its_event(office, firm):
    claim = factories.submitted(firm, factories.product(), 1)
    for change in ("state = 'approved'", "version = version + 1", "state = 'draft', version = 0"):
        refused(f"UPDATE vouchers_claim SET {change} WHERE id = %s", claim.pk)
    voucher = claim.voucher_id
    refused("UPDATE vouchers_voucher SET state = 'revoked' WHERE id = %s", voucher, match="without the event")
    claim.refresh_from_db()
    assert claim.state == "submitted"


@pytest.mark.django_db(transaction=True)
def test_a_raw_state_falls_at_commit(office, firm):
    claim = factories.submitted(firm, factories.product(), 1)
    with pytest.raises(IntegrityError, match="without the event"):
        Claim.objects.filter(pk=claim.pk).update(state="payable")
    claim.refresh_from_db()
    assert claim.state == "submitted"


def test_no_event_is_written_ahead_of_its_claim(office, firm):
    claim = factories.submitted(firm, factories.product(), 1)
    refused(
        "INSERT INTO vouchers_claimevent (claim_id, version, verb, source, target, role, actor_id, duty, reason, at)"
        " VALUES (%s, 2, 'accept', 'submitted', 'accepted', 'reviewer', %s, '', '', now())",
        claim.pk, office.reviewer.user.pk, match="ahead",
    )  # fmt: skip


@pytest.mark.parametrize("table", ["vouchers_claimevent", "vouchers_voucherevent", "vouchers_decision"])
def test_the_runtime_role_cannot_change_what_happened(office, firm, table):
    factories.submitted(firm, factories.product(), 1)
    for sql in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
        refused(sql, match="permission denied", error=DatabaseError)


def test_the_runtime_role_cannot_write_duties(office, firm):
    claim = factories.drive(factories.ready(firm, factories.product(), 1), "reviewed", firm, office)
    for sql in ("DELETE FROM vouchers_claimduty", "UPDATE vouchers_claimduty SET duty = 'approve'"):
        refused(sql, match="permission denied", error=DatabaseError)
    assert list(claim.duties.values_list("user", "duty")) == [(office.reviewer.user.pk, "review")]


@pytest.mark.django_db(transaction=True)
def test_not_even_the_owner_changes_what_happened_by_accident(office, firm):
    claim = factories.submitted(firm, factories.product(), 1)
    for table in ("vouchers_claimevent", "vouchers_voucherevent", "vouchers_decision"):
        for sql in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}"):
            with connections["owner"].cursor() as cursor, pytest.raises(IntegrityError, match="append-only"):
                cursor.execute(sql)
    assert claim.events.count() == 1


# Each duty that a step of a claim exercises, and its verb, in their order.
DUTIES = {"review": "review", "approve": "approve", "second_approve": "approve", "finance_prepare": "batch"}


def as_far_as(claim, duty, people, office):
    """Bring an accepted claim to where `duty` is exercised."""
    for earlier in list(DUTIES)[: list(DUTIES).index(duty)]:
        fire(claim, DUTIES[earlier], actor=people[earlier])
    if duty == "finance_prepare":
        clear(claim, office)


def clear(claim, office):
    fire(claim, "publicise", actor=office.reviewer)
    factories.pass_days(40)
    fire(claim, "clear", actor=SYSTEM_ACTOR)


def back_to_acceptance(claim, office):
    """By whatever way leads back from here; none of these steps is a duty."""
    claim.refresh_from_db()
    if claim.state in ("reviewed", "approved_once"):
        fire(claim, "send_back", actor=office.second, reason="重审")
        return
    if claim.state == "batched":
        batch = disbursement.open_batch(claim.call, approval_reference="批复", actor=office.preparer)
        payment = Payment.objects.create(batch=batch, claim=claim, amount_fen=claim.granted_fen)
        Payment.objects.filter(pk=payment.pk).update(state="dropped")
        fire(claim, "unbatch", actor=office.preparer, payment=payment.pk)
    else:
        fire(claim, "publicise", actor=office.reviewer)
    fire(claim, "suspend", actor=office.reviewer, reason="异议")
    fire(claim, "reassess", actor=office.second, reason="重审")


@pytest.mark.parametrize(("held", "wanted"), list(permutations(DUTIES, 2)))
def test_one_person_never_has_two_duties_on_a_claim(firm, held, wanted, office):
    """Whoever exercised one duty is refused every other, though they hold all the roles."""
    everyman = factories.officer("quanneng", "reviewer", "approver", "finance")
    people = {"review": office.reviewer, "approve": office.approver, "second_approve": office.second}
    people |= {"finance_prepare": office.preparer, held: everyman}
    claim = factories.drive(factories.ready(firm, factories.product(), 1), "accepted", firm, office)
    if list(DUTIES).index(held) > list(DUTIES).index(wanted):
        as_far_as(claim, held, people, office)
        fire(claim, DUTIES[held], actor=everyman)
        back_to_acceptance(claim, office)
    as_far_as(claim, wanted, people, office)
    with pytest.raises(SamePerson, match=workflow.DUTY_LABELS[held]):
        fire(claim, DUTIES[wanted], actor=everyman)


@pytest.mark.parametrize("held", workflow.DUTY_LABELS)
def test_a_second_duty_is_refused_to_a_raw_insert_too(office, firm, held):
    claim = factories.submitted(firm, factories.product(), 1)
    person = factories.user("quanneng")

    def event(version, duty):
        ClaimEvent.objects.create(
            claim=claim, version=version, verb="accept", source="submitted", target="accepted", role="reviewer",
            actor=person, duty=duty, at=settings.CLOCK.now(),
        )  # fmt: skip

    with transaction.atomic():
        event(50, held)
        event(51, held)
        for version, wanted in enumerate(set(workflow.DUTY_LABELS) - {held}, start=52):
            with pytest.raises(IntegrityError, match="one_duty_a_person_and_claim"), transaction.atomic():
                event(version, wanted)
        assert ClaimDuty.objects.filter(user=person).count() == 1
        transaction.set_rollback(True)


def test_an_approval_without_its_duty_is_no_event(office, firm):
    claim = factories.submitted(firm, factories.product(), 1)
    for verb, source, duty in (
        ("review", "accepted", ""),
        ("approve", "reviewed", ""),
        ("approve", "approved_once", "approve"),
        ("batch", "payable", ""),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            ClaimEvent.objects.create(
                claim=claim, version=9, verb=verb, source=source, target="approved", role="approver",
                actor=office.approver.user, duty=duty, at=settings.CLOCK.now(),
            )  # fmt: skip


def test_an_officer_who_belongs_to_the_firm_handles_none_of_its_claims(office, firm):
    claim = factories.submitted(firm, factories.product(), 1)
    insider = factories.user("neibu")
    factories.add_member(firm.organisation, insider, "clerk", since=factories.BEGIN)
    factories.appoint(insider, "reviewer", valid_from=factories.BEGIN)
    with pytest.raises(NotAllowed):
        fire(claim, "accept", actor=factories.Actor(insider))
    fire(claim, "withdraw", actor=factories.Actor(insider))
    assert claim.events.latest("version").role == "applicant"


def test_live_matches_of_a_claim_under_way_are_not_let_go(office, firm):
    """Else the same fen of an invoice could be claimed again while it is being paid."""
    claim = factories.submitted(firm, factories.product(), 1)
    for sql in (
        "UPDATE vouchers_allocation SET live = false WHERE claim_id = %s",
        "UPDATE vouchers_allocation SET amount_fen = 1 WHERE claim_id = %s",
        "DELETE FROM vouchers_allocation WHERE claim_id = %s",
    ):
        refused(sql, claim.pk)
