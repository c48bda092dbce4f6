"""Addresses of the API, version 1. Its wall is DRF's: every endpoint asks `walls.ActsForEnterprise`."""

from django.contrib.auth.decorators import login_not_required
from django.urls import path
from drf_spectacular.views import SpectacularAPIView

from vouchers.api import tokens, views


def endpoint(route: str, view, name: str):
    """An endpoint. Django's sign-in page is no answer for a program: DRF says 401 instead."""
    return path(route, login_not_required(view.as_view()), name=name)


urlpatterns = [
    endpoint("schema/", SpectacularAPIView, "api_schema"),
    endpoint("tokens/", tokens.Tokens, "api_tokens"),
    endpoint("tokens/<str:key>/", tokens.Token, "api_token"),
    endpoint("calls/", views.Calls, "api_calls"),
    endpoint("products/", views.Products, "api_products"),
    endpoint("vouchers/", views.Vouchers, "api_vouchers"),
    endpoint("claims/", views.Claims, "api_claims"),
    endpoint("claims/<str:number>/", views.ClaimDetail, "api_claim"),
    endpoint("claims/<str:number>/events/", views.Events, "api_events"),
    endpoint("claims/<str:number>/attachments/", views.Attachments, "api_attachments"),
    endpoint("claims/<str:number>/invoices/", views.Invoices, "api_invoices"),
    endpoint("claims/<str:number>/lines/", views.Lines, "api_lines"),
    endpoint("claims/<str:number>/payments/", views.Payments, "api_payments"),
    endpoint("claims/<str:number>/allocations/", views.Allocations, "api_allocations"),
    endpoint("claims/<str:number>/declaration/", views.Declaration, "api_declaration"),
    endpoint("claims/<str:number>/submission/", views.Submission, "api_submission"),
    endpoint("claims/<str:number>/withdrawal/", views.Withdrawal, "api_withdrawal"),
]
