"""People who make their own account: it can act for nobody until its e-mail address is confirmed.

The confirmation is allauth's: `EmailAddress`, a signed link that lasts three days, a limit on how often it is sent.
Whoever an administrator gave an account has no such row and is vouched for already.
"""

from __future__ import annotations

import logging
import smtplib

from allauth.account.internal.flows.email_verification import send_verification_email_to_address
from allauth.account.models import EmailAddress
from allauth.core import ratelimit
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.http import HttpRequest

from accounts.errors import Refused, UsernameTaken
from accounts.models import User
from accounts.records import note
from accounts.selectors import user_by_login
from accounts.services import check_password_rules, create_user
from accounts.web import client_ip

log = logging.getLogger(__name__)


class TooManyRegistrations(Refused):
    message = "从您的网络来的注册太多，请过几分钟再试。"


def register(request: HttpRequest, *, username: str, name: str, email: str, phone: str, password: str) -> bool:
    """Make an account and send the link that confirms its e-mail address; returns whether the mail went out.

    An address that is taken already answers just the same: its owner is told by mail, nobody else. Raises BadUsername,
    UsernameTaken (of the username alone), WeakPassword or TooManyRegistrations.
    """
    if not ratelimit.consume(request, action="signup"):
        raise TooManyRegistrations
    given = (username, name, email.strip().lower(), phone, password)
    try:
        address = _make(*given, ip=client_ip(request))
    except UsernameTaken:
        # Perhaps by the other click on the same button: looked at again, now that it is done.
        address = _make(*given, ip=client_ip(request))
    return send_confirmation(request, address)


def send_confirmation(request: HttpRequest, address: EmailAddress) -> bool:
    """Send the link, or, to an address without a user, the news that its owner has an account; False when mail is down.

    Asked again within three minutes it sends nothing: the first link still works.
    """
    try:
        send_verification_email_to_address(request, address, signup=True)
    except (OSError, smtplib.SMTPException) as error:
        log.warning("a confirmation was not sent: %s", error)
        return False
    return True


def unconfirmed_address(user: User) -> EmailAddress | None:
    """The address that `user` has still to confirm before acting for an organisation."""
    return EmailAddress.objects.filter(user=user, primary=True, verified=False).first()


def may_be_trusted_with(user: User) -> bool:
    """Whether `user` is who the account says: confirmed by mail, or made by an administrator."""
    return user.is_active and unconfirmed_address(user) is None


@transaction.atomic
def _make(username: str, name: str, email: str, phone: str, password: str, *, ip: str) -> EmailAddress:
    known = user_by_login(username)
    if known is not None:
        address = unconfirmed_address(known)
        if address is not None and address.email == email and known.check_password(password):
            # The same form sent twice.
            return address
        raise UsernameTaken("这个用户名已经有人使用（不区分大小写），请换一个。")
    if user_by_login(email) is not None:
        # As much work as for a new account, so that the clock tells nothing either.
        check_password_rules(password, User(username=username, name=name, email=email))
        make_password(password)
        return EmailAddress(email=email)
    user = create_user(username, name, password, email=email, phone=phone)
    note(user, "user.register", f"user:{user.pk}", ip=ip)
    return EmailAddress.objects.create(user=user, email=email, primary=True, verified=False)
