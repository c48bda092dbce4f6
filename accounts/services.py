"""Accounts made, roles given and ended, second factors reset. Each is audited in its transaction."""

import datetime as dt
import re

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts import rows
from accounts.errors import BadUsername, RoleConflict, UsernameTaken, WeakPassword
from accounts.models import USERNAME_PATTERN, Officer, User
from accounts.records import note


@transaction.atomic
def create_user(
    username: str, name: str, password: str, *, email: str = "", phone: str = "", by: User | None = None
) -> User:
    """A new account. There are no default ones: an administrator or the demo calls this.

    Raises BadUsername, UsernameTaken or WeakPassword.
    """
    if not re.fullmatch(USERNAME_PATTERN, username):
        raise BadUsername
    user = User(
        username=username,
        name=name.strip(),
        email=email.strip().lower(),
        phone=phone.strip(),
        date_joined=settings.CLOCK.now(),
    )
    check_password_rules(password, user)
    user.set_password(password)
    rows.insert(user, by, {"username": UsernameTaken, "email_unique": UsernameTaken})
    note(by, "user.create", _subject(user), username=username)
    return user


def check_password_rules(password: str, user: User) -> None:
    """Raises WeakPassword, saying every rule in force that `password` breaks for `user`."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise WeakPassword("".join(error.messages)) from error


@transaction.atomic
def appoint(
    user: User,
    role: str,
    *,
    valid_from: dt.date,
    valid_until: dt.date | None = None,
    district: str = "",
    by: User | None = None,
) -> Officer:
    """Give `user` the `role` (accounts.choices.ROLES) from `valid_from` until before `valid_until`.

    Raises RoleConflict when the database finds the role beside one it may not meet.
    """
    office = Officer(user=user, role=role, district=district, valid_from=valid_from, valid_until=valid_until)
    rows.insert(office, by, {"officer_roles_apart": RoleConflict})
    note(by, "officer.appoint", _subject(user), role=role, district=district, valid_from=str(valid_from))
    return office


@transaction.atomic
def dismiss(office: Officer, on: dt.date, *, by: User | None = None) -> None:
    """End a role: `on` is the first day without it. A role that began later was never in force."""
    office.valid_until = max(on, office.valid_from)
    rows.save(office, by)
    note(by, "officer.dismiss", _subject(office.user), role=office.role, on=str(office.valid_until))


@transaction.atomic
def reset_second_factor(user: User, *, by: User | None = None) -> None:
    """Forget a lost phone: the user sets up a new second factor at the next sign-in."""
    Authenticator.objects.filter(user=user).delete()
    note(by, "user.reset_second_factor", _subject(user))


def _subject(user: User) -> str:
    return f"user:{user.pk}"
