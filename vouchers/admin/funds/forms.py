"""What is typed to prepare an order, sign it or give it up. A form takes its step through the services."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from applicants.models import Organisation
from vouchers.budget import orders, settlement
from vouchers.budget.models import Order
from vouchers.disbursement.models import Payment
from vouchers.forms import LookForm, YuanField
from vouchers.ledger.kinds import ADJUST_REASONS
from vouchers.ledger.selectors import payment_left_fen
from vouchers.review.actors import Actor

PLUS, MINUS = "plus", "minus"


def _paper(label: str, rows: int = 2) -> forms.CharField:
    return forms.CharField(label=label, max_length=500, widget=forms.Textarea(attrs={"rows": rows}))


class PrepareForm(LookForm):
    """A new order for the money of one scheme and year."""

    kind = ""

    def __init__(self, place: tuple[str, int], *args: Any, **kwargs: Any):
        self.scheme, self.year = place
        super().__init__(*args, **kwargs)

    def take(self, actor: Actor) -> Order:
        """Prepare it."""
        raise NotImplementedError


class FundForm(PrepareForm):
    """The year's appropriation; how much it is says the call."""

    kind = "fund"
    citation = forms.CharField(label="资金下达文件文号", max_length=500)

    def take(self, actor: Actor) -> Order:
        """Prepare the funding."""
        return orders.prepare_fund(self.scheme, self.year, citation=self.cleaned_data["citation"], actor=actor)


class TopUpForm(PrepareForm):
    """More money, by a document."""

    kind = "top_up"
    amount_fen = YuanField(label="追加金额（元）", min_fen=1)
    citation = forms.CharField(label="资金下达文件文号", max_length=500)

    def take(self, actor: Actor) -> Order:
        """Prepare the top-up."""
        said = self.cleaned_data
        return orders.prepare_top_up(
            self.scheme, self.year, said["amount_fen"], citation=said["citation"], actor=actor
        )  # fmt: skip


class AdjustForm(PrepareForm):
    """Correct the pool or one firm's cap."""

    kind = "adjust"
    reason = forms.ChoiceField(label="调整原因", choices=[("", "请选择"), *ADJUST_REASONS.items()])
    uscc = forms.CharField(label="单位统一社会信用代码", max_length=18, required=False)
    sign = forms.ChoiceField(label="方向", choices=[(PLUS, "调增"), (MINUS, "调减")], widget=forms.RadioSelect)
    amount_fen = YuanField(label="调整金额（元）", min_fen=1)
    citation = _paper("依据和说明")

    def clean(self) -> dict[str, Any]:
        """A change of a cap names its firm, anything else none."""
        said: dict[str, Any] = super().clean() or {}
        code, is_cap = said.get("uscc", "").strip().upper(), said.get("reason") == "cap_change"
        said["organisation"] = Organisation.objects.filter(uscc=code).first() if code else None
        if is_cap and said["organisation"] is None:
            self.add_error("uscc", "调整年度上限须填写已登记单位的统一社会信用代码。")
        if code and said.get("reason") and not is_cap:
            self.add_error("uscc", "只有“年度上限变更”才填写单位，调整资金池请留空。")
        return said

    def take(self, actor: Actor) -> Order:
        """Prepare the adjustment."""
        said = self.cleaned_data
        fen = said["amount_fen"] if said["sign"] == PLUS else -said["amount_fen"]
        return orders.prepare_adjust(
            self.scheme, self.year, fen,
            reason=said["reason"], citation=said["citation"], actor=actor, organisation=said["organisation"],
        )  # fmt: skip


class RecoverForm(PrepareForm):
    """Part or all of a payment back."""

    kind = "recover"
    payment = forms.ModelChoiceField(
        Payment.objects.select_related("claim__call", "claim__organisation", "batch"),
        widget=forms.HiddenInput,
        error_messages={"invalid_choice": "没有这笔拨付，请从拨付批次的清单进入。"},
    )
    amount_fen = YuanField(label="追回金额（元）", min_fen=1)
    citation = _paper("追回决定的文号和理由，申报单位会看到")

    def take(self, actor: Actor) -> Order:
        """Prepare the recovery."""
        said = self.cleaned_data
        return orders.prepare_recover(said["payment"], said["amount_fen"], citation=said["citation"], actor=actor)


class SettleForm(PrepareForm):
    """The settlement of the window whose shares the screen shows."""

    kind = "settle"
    until = forms.DateField(widget=forms.HiddenInput)
    seen = forms.CharField(widget=forms.HiddenInput)
    citation = forms.CharField(label="结算依据（会议纪要或批复文号）", max_length=500)

    def clean(self) -> dict[str, Any]:
        """What was looked at is what is prepared."""
        said: dict[str, Any] = super().clean() or {}
        if said.get("until") and said.get("seen"):
            least = settlement.min_grant_of(self.scheme, self.year)
            found = settlement.draft(self.scheme, self.year, said["until"], least)
            if found.digest != said["seen"]:
                raise ValidationError("打开页面以后申请、年度额度或资金池有变动，没有提交。请核对下面最新的分配。")
        return said

    def take(self, actor: Actor) -> Order:
        """Prepare the settlement."""
        said = self.cleaned_data
        return orders.prepare_settlement(
            self.scheme, self.year, said["until"], citation=said["citation"], actor=actor
        )  # fmt: skip


class CloseForm(PrepareForm):
    """The close of the year."""

    kind = "close"
    carry_fen = YuanField(label="结转金额（元）")
    to_year = forms.IntegerField(label="结转到年度", min_value=2000, max_value=2100, required=False)
    citation = forms.CharField(label="结账依据文号", max_length=500)

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["to_year"].widget = forms.TextInput(attrs={"class": "input", "inputmode": "numeric"})

    def take(self, actor: Actor) -> Order:
        """Prepare the close."""
        said = self.cleaned_data
        return orders.prepare_close(
            self.scheme, self.year, said["carry_fen"], said["to_year"], citation=said["citation"], actor=actor
        )  # fmt: skip


PREPARE: dict[str, type[PrepareForm]] = {
    form.kind: form for form in (FundForm, TopUpForm, AdjustForm, RecoverForm, SettleForm, CloseForm)
}


class SignForm(LookForm):
    """The second officer vouches for what the screen shows."""

    proved = True
    seen = forms.CharField(widget=forms.HiddenInput, required=False)
    checked = forms.BooleanField(label="我已核对事项、金额和依据，同意办理")

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, auto_id="sign_%s", **kwargs)
        self.fields["checked"].error_messages["required"] = "请先核对，再勾选确认。"

    def take(self, order: Order, actor: Actor) -> str:
        """Sign; what was done, in words."""
        order = orders.sign(order, actor=actor, seen=self.cleaned_data["seen"])
        return "已签批并办结。" if order.state == "done" else "已签批，正在后台办理。可以离开本页，稍后回来查看结果。"


class WithdrawForm(LookForm):
    """Give an order up before it is signed."""

    proved = False
    reason = forms.CharField(label="撤销理由", max_length=500, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, auto_id="withdraw_%s", **kwargs)

    def take(self, order: Order, actor: Actor) -> str:
        """Withdraw."""
        orders.withdraw(order, actor=actor, reason=self.cleaned_data["reason"])
        return "办理单已撤销。"


class RetryForm(LookForm):
    """Have the work of a signed order done again after its job gave up."""

    proved = False

    def take(self, order: Order, actor: Actor) -> str:
        """Ask for the job."""
        orders.retry(order, actor=actor)
        return "已重新开始办理。"


STEPS: dict[str, type[SignForm] | type[WithdrawForm] | type[RetryForm]] = {
    "sign": SignForm,
    "withdraw": WithdrawForm,
    "retry": RetryForm,
}


def left_of(payment: Payment) -> int:
    """What of a payment can still be recovered."""
    return payment_left_fen(f"payment:{payment.pk}")
