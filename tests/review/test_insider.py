"""What somebody who holds the runtime role's password, and writes SQL by hand, is refused."""

import re

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from tests import factories
from vouchers import workflow
from vouchers.calls.models import Call
from vouchers.disbursement import services as disbursement
from vouchers.review.consequences import duty_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def submitted(firm):
    return factories.submitted(firm, factories.product(), 1)


@pytest.fixture
def gathered(office, firm):
    """An open batch with one payment."""
    claim = factories.drive(factories.ready(firm, factories.product(), 1), "batched", firm, office)
    return claim.payments.get()


def refused(sql, *params, match, error=IntegrityError):
    with connection.cursor() as cursor, pytest.raises(error, match=match), transaction.atomic():
        cursor.execute(sql, params)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def done(sql, *params):
    """What services do goes through, at COMMIT as well."""
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute(sql, params)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


# --- names


def test_nobody_makes_a_temporary_table_that_stands_in_for_a_real_one():
    refused("CREATE TEMP TABLE vouchers_claim (id bigint)", match="permission denied", error=DatabaseError)


def test_every_function_of_the_guards_looks_names_up_in_public_first():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proname, proconfig FROM pg_proc"
            " WHERE pronamespace = 'public'::regnamespace AND prorettype = 'trigger'::regtype AND proname ~ '^vouchers_'"
        )
        found = cursor.fetchall()
    assert len(found) > 20
    assert [name for name, config in found if config != ["search_path=pg_catalog, public, pg_temp"]] == []


# --- events


def steps_in_check(name):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", [name])
        return set(re.findall(r"'(\w+ \w+ \w+ \w+)'", cursor.fetchone()[0]))


def test_the_database_knows_the_table_of_transitions():
    assert steps_in_check("voucher_event_is_a_step") == {
        f"{step.verb} {step.source} {step.target} {role}"
        for step in workflow.VOUCHER.transitions
        for role in step.roles
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT verb, source, target, role, duty FROM vouchers_step")
        assert set(cursor.fetchall()) == {
            (step.verb, step.source, step.target, role, duty_of(step.verb, step.source))
            for step in workflow.CLAIM.transitions
            for role in step.roles
        }


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO vouchers_step VALUES ('pay', 'draft', 'paid', 'finance', '')",
        "UPDATE vouchers_step SET role = 'applicant'",
        "DELETE FROM vouchers_step",
        "TRUNCATE vouchers_step",
    ],
)
def test_nobody_adds_a_step_to_the_table(sql):
    refused(sql, match="permission denied", error=DatabaseError)


def forge(claim, verb, source, target, role, actor, *, duty=""):
    """Move the claim and write the event that leads there, as one who knows the tables would."""
    user = actor.user.pk if actor else None
    return (
        "WITH moved AS (UPDATE vouchers_claim SET state = %s, version = version + 1 WHERE id = %s)"
        "INSERT INTO vouchers_claimevent (claim_id, version, verb, source, target, role, actor_id, duty, reason, at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'x', now())",
        target, claim.pk, claim.pk, claim.version + 1, verb, source, target, role, user, duty,
    )  # fmt: skip


def test_an_event_that_no_transition_allows_is_refused(office, submitted):
    for forged in (
        ("clear", "submitted", "payable", "system", None),
        ("accept", "submitted", "accepted", "approver", office.approver),
    ):
        refused(*forge(submitted, *forged), match="is no step")


def test_an_event_starts_where_the_one_before_it_ended(office, submitted):
    refused(*forge(submitted, "clear", "publicised", "payable", "system", None), match="does not start")
    for version in (0, 7):
        refused(
            "INSERT INTO vouchers_claimevent (claim_id, version, verb, source, target, role, actor_id, duty, reason, at)"
            " VALUES (%s, %s, 'accept', 'submitted', 'accepted', 'reviewer', %s, '', '', now())",
            submitted.pk, version, office.reviewer.user.pk, match="does not start",
        )  # fmt: skip
    done(*forge(submitted, "accept", "submitted", "accepted", "reviewer", office.reviewer))


def test_an_event_exercises_the_duty_of_its_verb_and_no_other(office, submitted):
    accept = ("accept", "submitted", "accepted", "reviewer", office.reviewer)
    refused(*forge(submitted, *accept, duty="review"), match="not the duty")


def test_who_does_not_hold_the_role_that_day_makes_no_event(office, firm, submitted):
    gone = factories.officer("likai", "reviewer")
    done("UPDATE accounts_officer SET valid_until = valid_from WHERE user_id = %s", gone.user.pk)
    idle = factories.officer("tingyong", "reviewer")
    done("UPDATE accounts_user SET is_active = false WHERE id = %s", idle.user.pk)
    for actor in (office.approver, firm.actor, gone, idle):
        refused(*forge(submitted, "accept", "submitted", "accepted", "reviewer", actor), match="was no reviewer")
    stranger = factories.firm(2, firm.call)
    for actor in (stranger.actor, office.reviewer):
        refused(*forge(submitted, "withdraw", "submitted", "withdrawn", "applicant", actor), match="was no applicant")


def test_a_member_of_the_firm_that_took_it_over_still_acts_for_it(firm, submitted):
    heir = factories.firm(2, firm.call)
    done(
        "UPDATE applicants_organisation SET merged_into_id = %s WHERE id = %s",
        heir.organisation.pk, firm.organisation.pk,
    )  # fmt: skip
    factories.fire(submitted, "withdraw", actor=heir.actor)
    done("SELECT 1")


VOUCHER_EVENT = (
    "INSERT INTO vouchers_voucherevent (voucher_id, version, verb, source, target, role, actor_id, reason, at)"
    " SELECT id, version + %s, %s, %s, %s, %s, %s, 'x', now() FROM vouchers_voucher WHERE organisation_id = %s"
)


def test_events_of_vouchers_are_kept_alike(office, firm):
    own, approver, reviewer = firm.organisation.pk, office.approver.user.pk, office.reviewer.user.pk
    refused(VOUCHER_EVENT, 1, "issue", "issued", "revoked", "reviewer", reviewer, own, match="is_a_step")
    refused(VOUCHER_EVENT, 1, "expire", "issued", "expired", "system", reviewer, own, match="names_its_actor")
    refused(VOUCHER_EVENT, 1, "issue", "applied", "issued", "reviewer", reviewer, own, match="does not start")
    refused(VOUCHER_EVENT, 1, "revoke", "issued", "revoked", "approver", reviewer, own, match="was no approver")
    refused(VOUCHER_EVENT, 1, "revoke", "issued", "revoked", "approver", approver, own, match="ahead of it")


# --- papers


@pytest.mark.parametrize(
    "change",
    [
        "number = '99999999999999999999'",
        "total_fen = total_fen * 2, amount_fen = total_fen * 2 - tax_fen",
        "issued_on = '2020-01-01'",
        "seller_id = 'X'",
        "attachment_id = NULL",
        "bound_at = now() + interval '1 day'",
    ],
)
def test_a_bound_invoice_says_what_it_said(submitted, change):
    refused(f"UPDATE vouchers_invoice SET {change}", match="is bound and stays")


def test_a_bound_invoice_is_not_taken_away_even_without_lines_or_money(firm, submitted):
    factories.add_invoice(factories.draft(firm), firm, factories.product(), 2)
    done("DELETE FROM vouchers_allocation WHERE NOT live")
    done("UPDATE vouchers_invoice SET bound_at = now() WHERE bound_at IS NULL")
    refused("DELETE FROM vouchers_invoice WHERE allocated_fen = 0", match="is bound and stays")


@pytest.mark.parametrize("change", ["amount_fen = amount_fen * 2", "paid_on = '2020-01-01'", "serial_number = 'z'"])
def test_a_payment_made_that_a_claim_uses_says_what_it_said(submitted, change):
    refused(f"UPDATE vouchers_paymentmade SET {change}", match="is used and stays")


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE vouchers_invoiceline SET amount_fen = amount_fen * 10",
        "DELETE FROM vouchers_invoiceline",
        "INSERT INTO vouchers_invoiceline"
        " (invoice_id, position, name, spec, unit, quantity, unit_price, amount_fen, tax_rate, tax_fen)"
        " SELECT id, 9, '', '', '', '', '', 1, '', 0 FROM vouchers_invoice",
    ],
)
def test_lines_of_a_bound_invoice_stay(submitted, sql):
    refused(sql, match="line of a bound invoice")


@pytest.mark.parametrize("table", ["vouchers_claimline", "vouchers_attachment"])
def test_papers_of_a_claim_under_way_stay(submitted, firm, table):
    draft = factories.draft(firm)
    refused(f"DELETE FROM {table} WHERE claim_id = %s", submitted.pk, match="its papers stay")
    refused(f"UPDATE {table} SET id = id WHERE claim_id = %s", submitted.pk, match="its papers stay")
    refused(f"UPDATE {table} SET claim_id = %s", draft.pk, match="its papers stay")


def test_no_paper_is_slipped_into_a_claim_under_way(submitted, firm):
    factories.complete(factories.draft(firm), firm)
    refused(
        "UPDATE vouchers_attachment SET claim_id = %s WHERE claim_id <> %s",
        submitted.pk, submitted.pk, match="its papers stay",
    )  # fmt: skip


def test_the_rows_of_a_draft_can_be_taken_away(firm):
    claim = factories.ready(firm, factories.product(), 1)
    done("DELETE FROM vouchers_claimline WHERE claim_id = %s", claim.pk)
    done("DELETE FROM vouchers_allocation WHERE claim_id = %s", claim.pk)
    done("DELETE FROM vouchers_invoiceline")
    done("DELETE FROM vouchers_invoice")
    done("DELETE FROM vouchers_attachment WHERE claim_id = %s", claim.pk)


# --- claims, queue and vouchers


def test_a_claim_never_becomes_another_claim(office, firm, submitted):
    other = factories.firm(2, factories.call(year=2024), reviewer=office.reviewer)
    theirs = factories.draft(other)
    for change in (
        f"organisation_id = {other.organisation.pk}",
        f"call_id = {other.call.pk}",
        f"voucher_id = {theirs.voucher_id}",
        "number = 'DF-FAKE'",
        "created_at = now()",
    ):
        refused(f"UPDATE vouchers_claim SET {change} WHERE id = %s", submitted.pk, match="stays what it is")


@pytest.mark.parametrize(
    "change",
    [
        "queue_number = 1000000",
        "submitted_at = now() - interval '100 days'",
        "publicised_until = '2020-01-01'",
        "correction_due = '2099-01-01'",
        "computed_fen = computed_fen + 5",
        "granted_fen = granted_fen - 1",
        "waiting = true",
        "declared_at = NULL",
        "version = version + 2",
    ],
)
def test_what_steps_make_of_a_claim_changes_only_with_them(submitted, change):
    refused(f"UPDATE vouchers_claim SET {change} WHERE id = %s", submitted.pk, match="by its steps only")


NEW_CLAIM = (
    "INSERT INTO vouchers_claim (voucher_id, organisation_id, call_id, number, state, version, computed_fen,"
    " granted_fen, waiting, created_at)"
    " SELECT id, organisation_id + {0}, call_id, 'X1', '{1}', {2}, {3}, 0, false, now() FROM vouchers_voucher"
)


def test_a_claim_begins_as_an_empty_draft_of_its_vouchers_holder(office, firm):
    factories.firm(2, firm.call)
    for values in ((0, "discarded", 0, 0), (0, "draft", 1, 0), (0, "draft", 0, 5)):
        refused(NEW_CLAIM.format(*values), match="empty draft")
    refused(NEW_CLAIM.format(1, "draft", 0, 0), match="holder and call")
    done(NEW_CLAIM.format(0, "draft", 0, 0))


@pytest.mark.parametrize("change", ["last_number = 0", "fiscal_year = 2030", "scheme = 'x'"])
def test_the_filing_queue_only_goes_on(submitted, change):
    refused(f"UPDATE vouchers_filingqueue SET {change}", match="only goes on")


@pytest.mark.parametrize("change", ["serial_number = 'X'", "fiscal_year = 2030", "scheme = 'x'", "applied_at = now()"])
def test_a_voucher_never_becomes_another_voucher(firm, change):
    refused(f"UPDATE vouchers_voucher SET {change}", match="stays what it is")


# --- batches and payments


def steps_in_function(name):
    with connection.cursor() as cursor:
        cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = %s", [name])
        table = re.search(r"NOT IN \(([^)]*)\)", cursor.fetchone()[0])
    return set(re.findall(r"'(\w+ \w+)'", table[1]))


@pytest.mark.parametrize(
    ("name", "machine"),
    [("vouchers_batch_steps", workflow.BATCH), ("vouchers_payment_steps", workflow.PAYMENT)],
)
def test_the_database_knows_how_batches_and_payments_go(name, machine):
    assert steps_in_function(name) == {f"{step.source} {step.target}" for step in machine.transitions}


STAMPED = ["digest = '00'", "frozen_at = now()", "frozen_by_id = NULL", "number = 'X'", "approval_reference = 'X'"]


@pytest.mark.parametrize("change", STAMPED)
def test_a_batch_keeps_what_its_steps_wrote(office, gathered, change):
    disbursement.freeze(gathered.batch, actor=office.preparer)
    refused(f"UPDATE vouchers_batch SET {change}", match="keeps what its steps wrote")


def test_a_signature_comes_with_the_signing_only_and_once(office, gathered):
    signature = f"signed_at = now(), signed_by_id = {office.signer.user.pk}"
    refused(f"UPDATE vouchers_batch SET {signature}", match="keeps what its steps wrote")
    batch = disbursement.freeze(gathered.batch, actor=office.preparer)
    refused(f"UPDATE vouchers_batch SET {signature}", match="keeps what its steps wrote")
    disbursement.sign(batch, actor=office.signer, seen_digest=batch.digest)
    refused("UPDATE vouchers_batch SET signed_by_id = NULL, state = 'frozen'", match="does not go from")
    refused("UPDATE vouchers_batch SET signed_at = now() + interval '1 day'", match="keeps what its steps wrote")


def test_a_batch_goes_forward_only_and_begins_open(office, gathered):
    disbursement.freeze(gathered.batch, actor=office.preparer)
    for state in ("open", "released", "reconciled"):
        refused("UPDATE vouchers_batch SET state = %s", state, match="does not go from")
    refused(
        "INSERT INTO vouchers_batch (number, call_id, approval_reference, state, created_at, created_by_id, digest)"
        " SELECT 'X', call_id, 'x', 'cancelled', now(), created_by_id, '' FROM vouchers_batch",
        match="begins open",
    )


def test_a_payment_goes_forward_only_and_keeps_the_banks_answer(office, gathered):
    for state in ("paid", "failed", "unknown"):
        refused("UPDATE vouchers_payment SET state = %s", state, match="does not go from")
    refused("UPDATE vouchers_payment SET bank_reference = 'X'", match="answer of its bank")


PAYMENT = (
    "INSERT INTO vouchers_payment (batch_id, claim_id, amount_fen, state, payee_name, bank_name, account_number,"
    " account_fingerprint, bank_reference, bank_message)"
    " SELECT %s, id, granted_fen, %s, '', '', '', '', '', '' FROM vouchers_claim WHERE id = %s"
)


def test_a_payment_begins_prepared_and_for_a_claim_in_a_batch(office, firm, gathered):
    batch = gathered.batch_id
    refused(PAYMENT, batch, "dropped", gathered.claim_id, match="begins prepared")
    other = factories.submitted(firm, factories.product(), 2)
    refused(PAYMENT, batch, "prepared", other.pk, match="is not in a batch")


@pytest.mark.parametrize("table", ["batch", "payment", "claim", "voucher", "filingqueue"])
def test_what_ends_in_another_state_is_not_deleted(table):
    refused(f"DELETE FROM vouchers_{table}", match="permission denied", error=DatabaseError)


# --- calls


@pytest.mark.parametrize("change", ["local_rate = 0.2", "published_at = NULL", "second_approval_above_fen = 0"])
def test_a_published_call_changes_no_more(change):
    factories.call()
    refused(f"UPDATE vouchers_call SET {change}", match="is published")
    refused("DELETE FROM vouchers_call", match="is published")
    refused(f"UPDATE vouchers_call SET {change}, frozen_at = now()", match="is published")
    done("UPDATE vouchers_call SET frozen_at = now()")
    refused("UPDATE vouchers_call SET frozen_at = now() + interval '1 day'", match="frozen")
    assert Call.objects.get().published_at
