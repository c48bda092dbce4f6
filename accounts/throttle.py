"""Five failures in a row lock an account for half an hour (GB/T 22239-2019, 8.1.4.1 b).

An attempt is counted before it is judged, in one statement of its own, and forgotten when it succeeds:
many attempts at the same instant get no more than five guesses between them. The count lives in the
database, so it holds for every web process and through a restart or the loss of the broker.
"""

import datetime as dt

from django.db import connection
from django.utils import timezone

from accounts.encryption import fingerprint
from accounts.models import SignInAttempts, User

LIMIT = 5
LOCKED_FOR = dt.timedelta(minutes=30)

_COUNT = """
    INSERT INTO accounts_signinattempts AS a (key, failures, last_at) VALUES (%(key)s, 1, %(now)s)
    ON CONFLICT (key) DO UPDATE SET
        failures = CASE WHEN a.last_at <= %(cutoff)s THEN 1 ELSE least(a.failures + 1, %(limit)s + 1) END,
        last_at = CASE WHEN a.last_at <= %(cutoff)s OR a.failures < %(limit)s THEN %(now)s ELSE a.last_at END
    RETURNING failures
"""


def password_key(user: User | None, login: str) -> str:
    """What password attempts for `login` are counted under: the account, or the text if there is none.

    An unknown name is counted like a known one, so a lock does not tell which names exist.
    """
    return f"password:{user.pk}" if user else f"password:{fingerprint(login.casefold())}"


def code_key(user: User) -> str:
    """What attempts at `user`'s second factor are counted under."""
    return f"code:{user.pk}"


def may_try(key: str) -> bool:
    """Count an attempt under `key`; False when the key is locked and the attempt must be refused."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"key": key, "now": now, "cutoff": now - LOCKED_FOR, "limit": LIMIT})
        return cursor.fetchone()[0] <= LIMIT


def succeeded(key: str) -> None:
    """Forget the failures under `key`: the right person was there."""
    SignInAttempts.objects.filter(key=key).delete()
