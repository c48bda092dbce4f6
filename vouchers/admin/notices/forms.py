"""The form of a call: every parameter with its Chinese name, what it means, and which belong together."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError

from vouchers.calls import models
from vouchers.calls.models import Call
from vouchers.forms import AnyDay, LookForm, PercentField, YuanField
from vouchers.money import grouped, parse_rate, percent
from vouchers.policy import Governing, agreement_schemes, voucher_schemes

CLASS = "class_"
MOST_DAYS = 60


def schemes() -> dict[str, str]:
    """Every scheme that a call may open."""
    return voucher_schemes() | agreement_schemes()


class DraftForm(LookForm):
    """For which scheme and year a call is drafted."""

    scheme = forms.ChoiceField(label="项目")
    fiscal_year = forms.IntegerField(label="财政年度", min_value=2000, max_value=2100)

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        cast(forms.ChoiceField, self.fields["scheme"]).choices = list(schemes().items())


def _days(label: str) -> forms.IntegerField:
    widget = forms.TextInput(attrs={"inputmode": "numeric"})
    return forms.IntegerField(label=label, min_value=0, max_value=MOST_DAYS, widget=widget)


def _tick(label: str) -> forms.BooleanField:
    return forms.BooleanField(label=label, required=False)


class CallForm(LookForm):
    """Everything that a call decides, of one scheme and year."""

    title = forms.CharField(label="通知名称", max_length=200)
    citation = forms.CharField(label="文号", max_length=200)
    appropriation_fen = YuanField(label="资金总额（元）", min_fen=1)
    annual_cap_fen = YuanField(label="单位年度上限（元）", min_fen=1)
    local_rate = PercentField(label="本市算力补助比例（%）")
    external_rate = PercentField(label="外地算力补助比例（%）")
    tax_basis = forms.ChoiceField(label="费用口径", choices=models.TAX_BASES)
    spend_from, spend_until = AnyDay(label="费用发生起"), AnyDay(label="费用发生止")
    filing_from, filing_until = AnyDay(label="申报开始"), AnyDay(label="申报截止")
    cap_year = forms.ChoiceField(label="费用归属年度", choices=models.CAP_YEARS)
    proration = forms.ChoiceField(label="跨期合同", choices=models.PRORATIONS, required=False)
    minimum_spend_fen = YuanField(label="最低费用（元）")
    minimum_grant_fen = YuanField(label="最低补助额（元）")
    within_contract = _tick("计入的费用不超过合同金额")
    contract_cap_fen = YuanField(label="单份合同上限（元）", required=False)
    claim_cap_fen = YuanField(label="单次申请上限（元）", required=False)
    years_cap_fen = YuanField(label="多年累计上限（元）", required=False)
    rounding_unit_fen = forms.TypedChoiceField(label="取整单位", choices=models.ROUNDING_UNITS, coerce=int)
    rounding_mode = forms.ChoiceField(label="取整方式", choices=models.ROUNDING_MODES)
    rounding_at = forms.ChoiceField(label="取整环节", choices=models.ROUNDING_PLACES)
    allocation = forms.ChoiceField(label="限额跨比例时的分摊", choices=models.ALLOCATIONS, required=False)
    excludes_related_party = _tick("不支持关联方交易")
    excludes_subsidised_elsewhere = _tick("不支持已获其他补助的费用")
    excludes_schemes = forms.MultipleChoiceField(label="互斥项目", required=False, widget=forms.CheckboxSelectMultiple)
    shortage = forms.ChoiceField(label="资金不足时", choices=models.SHORTAGES)
    second_approval_above_fen = YuanField(label="超过此金额须二次审批（元）")
    publicity_days, correction_days = _days("公示工作日"), _days("补正工作日")
    appeal_days = _days("申请复核工作日")
    recovered_to = forms.ChoiceField(label="追回资金去向", choices=models.RECOVERED_TO)
    recovery_restores_cap = _tick("追回后恢复年度额度")

    def __init__(self, call: Call, law: Governing, *args: Any, **kwargs: Any):
        self.call, self.law = call, law
        super().__init__(*args, **kwargs)
        for code, item in law.classes().items():
            field = self.fields[CLASS + code] = PercentField(label=f"{item.words}（%）", required=False)
            field.widget.attrs["class"] = "input"
        others = [(code, title) for code, title in schemes().items() if code != call.scheme]
        cast(forms.ChoiceField, self.fields["excludes_schemes"]).choices = others

    def clean(self) -> dict[str, Any]:
        """Parameters that only make sense together are judged together, each beside the field to mend."""
        said: dict[str, Any] = super().clean() or {}
        for first, last, words in (
            ("spend_from", "spend_until", "费用发生止早于费用发生起，请核对。"),
            ("filing_from", "filing_until", "申报截止早于申报开始，请核对。"),
        ):
            if said.get(first) and said.get(last) and said[first] > said[last]:
                self.add_error(last, ValidationError(words))
        cap_fen = said.get("annual_cap_fen")
        for name, below, words in (
            (
                "years_cap_fen",
                True,
                "多年累计上限低于单位年度上限 {} 元，年度上限就没有意义了。请改高，或留空表示不设。",
            ),
            ("contract_cap_fen", False, "高于单位年度上限 {} 元，永远用不上。请改低，或留空表示不设。"),
            ("claim_cap_fen", False, "高于单位年度上限 {} 元，永远用不上。请改低，或留空表示不设。"),
            ("minimum_grant_fen", False, "高于单位年度上限 {} 元，谁也得不到补助。请改低。"),
        ):
            fen = said.get(name)
            if cap_fen is not None and fen is not None and (fen < cap_fen if below else fen > cap_fen):
                self.add_error(name, ValidationError(words.format(grouped(cap_fen))))
        claim_cap, least = said.get("claim_cap_fen"), said.get("minimum_grant_fen")
        if claim_cap is not None and least is not None and least > claim_cap:
            self.add_error("minimum_grant_fen", ValidationError("最低补助额高于单次申请上限，谁也得不到补助。请改低。"))
        return said

    def values(self) -> dict[str, Any]:
        """The columns of the call."""
        said = dict(self.cleaned_data)
        rates = {name.removeprefix(CLASS): said.pop(name) for name in list(said) if name.startswith(CLASS)}
        said["class_rates"] = {code: rate for code, rate in rates.items() if rate}
        said["local_rate"], said["external_rate"] = Decimal(said["local_rate"]), Decimal(said["external_rate"])
        return said

    @staticmethod
    def initial_of(call: Call) -> dict[str, Any]:
        """The call as the form shows it."""
        names = [name for name in CallForm.base_fields if not name.endswith("_rate")]
        rates = {CLASS + code: percent(parse_rate(rate)).rstrip("%") for code, rate in call.class_rates.items()}
        own = {name: percent(Fraction(getattr(call, name))).rstrip("%") for name in ("local_rate", "external_rate")}
        return {name: getattr(call, name) for name in names} | own | rates
