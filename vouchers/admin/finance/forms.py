"""What finance officers type, and the service that each form calls. A form takes its step and says what was done."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone

from vouchers.admin.finance.picking import Picker
from vouchers.disbursement import papers, selectors
from vouchers.disbursement import services as disbursement
from vouchers.disbursement.models import Batch, Payment
from vouchers.forms import LookForm, is_number
from vouchers.money import grouped
from vouchers.review.actors import Actor
from vouchers.tasks import nudge

ANSWERS = [("pay", "已到账"), ("fail", "退票"), ("lose", "结果未明，待查询")]


class OpenForm(LookForm):
    """A new batch: for which year's pool, under which approving document."""

    call = forms.ChoiceField(label="年度和券种")
    approval_reference = forms.CharField(label="批复文号", max_length=100)

    def __init__(self, *args: Any, waiting: list[selectors.Waiting], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._calls = {str(each.call.pk): each.call for each in waiting}
        choice: Any = self.fields["call"]
        choice.choices = [
            (str(each.call.pk), f"{each.call.fiscal_year} 年度，{each.count} 笔 {grouped(each.total_fen)} 元")
            for each in waiting
        ]

    def take(self, actor: Actor) -> Batch:
        """Open the batch."""
        said = self.cleaned_data
        return disbursement.open_batch(
            self._calls[said["call"]], approval_reference=said["approval_reference"], actor=actor
        )


class StepForm(LookForm):
    """One step with a batch. `step` is its name in the address; `proved` steps ask for the second factor again."""

    step = ""
    proved = False

    def __init__(self, batch: Batch, *args: Any, **kwargs: Any):
        super().__init__(*args, auto_id=f"{self.step}_%s", **kwargs)
        self.batch = batch

    def take(self, actor: Actor) -> str:
        """Call the service; what was done, in words."""
        raise NotImplementedError


class AddForm(StepForm):
    """Put the picked claims, or all that the filters leave, into the batch."""

    step = "add"

    def __init__(self, batch: Batch, data=None, asked=None, **kwargs: Any):
        super().__init__(batch, data, **kwargs)
        self.picker = Picker(batch, asked if asked is not None else {})
        self.picks = dict(pick.partition(":")[::2] for pick in data.getlist("pick")) if data is not None else {}

    def clean(self) -> dict:
        """Whole numbers only, and something picked."""
        if "all" in self.data and self.data["all"] != self.picker.stamp():
            raise ValidationError("待拨付的申请在您打开页面之后有变动，没有列入任何一笔。请核对最新清单后再列入。")
        if "all" not in self.data and not self.picks:
            raise ValidationError("请先勾选要列入本批的申请。")
        if not all(is_number(key) and is_number(version) for key, version in self.picks.items()):
            raise ValidationError("所选申请无法识别，请刷新页面后重新勾选。")
        return self.cleaned_data

    def take(self, actor: Actor) -> str:
        """Add them, all or none."""
        if "all" in self.data:
            claims = list(self.picker.claims()[: disbursement.MAX_AT_ONCE])
            seen = None
        else:
            seen = {int(key): int(version) for key, version in self.picks.items()}
            claims = list(selectors.payable(self.batch.call).filter(pk__in=seen))
            if len(claims) < len(seen):
                raise disbursement.BatchRefused("所选申请中有的已不在待拨付状态，没有列入任何一笔。请核对后重新勾选。")
        payments = disbursement.add_claims(self.batch, claims, actor=actor, seen=seen)
        return f"已列入 {len(payments)} 笔，{grouped(sum(payment.amount_fen for payment in payments))} 元。"


class PaymentStep(StepForm):
    """A step with one payment of the batch; somebody else's payment is not found."""

    payment = forms.ModelChoiceField(
        Payment.objects.none(),
        widget=forms.HiddenInput,
        error_messages={"invalid_choice": "这笔付款已不在本批次，请刷新页面。"},
    )

    def __init__(self, batch: Batch, *args: Any, **kwargs: Any):
        super().__init__(batch, *args, **kwargs)
        mine = Payment.objects.filter(batch=batch).exclude(state="dropped").select_related("claim", "batch")
        choice: Any = self.fields["payment"]
        choice.queryset = mine


class RemoveForm(PaymentStep):
    """Take one claim out again."""

    step = "remove"

    def take(self, actor: Actor) -> str:
        """Remove it."""
        payment = self.cleaned_data["payment"]
        disbursement.remove_claim(payment, actor=actor)
        return f"已将申请 {payment.claim.number} 移出本批，恢复为待拨付。"


class FreezeForm(StepForm):
    """Close the list."""

    step = "freeze"
    seen = forms.CharField(widget=forms.HiddenInput)

    def take(self, actor: Actor) -> str:
        """Freeze exactly what the screen showed."""
        disbursement.freeze(self.batch, actor=actor, seen=self.cleaned_data["seen"])
        return "批次已封存。请另一名财务人员复核签批。"


class SignForm(StepForm):
    """The second officer vouches for the digest on the screen."""

    step, proved = "sign", True
    digest = forms.CharField(widget=forms.HiddenInput)
    checked = forms.BooleanField(label="我已逐笔核对收款人、账号和金额")

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["checked"].error_messages["required"] = "请先逐笔核对清单，再勾选确认。"

    def take(self, actor: Actor) -> str:
        """Sign, and have the papers printed."""
        disbursement.sign(self.batch, actor=actor, seen_digest=self.cleaned_data["digest"])
        return "批次已签批。下一步生成拨付文书。"


class ExportForm(StepForm):
    """Have the papers printed."""

    step = "export"

    def take(self, actor: Actor) -> str:
        """Ask for the job; say so when one is under way already."""
        before = papers.export_job(self.batch)
        job = disbursement.start_export(self.batch, actor=actor)
        nudge(job)
        if before is not None and before.pk == job.pk:
            who = f"（{job.requested_by} 发起）" if job.requested_by else ""
            return f"本批文书已经在生成{who}，不会重复生成。进度见“文件”一栏。"
        return "已开始生成拨付文书。可以离开本页，完成后在“文件”一栏下载。"


class ReleaseForm(StepForm):
    """Hand the batch to the bank."""

    step, proved = "release", True
    digest = forms.CharField(widget=forms.HiddenInput)

    def take(self, actor: Actor) -> str:
        """Release what was signed."""
        if self.cleaned_data["digest"] != self.batch.digest:
            raise disbursement.BatchRefused("批次内容与您看到的不一致，没有发送。请刷新页面重新核对。")
        disbursement.release(self.batch, actor=actor)
        return "批次已发送银行。请在收到银行答复后逐笔登记。"


class DatedForm(StepForm):
    """What every answer of the bank bears."""

    reference = forms.CharField(label="银行流水号或回单号", max_length=60)
    answered_on = forms.DateField(
        label="银行答复日期",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": "请填写日期，例如 2026-03-19。"},
    )

    def clean_answered_on(self):
        """Not before the batch was sent, not after today."""
        day = self.cleaned_data["answered_on"]
        if day > settings.CLOCK.today():
            raise ValidationError("银行答复日期不能晚于今天。")
        if self.batch.released_at and day < timezone.localdate(self.batch.released_at):
            raise ValidationError("银行答复日期不能早于批次发送银行的日期。")
        return day


class AnswerForm(DatedForm, PaymentStep):
    """What the bank says of one payment."""

    step = "answer"
    answer = forms.ChoiceField(label="答复", choices=ANSWERS, widget=forms.RadioSelect)
    message = forms.CharField(label="退票原因", max_length=200, required=False)
    seen_state = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["answer"].error_messages["required"] = "请选择银行的答复。"
        if self.data.get("answer") == "lose":
            self.fields["reference"].required = False

    def take(self, actor: Actor) -> str:
        """Record it."""
        said = self.cleaned_data
        payment = disbursement.record_answer(
            said["payment"],
            said["answer"],
            reference=said["reference"],
            answered_on=said["answered_on"],
            actor=actor,
            message=said["message"],
            seen_state=said["seen_state"],
        )
        return f"申请 {payment.claim.number} 的付款已登记为“{payment.get_state_display()}”。"


class ArrivalsForm(DatedForm):
    """All that still wait for the bank arrived."""

    step = "arrivals"
    seen = forms.CharField(widget=forms.HiddenInput)

    def take(self, actor: Actor) -> str:
        """Record them all, or none."""
        said = self.cleaned_data
        count = disbursement.record_arrivals(
            self.batch, reference=said["reference"], answered_on=said["answered_on"], actor=actor, seen=said["seen"]
        )
        return f"已登记 {count} 笔到账。"


class ReconcileForm(StepForm):
    """Close the batch."""

    step = "reconcile"

    def take(self, actor: Actor) -> str:
        """Reconcile."""
        disbursement.reconcile(self.batch, actor=actor)
        return "批次已对账，办理完毕。"


class CancelForm(StepForm):
    """Give the batch up."""

    step = "cancel"
    reason = forms.CharField(label="取消理由", max_length=500, widget=forms.Textarea(attrs={"rows": 2}))
    seen = forms.CharField(widget=forms.HiddenInput)

    def take(self, actor: Actor) -> str:
        """Cancel exactly what the screen showed."""
        said = self.cleaned_data
        disbursement.cancel(self.batch, actor=actor, reason=said["reason"], seen=said["seen"])
        return "批次已取消，其中的申请恢复为待拨付。"


class RevealForm(PaymentStep):
    """A whole account number, with the reason on record."""

    step = "reveal"
    reason = forms.CharField(label="查看完整账号的理由", max_length=200)
    revealed = ""

    def take(self, actor: Actor) -> str:
        """Show it once, on this answer alone."""
        said = self.cleaned_data
        self.revealed = papers.reveal_account(said["payment"], reason=said["reason"], actor=actor)
        return ""


STEPS: dict[str, type[StepForm]] = {
    form.step: form
    for form in (
        AddForm,
        RemoveForm,
        FreezeForm,
        SignForm,
        ExportForm,
        ReleaseForm,
        AnswerForm,
        ArrivalsForm,
        ReconcileForm,
        CancelForm,
        RevealForm,
    )
}
