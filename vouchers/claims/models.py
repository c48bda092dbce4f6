"""Vouchers and claims. Their `state` is written by `vouchers.review` alone."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from vouchers import workflow

MEMBER = settings.AUTH_USER_MODEL


class Voucher(models.Model):
    """A compute voucher (算力券): named, non-transferable, one for each applicant, scheme and fiscal year.

    It holds no money of its own; its face is the room left under the applicant's annual cap.
    """

    organisation = models.ForeignKey(
        "applicants.Organisation", models.PROTECT, related_name="+", verbose_name="申领单位"
    )
    call = models.ForeignKey("vouchers.Call", models.PROTECT, related_name="+", verbose_name="申报通知")
    scheme = models.CharField("券种", max_length=40)
    fiscal_year = models.PositiveSmallIntegerField("财政年度")
    serial_number = models.CharField("券号", max_length=30, unique=True)
    purpose = models.CharField("算力用途", max_length=500)
    state = models.CharField("状态", max_length=10, choices=workflow.VOUCHER.choices(), default="applied")
    version = models.PositiveIntegerField("办理版本", default=0, editable=False)
    applied_at = models.DateTimeField("申领时间")

    class Meta:
        verbose_name = verbose_name_plural = "算力券"
        ordering = ["-applied_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "scheme", "fiscal_year"],
                condition=~Q(state="refused"),
                name="voucher_one_a_year",
            ),
        ]

    def __str__(self):
        return self.serial_number


class Claim(models.Model):
    """A claim for payment (兑付申请) under an issued voucher.

    Of a case-by-case scheme it is for one `tranche` of an agreement. `granted_fen` is what the latest decision grants; `queue_number` is the order of first complete submission,
    and `waiting` says that the pool could not yet give it. What is held or paid stands in the ledger only.
    """

    voucher = models.ForeignKey(Voucher, models.PROTECT, related_name="claims", verbose_name="算力券")
    # The unique constraint that papers refer to begins with it.
    organisation = models.ForeignKey(
        "applicants.Organisation", models.PROTECT, related_name="+", verbose_name="单位", db_index=False
    )
    call = models.ForeignKey("vouchers.Call", models.PROTECT, related_name="+", verbose_name="申报通知")
    tranche = models.ForeignKey(
        "vouchers.Tranche", models.PROTECT, null=True, blank=True, related_name="claims", verbose_name="协议期次"
    )
    number = models.CharField("申请编号", max_length=30, unique=True)
    state = models.CharField("状态", max_length=14, choices=workflow.CLAIM.choices(), default="draft")
    version = models.PositiveIntegerField("办理版本", default=0, editable=False)
    computed_fen = models.BigIntegerField("测算额（分）", default=0)
    granted_fen = models.BigIntegerField("核定额（分）", default=0)
    queue_number = models.PositiveBigIntegerField("提交顺序号", null=True, editable=False)
    waiting = models.BooleanField("轮候中", default=False)
    created_at = models.DateTimeField("创建时间")
    submitted_at = models.DateTimeField("首次提交时间", null=True, editable=False)
    declared_by = models.ForeignKey(MEMBER, models.PROTECT, null=True, related_name="+", verbose_name="承诺人")
    declared_at = models.DateTimeField("承诺时间", null=True)
    correction_due = models.DateField("补正期限", null=True, editable=False)
    publicised_until = models.DateField("公示截止", null=True, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "兑付申请"
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["state"], name="claims_by_state"),
            models.Index(fields=["call", "queue_number"], condition=Q(waiting=True), name="claims_waiting_in_order"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["organisation", "id"], name="claim_of_organisation"),
            models.UniqueConstraint(
                fields=["tranche"], condition=~Q(state__in=workflow.CLOSED_UNPAID), name="claim_one_a_tranche"
            ),
            models.CheckConstraint(
                condition=Q(granted_fen__gte=0, granted_fen__lte=F("computed_fen")), name="claim_grant_within_computed"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "discarded"])
                | Q(queue_number__isnull=False, submitted_at__isnull=False),
                name="claim_submitted_has_its_order",
            ),
            models.CheckConstraint(
                condition=Q(waiting=False) | Q(state__in=workflow.AWAITING_MONEY), name="claim_waits_only_while_alive"
            ),
            models.CheckConstraint(
                condition=~Q(state="returned") | Q(correction_due__isnull=False), name="claim_returned_has_deadline"
            ),
            models.CheckConstraint(
                condition=~Q(state="publicised") | Q(publicised_until__isnull=False), name="claim_publicised_has_end"
            ),
        ]

    def __str__(self):
        return self.number


class FilingQueue(models.Model):
    """The order of first complete submission in one scheme's fiscal year.

    Its row is locked before a number is drawn and money is asked for, so that number and money come in one order.
    `closed_at`: a `first_come` call's pool was spent, and nobody can file any more.
    """

    scheme = models.CharField("券种", max_length=40)
    fiscal_year = models.PositiveSmallIntegerField("财政年度")
    last_number = models.PositiveBigIntegerField("最后顺序号", default=0)
    closed_at = models.DateTimeField("额满截止时间", null=True, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "提交顺序"
        constraints = [models.UniqueConstraint(fields=["scheme", "fiscal_year"], name="queue_one_a_year")]

    def __str__(self):
        return f"{self.scheme} {self.fiscal_year}"
