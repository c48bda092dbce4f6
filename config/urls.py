"""Every address of the site. Without `login_not_required` a view is for signed-in people only."""

from django.contrib import admin
from django.urls import include, path

from accounts.views import home
from config.health import health

urlpatterns = [
    path("", home, name="home"),
    path("accounts/", include("accounts.urls")),
    path("admin/", admin.site.urls),
    path("health/", health, name="health"),
]
