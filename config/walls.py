"""The wall in front of every view: what `accounts.walls` says of it, asked of whoever comes."""

import logging

from django.core.exceptions import PermissionDenied
from django.utils.deprecation import MiddlewareMixin

from accounts.walls import ANYBODY, MEMBER, SIGNED_IN, wall_of
from accounts.web import roles
from applicants.web import organisation_of

log = logging.getLogger(__name__)


class RoleWall(MiddlewareMixin):
    """Default deny: a view that says nothing of its visitors is open to nobody."""

    def process_view(self, request, view, args, kwargs):
        """Let pass who holds a role that the view is for. The sign-in itself was asked for before."""
        match = request.resolver_match
        wall = wall_of(view, match.view_name or "")
        if ANYBODY in wall:
            return
        if not wall:
            log.error("no wall in front of %s (%s)", match.route, match.view_name)
            raise PermissionDenied
        if SIGNED_IN in wall or wall & roles(request):
            return
        if MEMBER in wall and organisation_of(request) is not None:
            return
        raise PermissionDenied
