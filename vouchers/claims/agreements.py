"""What the bureau agreed with one enterprise (一事一议), and the tranches in which it is paid.

Written by `vouchers.review.negotiated` alone. Once an agreement has left its draft it changes no more, but for who approved
it and whether it ended; triggers keep that, and that tranches never exceed the grant.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from simple_history.models import HistoricalRecords

OFFICER = settings.AUTH_USER_MODEL
STATES = [
    ("drafted", "待审批"),
    ("approved_once", "待第二人审批"),
    ("in_force", "已生效"),
    ("refused", "未通过"),
    ("ended", "已终止"),
]


class Agreement(models.Model):
    """One agreement: the cost, the rate and the grant that were negotiated, and the document that approves it.

    `exception` is the written reason for a rate above what the law allows 原则上; then a second approver is needed.
    `cost_fen` is the cost of construction, or the compute fees, that the grant is a share of.
    """

    organisation = models.ForeignKey("applicants.Organisation", models.PROTECT, related_name="+", verbose_name="单位")
    scheme = models.CharField("项目", max_length=40)
    fiscal_year = models.PositiveSmallIntegerField("签订年度")
    number = models.CharField("协议编号", max_length=30, unique=True)
    title = models.CharField("项目名称", max_length=200)
    reference = models.CharField("批准文号", max_length=200)
    cost_fen = models.BigIntegerField("成本（费用）（分）")
    rate = models.DecimalField("约定比例", max_digits=5, decimal_places=4)
    grant_fen = models.BigIntegerField("补贴总额（分）")
    exception = models.TextField("超出原则上限的理由", blank=True)
    state = models.CharField("状态", max_length=14, choices=STATES, default="drafted")
    version = models.PositiveIntegerField("办理版本", default=0, editable=False)
    made_by = models.ForeignKey(OFFICER, models.PROTECT, related_name="+", verbose_name="经办人")
    made_at = models.DateTimeField("录入时间")
    approved_by = models.ForeignKey(OFFICER, models.PROTECT, null=True, related_name="+", verbose_name="审批人")
    approved_at = models.DateTimeField("审批时间", null=True)
    second_by = models.ForeignKey(OFFICER, models.PROTECT, null=True, related_name="+", verbose_name="第二审批人")
    second_at = models.DateTimeField("第二次审批时间", null=True)
    closing_reason = models.TextField("未通过或终止的理由", blank=True)
    history = HistoricalRecords(verbose_name="协议修改记录")

    class Meta:
        verbose_name = verbose_name_plural = "一事一议协议"
        ordering = ["-made_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(cost_fen__gt=0, grant_fen__gt=0, grant_fen__lte=F("cost_fen"), rate__gt=0, rate__lte=1),
                name="agreement_grant_within_cost",
            ),
            models.CheckConstraint(
                condition=~Q(state="in_force") | Q(approved_by__isnull=False), name="agreement_in_force_is_approved"
            ),
            models.CheckConstraint(
                condition=~Q(state="in_force") | Q(exception="") | Q(second_by__isnull=False),
                name="agreement_exception_has_two_approvers",
            ),
            models.CheckConstraint(
                condition=(Q(approved_by=None) | ~Q(approved_by=F("made_by")))
                & (Q(second_by=None) | ~Q(second_by=F("made_by")) & ~Q(second_by=F("approved_by"))),
                name="agreement_by_different_people",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["refused", "ended"]) | ~Q(closing_reason=""),
                name="agreement_closed_with_a_reason",
            ),
        ]

    def __str__(self):
        return f"{self.number} {self.title}"


class Tranche(models.Model):
    """One part of an agreement's grant, paid by a claim of its own when its condition is met."""

    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="tranches", verbose_name="协议")
    position = models.PositiveSmallIntegerField("期次")
    amount_fen = models.BigIntegerField("最高金额（分）")
    condition = models.CharField("拨付条件", max_length=300)

    class Meta:
        verbose_name = verbose_name_plural = "协议期次"
        ordering = ["agreement", "position"]
        constraints = [
            models.UniqueConstraint(fields=["agreement", "position"], name="tranche_position_once"),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="tranche_positive"),
        ]

    def __str__(self):
        return f"{self.agreement_id} 第 {self.position} 期"
