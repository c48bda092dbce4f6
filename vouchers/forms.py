"""What portal, admin and API share when outside data comes in: fields for money, and refusals in words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from accounts.errors import Refused
from vouchers import money, workflow
from vouchers.invoices import UnreadableInvoice

# Everything a service may raise that a person can do something about; `str()` of each is Chinese and says what.
REFUSALS = (Refused, workflow.IllegalTransition, UnreadableInvoice, money.MoneyError)


@contextmanager
def refusals_to(form: forms.BaseForm, field: str | None = None) -> Iterator[None]:
    """A service's refusal becomes an error of `form` (of `field`, when given); what was typed stays in it."""
    try:
        yield
    except REFUSALS as refusal:
        form.add_error(field, str(refusal))


def is_number(text: str | None) -> bool:
    """Whether `text` is a whole number that every column holds: an id or a version as our pages write it."""
    return text is not None and text.isascii() and text.isdecimal() and len(text) <= 18


class YuanField(forms.CharField):
    """Yuan as people type them ("1,234.5", full width too) in; int fen out."""

    default_error_messages = {"invalid": "请填写金额，例如 1234.50。"}

    def __init__(self, *, min_fen: int = 0, **kwargs):
        self.min_fen = min_fen
        super().__init__(**kwargs)
        self.widget.attrs.setdefault("inputmode", "decimal")
        self.widget.attrs.setdefault("autocomplete", "off")

    def prepare_value(self, value):
        """Stored fen show as yuan, grouped like every amount on a page; what was typed shows as typed."""
        return money.grouped(value) if isinstance(value, int) else value

    def to_python(self, value):
        """The fen, or None when nothing was typed."""
        text = re.sub(r"[\s,，¥￥元]", "", unicodedata.normalize("NFKC", super().to_python(value) or ""))
        if not text:
            return None
        try:
            fen = money.parse_yuan(text, exact=False)
        except money.MoneyError as error:
            raise ValidationError(str(error)) from error
        if fen < self.min_fen:
            raise ValidationError(f"金额不能小于 {money.grouped(self.min_fen)} 元。")
        return fen


class PercentField(forms.CharField):
    """A rate as people write it ("28", "12.5%") in; the text of a rate ("0.2800") out."""

    def to_python(self, value):
        """The rate, or an empty text when nothing was typed."""
        text = re.sub(r"[\s%％]", "", unicodedata.normalize("NFKC", super().to_python(value) or ""))
        if not text:
            return ""
        if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,2})?", text):
            raise ValidationError("比例写成百分数，最多两位小数，例如 28 或 12.5。")
        whole, _, decimals = text.partition(".")
        units = int(whole) * 100 + int(decimals.ljust(2, "0"))
        if units > money.RATE_UNIT:
            raise ValidationError("比例不能大于 100%。")
        return "1.00" if units == money.RATE_UNIT else f"0.{units:04d}"


class LookForm(forms.Form):
    """A form in the product's look: every input has the class `input`, every missing field says its name."""

    def __init__(self, *args, **kwargs):
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            plain = (forms.CheckboxInput, forms.RadioSelect, forms.CheckboxSelectMultiple, forms.HiddenInput)
            if not isinstance(field.widget, plain):
                field.widget.attrs.setdefault("class", "input")
            field.error_messages["required"] = f"请填写{field.label}。" if field.label else "请填写此项。"


class AnyDay(forms.DateField):
    """A day, by the browser's own calendar, which may be still to come."""

    def __init__(self, **kwargs):
        super().__init__(widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}), **kwargs)
        self.error_messages["invalid"] = "日期写法不对，例如 2025-06-20。"


class Day(AnyDay):
    """A day that has been."""

    def clean(self, value):
        """A day that has been. Raises ValidationError."""
        day = super().clean(value)
        if day and day > settings.CLOCK.today():
            raise ValidationError("日期不能晚于今天，请核对。")
        return day


class PaymentForm(LookForm):
    """A bank transfer by which the applicant paid."""

    serial_number = forms.CharField(label="交易流水号", max_length=60)
    paid_on = Day(label="付款日期")
    payer_name = forms.CharField(label="付款人", max_length=200)
    payee_name = forms.CharField(label="收款人", max_length=200)
    amount_fen = YuanField(label="付款金额", min_fen=1)


class PurposeForm(LookForm):
    """What the compute is wanted for."""

    purpose = forms.CharField(label="算力用途", max_length=500, widget=forms.Textarea(attrs={"rows": 4}))
