"""What the page of a call shows: its parameters in groups, what each means, and where it stands in law or call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms

from accounts.models import User
from vouchers.admin.notices.forms import CLASS, CallForm, schemes
from vouchers.calls.models import Call
from vouchers.calls.services import last_hand, mark_of
from vouchers.money import grouped
from vouchers.policy import Governing, NoLawInForce, Value, governing

# Groups of parameters, each with what it means to whoever sets it.
GROUPS: tuple[tuple[str, dict[str, str]], ...] = (
    ("资金和比例", {
        "appropriation_fen": "本年度资金池的总额",
        "annual_cap_fen": "一家单位一年最多得到的补助，本市和外地合计",
        "local_rate": "使用本市智能算力资源的费用，按此比例补助",
        "external_rate": "使用外地智能算力资源的费用，按此比例补助",
        "tax_basis": "以什么金额为基数计算补助",
    }),
    ("时间和年度", {
        "spend_from": "", "spend_until": "在此期间发生的费用才计入",
        "filing_from": "", "filing_until": "在此期间才能提交申报",
        "cap_year": "一笔费用按哪一天算作哪个年度；按服务期、签订日的，申报时要填写相应日期",
        "proration": "合同跨出费用发生期的，按服务天数折算；申报时要填写服务期",
    }),
    ("起点和上限", {
        "minimum_spend_fen": "计入的费用不足此数的不予补助，0 表示不限",
        "minimum_grant_fen": "核定额不足此数的不予补助，0 表示不限",
        "within_contract": "同一合同历次计入的费用合计不超过合同金额；申报时要填写合同编号和金额",
        "contract_cap_fen": "同一合同历次补助合计的上限，留空表示不设；申报时要填写合同编号",
        "claim_cap_fen": "一次申请最多得到的补助，留空表示不设",
        "years_cap_fen": "一家单位各年度累计最多得到的补助，留空表示不设",
    }),
    ("计算", {
        "rounding_unit_fen": "补助金额的最小单位",
        "rounding_mode": "不足一个单位的部分怎样处理",
        "rounding_at": "每一行各自取整，还是合计后取整",
        "allocation": "上限截断补助、而各行比例不同时，先保哪些行",
    }),
    ("条件", {
        "excludes_related_party": "向关联方购买的算力不计入",
        "excludes_subsidised_elsewhere": "已由其他渠道补助的费用不计入",
        "excludes_schemes": "已在这些项目得到补助的单位，同一年度不再补助",
    }),
    ("办理", {
        "shortage": "资金池不够时怎样安排",
        "second_approval_above_fen": "核定额超过此数的，由第二名审批人员再批一次",
        "publicity_days": "批准后公示多少个工作日",
        "correction_days": "退回补正后，申报单位有多少个工作日",
        "appeal_days": "不予通过后，可在多少个工作日内申请复核",
        "recovered_to": "追回的补助退到哪里",
        "recovery_restores_cap": "追回后，单位的年度额度是否恢复",
    }),
)  # fmt: skip
# The value of the law that bounds a parameter.
_OF_LAW = {
    "appropriation_fen": "pool",
    "annual_cap_fen": "annual_cap",
    "local_rate": "local_rate",
    "external_rate": "external_rate",
    "tax_basis": "tax_basis",
    "spend_from": "in_force",
    "spend_until": "in_force",
    "contract_cap_fen": "contract_cap",
    "claim_cap_fen": "claim_cap",
    "years_cap_fen": "years_cap",
}


@dataclass(frozen=True)
class Parameter:
    """One parameter: its input where the call may be edited, else its value in words; and its clause."""

    name: str
    label: str
    help: str
    value: str
    field: forms.BoundField | None
    citation: str
    clause: str

    @property
    def kind(self) -> str:
        """How its input is drawn: "tick", "many" or plain."""
        if self.field is None:
            return ""
        many = isinstance(self.field.field, forms.MultipleChoiceField)
        return "many" if many else ("tick" if isinstance(self.field.field, forms.BooleanField) else "")


def law_of(call: Call) -> Governing | None:
    """The law of the call's scheme and year, None where there is none."""
    try:
        return governing(call.scheme, call.fiscal_year)
    except NoLawInForce:
        return None


def groups_of(call: Call, law: Governing, form: CallForm, *, edit: bool) -> list[tuple[str, list[Parameter]]]:
    """Every parameter of the call in its group; with `edit` as inputs of `form`."""
    groups = [(title, [_parameter(call, law, form, name, told, edit) for name, told in names.items()]) for title, names in GROUPS]  # fmt: skip
    classes = [_class(call, law, form, code, edit) for code in law.classes()]
    if classes:
        groups.insert(1, ("其他比例档次（几档同时符合的只按最高一档）", classes))
    return groups


def _parameter(call: Call, law: Governing, form: CallForm, name: str, told: str, edit: bool) -> Parameter:
    field = form[name]
    citation, clause = _clause(call, law, _OF_LAW.get(name, ""), name)
    label = str(field.label)
    return Parameter(
        name,
        label if edit else label.rpartition("（")[0] or label,
        told,
        _words(call, field),
        field if edit else None,
        citation,
        clause,
    )


def _class(call: Call, law: Governing, form: CallForm, code: str, edit: bool) -> Parameter:
    field = form[CLASS + code]
    rate = field.initial
    citation, clause = _clause(call, law, "rate_classes", "class_rates")
    told = "留空表示本年度不设这一档；设的，申报时可申明属于这一档"
    value = f"{rate}%" if rate else "不设"
    return Parameter(field.name, str(field.label), told, value, field if edit else None, citation, clause)


def _clause(call: Call, law: Governing, name: str, term: str) -> tuple[str, str]:
    """Where a parameter stands: in the law, in published practice, or in the call alone."""
    value: Any = getattr(law, name, None) if name else law.call.get(term)
    if isinstance(value, Value) and not value.silent:
        return value.citation, value.clause
    return call.citation or "本通知", "政策未作规定，由申报通知确定"


def _words(call: Call, field: forms.BoundField) -> str:
    """What a published call says, as people read it."""
    value = getattr(call, field.name)
    if field.name.endswith("_fen") and field.name != "rounding_unit_fen":
        if field.name.startswith("minimum_") and not value:
            return "不限"
        return "不设" if value is None else f"{grouped(value)} 元"
    if field.name.endswith("_rate"):
        return f"{field.initial}%"
    if isinstance(value, bool):
        return "是" if value else "否"
    if field.name == "excludes_schemes":
        return "、".join(schemes().get(code, code) for code in value) or "没有"
    if isinstance(field.field, forms.ChoiceField):
        return str(dict(field.field.choices).get(value, value))  # type: ignore[arg-type]  # all of ours are plain pairs
    return f"{value} 个工作日" if field.name.endswith("_days") else str(value)


def screen_of(call: Call, user: User, held: frozenset[str], form: CallForm | None = None) -> dict[str, Any]:
    """The page of one call for somebody with the roles `held`; `form` is what was refused."""
    law = law_of(call)
    draft = call.published_at is None
    edit = draft and law is not None and bool(held & {"reviewer", "approver"})
    shown = (form or CallForm(call, law, initial=CallForm.initial_of(call), auto_id="%s")) if law else None
    return {
        "call": call,
        "law": law,
        "form": shown,
        "scheme": schemes().get(call.scheme, call.scheme),
        "groups": groups_of(call, law, shown, edit=edit) if law and shown else [],
        "edit": edit,
        "draft": draft,
        "seen": mark_of(call),
        "may_publish": draft and "approver" in held and last_hand(call) != user.pk,
        "own": draft and "approver" in held and last_hand(call) == user.pk,
    }
