"""The head of the queue chooses: accept what the pool has now, or go on waiting for the whole amount."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.shortcuts import redirect, render

from accounts.walls import MEMBER, for_roles
from vouchers.forms import LookForm, refusals_to
from vouchers.money import grouped
from vouchers.portal.filing.pages import frame, own_claim
from vouchers.review.actors import Actor
from vouchers.review.funding import offer_of
from vouchers.review.part import accept_part

REFUSED = 409


class PartForm(LookForm):
    """The consent: for exactly what the screen showed."""

    offered = forms.IntegerField(min_value=1, widget=forms.HiddenInput)
    version = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    agreed = forms.BooleanField(label="同意")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["agreed"].error_messages["required"] = "请先勾选确认：其余金额放弃，不再轮候。"


@for_roles(MEMBER)
def part(request, number: str):
    """What is offered, what is waived with it, and the one button that accepts."""
    claim = own_claim(request, number)
    form = PartForm(request.POST) if request.method == "POST" else None
    if form is not None and form.is_valid():
        said = form.cleaned_data
        with refusals_to(form):
            accept_part(claim, said["offered"], actor=Actor(request.user), seen_version=said["version"])
            messages.success(request, f"已接受部分安排，占用资金 {grouped(said['offered'])} 元。")
            return redirect("claim", number=claim.number)
    claim = own_claim(request, number)
    offer = offer_of(claim)
    if offer is None and form is None:
        messages.info(request, "这份申请现在没有部分安排可以选择，请看最新状态。")
        return redirect("claim", number=claim.number)
    page = frame(claim, "部分安排") | {"form": form, "offer_fen": offer and offer[0], "asked_fen": offer and offer[1]}
    page["waived_fen"] = offer[1] - offer[0] if offer else 0
    return render(request, "portal/filing/part.html", page, status=REFUSED if form is not None else 200)
