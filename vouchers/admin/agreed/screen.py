"""What the pages on agreements show, and which buttons a person has there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Prefetch, QuerySet

from accounts.models import User
from applicants.models import Organisation
from applicants.selectors import with_current_name
from vouchers.claims.agreements import Agreement, Tranche
from vouchers.claims.models import Claim
from vouchers.policy import NoLawInForce, agreement_for, agreement_schemes
from vouchers.workflow import CLOSED_UNPAID


@dataclass(frozen=True)
class Limit:
    """A ceiling of the law as it is written."""

    citation: str
    clause: str


def all_agreements() -> QuerySet[Agreement]:
    """Every agreement with its firm's name and the people who made and approved it."""
    firms = with_current_name(Organisation.objects.all())
    rows = Agreement.objects.select_related("made_by", "approved_by", "second_by")
    return rows.prefetch_related(Prefetch("organisation", firms)).order_by("-made_at", "-pk")


def find_agreement(pk: int) -> Agreement | None:
    """One agreement with its tranches and their claims."""
    tranches = Tranche.objects.order_by("position").prefetch_related(Prefetch("claims", Claim.objects.order_by("pk")))
    return all_agreements().prefetch_related(Prefetch("tranches", tranches)).filter(pk=pk).first()


def screen_of(agreement: Agreement, user: User, held: Collection[str]) -> dict:
    """The agreement, its ceilings in the law's words, and what `user` may do with it."""
    concerned = user.pk in (agreement.made_by_id, agreement.approved_by_id)
    waits = agreement.state in ("drafted", "approved_once")
    claims = [claim for tranche in agreement.tranches.all() for claim in tranche.claims.all()]
    return {
        "agreement": agreement,
        "scheme": agreement_schemes().get(agreement.scheme, agreement.scheme),
        "limits": _limits(agreement),
        "granted_fen": sum(claim.granted_fen for claim in claims if claim.state not in CLOSED_UNPAID),
        "may_approve": "approver" in held and waits and not concerned,
        "may_close": "approver" in held and (waits or agreement.state == "in_force"),
    }


def _limits(agreement: Agreement) -> list[Limit]:
    try:
        law = agreement_for(agreement.scheme, agreement.fiscal_year)
    except NoLawInForce:
        return []
    return [Limit(value.citation, value.clause) for value in (law.rate_ceiling, law.grant_ceiling)]
