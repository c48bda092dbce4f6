"""Leaving messages, and sending those that wait."""

import datetime as dt
import logging
import smtplib
from collections.abc import Collection

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction

from accounts.models import User
from accounts.selectors import offices_in_force
from vouchers.messages.models import Message

MAX_ATTEMPTS = 5
LATELY = dt.timedelta(days=14)
MOST_TOLD = 5
log = logging.getLogger(__name__)


def tell(organisation, subject: str, body: str) -> None:
    """Leave a message for an organisation in the portal, and by e-mail when it has given an address.

    Written in the caller's transaction: what is rolled back is never told.
    """
    now = settings.CLOCK.now()
    rows = [Message(organisation=organisation, channel="portal", state="sent", sent_at=now)]
    if organisation.contact_email:
        rows.append(Message(organisation=organisation, channel="email", address=organisation.contact_email))
    for row in rows:
        row.subject, row.body, row.created_at = subject, body, now
    Message.objects.bulk_create(rows)


def tell_officers(roles: Collection[str], subject: str, body: str) -> None:
    """Leave a message for everybody who has one of `roles` today: on their first page, and by e-mail where they have an
    address. Written in the caller's transaction.
    """
    now = settings.CLOCK.now()
    said = {"subject": subject, "body": body, "created_at": now}
    people = {office.user for office in offices_in_force().filter(role__in=roles).select_related("user")}
    rows = [Message(officer=person, channel="portal", state="sent", sent_at=now, **said) for person in people]
    rows += [
        Message(officer=person, channel="email", address=person.email, **said) for person in people if person.email
    ]
    Message.objects.bulk_create(rows)


def told_lately(user: User) -> list[Message]:
    """What an officer was told in the last two weeks, the newest first."""
    since = settings.CLOCK.now() - LATELY
    return list(Message.objects.filter(officer=user, channel="portal", created_at__gte=since)[:MOST_TOLD])


def send_waiting(limit: int = 50) -> int:
    """Send up to `limit` waiting e-mails; returns how many went out. A message that fails waits for the next sweep.

    Each is marked only after it was handed over, so a crash in between may send one twice, never lose one.
    """
    sent = 0
    for pk in (
        Message.objects.filter(channel="email", state="waiting").order_by("pk").values_list("pk", flat=True)[:limit]
    ):
        with transaction.atomic():
            message = Message.objects.select_for_update(skip_locked=True).filter(pk=pk, state="waiting").first()
            if message is not None:
                sent += _send(message)
    return sent


def _send(message: Message) -> bool:
    message.attempts += 1
    try:
        send_mail(message.subject, message.body, None, [message.address])
        message.state, message.sent_at = "sent", settings.CLOCK.now()
    except (OSError, smtplib.SMTPException) as error:
        log.warning("message %s was not sent: %s", message.pk, error)
        if message.attempts >= MAX_ATTEMPTS:
            message.state = "failed"
    message.save(update_fields=["attempts", "state", "sent_at"])
    return message.state == "sent"
