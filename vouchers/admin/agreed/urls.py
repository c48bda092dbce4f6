"""Addresses of agreements."""

from vouchers.admin.agreed import views
from vouchers.admin.desk.urls import page

urlpatterns = [
    page("agreements/", views.agreement_list, "agreement_list"),
    page("agreements/new/", views.write_down, "agreement_new"),
    page("agreements/<int:pk>/", views.agreement_page, "agreement"),
    page("agreements/<int:pk>/do/", views.decide, "agreement_do"),
]
