"""Half-typed forms of a claim: kept while somebody types, and there again when the page is opened anew."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import Http404, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.walls import MEMBER, for_roles
from vouchers.claims.drafts import HalfTyped, forget_half_typed, half_typed, keep_half_typed
from vouchers.claims.models import Claim
from vouchers.claims.services import EDITABLE
from vouchers.portal.filing.pages import own_claim, own_file, own_invoice, own_payment

# Each form: whose id it carries, and the page it stands on. Without an id it is the claim's own, and carries 0.
_FORMS = {
    "typed": (own_file, "claim_invoice_typed"),
    "correct": (own_invoice, "claim_invoice_correct"),
    "lines": (own_invoice, "claim_invoice"),
    "payment": (own_payment, "claim_payment"),
    "new-payment": (None, "claim_payments"),
    "match": (None, "claim_payments"),
}


@dataclass(frozen=True)
class Kept:
    """What was typed into one form and not saved. `behind` says that what is stored has changed since."""

    what: str
    pk: int
    row: HalfTyped | None = None
    behind: bool = False

    @property
    def body(self) -> QueryDict:
        """The form as it was sent to be kept."""
        return QueryDict(self.row.body if self.row else "")

    @property
    def mark(self) -> str:
        """A mark of this state of the form, empty when nothing is kept."""
        return self.row.mark if self.row else ""

    def __bool__(self) -> bool:
        return self.row is not None


def kept_form(claim: Claim, what: str, pk: int = 0, *, seen: str = "") -> Kept:
    """What was typed into this form last; `seen` is the mark of what is stored now."""
    row = half_typed(claim, f"{what}:{pk}")
    return Kept(what, pk, row, row is not None and QueryDict(row.body).get("seen", "") != seen)


def forget(claim: Claim, kept: Kept) -> None:
    """The form was saved for good."""
    forget_half_typed(claim, f"{kept.what}:{kept.pk}")


@for_roles(MEMBER)
@require_POST
def keep(request, number: str, what: str, pk: int):
    """Keep what is typed so far and show when; or, asked to, drop it and show what is stored."""
    claim = own_claim(request, number)
    page = _page(claim, what, pk)
    kept = kept_form(claim, what, pk)
    if "forget" in request.POST:
        forget(claim, kept)
        return redirect(page)
    newer = kept.row if kept and request.POST.get("kept", "") != kept.mark else None
    row = None if newer else keep_half_typed(claim, f"{what}:{pk}", request.POST.urlencode(), user=request.user)
    return render(request, "portal/filing/kept.html", {"kept": Kept(what, pk, row), "newer": newer})


def _page(claim: Claim, what: str, pk: int) -> str:
    """The address of the form's page. A form of no such kind, of somebody else's row, or closed does not exist."""
    if what not in _FORMS or claim.state not in EDITABLE:
        raise Http404
    own, page = _FORMS[what]
    if own is not None:
        return reverse(page, args=[claim.number, own(claim, pk).pk])
    if pk:
        raise Http404
    return reverse(page, args=[claim.number])
