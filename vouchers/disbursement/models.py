"""Batches of payments to enterprises."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.encryption import EncryptedTextField
from vouchers import workflow
from vouchers.claims.models import Claim


class Batch(models.Model):
    """A disbursement batch (拨付批次). Frozen, its payees and accounts are copies; signed, they are vouched for.

    `digest` is the sha256 over every frozen payee, account and amount: a signature is for exactly those.
    """

    number = models.CharField("批次号", max_length=30, unique=True)
    call = models.ForeignKey("vouchers.Call", models.PROTECT, related_name="+", verbose_name="申报通知")
    approval_reference = models.CharField("批复文号", max_length=100)
    state = models.CharField("状态", max_length=10, choices=workflow.BATCH.choices(), default="open")
    created_at = models.DateTimeField("编制时间")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="编制人")
    frozen_at = models.DateTimeField("封存时间", null=True)
    frozen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="封存人"
    )
    digest = models.CharField("封存校验值", max_length=64, blank=True)
    signed_at = models.DateTimeField("签批时间", null=True)
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="签批人"
    )
    released_at = models.DateTimeField("发送时间", null=True)
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="发送人"
    )

    class Meta:
        verbose_name = verbose_name_plural = "拨付批次"
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["open", "cancelled"])
                | (Q(frozen_at__isnull=False, frozen_by__isnull=False) & ~Q(digest="")),
                name="batch_frozen_by_someone",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["signed", "released", "reconciled"])
                | Q(signed_at__isnull=False, signed_by__isnull=False),
                name="batch_signed_by_someone",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["released", "reconciled"])
                | Q(released_at__isnull=False, released_by__isnull=False),
                name="batch_released_by_someone",
            ),
            models.CheckConstraint(
                condition=Q(signed_by__isnull=True) | ~Q(signed_by=F("frozen_by")), name="batch_signed_by_another"
            ),
        ]

    def __str__(self):
        return self.number

    @property
    def papers_subject(self) -> str:
        """What the printed papers are filed under: this batch, as frozen with this digest."""
        return f"batch:{self.pk}:{self.digest[:16]}"


class Payment(models.Model):
    """One payment to one enterprise for one claim, in one batch. Account data are copied when the batch freezes."""

    batch = models.ForeignKey(Batch, models.PROTECT, related_name="payments", verbose_name="批次")
    claim = models.ForeignKey(Claim, models.PROTECT, related_name="payments", verbose_name="申请")
    amount_fen = models.BigIntegerField("拨付金额（分）")
    state = models.CharField("状态", max_length=10, choices=workflow.PAYMENT.choices(), default="prepared")
    bank_account = models.ForeignKey(
        "applicants.BankAccount", models.PROTECT, null=True, related_name="+", verbose_name="账户登记"
    )
    payee_name = models.CharField("收款人", max_length=200, blank=True)
    bank_name = models.CharField("开户银行", max_length=200, blank=True)
    account_number = EncryptedTextField("账号", blank=True)
    account_fingerprint = models.CharField("账号指纹", max_length=64, blank=True, editable=False)
    bank_reference = models.CharField("银行流水号", max_length=60, blank=True)
    bank_message = models.CharField("银行答复", max_length=200, blank=True)
    answered_on = models.DateField("银行答复日期", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "拨付明细"
        ordering = ["batch", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="payment_positive"),
            models.UniqueConstraint(
                fields=["claim"],
                condition=Q(state__in=["prepared", "sent", "paid", "unknown"]),
                name="payment_one_live_a_claim",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["prepared", "dropped"])
                | (~Q(payee_name="") & ~Q(account_fingerprint="") & Q(bank_account__isnull=False)),
                name="payment_sent_to_someone",
            ),
        ]

    def __str__(self):
        return f"{self.batch_id}-{self.pk}"
