"""The forms of an enterprise's own affairs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import password_validators_help_texts
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator

from accounts.choices import DISTRICTS
from accounts.errors import BadUsername, Refused
from accounts.models import USERNAME_PATTERN
from applicants import uscc
from applicants.errors import ChangedMeanwhile
from applicants.models import CATEGORIES, MEMBER_ROLES
from vouchers.forms import REFUSALS, LookForm

_PHONE = re.compile(r"(?:\+?86)?1[3-9]\d{9}|(?:0\d{2,3})?\d{7,8}(?:转\d{1,6})?|400\d{7}")
_BAD_EMAIL = {"invalid": "邮箱写法不对，例如 zhang@example.cn。"}
_EARLIEST_YEAR = 1850


@contextmanager
def refusals_beside(form: forms.BaseForm, fields: dict[type[Refused], str]) -> Iterator[None]:
    """A service's refusal becomes an error beside the field that `fields` names for it, else of the whole form."""
    try:
        yield
    except REFUSALS as refusal:
        beside = next((name for kind, name in fields.items() if isinstance(refusal, kind)), None)
        form.add_error(beside, str(refusal))


class PhoneField(forms.CharField):
    """A Chinese phone number, however it was typed; stored without blanks and hyphens."""

    def __init__(self, **kwargs):
        super().__init__(max_length=30, **kwargs)
        self.widget.attrs.update({"inputmode": "tel", "autocomplete": "tel"})

    def clean(self, value):
        """The bare number. Raises ValidationError."""
        number = re.sub(r"[\s\-‐-―()（）]", "", unicodedata.normalize("NFKC", super().clean(value)))
        if number and not _PHONE.fullmatch(number):
            raise ValidationError("电话写法不对：手机号11位，固定电话带区号，例如 0510-81820000。")
        return number


class UsccField(forms.CharField):
    """A unified social credit code. What is wrong with it is said place by place."""

    def clean(self, value):
        """The code as it is stored. Raises ValidationError."""
        code = uscc.normalise(super().clean(value))
        strange = sorted(set(code) - set(uscc.ALPHABET))
        if len(code) != 18:
            raise ValidationError(f"统一社会信用代码应为18位，您填了{len(code)}位。请对照营业执照逐字核对。")
        if strange:
            raise ValidationError(f"统一社会信用代码里不会有“{'、'.join(strange)}”（没有字母 I、O、Z、S、V），请核对。")
        if not uscc.is_valid(code):
            raise ValidationError("末位校验码与前17位对不上，多半是有一位抄错了。请对照营业执照逐字核对。")
        return code


class RegistrationForm(LookForm):
    """A person's account."""

    name = forms.CharField(label="姓名", max_length=60)
    email = forms.EmailField(label="邮箱", max_length=254, error_messages=_BAD_EMAIL)
    phone = PhoneField(label="手机")
    username = forms.CharField(
        label="用户名", max_length=64, validators=[RegexValidator(USERNAME_PATTERN, BadUsername.message)]
    )
    password = forms.CharField(
        label="密码", max_length=128, strip=False, widget=forms.PasswordInput(render_value=False)
    )
    again = forms.CharField(label="再输一遍密码", max_length=128, strip=False, widget=forms.PasswordInput)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name, hint in {"name": "name", "email": "email", "username": "username"}.items():
            self.fields[name].widget.attrs["autocomplete"] = hint
        for name in ("password", "again"):
            self.fields[name].widget.attrs["autocomplete"] = "new-password"

    def clean(self):
        """The two passwords alike."""
        super().clean()
        data = self.cleaned_data
        if "password" in data and "again" in data and data["password"] != data["again"]:
            self.add_error("again", "两次输入的密码不一样，请重新输入。")
        return data

    def person(self) -> dict:
        """What `register` wants."""
        return {name: value for name, value in self.cleaned_data.items() if name != "again"}

    def rules(self) -> list[str]:
        """What is asked of a password, in words."""
        return password_validators_help_texts()


class OrganisationForm(LookForm):
    """What the licence says, and whom to call."""

    code = UsccField(label="统一社会信用代码", max_length=40)
    name = forms.CharField(label="单位全称", max_length=120)
    category = forms.ChoiceField(label="单位类型", choices=[("", "请选择"), *CATEGORIES])
    district = forms.ChoiceField(label="所属区", choices=[("", "请选择"), *DISTRICTS])
    legal_representative = forms.CharField(label="法定代表人", max_length=60)
    registered_on = forms.DateField(
        label="成立日期",
        input_formats=["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日"],
        error_messages={"invalid": "日期写法不对，例如 2019-03-15。"},
    )
    address = forms.CharField(label="住所", max_length=200)
    contact_name = forms.CharField(label="联系人", max_length=60)
    contact_phone = PhoneField(label="联系电话")
    contact_email = forms.EmailField(label="联系邮箱", required=False, error_messages=_BAD_EMAIL)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs.update({"autocomplete": "off", "spellcheck": "false"})
        for name in ("category", "district"):
            self.fields[name].error_messages["required"] = f"请选择{self.fields[name].label}。"

    def clean_registered_on(self):
        """A day that was."""
        day = self.cleaned_data["registered_on"]
        if day.year < _EARLIEST_YEAR or day > settings.CLOCK.today():
            raise ValidationError("成立日期不对，请对照营业执照填写。")
        return day


class _Seen(LookForm):
    """A form that knows which state of things its screen showed."""

    seen = forms.CharField(widget=forms.HiddenInput, required=False, max_length=20)

    def show(self, seen: str) -> None:
        """The screen shows the state `seen`. What was typed over an older one is tied to the new one only after its
        author was told, so that nobody's change is overwritten unseen.
        """
        self.initial["seen"] = seen
        if self.is_bound and ChangedMeanwhile.message in self.non_field_errors():
            self.data = {name: self.data.get(name) for name in self.fields} | {"seen": seen}


class ContactsForm(_Seen):
    """The details that an enterprise keeps by itself."""

    contact_name = forms.CharField(label="联系人", max_length=60)
    contact_phone = PhoneField(label="联系电话")
    contact_email = forms.EmailField(label="联系邮箱", required=False, error_messages=_BAD_EMAIL)
    address = forms.CharField(label="住所", max_length=200)


class AccountForm(_Seen):
    """A corporate bank account."""

    holder_name = forms.CharField(label="户名", max_length=120)
    bank_name = forms.CharField(label="开户银行", max_length=120)
    branch = forms.CharField(label="开户网点", max_length=120, required=False)
    number = forms.CharField(label="账号", max_length=60)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["number"].widget.attrs.update({"autocomplete": "off", "inputmode": "numeric"})


class InviteForm(LookForm):
    """Who shall act for the enterprise."""

    login = forms.CharField(label="用户名或邮箱", max_length=254)
    role = forms.ChoiceField(label="身份", choices=MEMBER_ROLES[::-1])

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["login"].widget.attrs.update({"autocomplete": "off", "spellcheck": "false"})
