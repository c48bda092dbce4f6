"""The officials' site: Django's own admin under our name."""

from django.contrib.admin import AdminSite


class PortalAdminSite(AdminSite):
    """The admin of the compute-voucher portal."""

    site_header = "算力券管理"
    site_title = "算力券管理"
    index_title = "工作台"
