"""What a law says for one scheme and one fiscal year (a calendar year), in typed values."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Generic, TypeVar

T = TypeVar("T")

# What is bought: 智能算力, 通用算力, 超算, anything else.
SERVICES = ("intelligent", "general", "super", "other")
# What a subsidy is a share of: what was paid, the invoice with tax, what was paid without its tax.
TAX_BASES = ("paid", "incl_tax", "excl_tax")


@dataclass(frozen=True, slots=True)
class Value(Generic[T]):
    """One value of the law: what, since when, in which words (`clause`, verbatim) and where they stand.

    `silent`: the text does not say it. `clause` then holds the file's own words of that, and why it is this value.
    """

    value: T
    start: dt.date
    citation: str
    clause: str
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of days, both ends included."""

    first: dt.date
    last: dt.date

    def __contains__(self, day: dt.date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class RateClass:
    """A class of lines or applicants with a rate of its own (a start-up, domestic chips), in the law's words."""

    rate: Fraction
    words: str


@dataclass(frozen=True)
class Instrument:
    """What every law has: the document it comes from, the scheme it governs, the days it is in force."""

    id: str
    title: str
    status: str
    scheme: str
    scheme_title: str
    fiscal_year: int
    in_force: Value[Window]
    # What the text, or published practice, fixes of the calls under it: a term of a call → its value.
    call: Mapping[str, Value[Any]]

    def values(self) -> dict[str, Value[Any]]:
        """Every cited value by name. A rule or a check of the call must read each (tests/law holds us to it)."""
        pairs = ((field.name, getattr(self, field.name)) for field in dataclasses.fields(self))
        return {name: value for name, value in pairs if isinstance(value, Value)}

    def classes(self) -> Mapping[str, RateClass]:
        """The rate classes beyond local and external, by code."""
        return {}

    def spend_window(self) -> Window:
        """The days of this fiscal year on which the law is in force."""
        window = self.in_force.value
        return Window(
            max(window.first, dt.date(self.fiscal_year, 1, 1)),
            min(window.last, dt.date(self.fiscal_year, 12, 31)),
        )


@dataclass(frozen=True)
class Law(Instrument):
    """The law of a voucher scheme: the ceilings within which a year's call decides. Money in fen.

    An amount of None is a ceiling that the text does not state; a value of None is not in the file at all.
    """

    pool: Value[int | None]
    scope_categories: Value[Mapping[str, str]]  # code of a category → the law's own words for it
    scope_city: Value[str]
    service: Value[str]
    tax_basis: Value[str]
    local_rate: Value[Fraction]
    external_rate: Value[Fraction]
    annual_cap: Value[int | None]
    rate_classes: Value[Mapping[str, RateClass]] | None = None
    contract_cap: Value[int] | None = None
    claim_cap: Value[int] | None = None
    years_cap: Value[int] | None = None

    def classes(self) -> Mapping[str, RateClass]:
        """The rate classes beyond local and external, by code."""
        return self.rate_classes.value if self.rate_classes else {}


@dataclass(frozen=True)
class AgreementLaw(Instrument):
    """The ceilings of a scheme agreed case by case (一事一议). Money in fen.

    `in_principle` says that the text itself admits an exception to the rate (原则上). What a voucher law says besides
    is answered by what an agreement puts in its place, so that a claim under one is decided as any other.
    """

    rate_ceiling: Value[Fraction]
    grant_ceiling: Value[int]
    in_principle: Value[bool]

    contract_cap = claim_cap = years_cap = None

    @property
    def local_rate(self) -> Value[Fraction]:
        """No place makes a difference."""
        return self.rate_ceiling

    @property
    def external_rate(self) -> Value[Fraction]:
        """No place makes a difference."""
        return self.rate_ceiling

    @property
    def annual_cap(self) -> Value[int | None]:
        """What one applicant may have in a year: no more than any agreement may grant."""
        ceiling = self.grant_ceiling
        return Value(ceiling.value, ceiling.start, ceiling.citation, ceiling.clause)

    @property
    def pool(self) -> Value[int | None]:
        """The text states no total; each year's call brings its own envelope."""
        return Value(
            None, self.grant_ceiling.start, self.grant_ceiling.citation, self.grant_ceiling.clause, silent=True
        )

    @property
    def tax_basis(self) -> Value[str]:
        """What was paid counts."""
        return Value("paid", self.rate_ceiling.start, self.rate_ceiling.citation, self.rate_ceiling.clause, silent=True)


Governing = Law | AgreementLaw
