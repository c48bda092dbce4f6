"""What follows from signing in and out: the session's start, the last sign-in, the audit trail."""

import time

from allauth.account.internal.flows.login import record_authentication
from allauth.account.signals import (
    authentication_step_completed,
    email_confirmed,
    password_changed,
    password_reset,
)
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out

from accounts.middleware import STARTED
from accounts.records import note
from accounts.tokens import end_every_token
from accounts.web import client_ip


def connect() -> None:
    """Connect the receivers; called once, when the app is ready."""
    # Django would save the whole user to set `last_login`, and so write a history row at each sign-in.
    user_logged_in.disconnect(dispatch_uid="update_last_login")
    user_logged_in.connect(_signed_in, dispatch_uid="accounts.signed_in")
    user_logged_out.connect(_signed_out, dispatch_uid="accounts.signed_out")
    authentication_step_completed.connect(_stepped_up, dispatch_uid="accounts.stepped_up")
    password_changed.connect(_password_changed, dispatch_uid="accounts.password_changed")
    password_reset.connect(_password_changed, dispatch_uid="accounts.password_reset")
    email_confirmed.connect(_email_confirmed, dispatch_uid="accounts.email_confirmed")
    authenticator_added.connect(_factor_added, dispatch_uid="accounts.factor_added")
    authenticator_removed.connect(_factor_removed, dispatch_uid="accounts.factor_removed")
    authenticator_reset.connect(_factor_reset, dispatch_uid="accounts.factor_reset")


def _signed_in(sender, request, user, **kwargs):
    request.session[STARTED] = time.time()
    type(user).objects.filter(pk=user.pk).update(last_login=settings.CLOCK.now())
    note(user, "sign_in", f"user:{user.pk}", ip=client_ip(request))


def _stepped_up(sender, request, **kwargs):
    # Django changes the session's key at sign-in; a factor proved later must change it as well.
    if request.user.is_authenticated:
        request.session.cycle_key()


def _signed_out(sender, request, user, **kwargs):
    if user is not None:
        note(user, "sign_out", f"user:{user.pk}", ip=client_ip(request))


def _password_changed(sender, request, user, **kwargs):
    note(user, "user.change_password", f"user:{user.pk}", ip=client_ip(request))
    end_every_token(user)


def _email_confirmed(sender, request, email_address, **kwargs):
    user = email_address.user
    note(user, "user.confirm_email", f"user:{user.pk}", ip=client_ip(request))


def _factor_added(sender, request, user, authenticator, **kwargs):
    if authenticator.type == Authenticator.Type.TOTP:
        # The code that confirmed the set-up proved the phone: no second asking in the same session.
        record_authentication(request, user, "mfa", id=authenticator.pk, type=authenticator.type)
    _note_factor("user.add_second_factor", request, user, authenticator)


def _factor_removed(sender, request, user, authenticator, **kwargs):
    _note_factor("user.remove_second_factor", request, user, authenticator)


def _factor_reset(sender, request, user, authenticator, **kwargs):
    _note_factor("user.renew_second_factor", request, user, authenticator)


def _note_factor(action, request, user, authenticator):
    note(user, action, f"user:{user.pk}", ip=client_ip(request), type=str(authenticator.type))
