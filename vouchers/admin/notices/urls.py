"""Addresses of the year's calls."""

from vouchers.admin.desk.urls import page
from vouchers.admin.notices import views

urlpatterns = [
    page("calls/", views.call_list, "call_list"),
    page("calls/new/", views.call_new, "call_new"),
    page("calls/<int:pk>/", views.call, "call"),
    page("calls/<int:pk>/publish/", views.call_publish, "call_publish"),
]
