"""App configurations that wire the project together."""

from django.apps import AppConfig, apps
from django.contrib.admin.apps import AdminConfig
from django.db.models.signals import post_migrate


class PortalAdminConfig(AdminConfig):
    """Django's own admin on our site class."""

    default_site = "config.admin_site.PortalAdminSite"


class PortalConfig(AppConfig):
    """Comes last in INSTALLED_APPS: after every migration the runtime role gets its privileges."""

    name = "config"
    verbose_name = "系统"

    def ready(self):
        from django.conf import settings
        from django.contrib import admin
        from knox.models import AuthToken

        from config.roles import grant_privileges

        settings.FILE_UPLOAD_TEMP_DIR.mkdir(parents=True, exist_ok=True)

        # It would let officers make tokens in other people's names.
        admin.site.unregister(AuthToken)

        # Django sends the signal only for apps with models; vouchers is the last of them.
        post_migrate.connect(grant_privileges, sender=apps.get_app_config("vouchers"))
