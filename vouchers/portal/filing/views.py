"""An enterprise's vouchers and claims, one claim, and why its amount is what it is."""

from __future__ import annotations

from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render

from accounts.walls import MEMBER, for_roles
from applicants.web import acting_for
from vouchers.claims.completeness import deficiencies_of
from vouchers.claims.selectors import place_in_queue, vouchers_of
from vouchers.claims.services import EDITABLE, filing_closed, open_claim
from vouchers.documents.download import attachment
from vouchers.forms import REFUSALS
from vouchers.ledger.selectors import pool_available_fen
from vouchers.portal.filing import overview
from vouchers.portal.filing.pages import case_of, frame, own_claim
from vouchers.portal.filing.sheet import sheet_of
from vouchers.portal.filing.tasks import DECLARATION, groups_of, missing_of
from vouchers.portal.filing.track import appeal_until, days_left, own_verbs, timeline_of, track_of
from vouchers.review.funding import offer_of


@for_roles(MEMBER)
def claims(request):
    """The enterprise's vouchers and claims, with what is to be done next."""
    return render(request, "portal/filing/claims.html", _overview(request))


def _overview(request) -> dict:
    organisation = acting_for(request)
    return {"vouchers": overview.vouchers(organisation), "claims": overview.claims(organisation), "section": "claims"}


@for_roles(MEMBER)
def claim_open(request, voucher: int):
    """Open a claim under an issued voucher."""
    found = get_object_or_404(vouchers_of(acting_for(request)), pk=voucher)
    if request.method != "POST":  # back from signing in anew
        return redirect("claims")
    try:
        return redirect("claim", number=open_claim(found, user=request.user).number)
    except REFUSALS as refusal:
        return render(request, "portal/filing/claims.html", _overview(request) | {"refusal": str(refusal)}, status=409)


@for_roles(MEMBER)
def claim(request, number: str):
    """One claim: where it stands, what is to be done, and what it will bring."""
    found = own_claim(request, number)
    events = list(found.events.select_related("actor"))
    missing = missing_of(found, deficiencies_of(found)) if found.state in EDITABLE else []
    missing = [each for each in missing if each.page != DECLARATION]
    page = frame(found) | {
        "track": track_of(found, events),
        "missing": missing,
        "groups": groups_of(found, missing),
        "sheet": sheet_of(case_of(found)),
        "timeline": timeline_of(events),
        "last": events[-1] if events else None,
        "verbs": own_verbs(found),
        "queue_place": place_in_queue(found) if found.waiting and found.call.shortage != "pro_rata" else None,
        "offer": offer_of(found),
        "filing_closed": found.state == "draft" and filing_closed(found.call),
        "pool_fen": pool_available_fen(found.call.scheme, found.call.fiscal_year) if found.state in EDITABLE else None,
        "due_words": days_left(found.correction_due) if found.state == "returned" else "",
        "appeal_until": appeal_until(found, events),
        "letter": overview.letter_of(found),
    }
    return render(request, "portal/filing/claim.html", page)


@for_roles(MEMBER)
def decision(request, number: str):
    """Why the amount is what it is, step by step."""
    found = own_claim(request, number)
    case = case_of(found)
    if case is None:
        raise Http404
    page = frame(found, "为什么是这个金额") | {"sheet": sheet_of(case), "decision": case.decision, "terms": case.terms}
    return render(request, "portal/filing/decision.html", page)


@for_roles(MEMBER)
def letter(request, number: str):
    """The enterprise's own letter on its payment."""
    found = overview.letter_of(own_claim(request, number))
    if found is None:
        raise Http404
    return attachment(found.stored_name, found.sha256, found.file_name)
