"""Calls and the days on which the bureau works."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from simple_history.models import HistoricalRecords

TAX_BASES = [("paid", "实际支付（含税）"), ("incl_tax", "发票价税合计"), ("excl_tax", "不含税金额")]
SHORTAGES = [
    ("waitlist", "按提交顺序轮候"),
    ("first_come", "先到先得，额满为止"),
    ("pro_rata", "申报期满后按比例结算"),
]
RECOVERED_TO = [("pool", "退回本年度资金池"), ("treasury", "上缴财政")]
# By which day a cost belongs to a year, and so to its caps (vouchers.rules.clauses.counted_day).
CAP_YEARS = [
    ("paid", "按付款日"),
    ("invoiced", "按开票日"),
    ("service", "按服务期"),
    ("signed", "按合同签订日"),
    ("filed", "按申报日"),
]
ROUNDING_UNITS = [(1, "分"), (10, "角"), (100, "元（0.0001 万元）"), (10_000, "百元（0.01 万元）"), (1_000_000, "万元")]
ROUNDING_MODES = [("down", "舍去尾数"), ("half_up", "四舍五入"), ("up", "进位")]
ROUNDING_PLACES = [("line", "逐行取整"), ("total", "合计取整")]
ALLOCATIONS = [
    ("", "不分摊到行"),
    ("filed", "按申报顺序"),
    ("high_first", "先保高比例"),
    ("low_first", "先保低比例"),
    ("proportional", "各行同比例"),
]
PRORATIONS = [("", "不按天数折算"), ("exclusive", "按天数折算（首尾相减）"), ("inclusive", "按天数折算（首尾都计）")]


class Call(models.Model):
    """One version of the notice that opens a scheme's fiscal year.

    Every figure lies inside the law (`calls.services.publish` refuses what exceeds it). Once a claim has been
    submitted under a version the version is frozen: a trigger refuses any change.
    """

    scheme = models.CharField("券种", max_length=40)
    fiscal_year = models.PositiveSmallIntegerField("财政年度")
    version = models.PositiveSmallIntegerField("版本", default=1)
    title = models.CharField("通知名称", max_length=200)
    citation = models.CharField("文号", max_length=200)
    law_id = models.CharField("政策版本", max_length=40)

    appropriation_fen = models.BigIntegerField("资金总额（分）", validators=[MinValueValidator(1)])
    annual_cap_fen = models.BigIntegerField("单位年度上限（分）", validators=[MinValueValidator(1)])
    local_rate = models.DecimalField("本市算力补助比例", max_digits=5, decimal_places=4)
    external_rate = models.DecimalField("外地算力补助比例", max_digits=5, decimal_places=4)
    tax_basis = models.CharField("费用口径", max_length=10, choices=TAX_BASES, default="paid")
    spend_from = models.DateField("费用发生起")
    spend_until = models.DateField("费用发生止")
    filing_from = models.DateField("申报开始")
    filing_until = models.DateField("申报截止")
    excludes_related_party = models.BooleanField("不支持关联方交易", default=True)
    excludes_subsidised_elsewhere = models.BooleanField("不支持已获其他补助的费用", default=True)

    cap_year = models.CharField("费用归属年度", max_length=8, choices=CAP_YEARS, default="paid")
    minimum_spend_fen = models.BigIntegerField("最低费用（分）", default=0, help_text="不足的不予补助；0 表示不限")
    minimum_grant_fen = models.BigIntegerField("最低补助额（分）", default=0, help_text="不足的不予补助；0 表示不限")
    rounding_unit_fen = models.PositiveIntegerField("取整单位", choices=ROUNDING_UNITS, default=1)
    rounding_mode = models.CharField("取整方式", max_length=8, choices=ROUNDING_MODES, default="down")
    rounding_at = models.CharField("取整环节", max_length=6, choices=ROUNDING_PLACES, default="line")
    allocation = models.CharField("限额跨比例时的分摊", max_length=12, choices=ALLOCATIONS, blank=True, default="")
    proration = models.CharField("跨期合同", max_length=10, choices=PRORATIONS, blank=True, default="")
    within_contract = models.BooleanField("费用不超过合同金额", default=False)
    class_rates = models.JSONField("其他比例档次", blank=True, default=dict, help_text='例如 {"startup": "0.60"}')
    contract_cap_fen = models.BigIntegerField("单份合同上限（分）", null=True, blank=True)
    claim_cap_fen = models.BigIntegerField("单次申请上限（分）", null=True, blank=True)
    years_cap_fen = models.BigIntegerField("多年累计上限（分）", null=True, blank=True)
    excludes_schemes = models.JSONField("互斥项目", blank=True, default=list, help_text='例如 ["negotiated_compute"]')

    shortage = models.CharField("资金不足时", max_length=12, choices=SHORTAGES, default="waitlist")
    publicity_days = models.PositiveSmallIntegerField("公示工作日", default=5)
    correction_days = models.PositiveSmallIntegerField("补正工作日", default=10)
    appeal_days = models.PositiveSmallIntegerField("申请复核工作日", default=10)
    second_approval_above_fen = models.BigIntegerField("超过此金额须二次审批（分）", default=50_000_000)
    recovered_to = models.CharField("追回资金去向", max_length=10, choices=RECOVERED_TO, default="pool")
    recovery_restores_cap = models.BooleanField("追回后恢复年度额度", default=False)

    published_at = models.DateTimeField("发布时间", null=True, editable=False)
    frozen_at = models.DateTimeField("冻结时间", null=True, editable=False)
    history = HistoricalRecords(verbose_name="申报通知修改记录")

    class Meta:
        verbose_name = verbose_name_plural = "申报通知"
        ordering = ["-fiscal_year", "scheme", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["scheme", "fiscal_year", "version"], name="call_version_once"),
            models.CheckConstraint(
                condition=Q(appropriation_fen__gt=0, annual_cap_fen__gt=0, second_approval_above_fen__gte=0),
                name="call_amounts_positive",
            ),
            models.CheckConstraint(
                condition=Q(local_rate__gte=0, local_rate__lte=1, external_rate__gte=0, external_rate__lte=1),
                name="call_rates_are_shares",
            ),
            models.CheckConstraint(
                condition=Q(minimum_spend_fen__gte=0, minimum_grant_fen__gte=0, rounding_unit_fen__gte=1),
                name="call_minimums_not_negative",
            ),
            models.CheckConstraint(
                condition=(Q(contract_cap_fen=None) | Q(contract_cap_fen__gte=0))
                & (Q(claim_cap_fen=None) | Q(claim_cap_fen__gte=0))
                & (Q(years_cap_fen=None) | Q(years_cap_fen__gte=0)),
                name="call_caps_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(spend_from__lte=F("spend_until"), filing_from__lte=F("filing_until")),
                name="call_windows_in_order",
            ),
        ]

    def __str__(self):
        return f"{self.title}（第 {self.version} 版）"


class Holiday(models.Model):
    """A day that differs from the plain week: a holiday, or a weekend day that is worked."""

    day = models.DateField("日期", unique=True)
    is_workday = models.BooleanField("上班", default=False)
    name = models.CharField("名称", max_length=40)
    history = HistoricalRecords(verbose_name="节假日修改记录")

    class Meta:
        verbose_name = verbose_name_plural = "节假日与调休"
        ordering = ["day"]

    def __str__(self):
        return f"{self.day} {self.name}"
