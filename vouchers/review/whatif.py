"""What a change of law or call would have meant for a year's real claims. Read-only; nothing is promised or kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.utils import timezone

from applicants.models import Organisation
from applicants.selectors import with_current_name
from vouchers.calls.models import Call
from vouchers.calls.services import current_call, terms_of
from vouchers.ledger.selectors import grown_by_day
from vouchers.policy import law_for
from vouchers.review.funding import Case
from vouchers.review.models import Decision
from vouchers.rules import Facts
from vouchers.rules.supposing import Changes, Supposed, suppose
from vouchers.workflow import CLOSED_UNPAID


@dataclass(frozen=True)
class Answer:
    """What was supposed, of which call, and the names of the applicants by their credit codes."""

    call: Call
    supposed: Supposed
    names: dict[str, str]


def year_of(scheme: str, fiscal_year: int) -> tuple[list[Facts], list[str]]:
    """The facts of every claim of the year that was filed and not closed unpaid, in order of filing; their numbers.

    As they were decided last, with the day of first complete submission.
    """
    latest = (
        Decision.objects.filter(claim__call__scheme=scheme, claim__call__fiscal_year=fiscal_year)
        .exclude(claim__state__in=("draft", *CLOSED_UNPAID))
        .order_by("claim_id", "-pk")
        .distinct("claim_id")
    )
    rows = latest.values_list("claim__queue_number", "claim__number", "claim__submitted_at", "result")
    cases, numbers = [], []
    for _, number, submitted_at, result in sorted(rows, key=lambda row: row[0] or 0):
        facts = Case.from_json(result).facts
        cases.append(replace(facts, filed_on=timezone.localdate(submitted_at), pool_available_fen=None))
        numbers.append(number)
    return cases, numbers


def what_if(scheme: str, fiscal_year: int, changes: Changes) -> Answer:
    """Run the year's real claims under its call and under `changes`, with what came to the pool during the year.

    Raises CallError where no call was published, NoLawInForce, and TermsError (with CallExceedsLaw) for the changes.
    """
    call = current_call(scheme, fiscal_year)
    law = law_for(scheme, fiscal_year)
    cases, numbers = year_of(scheme, fiscal_year)
    supposed = suppose(cases, numbers, law, terms_of(call), call.shortage, changes, grown_by_day(scheme, fiscal_year))
    return Answer(call, supposed, _names(uscc for uscc, _, _ in supposed.difference.applicants))


def _names(codes: Iterable[str]) -> dict[str, str]:
    firms = with_current_name(Organisation.objects.filter(uscc__in=list(codes)))
    return {firm.uscc: str(firm) for firm in firms}
