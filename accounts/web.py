"""What the sign-in faces ask about a request."""

from allauth.account.adapter import get_adapter
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from accounts.selectors import roles_of


def client_ip(request: HttpRequest | None) -> str:
    """The caller's address, as trusted as `ALLAUTH_TRUSTED_PROXY_COUNT` allows; "" when unknown."""
    if request is None:
        return ""
    try:
        return get_adapter().get_client_ip(request)
    except PermissionDenied:
        return ""


def roles(request: HttpRequest) -> frozenset[str]:
    """The signed-in user's roles today, read once a request."""
    known = request.__dict__
    if "_roles" not in known:
        known["_roles"] = roles_of(request.user)
    return known["_roles"]
