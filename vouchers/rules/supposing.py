"""“What if”: the same year once under its own law and call and once under changed ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vouchers.policy import Law
from vouchers.rules.changes import changed_law, changed_terms
from vouchers.rules.facts import Facts
from vouchers.rules.table import Table, table_of
from vouchers.rules.terms import CallTerms, TermsError
from vouchers.rules.year import SHORTAGES, Difference, Growth, compare, run_year


@dataclass(frozen=True)
class Changes:
    """What is supposed to be otherwise: terms of the call and values of the law, as text; and the shortage rule."""

    call: Mapping[str, Any] = field(default_factory=dict)
    law: Mapping[str, Any] = field(default_factory=dict)
    shortage: str = ""


@dataclass(frozen=True)
class Supposed:
    """What the changes would mean for the year of `table`, and the terms and shortage rules it was run under."""

    table: Table
    lines: int
    before: CallTerms
    after: CallTerms
    shortage_before: str
    shortage_after: str
    difference: Difference
    grows_fen: int = 0


def suppose(
    cases: Sequence[Facts],
    refs: Sequence[str],
    law: Law,
    terms: CallTerms,
    shortage: str,
    changes: Changes,
    grows: Sequence[Growth] = (),
) -> Supposed:
    """Run `cases`, in their order of filing and named by `refs`, under `law` and `terms` and under `changes`.

    The pool is what each of the two calls appropriates, and what `grows` brought by day. Raises TermsError for changes that make no sense, and
    CallExceedsLaw where the changed call exceeds the changed law.
    """
    wanted = changes.shortage or shortage
    if wanted not in SHORTAGES:
        raise TermsError(f"资金不足时的办法“{wanted}”不认识：只能是 {'、'.join(SHORTAGES)} 之一。")
    other_law, other = changed_law(law, changes.law), changed_terms(terms, changes.call)
    if not isinstance(other_law, Law):
        raise TermsError("“一事一议”项目不能整体测算。")
    table = table_of(cases, refs)
    before = run_year(table, law, terms, pool_fen=terms.appropriation_fen, shortage=shortage, grows=grows)
    after = run_year(table, other_law, other, pool_fen=other.appropriation_fen, shortage=wanted, grows=grows)
    lines = len(table.lines["case"])
    found = compare(table, before, after)
    return Supposed(table, lines, terms, other, shortage, wanted, found, sum(fen for _, fen in grows))
