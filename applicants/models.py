"""Organisations and what belongs to them. `services` writes these rows; the walls are in migration 0002.

Days are half-open everywhere: in force from `valid_from` until the day before `valid_until`.
"""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from simple_history.models import HistoricalRecords

from accounts.choices import DISTRICTS
from accounts.encryption import EncryptedTextField, masked_account

CATEGORIES = [
    ("cluster_enterprise", "“465”现代产业集群企业"),
    ("digital_enterprise", "从事数字技术研发及应用的企业"),
    ("research_institute", "科研院所"),
    ("university", "高校"),
    ("other", "其他"),
]
NAME_REASONS = [("registered", "登记"), ("renamed", "更名"), ("merged", "合并")]
MEMBER_ROLES = [("owner", "负责人"), ("clerk", "经办人")]
HOME_CITY = "无锡市"


class Organisation(models.Model):
    """A legal person that may apply, known for ever by its unified social credit code.

    Its names are rows of their own (`OrganisationName`); `selectors.name_on` reads them.
    """

    uscc = models.CharField("统一社会信用代码", max_length=18, unique=True)
    category = models.CharField("单位类型", max_length=20, choices=CATEGORIES)
    city = models.CharField("所在市", max_length=20, default=HOME_CITY)
    district = models.CharField("所属区", max_length=10, choices=DISTRICTS, blank=True)
    address = models.CharField("地址", max_length=200)
    legal_representative = models.CharField("法定代表人", max_length=60)
    contact_name = models.CharField("联系人", max_length=60)
    contact_phone = EncryptedTextField("联系电话", masking="phone")
    contact_email = models.EmailField("联系邮箱", blank=True)
    registered_on = models.DateField("成立日期")
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="absorbed", verbose_name="并入"
    )

    history = HistoricalRecords()

    class Meta:
        verbose_name = verbose_name_plural = "申报单位"
        constraints = [
            models.CheckConstraint(
                name="organisation_category_known", condition=Q(category__in=[value for value, _ in CATEGORIES])
            ),
            # A district of Wuxi for those in Wuxi, none for those outside.
            models.CheckConstraint(
                name="organisation_district_fits_city",
                condition=Q(city=HOME_CITY, district__in=[value for value, _ in DISTRICTS])
                | (~Q(city=HOME_CITY) & Q(district="")),
            ),
            models.CheckConstraint(
                name="organisation_not_merged_into_itself", condition=Q(merged_into=None) | ~Q(merged_into=F("id"))
            ),
        ]

    def __str__(self) -> str:
        return getattr(self, "current_name", None) or self.uscc


class OrganisationName(models.Model):
    """What an organisation was called, and when. One name a day (`organisation_one_name_a_day`)."""

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="names", verbose_name="单位")
    name = models.CharField("名称", max_length=120)
    valid_from = models.DateField("启用日")
    valid_until = models.DateField("停用日", null=True, blank=True, help_text="当日起不再使用")
    why = models.CharField("缘由", max_length=10, choices=NAME_REASONS)
    document = models.CharField("依据", max_length=200, blank=True)

    history = HistoricalRecords()

    class Meta:
        verbose_name = verbose_name_plural = "单位名称"
        constraints = [
            models.CheckConstraint(name="organisation_name_not_empty", condition=~Q(name="")),
            models.CheckConstraint(
                name="organisation_name_days_in_order",
                condition=Q(valid_until=None) | Q(valid_until__gt=F("valid_from")),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A user acting for an organisation, as its owner or as a clerk."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="用户")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="memberships", verbose_name="单位")
    role = models.CharField("身份", max_length=10, choices=MEMBER_ROLES)
    since = models.DateField("加入日")
    until = models.DateField("退出日", null=True, blank=True, help_text="当日起不再代表本单位")

    history = HistoricalRecords()

    class Meta:
        verbose_name = verbose_name_plural = "单位成员"
        constraints = [
            models.UniqueConstraint(
                fields=["user", "organisation"], condition=Q(until=None), name="membership_once_at_a_time"
            ),
            models.CheckConstraint(
                name="membership_role_known", condition=Q(role__in=[value for value, _ in MEMBER_ROLES])
            ),
            models.CheckConstraint(name="membership_days_in_order", condition=Q(until=None) | Q(until__gte=F("since"))),
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.get_role_display()}"


class BankAccount(models.Model):
    """The corporate account (对公账户) that grants are paid to; one at a time for each organisation.

    `number` is ciphertext in the database and in history; `fingerprint` tells equal numbers apart from
    others without opening them. The holder's name (户名) equals the organisation's when the account is set.
    """

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="accounts", verbose_name="单位")
    holder_name = models.CharField("户名", max_length=120)
    bank_name = models.CharField("开户银行", max_length=120)
    branch = models.CharField("开户网点", max_length=120, blank=True)
    number = EncryptedTextField("账号", masking="account")
    fingerprint = models.CharField("账号指纹", max_length=64, db_index=True, editable=False)
    corporate = models.BooleanField("对公账户", default=True)
    valid_from = models.DateField("启用日")
    valid_until = models.DateField("停用日", null=True, blank=True, help_text="当日起不再使用")

    history = HistoricalRecords()

    class Meta:
        verbose_name = verbose_name_plural = "收款账户"
        constraints = [
            models.CheckConstraint(name="bank_account_is_corporate", condition=Q(corporate=True)),
            models.CheckConstraint(
                name="bank_account_days_in_order",
                condition=Q(valid_until=None) | Q(valid_until__gte=F("valid_from")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.bank_name} {masked_account(self.number)}"


class Sanction(models.Model):
    """An entry of a list of the dishonest (失信), by credit code: it may name bodies unknown here."""

    uscc = models.CharField("统一社会信用代码", max_length=18, db_index=True)
    list_name = models.CharField("名单", max_length=120)
    reason = models.CharField("事由", max_length=300)
    source = models.CharField("来源", max_length=200)
    listed_on = models.DateField("列入日")
    lifted_on = models.DateField("移出日", null=True, blank=True)

    history = HistoricalRecords()

    class Meta:
        verbose_name = verbose_name_plural = "失信记录"
        constraints = [
            models.UniqueConstraint(
                fields=["uscc", "list_name"], condition=Q(lifted_on=None), name="sanction_once_at_a_time"
            ),
            models.CheckConstraint(
                name="sanction_days_in_order", condition=Q(lifted_on=None) | Q(lifted_on__gte=F("listed_on"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.uscc} {self.list_name}"
