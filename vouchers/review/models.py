"""What happened to claims and vouchers, who did it, and what was decided. Rows are only ever added."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from simple_history.models import HistoricalRecords

from accounts.encryption import EncryptedTextField
from vouchers import workflow
from vouchers.claims.models import Claim, Voucher
from vouchers.money import grouped
from vouchers.rules import BINDINGS

_REASONED = sorted({t.verb for t in workflow.CLAIM.transitions if t.needs_reason})
_VOUCHER_REASONED = sorted({t.verb for t in workflow.VOUCHER.transitions if t.needs_reason})


class ClaimEvent(models.Model):
    """One step of one claim. Triggers keep it: the claim's state is that of its latest event, the runtime role
    cannot change or delete it, and one person never has two duties on a claim."""

    claim = models.ForeignKey(Claim, models.PROTECT, related_name="events", db_index=False, verbose_name="申请")
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
            models.CheckConstraint(
                condition=~Q(verb__in=["review", "cut"]) | Q(duty="review"), name="claim_event_review_is_a_duty"
            ),
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

    claim = models.ForeignKey(Claim, models.PROTECT, related_name="duties", db_index=False, verbose_name="申请")
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


class LineCut(models.Model):
    """What a reviewer took off the base of one claimed invoice line (核减), and why. The latest row of a line counts.

    Kept by invoice line, so that a line which the applicant drops and claims again is cut still.
    """

    event = models.ForeignKey(ClaimEvent, models.PROTECT, related_name="cuts", verbose_name="办理记录")
    claim = models.ForeignKey(Claim, models.PROTECT, related_name="cuts", verbose_name="申请")
    invoice_line = models.ForeignKey("vouchers.InvoiceLine", models.PROTECT, related_name="+", verbose_name="发票明细")
    amount_fen = models.BigIntegerField("核减额（分）")
    reason = models.TextField("理由")

    class Meta:
        verbose_name = verbose_name_plural = "核减"
        ordering = ["claim", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(amount_fen__gte=0) & ~Q(reason=""), name="line_cut_has_its_reason")
        ]

    def __str__(self):
        return f"核减 {grouped(self.amount_fen)} 元"


class Objection(models.Model):
    """What somebody says against a claim under publicity (公示异议), with their name; publicity waits for the answer.

    Who objected is known to officers alone. `review.objections` writes these rows.
    """

    claim = models.ForeignKey(Claim, models.PROTECT, related_name="objections", verbose_name="申请")
    number = models.CharField("异议编号", max_length=30, unique=True)
    name = models.CharField("异议人", max_length=60)
    contact = EncryptedTextField("联系方式", masking="phone")
    text = models.TextField("异议内容")
    received_at = models.DateTimeField("收到时间")
    state = models.CharField("状态", max_length=14, choices=workflow.OBJECTION.choices(), default="received")
    version = models.PositiveIntegerField("办理版本", default=0, editable=False)
    handled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="办理人"
    )
    finding = models.TextField("处理意见", blank=True)
    closed_at = models.DateTimeField("办结时间", null=True)
    history = HistoricalRecords(verbose_name="异议办理记录")

    class Meta:
        verbose_name = verbose_name_plural = "公示异议"
        ordering = ["-received_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=workflow.OPEN_OBJECTIONS) | ~Q(finding="") & Q(closed_at__isnull=False),
                name="objection_closed_with_a_finding",
            )
        ]

    def __str__(self):
        return self.number


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


class ReversalFlag(models.Model):
    """A red letter, or a void, that meets an invoice of this claim, with the claim as it stood then.

    It is open until the claim is decided anew: `after_decision` is its latest decision at that time (0 for none), so a
    later one has seen the letter. `vouchers.review.reversals` writes these rows.
    """

    claim = models.ForeignKey(Claim, models.PROTECT, related_name="reversal_flags", verbose_name="申请")
    invoice = models.ForeignKey("vouchers.Invoice", models.PROTECT, related_name="+", verbose_name="被冲销的发票")
    letter = models.ForeignKey("vouchers.Invoice", models.PROTECT, related_name="+", verbose_name="红字发票")
    state = models.CharField("当时状态", max_length=14, choices=workflow.CLAIM.choices())
    after_decision = models.BigIntegerField("当时的核定结论")
    found_at = models.DateTimeField("发现时间")

    class Meta:
        verbose_name = verbose_name_plural = "发票冲销提示"
        ordering = ["-found_at", "-pk"]
        indexes = [models.Index(fields=["claim", "letter"], name="reversal_flag_of_claim")]

    def __str__(self):
        return f"{self.claim_id} {self.letter_id}"


PROPOSAL_STATES = [
    ("proposed", "待追回"),
    ("superseded", "已由新的建议代替"),
    ("settled", "已追回"),
    ("dropped", "不予追回"),
]


class ClawbackProposal(models.Model):
    """What a paid claim received too much, now that an invoice of it was reversed: for finance to recover.

    `paid_fen` is what stands paid, `due_fen` what `decide()` grants on the reduced facts (kept in `result`), and
    `amount_fen` the difference. One open proposal a claim; a later letter supersedes it.
    """

    claim = models.ForeignKey(Claim, models.PROTECT, related_name="clawbacks", verbose_name="申请")
    letter = models.ForeignKey("vouchers.Invoice", models.PROTECT, related_name="+", verbose_name="红字发票")
    paid_fen = models.BigIntegerField("已拨付（分）")
    due_fen = models.BigIntegerField("应得（分）")
    amount_fen = models.BigIntegerField("建议追回（分）")
    result = models.JSONField("重新测算", help_text="含事实、通知条款、逐行结论与说明")
    state = models.CharField("状态", max_length=10, choices=PROPOSAL_STATES, default="proposed")
    made_at = models.DateTimeField("提出时间")
    closed_at = models.DateTimeField("办结时间", null=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="办结人"
    )
    note = models.TextField("办结说明", blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "追回建议"
        ordering = ["-made_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["claim"], condition=Q(state="proposed"), name="clawback_one_open_a_claim"),
            models.CheckConstraint(
                condition=Q(due_fen__gte=0, amount_fen__gt=0, amount_fen=F("paid_fen") - F("due_fen")),
                name="clawback_adds_up",
            ),
            models.CheckConstraint(
                condition=Q(state="proposed", closed_at__isnull=True)
                | (~Q(state="proposed") & Q(closed_at__isnull=False)),
                name="clawback_closed_at_a_time",
            ),
        ]

    def __str__(self):
        return f"建议追回 {grouped(self.amount_fen)} 元"
