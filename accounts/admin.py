"""Accounts and officers, to look at."""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.models import Group

from accounts.models import Officer, SignInAttempts, User
from audit.admin import ReadOnlyAdmin, masked

# Their own pages would let a superuser change them; permissions here come from roles alone.
for model in (EmailAddress, Authenticator, Group):
    admin.site.unregister(model)


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    """Who can sign in."""

    list_display = ("username", "name", "email", masked("phone", "手机"), "is_active", "last_login")
    list_filter = ("is_active",)
    search_fields = ("username", "name", "email")
    search_help_text = "按用户名、姓名或邮箱查找"
    ordering = ("username",)
    unseen = ("password", "totp_step", "is_staff", "is_superuser")


@admin.register(Officer)
class OfficerAdmin(ReadOnlyAdmin):
    """Who holds which role, and when."""

    list_display = ("user", "role", "district", "valid_from", "valid_until")
    list_filter = ("role", "district")
    list_select_related = ("user",)
    search_fields = ("user__username", "user__name")
    search_help_text = "按用户名或姓名查找"
    ordering = ("user__username", "valid_from")


@admin.register(SignInAttempts)
class SignInAttemptsAdmin(ReadOnlyAdmin):
    """Failures in a row: five lock for half an hour."""

    list_display = ("key", "failures", "last_at")
    list_filter = ("failures",)
    search_fields = ("^key",)
    search_help_text = "按计数对象的开头查找，例如 password:12"
    ordering = ("-last_at",)
