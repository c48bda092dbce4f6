"""Tokens by which a person's programs call the API. Each is shown once, kept as a hash, ends by itself or is ended."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import QuerySet
from knox.models import AuthToken

from accounts.errors import Refused
from accounts.models import User
from accounts.records import note

MOST = 5


class TooManyTokens(Refused):
    """The person has as many as one may have."""

    message = f"每人最多 {MOST} 个接口令牌。请先停用不再使用的，再新建。"


class NoSuchToken(Refused):
    """Ended already, or never one's own."""

    message = "没有找到这个令牌，可能已经停用或到期。请刷新页面。"


def tokens_of(user: User) -> QuerySet[AuthToken]:
    """The person's tokens that are still good, the newest first."""
    return AuthToken.objects.filter(user=user, expiry__gt=dt.datetime.now(dt.UTC)).order_by("-created")


@transaction.atomic
def new_token(user: User) -> tuple[AuthToken, str]:
    """A new token: its row, and the secret that nobody sees again. Raises `TooManyTokens`."""
    # Requests of one person at the same moment wait for each other here.
    User.objects.select_for_update().get(pk=user.pk)
    if tokens_of(user).count() >= MOST:
        raise TooManyTokens
    row, secret = AuthToken.objects.create(user)
    note(user, "token.create", f"user:{user.pk}", token=row.token_key, until=str(row.expiry))
    return row, secret


@transaction.atomic
def end_token(user: User, key: str) -> None:
    """End one's own token at once. Raises `NoSuchToken`."""
    if not AuthToken.objects.filter(user=user, token_key=key).delete()[0]:
        raise NoSuchToken
    note(user, "token.end", f"user:{user.pk}", token=key)


@transaction.atomic
def end_every_token(user: User) -> None:
    """A new password shuts out whoever knew the old one, programs as well."""
    for key in list(tokens_of(user).values_list("token_key", flat=True)):
        end_token(user, key)
