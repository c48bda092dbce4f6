"""Many cases as columns of whole numbers (int64), so that a year can be decided at once. No float comes near them.

A table is made once and decided under as many laws and calls as somebody likes to suppose.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vouchers.rules.facts import Facts

Ints = NDArray[np.int64]
NO_DAY = 0
# Codes are bits of an int64.
_MOST_CODES = 62

_LINE_COLUMNS = (
    "case", "amount", "tax", "paid", "cut", "paid_on", "invoiced_on", "signed_on", "service_from", "service_until",
    "service", "local", "related", "elsewhere", "classes", "schemes", "contract", "contract_fen", "contract_base",
    "contract_granted",
)  # fmt: skip
_CASE_COLUMNS = ("applicant", "category", "city", "filed_on", "cap_used", "years_used", "pool", "first", "count")


@dataclass(frozen=True)
class Table:
    """`lines` are the ordinary lines, net of their red letters, case by case; `cases` the rest, both by column.

    Days are ordinals, 0 where there is none; `pool` is -1 where it does not cut, `contract_fen` where the contract
    does not say its amount, `contract` where there is none. Texts are places in `words`.
    """

    lines: dict[str, Ints]
    cases: dict[str, Ints]
    words: dict[str, int]
    refs: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.cases["first"])

    def code(self, word: str) -> int:
        """Where `word` stands among the table's words; -1 where no case uses it."""
        return self.words.get(word, -1)

    def bit(self, word: str) -> int:
        """The bit of `word` in a column of codes; 0 where no case uses it."""
        at = self.words.get(f"+{word}", -1)
        return 1 << at if at >= 0 else 0


def table_of(cases: Sequence[Facts], refs: Sequence[str] = ()) -> Table:
    """The table of `cases`, in their order. `refs` name them for whoever asks. Raises ValueError for agreements."""
    words: dict[str, int] = {}
    codes: dict[str, int] = {}
    contracts: dict[tuple[str, str], int] = {}
    lines: list[tuple[int, ...]] = []
    heads: list[tuple[int, ...]] = []
    for at, facts in enumerate(cases):
        if facts.agreed is not None:
            raise ValueError("what is agreed case by case is not supposed otherwise")
        first = len(lines)
        lines += _line_rows(at, facts, words, codes, contracts)
        applicant = facts.applicant
        heads.append(
            (
                _code(words, "#" + applicant.uscc),
                _code(words, applicant.category),
                _code(words, applicant.city),
                _day(facts.filed_on),
                facts.cap_used_fen,
                facts.years_used_fen,
                -1 if facts.pool_available_fen is None else facts.pool_available_fen,
                first,
                len(lines) - first,
            )
        )
    words |= {f"+{code}": at for code, at in codes.items()}
    names = tuple(refs) or tuple(str(i) for i in range(len(cases)))
    return Table(_columns(_LINE_COLUMNS, lines), _columns(_CASE_COLUMNS, heads), words, names)


def _line_rows(
    at: int, facts: Facts, words: dict[str, int], codes: dict[str, int], contracts: dict[tuple[str, str], int]
) -> Iterable[tuple[int, ...]]:
    nets = {line.ref: [line.amount_fen, line.tax_fen, line.paid_fen] for line in facts.lines}
    for red in facts.reversals:
        net = nets[red.reverses]
        net[0], net[1], net[2] = net[0] + red.amount_fen, net[1] + red.tax_fen, net[2] + red.paid_fen
    used = {
        name: (
            sum(use.base_fen for use in facts.contracts if use.contract == name),
            sum(use.granted_fen for use in facts.contracts if use.contract == name),
        )
        for name in {use.contract for use in facts.contracts}
    }
    own = _bits(codes, facts.applicant.classes)
    for line in facts.lines:
        key = (facts.applicant.uscc, line.contract)
        yield (
            at,
            *nets[line.ref],
            line.cut_fen,
            line.paid_on.toordinal(),
            line.invoice_date.toordinal(),
            _day(line.signed_on),
            _day(line.service_from),
            _day(line.service_until),
            _code(words, line.service),
            line.location == "local",
            line.seller_related,
            line.subsidised_elsewhere,
            own | _bits(codes, line.classes),
            _bits(codes, line.other_schemes),
            contracts.setdefault(key, len(contracts)) if line.contract else -1,
            -1 if line.contract_fen is None else line.contract_fen,
            *used.get(line.contract, (0, 0)),
        )


def _columns(names: tuple[str, ...], rows: list[tuple[int, ...]]) -> dict[str, Ints]:
    grid = np.array(rows, dtype=np.int64).reshape(len(rows), len(names))
    return {name: np.ascontiguousarray(grid[:, i]) for i, name in enumerate(names)}


def _code(words: dict[str, int], word: str) -> int:
    return words.setdefault(word, len(words))


def _bits(codes: dict[str, int], names: Iterable[str]) -> int:
    bits = 0
    for name in names:
        bits |= 1 << codes.setdefault(name, len(codes))
    if len(codes) > _MOST_CODES:
        raise ValueError(f"more than {_MOST_CODES} classes and schemes in one table")
    return bits


def _day(day: dt.date | None) -> int:
    return day.toordinal() if day else NO_DAY
