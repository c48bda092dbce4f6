"""For which enterprise the signed-in person acts."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from applicants.models import Organisation
from applicants.selectors import own_organisations

CHOSEN = "organisation"


def organisation_of(request: HttpRequest) -> Organisation | None:
    """The organisation that the user acts for in this session, with `current_name`; None for officers and strangers.

    Somebody who belongs to several chose one (`choose`); else it is the first. Read once a request, so that a
    membership that ended counts no more.
    """
    known = request.__dict__
    if "_organisation" not in known:
        found = list(own_organisations(request.user)) if request.user.is_authenticated else []
        chosen = request.session.get(CHOSEN) if len(found) > 1 else None
        known["_organisation"] = next((each for each in found if each.pk == chosen), found[0] if found else None)
        known["_organisations"] = found
    return known["_organisation"]


def organisations_of(request: HttpRequest) -> list[Organisation]:
    """Every organisation that the user may act for."""
    organisation_of(request)
    return request.__dict__["_organisations"]


def choose(request: HttpRequest, organisation: Organisation) -> None:
    """Act for `organisation` from now on; it is one of `organisations_of(request)`."""
    request.session[CHOSEN] = organisation.pk
    request.__dict__.pop("_organisation", None)


def acting_for(request: HttpRequest) -> Organisation:
    """`organisation_of` on pages for members, where there always is one."""
    organisation = organisation_of(request)
    if organisation is None:
        raise PermissionDenied
    return organisation
