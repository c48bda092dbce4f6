"""What every page may show of whoever looks at it."""

from django.utils.functional import SimpleLazyObject

from accounts.web import roles
from applicants.web import organisation_of, organisations_of


def portal(request) -> dict:
    """`organisation` (or None), `organisations` and `officer_roles`; nothing is read unless a template asks."""
    signed_in = hasattr(request, "user") and hasattr(request, "session")
    return {
        "organisation": SimpleLazyObject(lambda: organisation_of(request) if signed_in else None),
        "organisations": SimpleLazyObject(lambda: organisations_of(request) if signed_in else []),
        "officer_roles": SimpleLazyObject(lambda: roles(request) if signed_in else frozenset()),
    }
