"""Agreements for officers: everyone reads, a reviewer writes down, approvers approve or end."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Sum
from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.walls import OFFICERS, for_roles
from accounts.web import roles
from vouchers.admin.agreed.forms import AgreementForm
from vouchers.admin.agreed.screen import all_agreements, find_agreement, screen_of
from vouchers.forms import REFUSALS, is_number, refusals_to
from vouchers.policy import NoLawInForce
from vouchers.review.errors import ReviewRefused
from vouchers.review.negotiated import approve_agreement, close_agreement, draft_agreement

REFUSED = 409


@for_roles(*OFFICERS)
@require_GET
def agreement_list(request):
    """Every agreement, the newest first."""
    rows = all_agreements()
    page = Paginator(rows, 50).get_page(request.GET.get("page"))
    total = rows.filter(state="in_force").aggregate(fen=Sum("grant_fen"))["fen"] or 0
    context = {"page": page, "total_fen": total, "may_write": "reviewer" in roles(request)}
    return render(request, "admin/agreed/list.html", context)


@for_roles("reviewer")
@require_http_methods(["GET", "HEAD", "POST"])
def write_down(request):
    """Write down an agreement; refused, everything typed stays."""
    form = AgreementForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusals_to(form):
            try:
                made = draft_agreement(form.cleaned_data["uscc"], **form.agreed(), user=request.user)
            except NoLawInForce as missing:
                raise ReviewRefused(str(missing)) from missing
            messages.success(request, f"协议 {made.number} 录入好了，等待审批。")
            return redirect("admin:agreement", pk=made.pk)
    return render(request, "admin/agreed/form.html", {"form": form}, status=REFUSED if form.errors else 200)


@for_roles(*OFFICERS)
@require_GET
def agreement_page(request, pk: int):
    """One agreement: what was agreed, who approved, and its tranches with their claims."""
    return _screen(request, pk)


@for_roles("approver")
@require_POST
def decide(request, pk: int):
    """Approve, or refuse or end with a reason."""
    found = find_agreement(pk)
    seen = request.POST.get("seen_version", "")
    if found is None or not is_number(seen):
        raise Http404
    try:
        if "close" in request.POST:
            reason = request.POST.get("reason", "")
            close_agreement(found, reason=reason, seen_version=int(seen), user=request.user)
        else:
            approve_agreement(found, seen_version=int(seen), user=request.user)
    except REFUSALS as refusal:
        return _screen(request, pk, str(refusal), request.POST.get("reason", ""))
    return redirect("admin:agreement", pk=pk)


def _screen(request, pk: int, refusal: str = "", reason: str = ""):
    found = find_agreement(pk)
    if found is None:
        raise Http404
    context = screen_of(found, request.user, roles(request)) | {"refusal": refusal, "reason": reason}
    return render(request, "admin/agreed/page.html", context, status=REFUSED if refusal else 200)
