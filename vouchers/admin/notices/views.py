"""Calls for officers: everyone reads; reviewers and approvers draft; an approver who did not write it publishes."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.errors import Refused
from accounts.walls import OFFICERS, for_roles
from accounts.web import roles
from vouchers.admin.notices.forms import CallForm, DraftForm, schemes
from vouchers.admin.notices.screen import law_of, screen_of
from vouchers.calls.models import Call
from vouchers.calls.services import amend_call, draft_call, publish_as
from vouchers.forms import refusals_to

REFUSED = 409


@for_roles(*OFFICERS)
@require_GET
def call_list(request):
    """Every version of every call, the latest year first."""
    page = Paginator(Call.objects.order_by("-fiscal_year", "scheme", "-version"), 50).get_page(request.GET.get("page"))
    context = {"page": page, "schemes": schemes(), "may_draft": bool(roles(request) & {"reviewer", "approver"})}
    return render(request, "admin/notices/list.html", context)


@for_roles("reviewer", "approver")
@require_http_methods(["GET", "HEAD", "POST"])
def call_new(request):
    """Draft the call of a year: filled in from the version before, or from the law."""
    form = DraftForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusals_to(form):
            made = draft_call(form.cleaned_data["scheme"], form.cleaned_data["fiscal_year"], user=request.user)
            return redirect("admin:call", made.pk)
    return render(request, "admin/notices/new.html", {"form": form}, status=REFUSED if form.errors else 200)


@for_roles(*OFFICERS)
@require_http_methods(["GET", "HEAD", "POST"])
def call(request, pk: int):
    """One version of a call; a draft is saved here, everything typed stays where it is refused."""
    found, held, form = get_object_or_404(Call, pk=pk), roles(request), None
    law = law_of(found)
    if request.method == "POST" and law is not None and held & {"reviewer", "approver"}:
        form = CallForm(found, law, request.POST, auto_id="%s")
        if form.is_valid():
            with refusals_to(form):
                amend_call(found, form.values(), seen=request.POST.get("seen", ""), user=request.user)
                messages.success(request, "保存好了。发布以前可以随时修改。")
                return redirect("admin:call", pk)
        found.refresh_from_db()
    context = screen_of(found, request.user, held, form)
    return render(request, "admin/notices/call.html", context, status=REFUSED if form else 200)


@for_roles("approver")
@require_POST
def call_publish(request, pk: int):
    """Publish a draft that somebody else wrote last, as it stands on the screen."""
    found = get_object_or_404(Call, pk=pk)
    try:
        publish_as(found, seen=request.POST.get("seen", ""), user=request.user)
        messages.success(request, "通知已发布，不能再修改；要改的请起草新的一版。")
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("admin:call", pk)
