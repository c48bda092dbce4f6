"""What a decision is: amounts, why each line counts or not, and how it came about. Money is int fen."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from vouchers.rules.stored import Stored, later


@dataclass(frozen=True, slots=True)
class LineResult(Stored):
    """One line's part in the amount. `reason` is empty where it counts, else a key of words.REASONS.

    `granted_fen` is its part of what was granted in the end, where the call says how lines bear a cut.
    """

    ref: str
    base_fen: int
    rate: Fraction
    subsidy_fen: int
    reason: str
    granted_fen: int | None = later(None)


@dataclass(frozen=True, slots=True)
class Step(Stored):
    """One step of the explanation: `given` went in, `outcome` came out, and what it makes in fen (None: no amount).

    `rule` names the step for programs: scope, line, cut, excluded, reverses, computed, granted, allotment, a binding of
    words.BINDINGS, or a parameter of the call (proration, within_contract, rounding, allocation).
    `citation` is where it stands, in the law or in the call; `ref` the line it is about, if one.
    """

    rule: str
    citation: str
    given: str
    outcome: str
    amount_fen: int | None = None
    ref: str = ""

    @property
    def text(self) -> str:
        """The step as one sentence."""
        return f"{self.given}：{self.outcome}。"


@dataclass(frozen=True, slots=True)
class Decision(Stored):
    """What follows from facts, law and call. Stored beside its facts and terms, it can be decided again for ever.

    `call_version` is 0 where no call was published. `binding` names what cut the amount last, a key of words.BINDINGS.
    `findings` are about the applicant or the filing (`not_in_scope`, `outside_filing`); what is wrong with a line stands
    at the line. `citations` are the law's clauses it rests on.
    """

    law_id: str
    call_version: int
    eligible: bool
    computed_fen: int
    granted_fen: int
    binding: str
    lines: tuple[LineResult, ...]
    findings: tuple[str, ...]
    citations: tuple[str, ...]
    trace: tuple[Step, ...]

    def outcome(self) -> tuple[object, ...]:
        """All that was decided, without the wording of its explanation: what a replay must find again."""
        return (
            self.law_id,
            self.call_version,
            self.eligible,
            self.computed_fen,
            self.granted_fen,
            self.binding,
            self.lines,
            self.findings,
            self.citations,
        )
