"""What a cut would make of the amount, before anybody makes it. Nothing is written."""

from __future__ import annotations

from dataclasses import dataclass, replace

from vouchers import money, rules
from vouchers.claims.models import Claim
from vouchers.policy import NoLawInForce, governing
from vouchers.review.preview import preview_case


@dataclass(frozen=True)
class WhatIf:
    """The grant as the claim stands, and with the cut."""

    now_fen: int
    then_fen: int

    @property
    def change_fen(self) -> int:
        """Below zero where the cut lowers the grant."""
        return self.then_fen - self.now_fen

    @property
    def less_fen(self) -> int:
        """How much less is granted."""
        return -self.change_fen


def with_cut(claim: Claim, line_id: int, cut_fen: int) -> WhatIf | None:
    """The amounts with `cut_fen` off the claim's line; None when it cannot be decided now."""
    try:
        case = preview_case(claim)
        if case is None:
            return None
        parts = [line for line in case.facts.lines if line.ref.startswith(f"{line_id}-")]
        # Spread over the line's parts as a real cut is (claims.facts).
        bases = [min(line.amount_fen + line.tax_fen, line.paid_fen) for line in parts]
        cuts = dict(zip((p.ref for p in parts), money.share(min(cut_fen, sum(bases)), bases), strict=True))
        lines = tuple(replace(line, cut_fen=cuts.get(line.ref, line.cut_fen)) for line in case.facts.lines)
        facts = replace(case.facts, lines=lines)
        then = rules.decide(facts, governing(facts.scheme, facts.fiscal_year), case.terms)
    except (rules.FactsError, rules.TermsError, NoLawInForce, money.MoneyError):
        return None
    return WhatIf(case.decision.granted_fen, then.granted_fen)
