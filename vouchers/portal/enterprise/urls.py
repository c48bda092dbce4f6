"""Addresses of an enterprise's own affairs."""

from django.urls import path

from vouchers.portal.enterprise import joining, tokens, views

urlpatterns = [
    path("start/", joining.start, name="start"),
    path("register/", joining.register, name="register"),
    path("register/sent/", joining.registered, name="registered"),
    path("register/again/", joining.send_again, name="confirmation_again"),
    path("enterprise/register/", joining.register_enterprise, name="enterprise_register"),
    path("enterprise/", views.profile, name="enterprise"),
    path("enterprise/switch/", views.switch, name="enterprise_switch"),
    path("enterprise/contacts/", views.contacts, name="enterprise_contacts"),
    path("enterprise/account/", views.account, name="enterprise_account"),
    path("enterprise/members/", views.members, name="enterprise_members"),
    path("enterprise/members/<int:pk>/end/", views.end_member, name="enterprise_member_end"),
    path("enterprise/messages/", views.inbox, name="enterprise_messages"),
    path("enterprise/tokens/", tokens.tokens, name="enterprise_tokens"),
    path("enterprise/tokens/<str:key>/end/", tokens.end, name="enterprise_token_end"),
    path("vouchers/apply/", views.voucher_apply, name="voucher_apply"),
]
