"""Two walls behind the sign-in: sessions end, and an officer with one factor gets no further.

Sessions are no claim's business, so they go by the machine's own clock (see config/clock.py). Idle
sessions end by themselves: `SESSION_COOKIE_AGE` is the idle limit, and `SessionLimits` moves it on.
"""

import time

from allauth.mfa.utils import is_mfa_enabled
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin

from accounts.second_factor import used_in_this_session
from accounts.web import roles

STARTED = "session_started"
SEEN = "session_seen"
LONGEST_SECONDS = 12 * 3600
TOUCH_EVERY_SECONDS = 60

# Where an officer with one factor may go: to get the second, to prove it, to prove the first again.
_ON_THE_WAY = {"mfa_activate_totp", "mfa_reauthenticate", "account_reauthenticate"}


def _is_public(view) -> bool:
    return not getattr(view, "login_required", True)


class SessionLimits(MiddlewareMixin):
    """Twelve hours after signing in a session is over, however busy (GB/T 22239-2019, 8.1.4.1 b)."""

    def process_view(self, request, view, args, kwargs):
        """Sign out a session that is too old; keep a young one from going idle."""
        if not request.user.is_authenticated:
            return None
        now = time.time()
        if now - request.session.get(STARTED, 0) > LONGEST_SECONDS:
            logout(request)
            if _is_public(view):
                return None
            messages.info(request, "登录已满12小时，为了安全请重新登录。")
            return redirect("account_login")
        if now - request.session.get(SEEN, 0) > TOUCH_EVERY_SECONDS:
            request.session[SEEN] = now
        return None


class SecondFactorRequired(MiddlewareMixin):
    """An officer who has not proved a second factor in this session sees only the way to do so."""

    def process_view(self, request, view, args, kwargs):
        """Send such an officer to the set-up page, or to the code page when a factor is set up."""
        if _is_public(view) or request.resolver_match.url_name in _ON_THE_WAY:
            return None
        if not request.user.is_authenticated or used_in_this_session(request) or not roles(request):
            return None
        if is_mfa_enabled(request.user, ["totp"]):
            return redirect_to_login(request.get_full_path(), reverse("mfa_reauthenticate"))
        return redirect("mfa_activate_totp")
