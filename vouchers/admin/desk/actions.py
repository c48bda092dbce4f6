"""What a person may do with a claim: which verbs follow from state and role, and which their other duty forbids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms

from accounts.errors import Refused
from applicants.selectors import is_member
from vouchers import workflow
from vouchers.claims.models import Claim
from vouchers.claims.papers import ClaimLine
from vouchers.forms import LookForm, YuanField
from vouchers.review.actors import Actor, refuse_second_duty
from vouchers.review.consequences import duty_of
from vouchers.review.corrections import LONGEST_ITEM, return_for_correction
from vouchers.review.cuts import cut_line
from vouchers.review.services import fire

# In the order of the desk: what takes the claim on comes first. Payment has its own room.
VERBS = (
    "accept",
    "review",
    "approve",
    "publicise",
    "dismiss",
    "return",
    "cut",
    "reassess",
    "send_back",
    "suspend",
    "reject",
)
ONWARD = ("accept", "review", "approve", "publicise", "dismiss")
# What cannot simply be taken back, and what the person confirms before it.
CONFIRM = {
    "approve": "我已核对申请单位、核定金额和依据，同意批准",
    "publicise": "我已核对，同意向社会公示单位名称和金额",
    "reject": "我已核对，确认不予通过。占用的资金将立即释放",
}
NOTES = {
    "accept": "受理后，申请单位将收到通知。",
    "review": "按当前材料重新测算并确定核定额，之后交审批。",
    "approve": "批准后金额不再变动，等待公示。",
    "publicise": "公示期满且无异议的，系统自动转为待拨付。",
    "dismiss": "核查未发现问题，回到暂停之前的状态。",
    "return": "请一次列全所有问题。申请单位须逐项答复后才能重新提交。",
    "cut": "从该行的补助基数中扣除，填 0 表示取消核减。提交审核结论时计入核定额。",
    "reassess": "回到已受理，由审核人员重新审核。",
    "send_back": "退回审核人员重新审核。",
    "suspend": "暂停公示或拨付，等待核查结论。",
    "reject": "申请单位可在规定期限内申请复核。",
}
PHRASES = {
    "return": (
        "算力服务合同缺少双方盖章，请补齐盖章页后重新上传。",
        "银行回单不清晰，无法核对流水号，请重新上传。",
        "用量清单没有服务商确认，请补充盖章的用量清单。",
        "发票购买方名称与申报单位现用名称不一致，请补充更名证明。",
        "付款金额与发票金额不符，请说明并补充付款凭证。",
        "发票明细不能证明为智能算力服务，请补充服务内容说明。",
    ),
    "cut": (
        "所购内容不属于智能算力服务，予以核减。",
        "用量清单确认的用量少于开票数量，按实际用量核减。",
        "单价明显高于同类产品价目，按价目核减。",
    ),
    "reject": (
        "申报主体不在政策支持范围内。",
        "材料经补正仍不能证明算力服务真实发生。",
        "同一费用已享受其他财政补助。",
    ),
    "send_back": ("核减依据说明不充分，请补充后重新提交。", "对照资料仍有疑点，请核实后重新提交。"),
    "suspend": ("收到异议，需要核查。", "发票已被红冲，需要核查。", "申请单位列入失信名单，需要核查。"),
    "dismiss": ("经核查，异议不成立。", "经核查，情况已消除。"),
    "reassess": ("经核查，部分费用不应计入，需要重新审核。",),
}
FIRST_ROWS, MOST_ROWS = 3, 50


@dataclass
class Action:
    """One thing that may be done now. `refused` says why this person may not; `form` is what it asks for."""

    verb: str
    label: str
    needs_reason: bool
    refused: str
    form: ActionForm

    @property
    def tone(self) -> str:
        """How its button looks."""
        return "go" if self.verb in ONWARD else "no" if self.verb == "reject" else ""

    @property
    def note(self) -> str:
        """What it means, in a sentence."""
        return NOTES[self.verb]

    @property
    def asks(self) -> bool:
        """Whether it asks for more than a click."""
        return self.needs_reason


class ActionForm(LookForm):
    """What an action asks for. The services say what is missing, in their own words."""

    seen_version = forms.IntegerField(widget=forms.HiddenInput)
    line = forms.ModelChoiceField(ClaimLine.objects.none(), label="发票明细", required=False, empty_label="请选择一行")
    amount_fen = YuanField(label="核减金额（元）", required=False)
    phrase = forms.ChoiceField(label="常用语", required=False)
    reason = forms.CharField(
        label="理由", required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 3, "maxlength": 1000})
    )
    confirm = forms.BooleanField(required=False)

    def __init__(self, verb: str, claim: Claim, lines: list[ClaimLine], data: Any = None):
        self.verb, self.typed, self.shown = verb, data, False
        self.data: Any
        super().__init__(data, initial={"seen_version": claim.version}, auto_id=f"{verb}-%s")
        phrases = PHRASES.get(verb, ())
        fields: dict[str, Any] = self.fields
        fields["phrase"].choices = [("", "选用常用语"), *((text, text) for text in phrases)]
        fields["phrase"].widget.attrs["data-phrases"] = f"{verb}-reason"
        self.fields["confirm"].label = CONFIRM.get(verb, "")
        if verb == "cut":
            # The rows are on the page already: the choice asks the database no more.
            fields["line"].queryset = ClaimLine.objects.filter(claim=claim).select_related("invoice_line__invoice")
            fields["line"].choices = [("", "请选择一行"), *((line.pk, _line_words(line)) for line in lines)]
        for name in self._unused(verb, bool(phrases)):
            del self.fields[name]
        if "reason" in self.fields and not workflow_needs_reason(verb):
            del self.fields["reason"]

    @staticmethod
    def _unused(verb: str, has_phrases: bool) -> list[str]:
        unused = [] if verb == "cut" else ["line", "amount_fen"]
        unused += [] if verb in CONFIRM else ["confirm"]
        if verb == "return":
            return [*unused, "phrase", "reason"]
        return unused if has_phrases else [*unused, "phrase"]

    @property
    def items(self) -> list[str]:
        """The rows of a list of deficiencies, as typed, with room for more."""
        typed = [text[:LONGEST_ITEM] for text in self.typed.getlist("item")][:MOST_ROWS] if self.is_bound else []
        wanted = max(FIRST_ROWS, len(typed) + (2 if self.is_bound and "more" in self.typed else 0))
        return [*typed, *[""] * (wanted - len(typed))]

    @property
    def phrases(self) -> tuple[str, ...]:
        """Ready-made sentences for this verb."""
        return PHRASES.get(self.verb, ())

    def renewed(self, claim: Claim) -> ActionForm:
        """The same form, refused, on a screen that shows `claim` as it is now: what was typed stays."""
        self.data = self.typed.copy()
        self.data["seen_version"] = claim.version
        return self

    def words(self) -> str:
        """The reason: the chosen sentence, unless it stands in the text already, and what was typed."""
        phrase, reason = self.cleaned_data.get("phrase", ""), self.cleaned_data.get("reason", "")
        return "\n".join(filter(None, [phrase if phrase not in reason else "", reason.strip()]))

    def clean(self):
        """A confirmation that is asked for must be given; a cut names its line and amount."""
        given: dict[str, Any] = super().clean() or {}
        if "confirm" in self.fields and not given.get("confirm"):
            self.add_error("confirm", "请先勾选确认。")
        if self.verb == "cut":
            if not given.get("line") and "line" not in self.errors:
                self.add_error("line", "请选择要核减的发票明细。")
            if given.get("amount_fen") is None and "amount_fen" not in self.errors:
                self.add_error("amount_fen", "请填写核减金额，例如 1234.50。填 0 表示取消核减。")
        return given


def workflow_needs_reason(verb: str) -> bool:
    """Whether the workflow wants a reason for `verb`."""
    return any(t.needs_reason for t in workflow.CLAIM.transitions if t.verb == verb)


def _line_words(line: ClaimLine) -> str:
    invoice_line = line.invoice_line
    return f"{invoice_line.invoice.number} 第 {invoice_line.position} 行　{invoice_line.name}"


def actions_for(claim: Claim, lines: list[ClaimLine], user, roles: frozenset[str]) -> list[Action]:
    """What `user` may do with `claim` now, and what only another duty keeps them from."""
    possible = {t.verb: t for t in workflow.CLAIM.verbs(claim.state) if set(t.roles) & roles}
    verbs = [verb for verb in VERBS if verb in possible]
    if not verbs:
        return []
    own = "您是该单位的经办人，不能以工作人员身份办理，请转交其他同事。" if is_member(user, claim.organisation) else ""
    return [
        Action(
            verb,
            workflow.CLAIM.verb_labels[verb],
            possible[verb].needs_reason,
            own or _refused(claim, verb, user),
            ActionForm(verb, claim, lines),
        )
        for verb in verbs
    ]


def _refused(claim: Claim, verb: str, user) -> str:
    """Why this person may not, though their role may."""
    try:
        refuse_second_duty(claim.pk, user, duty_of(verb, claim.state))
    except Refused as refusal:
        return str(refusal)
    if verb == "approve" and claim.waiting:
        return "该申请仍在轮候或等待结算，资金到位后才能审批。"
    return ""


def perform(claim: Claim, form: ActionForm, actor: Actor) -> None:
    """Do what a valid form asks for. Raises what the services raise."""
    seen = form.cleaned_data["seen_version"]
    if form.verb == "return":
        return_for_correction(claim, form.items, actor=actor, seen_version=seen)
    elif form.verb == "cut":
        line, amount_fen = form.cleaned_data["line"], form.cleaned_data["amount_fen"]
        cut_line(line, amount_fen, reason=form.words(), actor=actor, seen_version=seen)
    else:
        reason = form.words() if workflow_needs_reason(form.verb) else ""
        fire(claim, form.verb, actor=actor, reason=reason, seen_version=seen)
