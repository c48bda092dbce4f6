"""The books and the audit trail: finance, approvers and auditors look; nobody changes anything."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import Http404, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header, url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from accounts.walls import for_roles
from accounts.web import roles
from vouchers.admin.finance import books as bookkeeping
from vouchers.admin.finance.trail import Trail
from vouchers.disbursement import books_check
from vouchers.forms import REFUSALS, is_number
from vouchers.ledger import kinds, selectors
from vouchers.review.actors import Actor
from vouchers.tasks import nudge

LIVE = ("waiting", "running")


def _checked() -> dict:
    """What the latest check of the books found, and how far the running one is."""
    job, found = books_check.check_job(), books_check.latest_finding()
    live = job is not None and job.state in LIVE
    entry, finding = found or (None, None)
    return {"check_job": job, "check_live": live, "check_entry": entry, "finding": finding}


@for_roles("finance", "auditor", "approver")
@require_GET
def books(request):
    """The year's pool, and every account."""
    known = bookkeeping.years()
    wanted = request.GET.get("year", "")
    chosen = next((each for each in known if str(each[1]) == wanted), known[0] if known else None)
    kind = request.GET.get("kind", "")
    context = {
        "section": "books",
        "years": known,
        "pool": bookkeeping.pool_of(*chosen) if chosen else None,
        "page": bookkeeping.accounts_page(request.GET),
        "this_year": settings.CLOCK.today().year,
        "q": request.GET.get("q", ""),
        "kind": kind,
        "kinds": kinds.ACCOUNT_LABELS.items(),
        "may_export": bool({"finance", "auditor"} & roles(request)),
        **_checked(),
    }
    return render(request, "admin/finance/books.html", context)


@for_roles("finance", "auditor", "approver")
@require_GET
def account(request):
    """One account and its transfers, the newest first."""
    key = request.GET.get("key", "")
    found = selectors.account(key)
    if found is None:
        raise Http404
    context = {
        "section": "books",
        "account": found,
        "name": bookkeeping.names_of([key])[key],
        "before": request.GET.get("before", ""),
        **bookkeeping.statement_page(key, request.GET.get("before")),
    }
    return render(request, "admin/finance/account.html", context)


@for_roles("finance", "auditor")
@require_GET
def ledger(request):
    """Every transfer of a calendar year as CSV, sent as it is read."""
    year = request.GET.get("year", "")
    if not is_number(year) or not 2000 <= int(year) <= 2100:
        raise Http404
    answer = StreamingHttpResponse(bookkeeping.ledger_csv(int(year)), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = content_disposition_header(True, f"资金台账_{year}.csv")
    answer["Cache-Control"] = "private, no-store"
    return answer


@for_roles("finance", "auditor", "approver", "audit_admin")
@require_POST
def check(request):
    """Have the books checked in the background."""
    before = books_check.check_job()
    try:
        job = books_check.start_check(actor=Actor(request.user))
    except REFUSALS as refusal:
        messages.error(request, str(refusal))
    else:
        nudge(job)
        again = before is not None and before.pk == job.pk
        messages.success(request, "账目已经在核对，不会重复开始。" if again else "已开始核对账目，可以离开本页。")
    back = request.POST.get("back", "")
    safe = back.startswith("/") and url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure())
    return redirect(back if safe else "admin:index")


@for_roles("finance", "auditor", "approver", "audit_admin")
@require_GET
def check_progress(request):
    """How far the check is, as a piece of the page; when it is done, the page is shown anew."""
    context = _checked()
    answer = render(request, "admin/finance/_check.html", context)
    if not context["check_live"]:
        answer["HX-Refresh"] = "true"
    return answer


@for_roles("auditor", "audit_admin")
@require_GET
def trail(request):
    """Who did what."""
    look = Trail(request.GET, "auditor" in roles(request))
    context = {"look": look, **look.page(), **_checked()}
    return render(request, "admin/finance/trail.html", context)
