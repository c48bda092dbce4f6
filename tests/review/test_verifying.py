"""What the tax platform answers: few attempts a day, no rejection by silence, and no money without a fresh MATCH."""

import datetime as dt

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction

from audit.models import AuditEntry
from tests import factories
from vouchers.claims import letters
from vouchers.claims.papers import Invoice
from vouchers.claims.verification import Verification
from vouchers.disbursement import services as disbursement
from vouchers.disbursement.checks import doubts_of
from vouchers.disbursement.services import BatchRefused
from vouchers.invoices.verifier import AGAINST, Double, Query, Status, refusal_of
from vouchers.review import reversals, verifying
from vouchers.review.services import fire
from vouchers.review.verifying import Picture, Reversal, VerificationRefused, unverified

pytestmark = pytest.mark.django_db

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40
SHOT = Picture("查验.png", PNG)


@pytest.fixture
def claim(office, firm):
    return factories.drive(factories.ready(firm, factories.product(), 1), "accepted", firm, office)


@pytest.fixture
def invoice(claim):
    return Invoice.objects.get(allocations__claim=claim)


def tell(invoice, status, office, **more):
    return verifying.record_answer(invoice, status, actor=office.reviewer, **{"picture": SHOT, **more})


def payable(claim, firm, office):
    """Payable without any question asked after the approval."""
    fire(claim, "review", actor=office.reviewer)
    fire(claim, "approve", actor=office.approver)
    claim.refresh_from_db()
    factories.drive_on(claim, "payable", firm, office)
    batch = disbursement.open_batch(claim.call, approval_reference="批复", actor=office.preparer)
    disbursement.add_claims(batch, [claim], actor=office.preparer)
    return batch


def test_three_attempts_a_day_and_invoice_whoever_asks(office, invoice):
    for attempt in (1, 2, 3):
        row = tell(invoice, Status.UNAVAILABLE, office, picture=None)
        assert row.attempt == attempt
    with pytest.raises(VerificationRefused, match="今天已查验 3 次"):
        verifying.ask(invoice, Double(), actor=office.preparer)
    factories.pass_days(1)
    assert verifying.ask(invoice, Double(), actor=office.preparer).status == "MATCH"


def test_the_database_counts_the_attempts_too(office, invoice):
    row = verifying.ask(invoice, Double(), actor=office.reviewer)
    for change in ({"attempt": 4}, {"attempt": 1}, {"attempt": 2, "asked_on": row.asked_on - dt.timedelta(days=1)}):
        again = Verification.objects.get(pk=row.pk)
        again.pk, again._state.adding = None, True
        for name, value in change.items():
            setattr(again, name, value)
        with pytest.raises(IntegrityError), transaction.atomic():
            again.save()
    for sql in ("UPDATE vouchers_verification SET status = 'MATCH'", "DELETE FROM vouchers_verification"):
        refused = pytest.raises(Exception, match="append-only|permission denied")
        with refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)


@pytest.mark.parametrize(("status", "words"), [(Status.QUOTA, "次数已满"), (Status.TOO_NEW, "明天再查")])
def test_quota_and_too_new_end_the_day_and_reject_nothing(office, firm, claim, invoice, status, words):
    tell(invoice, status, office)
    with pytest.raises(VerificationRefused, match=words):
        verifying.ask(invoice, Double(), actor=office.reviewer)
    claim.refresh_from_db()
    assert claim.state == "accepted"
    factories.pass_days(1)
    assert verifying.ask(invoice, Double(), actor=office.reviewer).status == "MATCH"


@pytest.mark.parametrize("status", [s for s in Status if s not in (Status.VOID, Status.RED_FULL, Status.RED_PART)])
def test_no_answer_moves_a_claim_by_itself(office, claim, invoice, status):
    tell(invoice, status, office)
    reversals.sweep()
    claim.refresh_from_db()
    assert claim.state == "accepted"
    assert AuditEntry.objects.filter(action="invoice.verify", subject=f"invoice:{invoice.pk}").count() == 1


def test_nothing_is_frozen_before_a_match_that_is_younger_than_the_approval(office, firm, claim, invoice):
    tell(invoice, Status.MATCH, office)
    factories.pass_days(1)
    batch = payable(claim, firm, office)
    with pytest.raises(BatchRefused, match="批准后尚未重新查验"):
        disbursement.freeze(batch, actor=office.preparer)
    verifying.ask(invoice, Double(), actor=office.preparer)
    batch = disbursement.freeze(batch, actor=office.preparer)
    assert batch.state == "frozen"


def test_release_is_refused_when_the_platform_says_otherwise_meanwhile(office, firm, claim, invoice):
    batch = payable(claim, firm, office)
    verifying.ask(invoice, Double(), actor=office.preparer)
    batch = disbursement.freeze(batch, actor=office.preparer)
    batch = disbursement.sign(batch, actor=office.signer, seen_digest=batch.digest)
    verifying.ask(invoice, Double({invoice.number: Status.NOT_FOUND}), actor=office.preparer)
    with pytest.raises(BatchRefused, match="税务查验查无此票"):
        disbursement._refuse_doubtful(list(batch.payments.select_related("claim")), "发送")


@pytest.mark.parametrize("status", [Status.QUOTA, Status.UNAVAILABLE, Status.TOO_OLD])
def test_two_officers_may_stand_in_for_an_answer_that_does_not_come(office, firm, claim, invoice, status):
    batch = payable(claim, firm, office)
    tell(invoice, status, office)
    waiver = verifying.ask_waiver(invoice, reason="平台停机，已电话核实", actor=office.preparer)
    assert unverified([claim.pk])
    with pytest.raises(VerificationRefused, match="不能自己同意"):
        verifying.agree_to_waiver(waiver, actor=office.preparer)
    verifying.agree_to_waiver(waiver, actor=office.approver)
    assert unverified([claim.pk]) == {}
    disbursement.freeze(batch, actor=office.preparer)
    with pytest.raises(VerificationRefused, match="已经有人同意"):
        verifying.agree_to_waiver(waiver, actor=office.second)


@pytest.mark.parametrize("status", sorted(AGAINST))
def test_nobody_waives_an_answer_that_speaks_against_the_invoice(office, firm, claim, invoice, status):
    payable(claim, firm, office)
    waiver = verifying.ask_waiver(invoice, reason="平台停机", actor=office.preparer)
    verifying.ask(invoice, Double({invoice.number: status}), actor=office.reviewer)
    with pytest.raises(VerificationRefused, match="不能免予查验"):
        verifying.agree_to_waiver(waiver, actor=office.approver)
    with pytest.raises(VerificationRefused, match="不能免予查验"):
        verifying.ask_waiver(invoice, reason="平台停机", actor=office.preparer)
    assert doubts_of(claim.payments.all())


FREEZE = "UPDATE vouchers_batch SET state = 'frozen', frozen_at = now(), frozen_by_id = %s, digest = 'x' WHERE id = %s"
RELEASE = "UPDATE vouchers_batch SET state = 'released', released_at = now(), released_by_id = %s WHERE id = %s"


def by_sql(sql, *params):
    """Run it as the runtime role, with what the database checks at COMMIT."""
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute(sql, params)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def refused_by_sql(sql, *params, match):
    with pytest.raises(IntegrityError, match=match):
        by_sql(sql, *params)


def test_the_database_freezes_and_releases_nothing_that_the_platform_does_not_stand_by(office, firm, claim, invoice):
    who = office.preparer.user.pk
    tell(invoice, Status.MATCH, office)
    factories.pass_days(1)
    batch = payable(claim, firm, office)
    refused_by_sql(FREEZE, who, batch.pk, match="does not stand by.* stale")
    verifying.ask(invoice, Double(), actor=office.preparer)
    batch = disbursement.freeze(batch, actor=office.preparer)
    batch = disbursement.sign(batch, actor=office.signer, seen_digest=batch.digest)
    verifying.ask(invoice, Double({invoice.number: Status.NOT_FOUND}), actor=office.preparer)
    refused_by_sql(RELEASE, who, batch.pk, match="does not stand by.* against")
    verifying.ask(invoice, Double(), actor=office.preparer)
    by_sql(RELEASE, who, batch.pk)


@pytest.mark.parametrize(
    ("status", "wanting"), [(None, "none"), ("UNAVAILABLE", "none"), ("TOO_OLD", "none"), ("MISMATCH", "against")]
)
def test_no_answer_and_half_a_waiver_freeze_nothing_by_sql(office, firm, claim, invoice, status, wanting):
    batch = payable(claim, firm, office)
    waiver = verifying.ask_waiver(invoice, reason="平台停机", actor=office.preparer)
    if status:
        tell(invoice, Status(status), office)
    refused_by_sql(FREEZE, office.preparer.user.pk, batch.pk, match=f"does not stand by.* {wanting}")
    waiver.agreed_by, waiver.agreed_at = office.approver.user, settings.CLOCK.now()
    waiver.save()
    if wanting == "against":
        refused_by_sql(FREEZE, office.preparer.user.pk, batch.pk, match="does not stand by.* against")
    else:
        by_sql(FREEZE, office.preparer.user.pk, batch.pk)


def test_a_reversal_lets_nothing_pass_before_its_letter_and_a_new_decision(office, firm, claim, invoice):
    batch = payable(claim, firm, office)
    verifying.ask(invoice, Double({invoice.number: Status.RED_PART}), actor=office.preparer)
    refused_by_sql(FREEZE, office.preparer.user.pk, batch.pk, match="does not stand by.* letter")
    letter = letters.enter_letter(invoice, number="8" * 20, total_fen=100, tax_fen=0, user=office.reviewer.user)
    assert unverified([claim.pk]) == {}
    reversals.follow(letter)
    refused_by_sql(FREEZE, office.preparer.user.pk, batch.pk, match="reversed since it was decided")


def test_no_payment_is_sent_beside_its_batch(office, firm, claim, invoice):
    batch = payable(claim, firm, office)
    verifying.ask(invoice, Double(), actor=office.preparer)
    disbursement.freeze(batch, actor=office.preparer)
    refused_by_sql("UPDATE vouchers_payment SET state = 'sent' WHERE batch_id = %s", batch.pk, match="its batch alone")


def test_a_waiver_and_an_answer_by_hand_are_an_officers_also_by_sql(office, firm, invoice):
    ask = (
        "INSERT INTO vouchers_verificationwaiver (invoice_id, reason, asked_by_id, asked_at, agreed_by_id, agreed_at)"
        " VALUES (%s, '停机', %s, now(), %s, %s)"
    )
    clerk, now = firm.clerk.pk, settings.CLOCK.now()
    refused_by_sql(ask, invoice.pk, clerk, None, None, match="officers of their days")
    refused_by_sql(ask, invoice.pk, office.preparer.user.pk, office.approver.user.pk, now, match="begins asked for")
    waiver = verifying.ask_waiver(invoice, reason="停机", actor=office.preparer)
    agree = "UPDATE vouchers_verificationwaiver SET agreed_by_id = %s, agreed_at = %s WHERE id = %s"
    refused_by_sql(agree, clerk, now, waiver.pk, match="officers of their days")
    answer = (
        "INSERT INTO vouchers_verification (invoice_id, provider, status, query, reference, raw_sha256, note,"
        " picture_name, picture_stored, picture_sha256, asked_on, attempt, asked_at, asked_by_id)"
        " VALUES (%s, 'manual', 'MATCH', '{}', '', '', '', '', %s, '', %s, 1, %s, %s)"
    )
    today = settings.CLOCK.today()
    refused_by_sql(answer, invoice.pk, "checks/x", today, now, clerk, match="no officer of that day")
    refused_by_sql(answer, invoice.pk, "", today, now, office.preparer.user.pk, match="has_its_picture")
    by_sql(answer, invoice.pk, "checks/x", today, now, office.preparer.user.pk)


def test_one_person_agrees_with_themselves_not_even_by_sql(office, invoice):
    waiver = verifying.ask_waiver(invoice, reason="平台停机", actor=office.preparer)
    waiver.agreed_by, waiver.agreed_at = office.preparer.user, waiver.asked_at
    with pytest.raises(IntegrityError, match="waiver_agreed_by_another"), transaction.atomic():
        waiver.save()


def test_a_reversal_at_the_platform_is_entered_at_once_and_suspends(office, firm, claim, invoice):
    payable(claim, firm, office)
    claim.refresh_from_db()
    disbursement.remove_claim(claim.payments.get(), actor=office.preparer)
    part = Reversal("25326666666666666666", dt.date(2025, 8, 1), invoice.total_fen // 2, invoice.tax_fen // 2)
    with pytest.raises(VerificationRefused, match="红字发票号码和红冲金额"):
        tell(invoice, Status.RED_PART, office)
    tell(invoice, Status.RED_PART, office, reversal=part)
    claim.refresh_from_db()
    assert claim.state == "suspended"
    granted = claim.granted_fen
    fire(claim, "reassess", actor=office.approver, reason="部分红冲")
    fire(claim, "review", actor=office.reviewer)
    fire(claim, "approve", actor=office.approver)
    claim.refresh_from_db()
    assert claim.granted_fen == granted // 2
    # It is known and counted; asked again after the new approval, its money may leave.
    assert "重新查验" in unverified([claim.pk])[claim.pk][0]
    factories.pass_days(1)
    verifying.ask(invoice, Double({invoice.number: Status.RED_PART}), actor=office.reviewer)
    assert unverified([claim.pk]) == {}


@pytest.mark.parametrize(("status", "number"), [(Status.VOID, "作废"), (Status.RED_FULL, "红冲")])
def test_a_whole_reversal_needs_no_letter_of_its_own(office, firm, claim, invoice, status, number):
    tell(invoice, status, office)
    letter = Invoice.objects.get(red=True)
    assert letter.number == number + invoice.number[-18:]
    assert letter.total_fen == -invoice.total_fen


def test_who_may_record_and_what_they_must_attach(office, firm, invoice):
    for actor in (firm.actor, factories.officer("only-auditor", "auditor")):
        with pytest.raises(VerificationRefused, match="没有这一权限"):
            verifying.record_answer(invoice, Status.MATCH, actor=actor, picture=SHOT)
    with pytest.raises(VerificationRefused, match="截图"):
        tell(invoice, Status.MATCH, office, picture=None)
    with pytest.raises(VerificationRefused, match="PNG 或 JPG"):
        tell(invoice, Status.MATCH, office, picture=Picture("查验.png", b"<html></html>"))
    assert not Verification.objects.exists()


def test_every_fourth_of_many_askers_at_once_is_refused_by_its_number(office, invoice):
    """The turn is an advisory lock; the key and the CHECK of the table stand behind it (tests/claims, at once)."""
    for _ in range(3):
        verifying.ask(invoice, Double(), actor=office.reviewer)
    assert list(invoice.verifications.order_by("attempt").values_list("attempt", flat=True)) == [1, 2, 3]


def query(**changes):
    fields = {"kind": "电子普票", "code": "", "number": "25320000000000000001", "date": dt.date(2025, 6, 1),
              "amount_excl_fen": 100, "amount_incl_fen": 106, "check_code": ""}  # fmt: skip
    return Query(**fields | changes)


def test_each_kind_is_asked_for_with_its_own_amount():
    assert query().amount_fen == 106
    assert query(code="032002200111", number="12345678").amount_fen == 100


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"number": "123"}, "不完整"),
        ({"code": "032002200111", "number": "12345678"}, "校验码"),
        ({"date": dt.date(2026, 1, 1)}, "晚于今天"),
    ],
)
def test_what_would_only_waste_an_attempt_is_not_asked(changes, words):
    assert words in refusal_of(query(**changes), dt.date(2025, 12, 1))
    assert refusal_of(query(), dt.date(2025, 12, 1)) == ""
