"""Objections from the public: the form, and how many one network may send."""

from __future__ import annotations

from allauth.core import ratelimit
from django import forms
from django.http import HttpRequest

from accounts.errors import Refused
from vouchers.claims.models import Claim
from vouchers.forms import LookForm
from vouchers.review.models import Objection
from vouchers.review.objections import LONGEST, object_to


class TooManyObjections(Refused):
    message = "从您的网络来的异议太多，请过一小时再提，或者拨打12345。您填写的内容还在。"


class ObjectionForm(LookForm):
    """Who objects, how to answer, and why."""

    name = forms.CharField(label="姓名或单位名称", max_length=60)
    contact = forms.CharField(label="联系方式", max_length=100)
    text = forms.CharField(label="事实和理由", max_length=LONGEST, strip=True, widget=forms.Textarea(attrs={"rows": 8}))


def receive(request: HttpRequest, claim: Claim, *, name: str, contact: str, text: str) -> Objection:
    """Receive the objection. Raises TooManyObjections, or what `object_to` refuses."""
    if not ratelimit.consume(request, action="objection"):
        raise TooManyObjections
    return object_to(claim, name=name, contact=contact, text=text)
