"""What every page of a claim starts from: the claim itself, behind the wall of its organisation."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from applicants.web import acting_for
from vouchers.claims.models import Claim
from vouchers.claims.papers import Attachment, Invoice, PaymentMade
from vouchers.claims.selectors import claims_of
from vouchers.claims.services import EDITABLE
from vouchers.forms import REFUSALS
from vouchers.review.funding import Case
from vouchers.review.preview import preview_case


def own_claim(request: HttpRequest, number: str) -> Claim:
    """The enterprise's claim of this number; anybody else's does not exist."""
    claim = claims_of(acting_for(request)).filter(number=number).first()
    if claim is None:
        raise Http404
    return claim


def own_invoice(claim: Claim, pk: int) -> Invoice:
    """The invoice of the claim's organisation, with its file; anybody else's does not exist."""
    return _own(Invoice.objects.select_related("attachment"), claim, pk)


def own_payment(claim: Claim, pk: int) -> PaymentMade:
    """The payment of the claim's organisation; anybody else's does not exist."""
    return _own(PaymentMade.objects.select_related("attachment"), claim, pk)


def own_file(claim: Claim, pk: int) -> Attachment:
    """The file of the claim's organisation, of whichever of its claims."""
    return _own(Attachment.objects.select_related("claim"), claim, pk)


def _own(rows, claim: Claim, pk: int):
    found = rows.filter(organisation=claim.organisation_id, pk=pk).first()
    if found is None:
        raise Http404
    return found


def frame(claim: Claim, here: str = "") -> dict:
    """What every template of a claim shows; `here` is the name of the page in the crumbs."""
    return {"claim": claim, "here": here, "editable": claim.state in EDITABLE, "section": "claims"}


def ask_first(request: HttpRequest, claim: Claim, page: dict, act: Callable[[], object], told: str) -> HttpResponse:
    """Do `act` once the clerk has confirmed it, say `told` and go `page["back"]`; a refusal stands on the question."""
    if request.method == "POST":
        try:
            act()
            messages.success(request, told)
            return redirect(page["back"], number=claim.number)
        except REFUSALS as refusal:
            page |= {"refusal": str(refusal)}
    return render(request, "portal/filing/sure.html", page)


def case_of(claim: Claim) -> Case | None:
    """What the amount rests on: computed now while the claim may be changed, else as it was decided last."""
    if claim.state in EDITABLE:
        return preview_case(claim)
    stored = claim.decisions.order_by("-pk").values_list("result", flat=True).first()
    return Case.from_json(stored) if stored else None
