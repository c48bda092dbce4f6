"""One verb for many claims as one step: the same as one by one, in a fixed number of queries."""

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from applicants.services import add_sanction, lift_sanction
from audit.models import AuditEntry
from audit.verify import verify_chain
from tests import factories
from vouchers.ledger import services as ledger
from vouchers.messages.models import Message
from vouchers.review.errors import TogetherRefused
from vouchers.review.services import SYSTEM_ACTOR, fire, fire_voucher
from vouchers.review.together import TOGETHER, fire_many

pytestmark = pytest.mark.django_db

# Where each verb starts, and who fires it.
STARTS = {
    "accept": ("submitted", "reviewer"),
    "approve": ("reviewed", "approver"),
    "publicise": ("approved", "reviewer"),
}

ENDS = {"accept": {"accepted"}, "approve": {"approved", "approved_once"}, "publicise": {"publicised"}}


@pytest.fixture
def firm(office):
    firm = factories.firm(1, factories.call(second_approval_above_fen=3_000_000), reviewer=office.reviewer)
    firm.organisation.contact_email = "office@example.cn"
    firm.organisation.save()
    return firm


@pytest.fixture
def bring(firm, office):
    """Make a claim and bring it to a state; every other one is large enough for two approvals."""
    product, numbers = factories.product(), iter(range(1, 100))

    def made(state):
        number = next(numbers)
        claim = factories.ready(firm, product, number, gross_fen=5_000_000 * (1 + number % 2 * 3))
        return factories.drive(claim, state, firm, office) if state != "draft" else claim

    return made


def told_of(claim):
    """Everything that the latest step left: event, duties, audit entry and messages, without what differs by claim."""
    claim.refresh_from_db()
    event = claim.events.order_by("-version").values(
        "version", "verb", "source", "target", "role", "actor", "duty", "reason", "at"
    )[0]
    entry = (
        AuditEntry.objects.filter(subject=f"claim:{claim.pk}")
        .order_by("-pk")
        .values("actor", "action", "ok", "detail", "request_id", "ip", "at")[0]
    )
    assert entry["detail"].pop("number") == claim.number
    messages = (
        Message.objects.filter(subject__contains=claim.number)
        .order_by("pk")
        .values("organisation", "channel", "address", "subject", "body", "state", "attempts", "created_at", "sent_at")
    )
    letters = [{**m, "subject": "", "body": m["body"].replace(claim.number, "")} for m in messages]
    moving = (claim.state, claim.version, claim.granted_fen, claim.publicised_until, claim.waiting)
    return moving, event, entry, sorted(claim.duties.values_list("user", "duty")), letters


@pytest.mark.parametrize("verb", TOGETHER)
def test_what_many_leave_is_what_each_leaves_by_itself(bring, firm, office, verb):
    state, role = STARTS[verb]
    actor = office.of_role(role, firm)
    alone, beside = [bring(state) for _ in range(2)], [bring(state) for _ in range(2)]
    for claim in alone:
        fire(claim, verb, actor=actor, reason="合并办理")
    seen = {claim.pk: claim.version for claim in beside}
    assert fire_many(seen, verb, actor=actor, reason=" 合并办理 ") == 2
    for one, other in zip(alone, beside, strict=True):
        assert without_moments(told_of(other)) == without_moments(told_of(one))
    assert {claim.state for claim in beside} == ENDS[verb]
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    assert verify_chain() == []


def without_moments(told):
    moving, event, entry, duties, letters = told
    dropped = ("at", "created_at", "sent_at")
    return (
        moving,
        *({k: v for k, v in row.items() if k not in dropped} for row in (event, entry)),
        duties,
        [{**{k: v for k, v in row.items() if k not in dropped}, "delivered": bool(row["sent_at"])} for row in letters],
    )


def test_the_number_of_queries_is_the_same_for_two_and_for_six(bring, firm, office):
    for verb, (state, role) in STARTS.items():
        counts = []
        for many in (2, 6):
            seen = {claim.pk: None for claim in (bring(state) for _ in range(many))}
            with CaptureQueriesContext(connection) as asked:
                fire_many(seen, verb, actor=office.of_role(role, firm))
            counts.append(len(asked))
        assert counts[0] == counts[1], verb


def test_all_or_none_and_each_is_refused_by_its_number(bring, firm, office):
    good, stale, other = bring("reviewed"), bring("reviewed"), bring("accepted")
    seen = {good.pk: good.version, stale.pk: stale.version - 1, other.pk: other.version}
    with pytest.raises(TogetherRefused) as refusal:
        fire_many(seen, "approve", actor=office.approver)
    refused = dict(refusal.value.refused)
    assert set(refused) == {stale.number, other.number}
    assert "他人处理过" in refused[stale.number]
    assert "不能批准" in refused[other.number]
    assert all(number in str(refusal.value) for number in refused)
    for claim in (good, stale, other):
        version = claim.version
        claim.refresh_from_db()
        assert claim.version == version
    with pytest.raises(TogetherRefused):
        fire_many({good.pk: good.version, 10**9: None}, "approve", actor=office.approver)
    assert fire_many({good.pk: good.version}, "approve", actor=office.approver) == 1


def test_the_guards_of_one_are_the_guards_of_many(bring, firm, office):
    claim = bring("reviewed")
    both = factories.officer("liangzhi", "reviewer", "approver")
    second = bring("accepted")
    fire(second, "review", actor=both)
    for actor, words in (
        (both, "不能再承担"),
        (office.reviewer, "只能由"),
        (firm.actor, "只能由"),
        (SYSTEM_ACTOR, "只能由"),
    ):
        with pytest.raises(TogetherRefused, match=words):
            fire_many({claim.pk: None, second.pk: None}, "approve", actor=actor)
    place = (claim.pk, claim.call.scheme, claim.call.fiscal_year, claim.organisation_id)
    ledger.release(*place, 1, event="by-hand", actor="test", at=claim.submitted_at)
    with pytest.raises(TogetherRefused, match="足额占用"):
        fire_many({claim.pk: None}, "approve", actor=office.approver)


def test_a_sanctioned_firm_and_a_revoked_voucher_are_not_accepted_among_many(bring, firm, office):
    claim = bring("submitted")
    today = settings.CLOCK.today()
    listed = add_sanction(
        firm.organisation.uscc, list_name="失信被执行人名单", reason="未履行", source="法院", listed_on=today
    )
    with pytest.raises(TogetherRefused, match="失信"):
        fire_many({claim.pk: None}, "accept", actor=office.reviewer)
    lift_sanction(listed, on=today)
    fire_voucher(claim.voucher, "revoke", actor=office.approver, reason="查实")
    with pytest.raises(TogetherRefused, match="已撤销"):
        fire_many({claim.pk: None}, "accept", actor=office.reviewer)


def test_what_decides_or_moves_money_goes_one_by_one():
    for verb in ("submit", "review", "reject", "pay", "batch"):
        with pytest.raises(ValueError, match="many claims"):
            fire_many({1: None}, verb, actor=SYSTEM_ACTOR)
