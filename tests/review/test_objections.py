"""What somebody says against a claim under publicity holds its publicity open until it is answered."""

import pytest
from django.db import DatabaseError, connection, transaction

from audit.models import AuditEntry
from tests import factories
from vouchers.claims.models import Claim
from vouchers.review.deadlines import pass_deadlines
from vouchers.review.errors import NotAllowed, ReasonMissing, ReviewRefused, StaleClaim, TooLate
from vouchers.review.objections import MOST_OPEN_ON_A_CLAIM, handle, object_to
from vouchers.review.services import fire
from vouchers.workflow import IllegalTransition

pytestmark = pytest.mark.django_db
SAID = {"name": "周周", "contact": "13812345678", "text": "该单位与销售方是同一实际控制人。"}


@pytest.fixture
def claim(office):
    firm = factories.firm(1, factories.call(), reviewer=office.reviewer)
    return factories.drive(factories.ready(firm, factories.product(), 1), "publicised", firm, office)


def test_publicity_waits_for_the_answer(claim, office):
    objection = object_to(claim, **SAID)
    factories.pass_days(20)
    assert pass_deadlines() == 0
    objection = handle(objection, "dismiss", actor=office.approver, finding="经查无关联。", seen_version=0)
    assert (objection.state, objection.closed_at is not None) == ("dismissed", True)
    assert pass_deadlines() == 1
    assert Claim.objects.get().state == "payable"


def test_looking_into_it_suspends_the_claim(claim, office):
    objection = handle(object_to(claim, **SAID), "investigate", actor=office.reviewer, seen_version=0)
    claim.refresh_from_db()
    assert claim.state == "suspended"
    assert objection.number in claim.events.latest("version").reason
    handle(objection, "uphold", actor=office.approver, finding="关联关系属实。", seen_version=1)
    fire(claim, "reject", actor=office.approver, reason="关联交易")


def test_who_may_do_what_and_with_which_words(claim, office):
    objection = object_to(claim, **SAID)
    with pytest.raises(NotAllowed):
        handle(objection, "dismiss", actor=office.reviewer, finding="x", seen_version=0)
    with pytest.raises(NotAllowed):
        handle(objection, "investigate", actor=office.preparer, seen_version=0)
    with pytest.raises(ReasonMissing):
        handle(objection, "dismiss", actor=office.approver, finding=" ", seen_version=0)
    with pytest.raises(IllegalTransition):
        handle(objection, "uphold", actor=office.approver, finding="x", seen_version=0)
    with pytest.raises(StaleClaim):
        handle(objection, "investigate", actor=office.reviewer, seen_version=3)


def test_it_needs_a_name_a_way_to_answer_and_a_claim_under_publicity(claim, office):
    for missing in SAID:
        with pytest.raises(ReviewRefused, match="请写明"):
            object_to(claim, **{**SAID, missing: " "})
    with pytest.raises(ReviewRefused, match="最多"):
        object_to(claim, **{**SAID, "text": "长" * 2001})
    factories.pass_days(20)
    with pytest.raises(TooLate):
        object_to(claim, **SAID)


def test_a_flood_is_stopped(claim):
    for _ in range(MOST_OPEN_ON_A_CLAIM):
        object_to(claim, **SAID)
    with pytest.raises(ReviewRefused, match="集中核查"):
        object_to(claim, **SAID)


def test_who_objected_is_sealed_and_not_in_the_trail(claim):
    object_to(claim, **SAID)
    with connection.cursor() as cursor:
        cursor.execute("SELECT contact FROM vouchers_objection UNION SELECT contact FROM vouchers_historicalobjection")
        assert all(SAID["contact"] not in row[0] for row in cursor.fetchall())
    entry = AuditEntry.objects.get(action="objection.receive")
    assert SAID["name"] not in str(entry.detail)


@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE vouchers_objection SET text = '没有异议'",
        "UPDATE vouchers_objection SET state = 'dismissed'",
        "DELETE FROM vouchers_objection",
    ],
)
def test_the_database_keeps_what_was_said(claim, forgery):
    object_to(claim, **SAID)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(forgery)


def test_the_database_does_not_clear_a_claim_with_an_open_objection(claim):
    object_to(claim, **SAID)
    factories.pass_days(20)
    with pytest.raises(DatabaseError, match="open objection"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE vouchers_claim SET state = 'payable', version = version + 1")
        cursor.execute(
            "INSERT INTO vouchers_claimevent (claim_id, version, verb, source, target, role, duty, reason, at) "
            "SELECT id, version, 'clear', 'publicised', 'payable', 'system', '', '', now() FROM vouchers_claim"
        )
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
