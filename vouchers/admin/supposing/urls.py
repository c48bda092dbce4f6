"""Addresses of the what-if page."""

from vouchers.admin.desk.urls import page
from vouchers.admin.supposing import views

urlpatterns = [page("what-if/", views.what_if_page, "what_if")]
