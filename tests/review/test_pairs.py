"""What stands twice, in Python and in SQL, for the sake of one round trip: each pair says the same."""

import datetime as dt

import pytest
from django.conf import settings

from applicants.models import Membership
from applicants.selectors import acting_for, is_member
from audit.models import AuditEntry
from audit.services import record
from tests import factories
from vouchers.messages.models import Message
from vouchers.messages.services import tell
from vouchers.review import steps
from vouchers.review.services import fire

pytestmark = pytest.mark.django_db


@pytest.fixture
def firm():
    return factories.firm(1, factories.call(), reviewer=factories.officer("shenhe", "reviewer"))


@pytest.mark.parametrize(
    ("since", "until", "own", "active", "acts"),
    [
        (0, None, True, True, True),
        (0, 1, True, True, True),
        (-9, 0, True, True, False),
        (1, None, True, True, False),
        (0, None, False, True, True),
        (-9, 0, False, True, False),
        (0, None, True, False, False),
        (0, None, None, True, False),
    ],
    ids=["from today", "until tomorrow", "ended", "not yet", "of the heir", "ended at the heir", "closed", "elsewhere"],
)
def test_who_acts_for_a_firm(firm, since, until, own, active, acts):
    """`applicants.selectors.is_member`, the reading of a step, and the set that many claims are judged by."""
    claim, today = factories.draft(firm), settings.CLOCK.today()
    heir, other = factories.firm(2, firm.call).organisation, factories.firm(3, firm.call).organisation
    firm.organisation.merged_into = heir
    firm.organisation.save()
    person = factories.user("zhangsan")
    person.is_active = active
    person.save()
    Membership.objects.create(
        user=person,
        organisation={True: firm.organisation, False: heir, None: other}[own],
        role="clerk",
        since=today + dt.timedelta(days=since),
        until=None if until is None else today + dt.timedelta(days=until),
    )
    reading = steps.read(claim.pk, "submit", person, today)
    ids = acting_for(person, today)
    assert reading.is_member is acts
    assert is_member(person, firm.organisation) is acts
    assert bool({firm.organisation.pk, heir.pk} & ids) is acts


def test_a_step_writes_its_audit_entry_and_messages_as_the_services_do(firm):
    """`vouchers_take_step` against `audit.services.record` and `vouchers.messages.services.tell`."""
    firm.organisation.contact_email = "office@example.cn"
    firm.organisation.save()
    claim = factories.submitted(firm, factories.product(), 1)
    event = fire(claim, "withdraw", actor=firm.actor, reason="撤回重报")
    claim.refresh_from_db()
    written = AuditEntry.objects.get(subject=f"claim:{claim.pk}", action="claim.withdraw")
    record(
        actor=firm.actor.text,
        action="claim.withdraw",
        subject=f"claim:{claim.pk}",
        at=event.at,
        detail={
            "number": claim.number,
            "from": "submitted",
            "to": "withdrawn",
            "version": 2,
            "role": "applicant",
            "reason": "撤回重报",
            "granted_fen": claim.granted_fen,
        },
    )
    recorded = AuditEntry.objects.latest("pk")
    assert recorded.pk > written.pk
    assert columns(written, "recorded_at") == columns(recorded, "recorded_at")
    told = list(Message.objects.order_by("-pk")[:2])
    tell(firm.organisation, told[0].subject, told[0].body)
    again = list(Message.objects.order_by("-pk")[:2])
    assert {message.channel for message in told} == {"portal", "email"}
    for one, other in zip(by_channel(told), by_channel(again), strict=True):
        assert one.pk != other.pk
        assert columns(one, "created_at", "sent_at") == columns(other, "created_at", "sent_at")
        assert (one.sent_at is None) == (other.sent_at is None)


def by_channel(messages):
    return sorted(messages, key=lambda message: message.channel)


def columns(row, *but):
    names = [field.attname for field in row._meta.concrete_fields]
    return {name: getattr(row, name) for name in names if name not in ("id", *but)}
