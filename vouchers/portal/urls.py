"""Every address of the portal, room by room."""

from django.urls import include, path

urlpatterns = [
    path("", include("vouchers.portal.public.urls")),
    path("", include("vouchers.portal.enterprise.urls")),
    path("claims/", include("vouchers.portal.filing.urls")),
]
