"""Where people arrive."""

from django.shortcuts import redirect

from accounts.web import roles


def home(request):
    """The first page after signing in: officers' desk, or one's own account."""
    return redirect("admin:index" if roles(request) else "mfa_index")
