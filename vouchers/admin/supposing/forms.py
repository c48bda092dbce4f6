"""What an official may suppose. What is left empty stays as the call has it."""

from __future__ import annotations

from django import forms

from vouchers import money
from vouchers.calls import models as calls
from vouchers.forms import LookForm, PercentField, YuanField
from vouchers.rules import CallTerms
from vouchers.rules.supposing import Changes

_KEEP = [("", "不变")]
_SHORTAGES = [("waitlist", "按提交顺序轮候"), ("first_come", "先到先得，额满为止"), ("pro_rata", "到期按比例结算")]
_AMOUNTS = ("annual_cap", "appropriation", "minimum_spend", "minimum_grant", "claim_cap")
_CHOICES = ("tax_basis", "rounding_unit", "rounding_mode", "rounding_at", "cap_year")
# What an official thinks of as one number: the call's rate or cap, and the law's ceiling above it.
_CEILINGS = {"local_rate": "local_rate", "external_rate": "external_rate", "annual_cap": "annual_cap",
             "appropriation": "pool"}  # fmt: skip


class SupposeForm(LookForm):
    """Other numbers for the year's call."""

    local_rate = PercentField(label="本市补助比例（%）", required=False)
    external_rate = PercentField(label="外地补助比例（%）", required=False)
    annual_cap = YuanField(label="单位年度上限（元）", required=False)
    appropriation = YuanField(label="资金总额（元）", required=False)
    minimum_spend = YuanField(label="最低费用（元）", required=False)
    minimum_grant = YuanField(label="最低补助额（元）", required=False)
    claim_cap = YuanField(label="单次申请上限（元）", required=False)
    tax_basis = forms.ChoiceField(label="费用口径", choices=_KEEP + calls.TAX_BASES, required=False)
    cap_year = forms.ChoiceField(label="费用归属年度", choices=_KEEP + calls.CAP_YEARS, required=False)
    rounding_unit = forms.ChoiceField(
        label="取整单位",
        choices=_KEEP + [(money.yuan(fen), name) for fen, name in calls.ROUNDING_UNITS],
        required=False,
    )
    rounding_mode = forms.ChoiceField(label="取整方式", choices=_KEEP + calls.ROUNDING_MODES, required=False)
    rounding_at = forms.ChoiceField(label="取整环节", choices=_KEEP + calls.ROUNDING_PLACES, required=False)
    shortage = forms.ChoiceField(label="资金不足时", choices=_KEEP + _SHORTAGES, required=False)
    lift = forms.BooleanField(label="假设政策上限也随之改变", required=False)

    def __init__(self, *args, terms: CallTerms, **kwargs):
        super().__init__(*args, **kwargs)
        now = {
            "local_rate": money.percent(terms.local_rate),
            "external_rate": money.percent(terms.external_rate),
            "annual_cap": money.grouped(terms.annual_cap_fen),
            "appropriation": money.grouped(terms.appropriation_fen),
            "minimum_spend": money.grouped(terms.minimum_spend_fen),
            "minimum_grant": money.grouped(terms.minimum_grant_fen),
            "claim_cap": "不限" if terms.claim_cap_fen is None else money.grouped(terms.claim_cap_fen),
        }
        for name, shown in now.items():
            self.fields[name].widget.attrs |= {"placeholder": f"现为 {shown}", "maxlength": "30"}

    def changes(self) -> Changes:
        """What was filled in."""
        data = self.cleaned_data
        call = {name: money.yuan(data[name]) for name in _AMOUNTS if data[name] is not None}
        call |= {name: data[name] for name in ("local_rate", "external_rate", *_CHOICES) if data[name]}
        lifted = {ceiling: call[name] for name, ceiling in _CEILINGS.items() if name in call}
        # A ceiling of nothing is none: the call's own nothing does.
        law = {name: value for name, value in lifted.items() if value != "0.00"} if data["lift"] else {}
        return Changes(call, law, data["shortage"])
