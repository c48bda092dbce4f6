"""Addresses of finance and audit; they stand under `admin/` in its namespace."""

from vouchers.admin.desk.urls import page
from vouchers.admin.finance import views, watching

urlpatterns = [
    page("batches/", views.batches, "batches"),
    page("batches/open/", views.open_batch, "batch_open"),
    page("batches/<int:pk>/", views.batch, "batch"),
    page("batches/<int:pk>/total/", views.batch_total, "batch_total"),
    page("batches/<int:pk>/do/<slug:step>/", views.batch_do, "batch_do"),
    page("batches/<int:pk>/papers/", views.batch_papers, "batch_papers"),
    page("batches/<int:pk>/papers/<int:document>/", views.batch_paper, "batch_paper"),
    page("batches/<int:pk>/letters.zip", views.batch_letters, "batch_letters"),
    page("books/", watching.books, "books"),
    page("books/account/", watching.account, "account"),
    page("books/ledger/", watching.ledger, "ledger"),
    page("books/check/", watching.check, "check"),
    page("books/check/progress/", watching.check_progress, "check_progress"),
    page("trail/", watching.trail, "trail"),
]
