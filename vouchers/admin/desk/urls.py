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
    page("claims/<int:pk>/files/<int:file>/pages/<int:page>.png", views.claim_page, "claim_page"),
    page("claims/<int:pk>/invoices/<int:invoice>/verify/", views.verify, "claim_verify"),
    page("claims/<int:pk>/invoices/<int:invoice>/waive/", views.waive, "claim_waive"),
    page(
        "claims/<int:pk>/invoices/<int:invoice>/letters/<int:letter>/withdraw/",
        views.withdraw_letter,
        "claim_letter_withdraw",
    ),
    page("claims/<int:pk>/waivers/<int:waiver>/agree/", views.agree, "claim_waiver_agree"),
    page("claims/<int:pk>/checks/<int:check>/picture/", views.check_picture, "claim_check_picture"),
    page("vouchers-queue/", views.vouchers_queue, "vouchers_queue"),
    page("publicity/", views.publicity, "publicity_desk"),
]
