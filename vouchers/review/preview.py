"""What a claim would get if it were decided now. Nothing is locked, written or promised."""

from __future__ import annotations

from dataclasses import replace

from vouchers import rules
from vouchers.calls.services import terms_of
from vouchers.claims.dossier import Dossier
from vouchers.claims.facts import facts_of
from vouchers.claims.models import Claim
from vouchers.ledger.selectors import held_fen
from vouchers.policy import law_for
from vouchers.review.funding import Case, Purse, allotment_of


def preview_case(claim: Claim) -> Case | None:
    """The decision as papers, pool and cap stand at this moment, with its facts and terms; None without any line.

    A claim that holds money may keep it; under a waiting list the pool does not cut.
    """
    dossier = Dossier(claim)
    if not dossier.lines:
        return None
    organisation = claim.organisation
    purse = Purse(claim, held_fen=held_fen(claim.pk))
    waits_for_turn = claim.call.shortage != "first_come"
    facts = facts_of(
        claim,
        applicant=rules.Applicant(organisation.uscc, organisation.category, organisation.city),
        cap_used_fen=purse.cap_used_fen,
        pool_available_fen=None if waits_for_turn else purse.pool_fen + purse.held_fen,
        dossier=dossier,
    )
    if claim.submitted_at is not None and (allotment := allotment_of(claim)) is not None:
        facts = replace(facts, allotment=allotment)
    terms = terms_of(claim.call)
    return Case(facts, terms, rules.decide(facts, law_for(facts.scheme, facts.fiscal_year), terms))


def preview(claim: Claim) -> rules.Decision | None:
    """Only the decision of `preview_case`."""
    case = preview_case(claim)
    return case.decision if case else None
