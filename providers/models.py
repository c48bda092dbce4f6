"""Providers on the city's list (入库服务商), where their compute runs, and their price lists.

Days are half-open: in force from `valid_from` until the day before `valid_until`.
"""

from django.db import models
from django.db.models import F, Q
from simple_history.models import HistoricalRecords

from accounts.encryption import EncryptedTextField

SERVICES = [("intelligent", "智能算力"), ("general", "通用算力"), ("super", "超算算力"), ("other", "其他")]
CENTRE_KINDS = [
    ("intelligent", "智算中心"),
    ("super", "超算中心"),
    ("data", "数据中心"),
    ("edge", "边缘节点"),
    ("other", "其他"),
]
HOME_CITY = "无锡市"


class Provider(models.Model):
    """A seller of compute, on the city's list from `listed_from` until the day before `listed_until`."""

    uscc = models.CharField("统一社会信用代码", max_length=18, unique=True)
    name = models.CharField("名称", max_length=120)
    listed_from = models.DateField("入库日")
    listed_until = models.DateField("出库日", null=True, blank=True, help_text="当日起不在库")
    contact_name = models.CharField("联系人", max_length=60, blank=True)
    contact_phone = EncryptedTextField("联系电话", blank=True, masking="phone")
    contact_email = models.EmailField("联系邮箱", blank=True)
    document = models.CharField("依据", max_length=200, blank=True)

    history = HistoricalRecords()

    class Meta:
        verbose_name = verbose_name_plural = "服务商"
        constraints = [
            models.CheckConstraint(
                name="provider_days_in_order",
                condition=Q(listed_until=None) | Q(listed_until__gte=F("listed_from")),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Centre(models.Model):
    """A place where compute runs. `in_wuxi` decides local or external; it cannot contradict `city`."""

    provider = models.ForeignKey(Provider, models.PROTECT, related_name="centres", verbose_name="服务商")
    name = models.CharField("名称", max_length=120)
    kind = models.CharField("类型", max_length=20, choices=CENTRE_KINDS)
    city = models.CharField("所在市", max_length=20)
    in_wuxi = models.BooleanField("在无锡市内")
    address = models.CharField("机房地址", max_length=200)

    history = HistoricalRecords()

    class Meta:
        verbose_name = verbose_name_plural = "算力中心"
        constraints = [
            models.UniqueConstraint(fields=["provider", "name"], name="centre_name_once_a_provider"),
            models.CheckConstraint(
                name="centre_kind_known", condition=Q(kind__in=[value for value, _ in CENTRE_KINDS])
            ),
            models.CheckConstraint(
                name="centre_place_agrees",
                condition=Q(in_wuxi=True, city=HOME_CITY) | (Q(in_wuxi=False) & ~Q(city=HOME_CITY)),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Product(models.Model):
    """One line of a price list: what is sold, by whom, and in which centre it runs.

    The centre may be another provider's: what is sold here may compute elsewhere, so local or external
    is told line by line from the centre (`selectors.location_of`). Prices are in fen for one `unit`.
    """

    provider = models.ForeignKey(Provider, models.PROTECT, related_name="products", verbose_name="服务商")
    centre = models.ForeignKey(Centre, models.PROTECT, related_name="products", verbose_name="算力中心")
    name = models.CharField("名称", max_length=120)
    service = models.CharField("算力类型", max_length=20, choices=SERVICES)
    unit = models.CharField("计量单位", max_length=30)
    price_fen = models.BigIntegerField("单价（分）")
    valid_from = models.DateField("启用日")
    valid_until = models.DateField("停用日", null=True, blank=True, help_text="当日起不再销售")

    history = HistoricalRecords()

    class Meta:
        verbose_name = verbose_name_plural = "算力产品"
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "centre", "name"], condition=Q(valid_until=None), name="product_price_once"
            ),
            models.CheckConstraint(
                name="product_service_known", condition=Q(service__in=[value for value, _ in SERVICES])
            ),
            models.CheckConstraint(name="product_price_positive", condition=Q(price_fen__gt=0)),
            models.CheckConstraint(
                name="product_days_in_order", condition=Q(valid_until=None) | Q(valid_until__gte=F("valid_from"))
            ),
        ]

    def __str__(self) -> str:
        return self.name
