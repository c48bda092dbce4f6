"""The table of a claim's steps, walked row by row through `fire`."""

from contextlib import contextmanager

import pytest
from django.db import transaction

from audit.models import AuditEntry
from tests import factories
from vouchers import workflow
from vouchers.ledger.selectors import held_fen, paid_fen
from vouchers.messages.models import Message
from vouchers.review.errors import NotAllowed, ReasonMissing, ReviewRefused, SamePerson, StaleClaim
from vouchers.review.services import fire, fire_voucher

pytestmark = pytest.mark.django_db

GRANTED = 3_180_000
# What only a claim that waits for money does is walked in tests/budget.
OF_WAITING = ("accept_part", "expire")
STEPS = [step for step in workflow.CLAIM.transitions if step.verb not in OF_WAITING]
SILENT = {"discard", "cut", "send_back", "batch", "unbatch", "approve"}

# Every state, twice where the way there decides what may follow.
SITUATIONS = [
    *workflow.CLAIM.states,
    "suspended while publicised",
    "suspended while approved",
    "reviewed above the limit",
]


def made(office, situation):
    """A firm and its claim, brought to where the steps begin."""
    twice = situation in ("approved_once", "reviewed above the limit")
    call = factories.call(**({"second_approval_above_fen": 0} if twice else {}))
    firm = factories.firm(1, call, reviewer=office.reviewer)
    claim = factories.ready(firm, factories.product(), 1)
    if situation.startswith("suspended while "):
        factories.drive(claim, situation.removeprefix("suspended while "), firm, office)
        factories.take(claim, "suspend", firm, office)
    else:
        factories.drive(claim, situation.split()[0], firm, office)
    claim.refresh_from_db()
    return firm, claim


def leads_to(situation, step):
    """Whether `step` is the way that its verb takes from here."""
    chosen = {
        "reviewed": {"approve": "approved"},
        "reviewed above the limit": {"approve": "approved_once"},
        "suspended": {"dismiss": "payable"},
        "suspended while publicised": {"dismiss": "publicised"},
        "suspended while approved": {"dismiss": "approved"},
    }
    return step.target == chosen.get(situation, {}).get(step.verb, step.target)


def steps_of(situation):
    steps = [step for step in STEPS if step.source == situation.split()[0]]
    return [step for step in steps if leads_to(situation, step)]


@contextmanager
def undone():
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def check_step(step, firm, claim, office):
    """The step is taken, its traces are there, and the money stands where the new state says."""
    told, version = Message.objects.count(), claim.version
    part = (step.verb, step.target) == ("recover", "paid")
    event = factories.take(claim, step.verb, firm, office, **({"amount_fen": 1} if part else {}))
    claim.refresh_from_db()
    assert (claim.state, claim.version) == (step.target, version + 1)
    assert (event.verb, event.source, event.target, event.version) == (step.verb, step.source, step.target, version + 1)
    assert event.role in step.roles
    entry = AuditEntry.objects.filter(action=f"claim.{step.verb}").latest("pk")
    assert (entry.subject, entry.detail["from"], entry.detail["to"]) == (f"claim:{claim.pk}", step.source, step.target)
    assert Message.objects.count() - told == (0 if step.verb in SILENT else 1)
    if step.target == "paid":
        assert (held_fen(claim.pk), paid_fen(claim.pk)) == (0, GRANTED - part)
    else:
        held = GRANTED if step.target in workflow.AWAITING_MONEY else 0
        assert (held_fen(claim.pk), paid_fen(claim.pk)) == (held, 0)


def test_the_situations_cover_every_row_of_the_table():
    assert {step for situation in SITUATIONS for step in steps_of(situation)} == set(STEPS)


@pytest.mark.parametrize("situation", SITUATIONS)
def test_from_each_state_exactly_the_rows_of_the_table_are_walked_by_exactly_their_roles(office, situation):
    firm, claim = made(office, situation)
    steps = steps_of(situation)
    for step in steps:
        with undone():
            check_step(step, firm, claim, office)
        claim.refresh_from_db()
        for role in set(workflow.ROLE_LABELS) - set(step.roles):
            with undone(), pytest.raises(NotAllowed):
                factories.take(claim, step.verb, firm, office, actor=office.of_role(role, firm))
        if step.needs_reason:
            with undone(), pytest.raises(ReasonMissing):
                factories.take(claim, step.verb, firm, office, reason=" \n")
    for verb in set(workflow.CLAIM.verb_labels) - {step.verb for step in steps}:
        with pytest.raises((workflow.IllegalTransition, NotAllowed)):
            fire(claim, verb, actor=office.reviewer, reason="理由", payment=1, amount_fen=1)
    assert claim.events.count() == claim.version


def test_a_stale_screen_never_overwrites(office):
    firm, claim = made(office, "submitted")
    seen = claim.version
    factories.take(claim, "accept", firm, office, seen_version=seen)
    with pytest.raises(StaleClaim):
        fire(claim, "withdraw", actor=firm.actor, seen_version=seen)
    claim.refresh_from_db()
    assert claim.state == "accepted"


def test_an_amount_above_the_limit_needs_two_approvers(office):
    """The claim itself says where an approval leads; nobody chooses a way past the second approver."""
    firm, claim = made(office, "reviewed above the limit")
    assert fire(claim, "approve", actor=office.approver).target == "approved_once"
    with pytest.raises(SamePerson, match="审批"):
        fire(claim, "approve", actor=office.approver)
    assert fire(claim, "approve", actor=office.second).target == "approved"


def test_a_claim_under_a_voucher_that_was_revoked_is_not_submitted(office):
    firm, claim = made(office, "draft")
    fire_voucher(claim.voucher, "revoke", actor=office.approver, reason="虚假材料")
    with pytest.raises(ReviewRefused, match="已撤销"):
        fire(claim, "submit", actor=firm.actor)


def test_what_is_rolled_back_leaves_nothing(office):
    firm, claim = made(office, "draft")
    before = AuditEntry.objects.count(), Message.objects.count()
    with transaction.atomic():
        fire(claim, "submit", actor=firm.actor)
        transaction.set_rollback(True)
    claim.refresh_from_db()
    assert (claim.state, claim.version, held_fen(claim.pk)) == ("draft", 0, 0)
    assert (AuditEntry.objects.count(), Message.objects.count()) == before


def test_to_submit_twice_is_refused_and_holds_once(office):
    firm, claim = made(office, "submitted")
    with pytest.raises(workflow.IllegalTransition, match="已提交"):
        fire(claim, "submit", actor=firm.actor)
    assert held_fen(claim.pk) == GRANTED
