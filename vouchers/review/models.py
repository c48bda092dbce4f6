"""What happened to claims and vouchers, who did it, and what was decided. Rows are only ever added."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from vouchers import workflow
from vouchers.claims.models import Claim, Voucher
from vouchers.money import grouped
from vouchers.rules import BINDINGS

_REASONED = sorted({t.verb for t in workflow.CLAIM.transitions if t.needs_reason})
_VOUCHER_REASONED = sorted({t.verb for t in workflow.VOUCHER.transitions if t.needs_reason})


class ClaimEvent(models.Model):
    """One step of one claim. Triggers keep it: the claim's state is that of its latest event, the runtime role
    cannot change or delete it, and one person never has two duties on a claim."""

    claim = models.ForeignKey(Claim, models.PROTECT, related_name="events", verbose_name="申请")
    version = models.PositiveIntegerField("办理版本")
    verb = models.CharField("操作", max_length=14, choices=list(workflow.CLAIM.verb_labels.items()))
    source = models.CharField("原状态", max_length=14, choices=workflow.CLAIM.choices())
    target = models.CharField("新状态", max_length=14, choices=workflow.CLAIM.choices())
    role = models.CharField("身份", max_length=10, choices=list(workflow.ROLE_LABELS.items()))
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="操作人"
    )
    duty = models.CharField("职责", max_length=20, choices=list(workflow.DUTY_LABELS.items()), blank=True)
    reason = models.TextField("理由", blank=True)
    at = models.DateTimeField("时间")

    class Meta:
        verbose_name = verbose_name_plural = "办理记录"
        ordering = ["claim", "version"]
        constraints = [
            models.UniqueConstraint(fields=["claim", "version"], name="claim_event_in_order"),
            models.CheckConstraint(
                condition=~Q(verb__in=_REASONED) | ~Q(reason=""), name="claim_event_gives_its_reason"
            ),
            models.CheckConstraint(
                condition=Q(role="system", actor__isnull=True) | (~Q(role="system") & Q(actor__isnull=False)),
                name="claim_event_names_its_actor",
            ),
            models.CheckConstraint(condition=~Q(verb="review") | Q(duty="review"), name="claim_event_review_is_a_duty"),
            models.CheckConstraint(
                condition=~Q(verb="approve") | Q(duty__in=["approve", "second_approve"]),
                name="claim_event_approval_is_a_duty",
            ),
            models.CheckConstraint(
                condition=~Q(verb="approve", source="approved_once") | Q(duty="second_approve"),
                name="claim_event_second_approval",
            ),
            models.CheckConstraint(
                condition=~Q(verb="batch") | Q(duty="finance_prepare"), name="claim_event_batch_is_a_duty"
            ),
        ]

    def __str__(self):
        return f"{self.get_verb_display()} → {self.get_target_display()}"


class ClaimDuty(models.Model):
    """Which duty a person has exercised on a claim. Triggers fill it; two duties of one person are refused."""

    claim = models.ForeignKey(Claim, models.PROTECT, related_name="duties", verbose_name="申请")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="人员")
    duty = models.CharField("职责", max_length=20, choices=list(workflow.DUTY_LABELS.items()))

    class Meta:
        verbose_name = verbose_name_plural = "办理职责"
        constraints = [
            models.UniqueConstraint(fields=["claim", "user"], name="one_duty_a_person_and_claim"),
            models.UniqueConstraint(fields=["claim", "user", "duty"], name="duty_recorded_once"),
        ]

    def __str__(self):
        return str(self.get_duty_display())


class VoucherEvent(models.Model):
    """One step of one voucher."""

    voucher = models.ForeignKey(Voucher, models.PROTECT, related_name="events", verbose_name="算力券")
    version = models.PositiveIntegerField("办理版本")
    verb = models.CharField("操作", max_length=14, choices=list(workflow.VOUCHER.verb_labels.items()))
    source = models.CharField("原状态", max_length=14, choices=workflow.VOUCHER.choices())
    target = models.CharField("新状态", max_length=14, choices=workflow.VOUCHER.choices())
    role = models.CharField("身份", max_length=10, choices=list(workflow.ROLE_LABELS.items()))
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="操作人"
    )
    reason = models.TextField("理由", blank=True)
    at = models.DateTimeField("时间")

    class Meta:
        verbose_name = verbose_name_plural = "券办理记录"
        ordering = ["voucher", "version"]
        constraints = [
            models.UniqueConstraint(fields=["voucher", "version"], name="voucher_event_in_order"),
            models.CheckConstraint(
                condition=~Q(verb__in=_VOUCHER_REASONED) | ~Q(reason=""), name="voucher_event_gives_its_reason"
            ),
        ]

    def __str__(self):
        return f"{self.get_verb_display()} → {self.get_target_display()}"


class Decision(models.Model):
    """What the rules made of a claim's facts, frozen with those facts so that it can be recomputed years later."""

    event = models.OneToOneField(
        ClaimEvent, models.PROTECT, related_name="decision", verbose_name="办理记录", null=True
    )
    claim = models.ForeignKey(Claim, models.PROTECT, related_name="decisions", verbose_name="申请")
    law_id = models.CharField("政策版本", max_length=40)
    call = models.ForeignKey("vouchers.Call", models.PROTECT, related_name="+", verbose_name="申报通知")
    result = models.JSONField("结论", help_text="含事实、通知条款、逐行结论与说明")
    computed_fen = models.BigIntegerField("测算额（分）")
    granted_fen = models.BigIntegerField("核定额（分）")
    binding = models.CharField("限制因素", max_length=12, choices=list(BINDINGS.items()))
    made_at = models.DateTimeField("时间")

    class Meta:
        verbose_name = verbose_name_plural = "核定结论"
        ordering = ["claim", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(granted_fen__gte=0, granted_fen__lte=F("computed_fen")), name="decision_within_computed"
            ),
        ]

    def __str__(self):
        return f"核定 {grouped(self.granted_fen)} 元"
