"""Many cases at once: what `decide` makes of each, to the fen, for whoever asks what other rules would have meant.

Written apart from `decide` and in another way (columns of int64, no float), so that each checks the other: tests hold
them equal case by case. Numbers are split before they are multiplied, so that nothing overflows.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from vouchers import money
from vouchers.policy import Law
from vouchers.rules import clauses
from vouchers.rules.table import NO_DAY, Ints, Table
from vouchers.rules.terms import CallTerms
from vouchers.rules.words import BINDINGS

UNIT = money.RATE_UNIT
# The product of two amounts up to this fits an int64.
_FACTOR = 3_000_000_000
NAMES = tuple(BINDINGS)
_NONE = NAMES.index("none")


@dataclass(frozen=True)
class Spent:
    """What the lines are worth, before anything that depends on other cases: by case, but `base`, by line.

    `before_year` is what is left after least spending, contracts and the application; `binding` what cut it so far.
    """

    base: Ints
    computed: Ints
    before_year: Ints
    binding: Ints


def decide_many(table: Table, law: Law, terms: CallTerms) -> tuple[Ints, Ints, Ints]:
    """Computed fen, granted fen and binding (a place in NAMES) of every case of `table`, as `decide` has them.

    Raises CallExceedsLaw or TermsError as `decide` does.
    """
    spent = spending(table, law, terms)
    used, years, pool = (table.cases[name] for name in ("cap_used", "years_used", "pool"))
    granted, binding = spent.before_year.copy(), spent.binding.copy()
    _lower(granted, binding, np.maximum(clauses.annual_cap(terms, law) - used, 0), "annual_cap")
    if terms.years_cap_fen is not None:
        _lower(granted, binding, np.maximum(terms.years_cap_fen - years, 0), "years_cap")
    _lower(granted, binding, np.where(pool < 0, granted, pool), "pool")
    cut = granted < spent.computed
    granted[cut] -= granted[cut] % terms.rounding_unit_fen
    small = (granted > 0) & (granted < terms.minimum_grant_fen)
    granted[small] = 0
    binding[small] = NAMES.index("min_grant")
    return spent.computed, granted, binding


def spending(table: Table, law: Law, terms: CallTerms, *, one_year: bool = False) -> Spent:
    """What the lines of every case are worth. With `one_year` the cases follow one another, and what an earlier one
    had of a contract is gone for the later; else each says itself what was had before."""
    clauses.check_terms(terms, law)
    lines = table.lines
    counts = _counts(table, law, terms)
    base = np.where(counts, _base(lines, terms), 0)
    base = np.maximum(base - lines["cut"], 0)
    if terms.proration:
        base = _prorated(base, lines, terms)
    rate, ceiling = _rates(table, law, terms)
    if terms.within_contract:
        limit = np.maximum(lines["contract_fen"] - lines["contract_base"], 0)
        base = _greedy(base, limit, rate, table, terms, counts, one_year=one_year)
    subsidy, computed = _subsidies(base, rate, ceiling, table, terms)
    granted, binding = computed.copy(), np.full(len(table), _NONE, dtype=np.int64)
    if terms.minimum_spend_fen:
        room = np.where(_by_case(base, table) < terms.minimum_spend_fen, 0, granted)
        _lower(granted, binding, room, "min_spend")
    if terms.contract_cap_fen is not None:
        limit = np.maximum(terms.contract_cap_fen - lines["contract_granted"], 0)
        kept = _greedy(subsidy, limit, rate, table, terms, counts, one_year=one_year)
        _lower(granted, binding, _by_case(kept, table), "contract_cap")
    if terms.claim_cap_fen is not None:
        _lower(granted, binding, np.full(len(table), terms.claim_cap_fen, dtype=np.int64), "claim_cap")
    return Spent(base, computed, granted, binding)


def _lower(granted: Ints, binding: Ints, room: Ints, name: str) -> None:
    """No more than `room`, and what cut it."""
    cuts = room < granted
    granted[cuts] = room[cuts]
    binding[cuts] = NAMES.index(name)


def _by_case(values: Ints, table: Table) -> Ints:
    """The sum of `values` of each case's lines."""
    sums = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(values, out=sums[1:])
    first = table.cases["first"]
    by_case: Ints = sums[first + table.cases["count"]] - sums[first]
    return by_case


def _counts(table: Table, law: Law, terms: CallTerms) -> Ints:
    """Whether each line counts at all."""
    lines, cases = table.lines, table.cases
    supported = np.isin(cases["category"], [table.code(code) for code in law.scope_categories.value])
    supported &= cases["city"] == table.code(law.scope_city.value)
    if terms.filing_from or terms.filing_until:
        filed = cases["filed_on"]
        in_time = (filed >= (terms.filing_from.toordinal() if terms.filing_from else 0)) & (
            filed <= (terms.filing_until.toordinal() if terms.filing_until else np.iinfo(np.int64).max)
        )
        supported &= in_time | (filed == NO_DAY)
    counts = supported[lines["case"]] & (lines["service"] == table.code(law.service.value))
    if terms.excludes_related_party:
        counts &= lines["related"] == 0
    if terms.excludes_subsidised_elsewhere:
        counts &= lines["elsewhere"] == 0
    if terms.excludes_schemes:
        barred = 0
        for scheme in terms.excludes_schemes:
            barred |= table.bit(scheme)
        counts &= (lines["schemes"] & barred) == 0
    if terms.within_contract or terms.contract_cap_fen is not None:
        counts &= lines["contract"] >= 0
    if terms.within_contract:
        counts &= lines["contract_fen"] >= 0
    counted: Ints = counts & _in_time(table, law, terms)
    return counted


def _in_time(table: Table, law: Law, terms: CallTerms) -> Ints:
    """Whether each line lies on days that law and call take."""
    lines = table.lines
    names = {"paid": "paid_on", "invoiced": "invoiced_on", "service": "service_until", "signed": "signed_on"}
    filed = terms.cap_year == "filed"
    day = table.cases["filed_on"][lines["case"]] if filed else lines[names[terms.cap_year]]
    known = day != NO_DAY
    if terms.proration:
        known = known & (lines["service_from"] != NO_DAY)
    force, spend_from, spend_until = law.in_force.value, terms.spend_from.toordinal(), terms.spend_until.toordinal()
    first, last = force.first.toordinal(), force.last.toordinal()
    if terms.cap_year == "service":
        known = known & (lines["service_from"] <= last) & (lines["service_until"] >= first)
        if terms.proration:
            by_days: Ints = known & (_service_days(lines, terms)[0] > 0)
            return by_days
    by = lines["paid_on"] if filed else day
    if terms.cap_year != "service":
        known = known & (by >= first) & (by <= last)
    if terms.cap_year == "paid":
        known &= (lines["invoiced_on"] >= first) & (lines["invoiced_on"] <= last)
    year = np.array([f"{terms.fiscal_year}-01-01", f"{terms.fiscal_year}-12-31"], dtype="datetime64[D]")
    # Ordinals count from 0001-01-01, numpy from 1970-01-01.
    new_year, end = year.astype(np.int64) + 719_163
    in_time: Ints = known & (day >= new_year) & (day <= end) & (by >= spend_from) & (by <= spend_until)
    return in_time


def _base(lines: dict[str, Ints], terms: CallTerms) -> Ints:
    """The fen that are subsidised, before cuts."""
    amount, paid = lines["amount"], lines["paid"]
    invoice = amount + lines["tax"]
    some = (invoice > 0) & (paid > 0)
    if terms.tax_basis == "incl_tax":
        return np.where(some, invoice, 0)
    if terms.tax_basis == "paid":
        return np.where(some, np.minimum(invoice, paid), 0)
    base = np.zeros(len(amount), dtype=np.int64)
    small = some & (np.abs(amount) < _FACTOR) & (paid < _FACTOR)
    base[small] = paid[small] * amount[small] // invoice[small]
    for i in np.flatnonzero(some & ~small):
        base[i] = min(int(paid[i]) * int(amount[i]) // int(invoice[i]), int(amount[i]))
    least: Ints = np.maximum(np.minimum(np.minimum(base, amount), np.where(some, paid, 0)), 0)
    return least


def _service_days(lines: dict[str, Ints], terms: CallTerms) -> tuple[Ints, Ints]:
    """Days of service in the spend window, and all of them."""
    start, end = lines["service_from"], lines["service_until"]
    spend_from, spend_until = terms.spend_from.toordinal(), terms.spend_until.toordinal()
    both = int(terms.proration == "inclusive")
    counted = np.maximum(np.minimum(end, spend_until) - np.maximum(start, spend_from) + both, 0)
    one_day = start == end
    counted = np.where(one_day, (start >= spend_from) & (start <= spend_until), counted)
    return counted, np.where(one_day, 1, end - start + both)


def _prorated(base: Ints, lines: dict[str, Ints], terms: CallTerms) -> Ints:
    counted, whole = _service_days(lines, terms)
    return np.minimum(_scaled(base, counted, whole, terms), base)


def _scaled(value: Ints, times: Ints | int, over: Ints | int, terms: CallTerms) -> Ints:
    """`value` × `times` ÷ `over`, in whole units of the call, rounded as it says."""
    unit = terms.rounding_unit_fen
    size = over * unit
    rest = value % size * times
    units, rest = value // size * times + rest // size, rest % size
    if terms.rounding_mode == "up":
        units = units + (rest > 0)
    elif terms.rounding_mode == "half_up":
        units = units + (rest * 2 >= size)
    return units * unit


def _rates(table: Table, law: Law, terms: CallTerms) -> tuple[Ints, Ints]:
    """Rate and ceiling of every line, in ten-thousandths."""
    local = table.lines["local"] == 1
    rate = np.where(local, _units(clauses.local_rate(terms, law)), _units(clauses.external_rate(terms, law)))
    ceiling = np.where(local, _units(law.local_rate.value), _units(law.external_rate.value))
    for item in terms.class_rates:
        higher = (table.lines["classes"] & table.bit(item.code) != 0) & (rate < _units(item.rate))
        rate = np.where(higher, _units(item.rate), rate)
        ceiling = np.where(higher, _units(law.classes()[item.code].rate), ceiling)
    return rate, ceiling


def _units(rate: Fraction) -> int:
    return rate.numerator * (UNIT // rate.denominator)


def _subsidies(base: Ints, rate: Ints, ceiling: Ints, table: Table, terms: CallTerms) -> tuple[Ints, Ints]:
    """Every line's subsidy (where a cap on contracts asks for it) and every case's."""
    if terms.rounding_at == "line":
        subsidy = _scaled(base, rate, UNIT, terms)
        if terms.rounding_mode != "down":
            limit = base // UNIT * ceiling + base % UNIT * ceiling // UNIT
            unit = terms.rounding_unit_fen
            subsidy = np.where(subsidy > limit, _down(base, rate, unit), subsidy)
        return subsidy, _by_case(subsidy, table)
    size = UNIT * terms.rounding_unit_fen
    whole, rest = _by_case(base // size * rate, table), _by_case(base % size * rate, table)
    units, rest = whole + rest // size, rest % size
    down = units * terms.rounding_unit_fen
    more = {"down": rest < 0, "up": rest > 0, "half_up": rest * 2 >= size}[terms.rounding_mode]
    limit = _by_case(base // UNIT * ceiling, table) + _by_case(base % UNIT * ceiling, table) // UNIT
    raised = down + more * terms.rounding_unit_fen
    computed = np.where(raised > limit, down, raised)
    if terms.contract_cap_fen is None:
        return computed, computed
    return _shared(computed, base, rate, table), computed


def _down(base: Ints, rate: Ints, unit: int) -> Ints:
    size = UNIT * unit
    return (base // size * rate + base % size * rate // size) * unit


def _shared(computed: Ints, base: Ints, rate: Ints, table: Table) -> Ints:
    """The rounded sum of each case over its lines, as `parameters.rounded_total` spreads it."""
    parts = np.zeros(len(base), dtype=np.int64)
    for first, count, total in zip(table.cases["first"], table.cases["count"], computed, strict=True):
        weights = [
            int(b) * int(r) for b, r in zip(base[first : first + count], rate[first : first + count], strict=True)
        ]
        parts[first : first + count] = money.share(int(total), weights)
    return parts


def _greedy(
    values: Ints, limit: Ints, rate: Ints, table: Table, terms: CallTerms, counts: Ints, *, one_year: bool
) -> Ints:
    """`values` of the lines of one contract, so that together they stay within its `limit`.

    A contract of one case; or, with `one_year`, of the whole year, case after case.
    """
    lines = table.lines
    group = lines["contract"] if one_year else lines["contract"] * np.int64(len(table) + 1) + lines["case"]
    at = np.flatnonzero(counts)
    within = {"high_first": -rate, "low_first": rate}.get(terms.allocation, np.zeros(len(values), dtype=np.int64))
    order = at[np.lexsort((at, within[at], lines["case"][at], group[at]))]
    before = np.zeros(len(order), dtype=np.int64)
    # Sums may wrap around; their differences within a contract do not.
    np.cumsum(values[order][:-1], out=before[1:])
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    sizes = np.diff(np.append(starts, len(order)))
    before -= np.repeat(before[starts], sizes)
    kept = np.zeros(len(values), dtype=np.int64)
    # The limit that the first line knows: later ones may have been told of what the earlier had.
    kept[order] = np.clip(np.repeat(limit[order][starts], sizes) - before, 0, values[order])
    if terms.allocation == "proportional":
        _in_proportion(kept, values, order, group * np.int64(len(table) + 1) + lines["case"])
    return kept


def _in_proportion(kept: Ints, values: Ints, order: Ints, group: Ints) -> None:
    """What is kept of a contract in a case, spread over its lines in proportion."""
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    for lines in np.split(order, starts[1:]):
        if len(lines) and kept[lines].sum() < values[lines].sum():
            kept[lines] = money.share(int(kept[lines].sum()), [int(value) for value in values[lines]])
