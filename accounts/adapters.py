"""How allauth behaves here: sign-up is ours, five failures lock, second factors are sealed."""

import time

from allauth.account import app_settings as account_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.utils import build_absolute_uri
from django.core.exceptions import ValidationError
from django.urls import reverse

from accounts import encryption, throttle
from accounts.records import note
from accounts.selectors import is_officer, user_by_login
from accounts.web import client_ip

# The same words for an unknown name and a wrong password.
MISMATCH = "用户名（或邮箱）与密码不符。请检查后重试；连续5次不符，账号锁定30分钟。"
LOCKED = "连续5次不符，账号已锁定。请30分钟后再试；不是您本人所为的，请联系安全管理员。"


class AccountAdapter(DefaultAccountAdapter):
    """Signing in with a user name or e-mail address and a password."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": MISMATCH,
        "email_password_mismatch": MISMATCH,
        "too_many_login_attempts": "从您的网络来的登录尝试太多，请过几分钟再试。",
        "incorrect_password": "密码不对，请重新输入。",
        "enter_current_password": "当前密码不对，请重新输入。",
        "rate_limited": "操作太频繁，请过一会儿再试。",
    }

    def is_open_for_signup(self, request) -> bool:
        """allauth's own sign-up is shut: people register by `accounts.registration`, officers by an administrator."""
        return False

    def send_account_already_exists_mail(self, email: str) -> None:
        """Tell the owner of an address that somebody tried to register with it."""
        url = build_absolute_uri(context.request, reverse("account_login"))
        self.send_mail("account/email/account_already_exists", email, {"sign_in_url": url})

    def pre_authenticate(self, request, **credentials) -> None:
        """Count the attempt before it is judged; raise when the account is locked."""
        super().pre_authenticate(request, **credentials)
        login = credentials.get("email") or credentials.get("username") or ""
        user = user_by_login(login)
        self._attempt = throttle.password_key(user, login)
        if not throttle.may_try(self._attempt):
            _note_attempt("sign_in.locked", request, login)
            raise ValidationError(LOCKED)

    def authenticate(self, request, **credentials):
        """The user whom the credentials belong to, or None. A success forgets earlier failures."""
        user = super().authenticate(request, **credentials)
        if user is not None:
            throttle.succeeded(self._attempt)
        return user

    def authentication_failed(self, request, **credentials) -> None:
        """Record a wrong password or an unknown name, alike."""
        _note_attempt("sign_in.password", request, credentials.get("email") or credentials.get("username") or "")

    def is_reauthentication_required(self, *, app: str, **kwargs) -> bool:
        """No second asking within the first minutes after signing in."""
        request = context.request
        records = get_authentication_records(request, request.user)
        if records and time.time() - records[-1]["at"] < account_settings.REAUTHENTICATION_TIMEOUT:
            return False
        return super().is_reauthentication_required(app=app, **kwargs)


class SecondFactorAdapter(DefaultMFAAdapter):
    """TOTP seeds and recovery seeds are ciphertext in the database; officers keep theirs."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "动态码不对，或者已经用过。请等验证器换出新的6位数字再输入。",
        "cannot_delete_authenticator": "工作人员必须使用动态码，不能停用。换手机请联系安全管理员重置。",
        "cannot_generate_recovery_codes": "请先设置动态码，再生成恢复码。",
    }

    def encrypt(self, text: str) -> str:
        """`text` sealed under the newest field key."""
        return encryption.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Counterpart of `encrypt`; raises DecryptionFailed."""
        return encryption.decrypt(encrypted_text)

    def can_delete_authenticator(self, authenticator) -> bool:
        """Members may give up their second factor, officers may not."""
        return not is_officer(authenticator.user)

    def get_totp_label(self, user) -> str:
        """What the authenticator app calls the account."""
        return user.username


def _note_attempt(action: str, request, login: str) -> None:
    # What was typed may be a password in the wrong field, so an unknown name leaves only its fingerprint.
    user = user_by_login(login)
    subject = f"user:{user.pk}" if user else f"sign-in:{encryption.fingerprint(login.casefold())[:16]}"
    note("anonymous", action, subject, ok=False, ip=client_ip(request))
