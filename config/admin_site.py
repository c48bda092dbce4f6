"""The officials' site: Django's own admin under our name, behind two factors."""

from django.contrib.admin import AdminSite
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from accounts.walls import OFFICERS, for_roles


class PortalAdminSite(AdminSite):
    """The admin of the compute-voucher portal.

    It admits active officers who proved a second factor in this session. Django's groups, permissions
    and `is_staff` do not count here.
    """

    site_header = "算力券管理"
    site_title = "算力券管理"
    index_title = "工作台"
    site_url = None
    enable_nav_sidebar = True

    def get_urls(self):
        """Our own desks come first, then Django's pages to look at every row."""
        from vouchers.admin.agreed.urls import urlpatterns as agreed
        from vouchers.admin.desk.urls import urlpatterns as desk
        from vouchers.admin.finance.urls import urlpatterns as finance
        from vouchers.admin.funds.urls import urlpatterns as funds
        from vouchers.admin.notices.urls import urlpatterns as notices
        from vouchers.admin.supposing.urls import urlpatterns as supposing

        tables = [path("tables/", for_roles(*OFFICERS)(self.admin_view(super().index)), name="tables")]
        return [*desk, *agreed, *finance, *funds, *notices, *supposing, *tables, *super().get_urls()]

    def has_permission(self, request) -> bool:
        """Whether the signed-in user may see any page of the site."""
        from accounts.second_factor import used_in_this_session
        from accounts.web import roles

        return request.user.is_active and bool(roles(request)) and used_in_this_session(request)

    @method_decorator(never_cache)
    @login_not_required
    def login(self, request, extra_context=None):
        """There is one sign-in page. An officer who lacks the second factor is sent for it from `start`."""
        from accounts.web import roles

        if self.has_permission(request):
            return redirect("admin:index")
        if not request.user.is_authenticated:
            return redirect_to_login(request.GET.get("next") or reverse("admin:index"))
        if roles(request):
            return redirect("start")
        raise PermissionDenied("工作台只供工作人员使用。")

    def logout(self, request, extra_context=None):
        """There is one way out."""
        return redirect("account_logout")

    def password_change(self, request, extra_context=None):
        """There is one page to change a password."""
        return redirect("account_change_password")

    password_change_done = password_change
