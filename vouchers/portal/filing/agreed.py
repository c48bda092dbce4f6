"""“我的协议”: what was agreed case by case with the enterprise, and claiming a tranche of it."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.walls import MEMBER, for_roles
from applicants.models import Organisation
from applicants.web import acting_for
from vouchers.calls.models import Call
from vouchers.claims.agreements import Agreement, Tranche
from vouchers.claims.models import Claim, Voucher
from vouchers.claims.selectors import agreements_of, vouchers_of
from vouchers.claims.services import apply_for_voucher
from vouchers.claims.tranches import open_tranche
from vouchers.forms import REFUSALS
from vouchers.policy import agreement_schemes
from vouchers.workflow import CLOSED_UNPAID


@dataclass(frozen=True)
class TrancheRow:
    """One tranche, and the claim that was made of it last, if any."""

    tranche: Tranche
    claim: Claim | None

    @property
    def open(self) -> bool:
        """Whether it may be claimed (again), or its draft filled in."""
        return self.claim is None or self.claim.state in ("draft", *CLOSED_UNPAID)


@dataclass(frozen=True)
class Card:
    """An agreement, its tranches, the voucher of its scheme, and the open call to apply under."""

    agreement: Agreement
    scheme: str
    rows: list[TrancheRow]
    voucher: Voucher | None
    call: Call | None

    @property
    def granted_fen(self) -> int:
        """What its claims were granted so far."""
        live = (row.claim for row in self.rows if row.claim and row.claim.state not in CLOSED_UNPAID)
        return sum(claim.granted_fen for claim in live)


@for_roles(MEMBER)
@require_GET
def agreements(request):
    """Every agreement with what may be done next."""
    return _page(request)


@for_roles(MEMBER)
@require_POST
def qualify(request, number: str):
    """Apply for the year's voucher of an agreement's scheme."""
    organisation = acting_for(request)
    agreement = _own_or_404(organisation, number)
    card = _card(agreement, organisation)
    if card.call is None:
        return _page(request, "该项目本年度的申报通知尚未发布或已截止，请联系市工信局。")
    try:
        apply_for_voucher(
            organisation, card.call, purpose=f"协议 {agreement.number} {agreement.title}", user=request.user
        )
    except REFUSALS as refusal:
        return _page(request, str(refusal))
    return redirect("agreements")


@for_roles(MEMBER)
@require_POST
def claim_tranche(request, number: str, position: int):
    """Open the claim for a tranche."""
    agreement = _own_or_404(acting_for(request), number)
    tranche = get_object_or_404(agreement.tranches.select_related("agreement__organisation"), position=position)
    try:
        return redirect("claim", number=open_tranche(tranche, user=request.user).number)
    except REFUSALS as refusal:
        return _page(request, str(refusal))


def _own_or_404(organisation: Organisation, number: str) -> Agreement:
    found = agreements_of(organisation).filter(number=number).first()
    if found is None:
        raise Http404
    return found


def _page(request, refusal: str = ""):
    organisation = acting_for(request)
    cards = [_card(agreement, organisation) for agreement in agreements_of(organisation)]
    context = {"cards": cards, "refusal": refusal, "section": "claims"}
    return render(request, "portal/filing/agreements.html", context, status=409 if refusal else 200)


def _card(agreement: Agreement, organisation: Organisation) -> Card:
    rows = [TrancheRow(each, next(iter(reversed(each.claims.all())), None)) for each in agreement.tranches.all()]
    today = settings.CLOCK.today()
    calls = Call.objects.filter(scheme=agreement.scheme, published_at__isnull=False)
    call = calls.filter(filing_from__lte=today, filing_until__gte=today).order_by("-fiscal_year", "-version").first()
    own = vouchers_of(organisation).filter(scheme=agreement.scheme).exclude(state="refused")
    voucher = own.filter(fiscal_year=call.fiscal_year).first() if call else own.first()
    return Card(agreement, agreement_schemes()[agreement.scheme], rows, voucher, call)
