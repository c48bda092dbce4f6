"""What finance does to a year's money: orders that two people sign, and the shares of a settlement."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from vouchers import workflow
from vouchers.claims.models import Claim
from vouchers.ledger.kinds import ADJUST_REASONS
from vouchers.money import grouped

KINDS = [
    ("fund", "拨入资金"),
    ("top_up", "追加资金"),
    ("adjust", "调整"),
    ("recover", "追回"),
    ("settle", "按比例结算"),
    ("close", "年度结账"),
]


class Order(models.Model):
    """One thing to be done with a year's money (资金办理单). One officer prepares it, another signs it; then it is done.

    `amount_fen` is what is brought in, added, adjusted (less where negative), recovered, given out by a settlement, or carried to
    `to_year` at the close. `citation` is the document or the explanation that it rests on; `figures` what its preparer
    saw, and `digest` stands for every share of a settlement. Triggers keep it (migrations 0011 and 0018).
    """

    number = models.CharField("办理单号", max_length=30, unique=True)
    kind = models.CharField("事项", max_length=10, choices=KINDS)
    scheme = models.CharField("券种", max_length=40)
    fiscal_year = models.PositiveSmallIntegerField("财政年度")
    amount_fen = models.BigIntegerField("金额（分）")
    reason = models.CharField("调整原因", max_length=20, blank=True, choices=list(ADJUST_REASONS.items()))
    citation = models.CharField("依据或说明", max_length=500)
    organisation = models.ForeignKey(
        "applicants.Organisation", models.PROTECT, null=True, related_name="+", verbose_name="单位"
    )
    payment = models.ForeignKey(
        "vouchers.Payment", models.PROTECT, null=True, related_name="orders", verbose_name="原拨付"
    )  # fmt: skip
    window_until = models.DateField("申报截止", null=True)
    to_year = models.PositiveSmallIntegerField("结转至年度", null=True)
    figures = models.JSONField("编制时的数字", default=dict)
    digest = models.CharField("分配校验值", max_length=64, blank=True)
    state = models.CharField("状态", max_length=10, choices=workflow.ORDER.choices(), default="prepared")
    prepared_at = models.DateTimeField("编制时间")
    prepared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="编制人"
    )  # fmt: skip
    signed_at = models.DateTimeField("签批时间", null=True)
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="签批人"
    )
    done_at = models.DateTimeField("办结时间", null=True)
    event = models.OneToOneField(
        "vouchers.ClaimEvent", models.PROTECT, null=True, related_name="+", verbose_name="办理记录"
    )
    outcome = models.CharField("结果", max_length=500, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "资金办理单"
        ordering = ["-prepared_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(citation=""), name="order_cites"),
            models.CheckConstraint(condition=~Q(signed_by=F("prepared_by")), name="order_signed_by_another"),
            models.CheckConstraint(
                condition=Q(state__in=["prepared", "withdrawn"]) | Q(signed_by__isnull=False, signed_at__isnull=False),
                name="order_signed_by_someone",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["fund", "top_up", "recover"], amount_fen__gt=0)
                | Q(kind="adjust") & ~Q(amount_fen=0)
                | Q(kind__in=["settle", "close"], amount_fen__gte=0),
                name="order_amount_of_its_kind",
            ),
            models.CheckConstraint(
                condition=(Q(kind="adjust") & ~Q(reason="")) | (~Q(kind="adjust") & Q(reason="", organisation=None)),
                name="order_adjusts_for_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(kind="recover", payment__isnull=False) | ~Q(kind="recover") & Q(payment=None, event=None),
                name="order_recovers_a_payment",
            ),
            models.CheckConstraint(
                condition=Q(kind="settle", window_until__isnull=False) & ~Q(digest="")
                | ~Q(kind="settle") & Q(window_until=None, digest=""),
                name="order_settles_a_window",
            ),
            models.CheckConstraint(
                condition=Q(kind="close", to_year__gt=F("fiscal_year"))
                | Q(kind="close", to_year=None, amount_fen=0)
                | ~Q(kind="close") & Q(to_year=None),
                name="order_carries_to_a_later_year",
            ),
            models.UniqueConstraint(
                fields=["scheme", "fiscal_year", "kind"],
                condition=Q(kind__in=["fund", "settle", "close"], state__in=["prepared", "signed"]),
                name="order_one_at_a_time",
            ),
            models.UniqueConstraint(
                fields=["scheme", "fiscal_year", "window_until"],
                condition=Q(kind="settle", state="done"),
                name="order_settles_once",
            ),
            models.UniqueConstraint(
                fields=["scheme", "fiscal_year"], condition=Q(kind="close", state="done"), name="order_closes_once"
            ),
        ]

    def __str__(self):
        return self.number


class SettlementShare(models.Model):
    """What one claim asked for and got in one settlement. Rows are only ever added.

    `asked_fen` is its amount within its applicant's cap; `dropped`: what it would have got was below the minimum.
    """

    order = models.ForeignKey(Order, models.PROTECT, related_name="shares", verbose_name="结算")
    claim = models.ForeignKey(Claim, models.PROTECT, related_name="shares", verbose_name="申请")
    asked_fen = models.BigIntegerField("应安排（分）")
    share_fen = models.BigIntegerField("分得（分）")
    dropped = models.BooleanField("低于最低补助额", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "结算份额"
        ordering = ["order", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["order", "claim"], name="share_once"),
            models.CheckConstraint(
                condition=Q(share_fen__gte=0, share_fen__lte=F("asked_fen")), name="share_within_asked"
            ),
            models.CheckConstraint(condition=Q(dropped=False) | Q(share_fen=0), name="share_dropped_is_nothing"),
        ]

    def __str__(self):
        return f"分得 {grouped(self.share_fen)} 元"
