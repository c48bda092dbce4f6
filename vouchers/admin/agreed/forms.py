"""Writing down an agreement: who, what, how much, and in which parts."""

from __future__ import annotations

from fractions import Fraction
from typing import cast

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from applicants.models import Organisation
from vouchers.forms import LookForm, PercentField, YuanField
from vouchers.policy import agreement_schemes
from vouchers.review.negotiated import Part

MOST_PARTS = 8


class AgreementForm(LookForm):
    """What was agreed. Parts left empty are none."""

    uscc = forms.CharField(label="统一社会信用代码", max_length=18)
    scheme = forms.ChoiceField(label="项目")
    fiscal_year = forms.IntegerField(label="签订年度", min_value=2000, max_value=2100)
    title = forms.CharField(label="项目名称", max_length=200)
    reference = forms.CharField(label="批准文号", max_length=200)
    cost_fen = YuanField(label="成本（费用）（元）", min_fen=1)
    rate = PercentField(label="约定比例（%）")
    grant_fen = YuanField(label="补贴总额（元）", min_fen=1)
    exception = forms.CharField(
        label="超出原则上限的理由", max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        cast(forms.ChoiceField, self.fields["scheme"]).choices = list(agreement_schemes().items())
        self.fields["fiscal_year"].initial = settings.CLOCK.today().year
        for number in range(1, MOST_PARTS + 1):
            self.fields[f"amount_{number}"] = YuanField(label=f"第 {number} 期最高金额（元）", required=False)
            self.fields[f"condition_{number}"] = forms.CharField(label="拨付条件", max_length=300, required=False)
            for name in (f"amount_{number}", f"condition_{number}"):
                self.fields[name].widget.attrs["class"] = "input"

    def clean_uscc(self) -> Organisation:
        """The organisation with this code. Raises ValidationError."""
        found = Organisation.objects.filter(uscc=self.cleaned_data["uscc"].strip().upper()).first()
        if found is None:
            raise ValidationError("没有这个信用代码的单位，请核对；单位须先在平台登记。")
        return found

    def rows(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        """The fields of each part."""
        return [(self[f"amount_{n}"], self[f"condition_{n}"]) for n in range(1, MOST_PARTS + 1)]

    def agreed(self) -> dict:
        """What `draft_agreement` wants."""
        data = self.cleaned_data
        parts = [
            Part(data[f"amount_{n}"] or 0, data[f"condition_{n}"])
            for n in range(1, MOST_PARTS + 1)
            if data[f"amount_{n}"] or data[f"condition_{n}"].strip()
        ]
        names = ("scheme", "fiscal_year", "title", "reference", "cost_fen", "grant_fen", "exception")
        return {name: data[name] for name in names} | {"rate": Fraction(data["rate"]), "parts": parts}
