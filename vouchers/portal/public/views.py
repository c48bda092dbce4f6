"""Pages for anybody."""

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render

from accounts.walls import public
from vouchers.claims.services import MAX_UPLOAD_BYTES
from vouchers.forms import refusals_to
from vouchers.policy import law_for
from vouchers.portal.public import calculator, notices
from vouchers.portal.public.objecting import ObjectionForm, receive

SHOWN_AT_HOME = 5
A_PAGE = 50


@public
def home(request):
    """What the vouchers are, what is left, what one would get, and the way in."""
    call, today = notices.call_to_show(), settings.CLOCK.today()
    publicised = notices.publicised()
    page = {
        "call": call,
        "today": today,
        "notices": [notices.notice(claim) for claim in publicised[:SHOWN_AT_HOME]],
        "notice_count": publicised.count(),
        "publicity_ends": notices.publicity_ends(),
        "texts": notices.law_texts(),
    }
    if call:
        page |= _offer(request, call)
    return render(request, "portal/public/home.html", page)


def _offer(request, call) -> dict:
    """What the call offers, and what the figures in the address would get."""
    law, pool = law_for(call.scheme, call.fiscal_year), notices.pool_of(call)
    asked = any(name in request.GET for name in ("category", *calculator.CalculatorForm.base_fields))
    form = calculator.CalculatorForm(request.GET if asked else None, law=law)
    result = None if asked else calculator.example(call)
    if asked and form.is_valid():
        result = calculator.estimate(call, **form.asked(), free_fen=pool.free_fen)
    return {
        "law": law,
        "clauses": notices.clauses_of(law, "local_rate", "external_rate", "annual_cap"),
        "pool": pool,
        "form": form,
        "asked": asked,
        "result": result,
        "basis_hint": calculator.basis_hint(call),
        "days_left": (call.filing_until - settings.CLOCK.today()).days,
    }


@public
def publicity(request):
    """Every claim being publicised, until when, and how to object."""
    page = Paginator(notices.publicised(), A_PAGE).get_page(request.GET.get("page"))
    shown = [notices.notice(claim) for claim in page.object_list]
    return render(request, "portal/public/publicity.html", {"page": page, "notices": shown})


@public
def objection(request, pk):
    """Object to a claim being publicised; others are not known here."""
    claim = get_object_or_404(notices.publicised(), pk=pk)
    form = ObjectionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusals_to(form):
            received = receive(request, claim, **form.cleaned_data)
            messages.success(request, f"异议已收到，编号 {received.number}，请记下。核查以后按您留的联系方式答复。")
            return redirect("publicity")
    return render(request, "portal/public/objection.html", {"form": form, "notice": notices.notice(claim)})


@public
def policy(request):
    """The law in its own words, and every call in force."""
    return render(
        request,
        "portal/public/policy.html",
        {"texts": notices.law_texts(), "calls": notices.published_calls(), "today": settings.CLOCK.today()},
    )


@public
def guide(request):
    """What to prepare, how amounts come about, and what people ask."""
    call = notices.call_to_show()
    law = law_for(call.scheme, call.fiscal_year) if call else None
    megabytes = MAX_UPLOAD_BYTES // 2**20
    return render(request, "portal/public/help.html", {"call": call, "law": law, "megabytes": megabytes})


@public
def verify(request):
    """Whether a printed document is ours: kind, title, date and the file's sha256 by its short code."""
    code = request.GET.get("code", "").replace("\0", "").strip()[:40]
    found = notices.document_by(code)
    return render(request, "portal/public/verify.html", {"code": code, "found": found})
