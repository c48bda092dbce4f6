"""What a claim's other affairs say, where its call asks: the agreement it rests on, other years, contracts, schemes.

Nothing is asked of the database unless the call, or the tranche, asks for it.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet, Sum
from django.utils import timezone

from vouchers import rules
from vouchers.claims.agreements import Tranche
from vouchers.claims.models import Claim
from vouchers.workflow import CLOSED_UNPAID

_NOT_LIVE = ("draft", "recovered", *CLOSED_UNPAID)


@dataclass(frozen=True)
class Standing:
    """What vouchers.rules.Facts knows beside lines, cap and pool."""

    filed_on: dt.date | None = None
    years_used_fen: int = 0
    contracts: tuple[rules.ContractUse, ...] = ()
    other_schemes: tuple[str, ...] = ()
    agreed: rules.Agreed | None = None


PLAIN = Standing()


def standing_of(claim: Claim) -> Standing:
    """What the call of `claim` asks beyond its papers."""
    call = claim.call
    needs_contract = call.within_contract or call.contract_cap_fen is not None
    by_filing, by_years = call.cap_year == "filed", call.years_cap_fen is not None
    if not (claim.tranche_id or needs_contract or by_filing or by_years or call.excludes_schemes):
        return PLAIN
    return Standing(
        filed_on=_filed_on(claim) if by_filing else None,
        years_used_fen=_granted(_others(claim)) if by_years else 0,
        contracts=_contracts(claim) if needs_contract else (),
        other_schemes=_schemes(claim) if call.excludes_schemes else (),
        agreed=_agreed(claim) if claim.tranche_id else None,
    )


def _filed_on(claim: Claim) -> dt.date:
    return timezone.localdate(claim.submitted_at) if claim.submitted_at else settings.CLOCK.today()


def _others(claim: Claim) -> QuerySet[Claim]:
    """The applicant's other claims of the scheme, of all years, that hold money, wait for it or were paid."""
    mine = Claim.objects.filter(organisation_id=claim.organisation_id, call__scheme=claim.call.scheme)
    return mine.exclude(pk=claim.pk).exclude(state__in=_NOT_LIVE)


def _granted(claims: QuerySet[Claim]) -> int:
    return claims.aggregate(fen=Sum("granted_fen"))["fen"] or 0


def _contracts(claim: Claim) -> tuple[rules.ContractUse, ...]:
    """What earlier claims were reckoned on each contract, by the latest decision of each."""
    sql = """
        SELECT line ->> 'contract', result ->> 'base_fen', result ->> 'subsidy_fen'
        FROM (SELECT DISTINCT ON (claim_id) result AS stored FROM vouchers_decision
              WHERE claim_id = ANY (%s) ORDER BY claim_id, id DESC) AS latest,
          jsonb_array_elements(stored -> 'facts' -> 'lines') AS line,
          jsonb_array_elements(stored -> 'decision' -> 'lines') AS result
        WHERE line ->> 'ref' = result ->> 'ref' AND coalesce(line ->> 'contract', '') <> ''"""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    with connection.cursor() as cursor:
        cursor.execute(sql, [list(_others(claim).values_list("pk", flat=True))])
        for contract, base_fen, granted_fen in cursor.fetchall():
            sums[contract][0] += int(base_fen)
            sums[contract][1] += int(granted_fen)
    return tuple(rules.ContractUse(name, *used) for name, used in sorted(sums.items()))


def _schemes(claim: Claim) -> tuple[str, ...]:
    """The excluding schemes of the year under which the applicant has a claim that is alive or paid."""
    rows = Claim.objects.filter(
        organisation_id=claim.organisation_id,
        call__scheme__in=claim.call.excludes_schemes,
        call__fiscal_year=claim.call.fiscal_year,
    ).exclude(state__in=_NOT_LIVE)
    return tuple(rows.order_by("call__scheme").values_list("call__scheme", flat=True).distinct())


def _agreed(claim: Claim) -> rules.Agreed:
    """The agreement, and what its other tranches were granted."""
    tranche = Tranche.objects.select_related("agreement").get(claims=claim.pk)
    agreement = tranche.agreement
    others = Claim.objects.filter(tranche__agreement=agreement).exclude(pk=claim.pk).exclude(state__in=_NOT_LIVE)
    return rules.Agreed(
        reference=f"{agreement.number}（{agreement.reference}）第 {tranche.position} 期",
        rate=Fraction(agreement.rate),
        cost_fen=agreement.cost_fen,
        grant_fen=agreement.grant_fen,
        tranche_fen=tranche.amount_fen,
        used_fen=_granted(others),
        exception=agreement.exception,
    )
