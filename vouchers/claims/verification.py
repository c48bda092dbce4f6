"""What the tax platform answered about an invoice, and what may stand for its answer. Rows are only ever added."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from vouchers.claims.papers import Invoice
from vouchers.invoices.verifier import MOST_A_DAY, STATUS_LABELS

MEMBER = settings.AUTH_USER_MODEL


class Verification(models.Model):
    """One attempt to ask about an invoice, and its answer. The day's attempts are numbered, at most three.

    `query` is what was asked; `fields` what the platform stated; `raw_sha256` vouches for the raw answer of a machine,
    and the picture for that of a person (its stored name is made by the server).
    """

    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="verifications", verbose_name="发票")
    provider = models.CharField("查验渠道", max_length=20)
    status = models.CharField("查验结果", max_length=12, choices=list(STATUS_LABELS.items()))
    query = models.JSONField("查验内容")
    fields = models.JSONField("平台返回", null=True)
    reference = models.CharField("平台流水号", max_length=60, blank=True)
    raw_sha256 = models.CharField("原始答复校验值", max_length=64, blank=True)
    note = models.CharField("说明", max_length=500, blank=True)
    picture_name = models.CharField("截图文件名", max_length=255, blank=True)
    picture_stored = models.CharField("截图存储名", max_length=100, blank=True, editable=False)
    picture_sha256 = models.CharField("截图校验值", max_length=64, blank=True, editable=False)
    asked_on = models.DateField("查验日期")
    attempt = models.PositiveSmallIntegerField("当日第几次")
    asked_at = models.DateTimeField("查验时间")
    asked_by = models.ForeignKey(MEMBER, models.PROTECT, null=True, related_name="+", verbose_name="查验人")

    class Meta:
        verbose_name = verbose_name_plural = "发票查验记录"
        ordering = ["invoice", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["invoice", "asked_on", "attempt"], name="verification_in_order"),
            models.CheckConstraint(condition=Q(attempt__gte=1, attempt__lte=MOST_A_DAY), name="verification_few_a_day"),
        ]

    def __str__(self):
        return f"{self.get_status_display()} {self.asked_on}"


class VerificationWaiver(models.Model):
    """Why an invoice that the platform did not answer for may be paid: asked for by one officer, agreed by another."""

    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="waivers", verbose_name="发票")
    reason = models.CharField("理由", max_length=500)
    asked_by = models.ForeignKey(MEMBER, models.PROTECT, related_name="+", verbose_name="提出人")
    asked_at = models.DateTimeField("提出时间")
    agreed_by = models.ForeignKey(MEMBER, models.PROTECT, null=True, related_name="+", verbose_name="同意人")
    agreed_at = models.DateTimeField("同意时间", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "免予查验"
        ordering = ["invoice", "-pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="waiver_has_its_reason"),
            models.CheckConstraint(
                condition=Q(agreed_by__isnull=True, agreed_at__isnull=True)
                | (Q(agreed_at__isnull=False) & ~Q(agreed_by=F("asked_by"))),
                name="waiver_agreed_by_another",
            ),
        ]

    def __str__(self):
        return self.reason
