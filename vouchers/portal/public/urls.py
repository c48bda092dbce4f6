"""Addresses for anybody."""

from django.urls import path

from vouchers.portal.public import views

urlpatterns = [
    path("", views.home, name="home"),
    path("publicity/", views.publicity, name="publicity"),
    path("publicity/<int:pk>/objection/", views.objection, name="objection"),
    path("policy/", views.policy, name="policy"),
    path("help/", views.guide, name="help"),
    path("verify/", views.verify, name="verify"),
]
