"""Every address of the site. A view without a wall (`accounts.walls`) is open to nobody."""

from django.contrib import admin
from django.urls import include, path

from config.health import health

urlpatterns = [
    path("", include("vouchers.portal.urls")),
    path("accounts/", include("accounts.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("vouchers.api.urls")),
    path("health/", health, name="health"),
]
