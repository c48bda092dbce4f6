"""One-time codes (TOTP, RFC 6238): which step a code belongs to, and that each works once.

allauth remembers used codes in the cache, for one period, and not at set-up; here the last spent step is
a column of the user, moved forward by one conditional UPDATE, so a code cannot be replayed even by two
requests at once, after a restart, or just after it confirmed the set-up.
"""

from allauth.account.authentication import get_authentication_records
from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.totp.internal import auth as totp
from django.http import HttpRequest

from accounts.models import User


def spend_code(user: User, secret: str, code: str) -> bool:
    """Whether `code` is right for `secret` now and was not used before; it is used up by asking."""
    step = next(
        (
            step
            for step in totp.yield_hotp_counters_from_time()
            if compare_user_code(actual=code, expected=totp.format_hotp_value(totp.hotp_value(secret, step)))
        ),
        None,
    )
    if step is None:
        return False
    return User.objects.filter(pk=user.pk, totp_step__lt=step).update(totp_step=step) == 1


def used_in_this_session(request: HttpRequest) -> bool:
    """Whether the signed-in user proved a second factor since signing in."""
    return any(record["method"] == "mfa" for record in get_authentication_records(request, request.user))
