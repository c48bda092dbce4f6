"""The sign-in forms: our words on allauth's forms, codes that work once, attempts that are counted."""

from allauth.account.forms import (
    ChangePasswordForm,
    LoginForm,
    ReauthenticateForm,
    ResetPasswordForm,
    ResetPasswordKeyForm,
)
from allauth.core import context
from allauth.mfa.adapter import get_adapter as get_mfa_adapter
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.base.forms import ReauthenticateForm as CodeReauthenticateForm
from allauth.mfa.internal.flows.add import validate_can_add_authenticator
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from django import forms
from django.contrib.auth.password_validation import password_validators_help_texts
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator

from accounts import throttle
from accounts.adapters import LOCKED
from accounts.models import User
from accounts.records import note
from accounts.second_factor import spend_code
from accounts.web import client_ip


def _word(form, **labels: str) -> None:
    """Our labels, and our look: the templates put label and message around the bare input."""
    for name, label in labels.items():
        field = form.fields[name]
        field.label = label
        field.help_text = ""
        field.error_messages["required"] = f"请填写{label}。"
        field.widget.attrs.pop("placeholder", None)
        field.widget.attrs["class"] = "input"


class SignInForm(LoginForm):
    """User name or e-mail address, and password."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["login"].widget.attrs.update(autocomplete="username", autofocus=True, maxlength=254)
        self.fields["login"].validators.append(MaxLengthValidator(254))
        _word(self, login="用户名或邮箱", password="密码")


class PasswordAgainForm(ReauthenticateForm):
    """The password once more, before something that matters."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        _word(self, password="密码")


class NewPasswordForm(ChangePasswordForm):
    """The old password, and the new one twice."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        _word(self, oldpassword="当前密码", password1="新密码", password2="再输一遍新密码")

    def rules(self) -> list[str]:
        """What the profile in force asks of a password, in words."""
        return password_validators_help_texts()


class LostPasswordForm(ResetPasswordForm):
    """The e-mail address to which the way to a new password is sent. The answer never says whether it is known."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["email"].widget.attrs.update(autocomplete="email", autofocus=True)
        _word(self, email="邮箱")


class AnotherPasswordForm(ResetPasswordKeyForm):
    """The new password, twice."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        _word(self, password1="新密码", password2="再输一遍新密码")

    def rules(self) -> list[str]:
        """What the profile in force asks of a password, in words."""
        return password_validators_help_texts()


class _Code(forms.Form):
    """A six-digit code or a recovery code, counted before it is judged."""

    user: User

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["code"].validators.append(MaxLengthValidator(20))
        self.fields["code"].widget.attrs.update(inputmode="numeric", autofocus=True, maxlength=20)
        _word(self, code="动态码")

    def clean_code(self) -> str:
        """The code, used up. Raises ValidationError when it is wrong, spent, or the account is locked."""
        key = throttle.code_key(self.user)
        if not throttle.may_try(key):
            self._note("sign_in.locked")
            raise ValidationError(LOCKED)
        code = self.cleaned_data["code"]
        if not self._is_right(code):
            self._note("sign_in.code")
            raise get_mfa_adapter().validation_error("incorrect_code")
        throttle.succeeded(key)
        return code

    def _is_right(self, code: str) -> bool:
        for authenticator in Authenticator.objects.filter(user=self.user):
            if authenticator.type == Authenticator.Type.TOTP:
                secret = get_mfa_adapter().decrypt(authenticator.data["secret"])
                right = spend_code(self.user, secret, code)
            else:
                right = authenticator.wrap().validate_code(code)
            if right:
                authenticator.user = self.user
                self.authenticator = authenticator
                return True
        return False

    def _note(self, action: str) -> None:
        note(self.user, action, f"user:{self.user.pk}", ok=False, ip=client_ip(context.request))


class CodeForm(_Code, AuthenticateForm):
    """The code that completes a sign-in."""


class CodeAgainForm(_Code, CodeReauthenticateForm):
    """The code once more, before something that matters."""


class SetUpCodeForm(_Code, ActivateTOTPForm):
    """The first code of a new authenticator: proof that the phone holds the key."""

    def _is_right(self, code: str) -> bool:
        validate_can_add_authenticator(self.user)
        return spend_code(self.user, self.secret, code)
