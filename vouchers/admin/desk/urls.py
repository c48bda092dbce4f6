"""Addresses of the desk; they stand under `admin/` in its namespace, before Django's own pages."""

from django.contrib import admin
from django.urls import path

from vouchers.admin.desk import views


def page(route: str, view, name: str):
    """A page of the officers' site: two factors, an officer's role, and the view's own wall."""
    return path(route, admin.site.admin_view(view), name=name)


urlpatterns = [
    page("", views.home, "index"),
    page("queue/", views.queue, "queue"),
    page("claims/<int:pk>/", views.claim, "claim"),
    page("claims/<int:pk>/do/<slug:verb>/", views.act, "claim_act"),
    page("claims/<int:pk>/cut-preview/", views.cut_preview, "cut_preview"),
    page("claims/<int:pk>/files/<int:file>/", views.claim_file, "claim_file"),
    page("vouchers-queue/", views.vouchers_queue, "vouchers_queue"),
    page("publicity/", views.publicity, "publicity_desk"),
]
