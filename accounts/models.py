"""Users, officers, and the attempts to sign in."""

from django.contrib.auth.models import AbstractUser
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower
from simple_history.models import HistoricalRecords

from accounts.choices import DISTRICTS, ROLES
from accounts.encryption import EncryptedTextField
from accounts.errors import BadUsername

USERNAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{1,63}$"


class User(AbstractUser):
    """Someone who signs in: a member of an organisation or an officer.

    Usernames hold no “@”, so none can be mistaken for an e-mail address; they and e-mail addresses are
    unique whatever their case. `totp_step` is the last 30-second step whose code was spent: a code
    works once (RFC 6238, 5.2).
    """

    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    username = models.CharField(
        "用户名",
        max_length=64,
        unique=True,
        validators=[RegexValidator(USERNAME_PATTERN, BadUsername.message)],
        error_messages={"unique": "这个用户名已经有人使用。"},
    )
    name = models.CharField("姓名", max_length=60)
    email = models.EmailField("邮箱", blank=True)
    phone = EncryptedTextField("手机", blank=True, masking="phone")
    totp_step = models.BigIntegerField("动态码步数", default=0, editable=False)

    history = HistoricalRecords(excluded_fields=["password", "last_login", "totp_step"])

    REQUIRED_FIELDS = ["name", "email"]

    class Meta:
        verbose_name = "用户"
        verbose_name_plural = "用户"
        constraints = [
            models.UniqueConstraint(Lower("username"), name="username_unique_in_any_case"),
            models.UniqueConstraint(Lower("email"), name="email_unique_in_any_case", condition=models.Q(email__gt="")),
            models.CheckConstraint(name="username_is_plain", condition=models.Q(username__regex=USERNAME_PATTERN)),
        ]

    def __str__(self) -> str:
        return f"{self.name}（{self.username}）" if self.name else self.username

    def get_full_name(self) -> str:
        return self.name or self.username

    def get_short_name(self) -> str:
        return self.get_full_name()


class Officer(models.Model):
    """A user's role in the bureau, in force from `valid_from` until the day before `valid_until`.

    No district means the whole city. One EXCLUDE constraint (migration 0002, `officer_roles_apart`)
    refuses, for overlapping days of one user: two of the three administrators, an administrator beside
    any business role, and the same business role twice. Which duties of one claim must be different
    people is judged per claim, elsewhere.
    """

    user = models.ForeignKey(User, models.PROTECT, related_name="offices", verbose_name="用户")
    role = models.CharField("岗位", max_length=20, choices=ROLES)
    district = models.CharField("所属区", max_length=10, choices=DISTRICTS, blank=True)
    valid_from = models.DateField("生效日")
    valid_until = models.DateField("失效日", null=True, blank=True, help_text="当日起失效；空着表示长期有效")

    history = HistoricalRecords()

    class Meta:
        verbose_name = "工作人员"
        verbose_name_plural = "工作人员"
        constraints = [
            models.CheckConstraint(
                name="officer_role_known", condition=models.Q(role__in=[value for value, _ in ROLES])
            ),
            models.CheckConstraint(
                name="officer_district_known",
                condition=models.Q(district__in=["", *(value for value, _ in DISTRICTS)]),
            ),
            models.CheckConstraint(
                name="officer_days_in_order",
                condition=models.Q(valid_until=None) | models.Q(valid_until__gte=models.F("valid_from")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.get_role_display()} {self.district or '全市'}"


class SignInAttempts(models.Model):
    """Failures in a row against one account's password or one user's codes (see `throttle`).

    Moments are the machine's own: a moved clock must not unlock an account.
    """

    key = models.CharField(max_length=80, primary_key=True)
    failures = models.PositiveSmallIntegerField()
    last_at = models.DateTimeField()

    class Meta:
        verbose_name = "登录失败计数"
        verbose_name_plural = "登录失败计数"

    def __str__(self) -> str:
        return self.key
