"""From what was typed to the tables of the what-if page."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import QueryDict

from vouchers.admin.supposing.forms import SupposeForm
from vouchers.calls.models import Call
from vouchers.calls.services import terms_of
from vouchers.forms import is_number
from vouchers.policy import NoLawInForce, voucher_schemes
from vouchers.review.whatif import Answer, what_if
from vouchers.rules import TermsError
from vouchers.rules.year import Year

# The applicants with the largest change are told one by one.
MOST = 50


@dataclass(frozen=True)
class Figure:
    """One sum, as it is and as it would be."""

    label: str
    before: int
    after: int

    @property
    def change(self) -> int:
        """Below zero where it would be less."""
        return self.after - self.before


@dataclass(frozen=True)
class Firm:
    """What one applicant gets, and would get."""

    name: str
    before: int
    after: int

    @property
    def change(self) -> int:
        """Below zero where it would get less."""
        return self.after - self.before


def screen_of(data: QueryDict) -> dict:
    """Everything the page shows: the years there are, the form, and the answer where something was asked."""
    years = _years()
    wanted = data.get("year", "")
    call = next((c for c in years if is_number(wanted) and c.fiscal_year == int(wanted)), years[0] if years else None)
    if call is None:
        return {"form": None, "years": []}
    form = SupposeForm(data if "ask" in data else None, terms=terms_of(call))
    context = {"form": form, "years": years, "call": call, "answer": None}
    if form.is_bound and form.is_valid():
        try:
            answer = what_if(call.scheme, call.fiscal_year, form.changes())
        except (TermsError, NoLawInForce) as refusal:
            form.add_error(None, str(refusal))
        else:
            context |= {"answer": answer, "figures": _figures(answer), "firms": _firms(answer)}
    return context


def _years() -> list[Call]:
    """The call in force of every year of the voucher schemes, the latest first."""
    rows = Call.objects.filter(published_at__isnull=False, scheme__in=voucher_schemes())
    return list(rows.order_by("-fiscal_year", "scheme", "-version").distinct("fiscal_year", "scheme"))


def _figures(answer: Answer) -> list[Figure]:
    supposed = answer.supposed
    before, after = supposed.difference.before, supposed.difference.after

    def unmet(year: Year) -> int:
        return year.granted_fen - year.given_fen

    return [
        Figure("资金总额", supposed.before.appropriation_fen, supposed.after.appropriation_fen),
        *([Figure("年中追加和调整", supposed.grows_fen, supposed.grows_fen)] if supposed.grows_fen else []),
        Figure("测算额合计", int(before.computed.sum()), int(after.computed.sum())),
        Figure("按规则应补", before.granted_fen, after.granted_fen),
        Figure("资金池可付", before.given_fen, after.given_fen),
        Figure("资金缺口", unmet(before), unmet(after)),
    ]


def _firms(answer: Answer) -> list[Firm]:
    changed = [Firm(answer.names.get(uscc, uscc), was, now) for uscc, was, now in answer.supposed.difference.applicants]
    moved = [firm for firm in changed if firm.change]
    return sorted(moved, key=lambda firm: (-abs(firm.change), firm.name))[:MOST]
