"""Orders: prepared by finance, signed by another officer after proving the second factor again, watched by auditors."""

from __future__ import annotations

from contextlib import nullcontext

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.step_up import ask_again, proof_for_one_step, proved_lately
from accounts.walls import for_roles
from vouchers.admin.funds import forms
from vouchers.admin.funds.screens import all_orders, order_screen, overview, place_of, preparing
from vouchers.budget import orders
from vouchers.forms import refusals_to
from vouchers.review.actors import Actor
from vouchers.tasks import nudge

REFUSED = 409


@for_roles("finance", "approver", "auditor")
@require_GET
def funds(request):
    """The year's money, and every order."""
    return render(request, "admin/funds/funds.html", overview(request))


@for_roles("finance")
@require_http_methods(["GET", "HEAD", "POST"])
def fund_new(request, kind: str):
    """Prepare an order; nothing moves yet."""
    place = place_of(request.GET)
    if kind not in forms.PREPARE or place is None:
        raise Http404
    form = forms.PREPARE[kind](place, request.POST) if request.method == "POST" else None
    if form is not None and form.is_valid():
        with refusals_to(form):
            order = form.take(Actor(request.user))
            messages.success(request, f"办理单 {order.number} 已编制，等待签批。资金还没有变动。")
            return redirect("admin:fund", order.pk)
    context = preparing(request, kind, place, form)
    return render(request, "admin/funds/prepare.html", context, status=REFUSED if form is not None else 200)


@for_roles("finance", "approver", "auditor")
@require_GET
def fund(request, pk: int):
    """One order."""
    return render(request, "admin/funds/order.html", order_screen(request, get_object_or_404(all_orders(), pk=pk)))


@for_roles("finance", "approver")
@require_POST
def fund_do(request, pk: int, step: str):
    """Sign an order or give it up; refused, the screen comes back with everything that was typed."""
    found = get_object_or_404(all_orders(), pk=pk)
    if step not in forms.STEPS:
        raise Http404
    back, kind = reverse("admin:fund", args=[pk]), forms.STEPS[step]
    if kind.proved and not proved_lately(request):
        messages.info(request, "请先输入动态码，再回到本页办理。")
        return ask_again(f"{back}#next")
    form, said = kind(request.POST), ""
    if form.is_valid():
        with refusals_to(form), proof_for_one_step(request) if kind.proved else nullcontext():
            said = form.take(found, Actor(request.user))
    if said:
        job = orders.job_of(found)
        nudge(job) if job else None
        messages.success(request, said)
        return redirect(back)
    context = order_screen(request, get_object_or_404(all_orders(), pk=pk), form)
    return render(request, "admin/funds/order.html", context, status=REFUSED)


@for_roles("finance", "approver", "auditor")
@require_GET
def fund_progress(request, pk: int):
    """How far an order is, as a piece of the page; when it is done, the page is shown anew."""
    context = order_screen(request, get_object_or_404(all_orders(), pk=pk))
    answer = render(request, "admin/funds/_progress.html", context)
    if not context["job_live"]:
        answer["HX-Refresh"] = "true"
    return answer
