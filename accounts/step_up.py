"""Proving the second factor again before a step that cannot be taken back. One proof counts for one such step."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from allauth.account.authentication import get_authentication_records
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.core.cache import cache
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode

from accounts.errors import Refused

# A proof of the second factor counts for so long.
LASTS_SECONDS = 5 * 60


class ProofUsed(Refused):
    """Another request was quicker with the same proof."""

    message = "这次输入的动态码已经用于另一步操作，本次没有办理。请重新输入动态码后再办理。"


def proved_lately(request: HttpRequest) -> bool:
    """Whether the signed-in user proved the second factor within the last five minutes, for no other step yet."""
    at = _proved_at(request)
    return time.time() - at < LASTS_SECONDS and cache.get(_key(request, at)) is None


@contextmanager
def proof_for_one_step(request: HttpRequest) -> Iterator[None]:
    """The step inside uses up the latest proof; refused, it gives it back. Raises ProofUsed.

    `cache.add` is one INSERT in the database: of two requests at the same moment one wins.
    """
    key = _key(request, _proved_at(request))
    if not cache.add(key, True, LASTS_SECONDS):
        raise ProofUsed
    try:
        yield
    except BaseException:
        cache.delete(key)
        raise


def _proved_at(request: HttpRequest) -> float:
    records = get_authentication_records(request, request.user)
    return max((record["at"] for record in records if record["method"] == "mfa"), default=0)


def _key(request: HttpRequest, at: float) -> str:
    return f"step-up:{request.user.pk}:{at}"


def ask_again(back_to: str) -> HttpResponseRedirect:
    """To the page that asks for a code, and from there to `back_to`."""
    return HttpResponseRedirect(f"{reverse('mfa_reauthenticate')}?{urlencode({REDIRECT_FIELD_NAME: back_to})}")
