"""Addresses of the orders; they stand under `admin/` in its namespace."""

from vouchers.admin.desk.urls import page
from vouchers.admin.funds import views

urlpatterns = [
    page("funds/", views.funds, "funds"),
    page("funds/new/<slug:kind>/", views.fund_new, "fund_new"),
    page("funds/<int:pk>/", views.fund, "fund"),
    page("funds/<int:pk>/do/<slug:step>/", views.fund_do, "fund_do"),
    page("funds/<int:pk>/progress/", views.fund_progress, "fund_progress"),
]
