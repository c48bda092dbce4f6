"""A whole year under supposed rules: the cases in their order of filing, one after the other, until the pool is dry.

What an applicant obtained before counts against its caps, what all obtained before against the pool. Whole numbers of
fen throughout, and what `decide` would give each case when its turn comes (tests hold them equal).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vouchers.policy import Law
from vouchers.rules import clauses
from vouchers.rules.many import Spent, spending
from vouchers.rules.sharing import settled
from vouchers.rules.table import Ints, Table
from vouchers.rules.terms import CallTerms

# The day, and the fen that came to the pool on it (or left it, below zero).
Growth = tuple[dt.date, int]
SHORTAGES = ("waitlist", "first_come", "pro_rata")


@dataclass(frozen=True)
class Year:
    """What each case would be granted by the rules, and what the pool would give of that.

    `dry_at` is the first case, in order, that the pool could not give its whole amount; None where it suffices.
    """

    computed: Ints
    granted: Ints
    given: Ints
    dry_at: int | None

    @property
    def granted_fen(self) -> int:
        """What all would be granted, were there money enough."""
        return int(self.granted.sum())

    @property
    def given_fen(self) -> int:
        """What the pool would give."""
        return int(self.given.sum())


def run_year(
    table: Table, law: Law, terms: CallTerms, *, pool_fen: int, shortage: str = "waitlist", grows: Sequence[Growth] = ()
) -> Year:
    """The year of `table`, its cases in order of filing, under `law` and `terms`. Raises as `decide` does.

    `waitlist`: who does not get the whole amount waits, and nobody passes. `first_come`: the last one is cut, and
    nobody after it gets anything. `pro_rata`: all are cut alike at the end, and the minimum grant drops out once.
    The year begins anew: of caps, contracts and pool before each case, only what an applicant's first case says of
    earlier years and contracts counts.

    `grows` are what came to the pool during the year, or left it, by day: there from the beginning of that day for
    whoever filed then or later, and for the head of the queue. No more leaves than is free. A settlement gives out what
    there is at the end; what comes after a first_come year has closed serves nobody.
    """
    grows = sorted(grows)
    spent = spending(table, law, terms, one_year=True)
    granted, _ = _in_turn(table, spent, law, terms, None, ())
    column = np.array(granted, dtype=np.int64)
    if shortage == "first_come":
        given, dry = _in_turn(table, spent, law, terms, pool_fen, grows)
        return Year(spent.computed, column, np.array(given, dtype=np.int64), dry)
    if shortage == "pro_rata":
        given = settled(granted, _grown(pool_fen, grows), terms.minimum_grant_fen)
        dry = next((i for i, (whole, part) in enumerate(zip(granted, given, strict=True)) if part < whole), None)
        return Year(spent.computed, column, np.array(given, dtype=np.int64), dry)
    if grows:
        given, dry = _served(granted, table.cases["filed_on"].tolist(), pool_fen, grows)
        return Year(spent.computed, column, np.array(given, dtype=np.int64), dry)
    over = np.flatnonzero(np.cumsum(column) > pool_fen)
    dry = int(over[0]) if len(over) else None
    given_column = column.copy()
    if dry is not None:
        given_column[dry:] = 0
    return Year(spent.computed, column, given_column, dry)


def _grown(pool_fen: int, grows: Sequence[Growth]) -> int:
    """What the pool has when all of `grows` came or left; never below zero."""
    for _, fen in grows:
        pool_fen = max(pool_fen + fen, 0)
    return pool_fen


def _served(
    granted: list[int], days: list[int], pool_left: int, grows: Sequence[Growth]
) -> tuple[list[int], int | None]:
    """What a waiting list gives in strict order, each its whole amount as soon as the pool has it; and the first case
    that had to wait, though it may have been served later.
    """
    given, head, dry_at, ahead = [0] * len(granted), 0, None, list(grows)
    at = 0
    while at < len(days) or ahead:
        if ahead and (at == len(days) or ahead[0][0].toordinal() <= days[at]):
            pool_left = max(pool_left + ahead.pop(0)[1], 0)
        else:
            at += 1
        while head < at and granted[head] <= pool_left:
            given[head] = granted[head]
            pool_left -= granted[head]
            head += 1
        if head < at and dry_at is None:
            dry_at = head
    return given, dry_at


def _in_turn(
    table: Table, spent: Spent, law: Law, terms: CallTerms, pool_left: int | None, grows: Sequence[Growth]
) -> tuple[list[int], int | None]:
    """What each case is granted when its turn comes, and the first that the pool cut."""
    rooms = _rooms(table, law, terms)
    unit, least = terms.rounding_unit_fen, terms.minimum_grant_fen
    granted: list[int] = []
    dry_at, ahead = None, list(grows)
    columns = (spent.before_year, spent.computed, table.cases["applicant"], table.cases["filed_on"])
    for fen, computed_fen, applicant, day in zip(*(column.tolist() for column in columns), strict=True):
        while ahead and pool_left is not None and dry_at is None and ahead[0][0].toordinal() <= day:
            pool_left = max(pool_left + ahead.pop(0)[1], 0)
        room_fen = rooms[applicant]
        if room_fen < fen:
            fen = room_fen
        if pool_left is not None and pool_left < fen:
            fen = pool_left
            dry_at = len(granted) if dry_at is None else dry_at
        if fen < computed_fen:
            fen -= fen % unit
        if fen < least:
            fen = 0
        rooms[applicant] = room_fen - fen
        if pool_left is not None:
            # Filing closes behind the one that was cut.
            pool_left = 0 if dry_at is not None else pool_left - fen
        granted.append(fen)
    return granted, dry_at


def _rooms(table: Table, law: Law, terms: CallTerms) -> list[int]:
    """What each applicant, by its code, may obtain in the year: its cap, and what other years left of theirs."""
    rooms = [clauses.annual_cap(terms, law)] * (len(table.words) + 1)
    if terms.years_cap_fen is None:
        return rooms
    applicants, first = np.unique(table.cases["applicant"], return_index=True)
    for applicant, used_fen in zip(applicants.tolist(), table.cases["years_used"][first].tolist(), strict=True):
        rooms[applicant] = min(rooms[applicant], max(terms.years_cap_fen - used_fen, 0))
    return rooms


@dataclass(frozen=True)
class Difference:
    """What a change would mean: for each applicant what it had and would have, and the sums."""

    before: Year
    after: Year
    applicants: tuple[tuple[str, int, int], ...]
    dry_before: dt.date | None
    dry_after: dt.date | None

    @property
    def winners(self) -> int:
        """How many applicants would get more."""
        return sum(now > was for _, was, now in self.applicants)

    @property
    def losers(self) -> int:
        """How many applicants would get less."""
        return sum(now < was for _, was, now in self.applicants)


def compare(table: Table, before: Year, after: Year) -> Difference:
    """What the change from `before` to `after` would mean for each applicant of `table`."""
    sums: dict[int, list[int]] = {}
    columns = (table.cases["applicant"].tolist(), before.given.tolist(), after.given.tolist())
    for applicant, was, now in zip(*columns, strict=True):
        pair = sums.setdefault(applicant, [0, 0])
        pair[0] += was
        pair[1] += now
    names = {code: word[1:] for word, code in table.words.items() if word.startswith("#")}
    return Difference(
        before,
        after,
        tuple((names[applicant], was, now) for applicant, (was, now) in sums.items()),
        _day(table, before.dry_at),
        _day(table, after.dry_at),
    )


def _day(table: Table, at: int | None) -> dt.date | None:
    """The day on which a case was filed, where it says so."""
    ordinal = 0 if at is None else int(table.cases["filed_on"][at])
    return dt.date.fromordinal(ordinal) if ordinal else None
