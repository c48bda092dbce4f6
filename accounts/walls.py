"""Who may open which page. A view without a wall is open to nobody: `config.walls` refuses it.

A view says once, in its urlconf or above its function, for whom it is: `public`, `signed_in` or `for_roles(...)`.
What one of them may see of which organisation is the selectors' business.
"""

from collections.abc import Callable
from functools import update_wrapper

from django.contrib.auth.decorators import login_not_required

from accounts.choices import ROLES

# Beside the officers' roles: anybody, whoever signed in, and who acts for an enterprise.
ANYBODY = "anybody"
SIGNED_IN = "signed_in"
MEMBER = "member"
OFFICERS = tuple(role for role, _ in ROLES)

# Pages of the sign-in itself, which come from a package and bear no wall of ours.
_ACCOUNT_PAGES = ("account_", "mfa_")


def for_roles(*roles: str) -> Callable:
    """The view is for whoever holds one of `roles`; others get 403, the unknown are asked to sign in."""
    unknown = set(roles) - {*OFFICERS, MEMBER, SIGNED_IN}
    if unknown or not roles:
        raise ValueError(f"no such roles: {unknown}")

    return lambda view: _walled(view, *roles)


signed_in = for_roles(SIGNED_IN)


def public(view: Callable) -> Callable:
    """The view is for anybody."""
    return login_not_required(_walled(view, ANYBODY))


def _walled(view: Callable, *roles: str) -> Callable:
    """A view of its own that bears the wall: the one given may stand elsewhere with another, or with none."""

    def guarded(request, *args, **kwargs):
        return view(request, *args, **kwargs)

    update_wrapper(guarded, view)
    guarded.wall = frozenset(roles)  # type: ignore[attr-defined]
    return guarded


def wall_of(view: Callable, view_name: str) -> frozenset[str]:
    """The roles that may open `view`, known to the resolver as `view_name`; empty when nobody said so."""
    wall = getattr(view, "wall", None)
    if wall is not None:
        return wall
    if not getattr(view, "login_required", True):
        return frozenset({ANYBODY})
    if hasattr(view, "admin_site") or hasattr(view, "model_admin"):
        return frozenset(OFFICERS)
    if view_name.startswith(_ACCOUNT_PAGES):
        return frozenset({SIGNED_IN})
    return frozenset()
