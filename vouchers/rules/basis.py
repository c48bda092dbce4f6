"""What law and call say before there is any case: checked and worded once, read by every decision under them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from vouchers.policy import Governing
from vouchers.rules import clauses, words
from vouchers.rules.terms import CallTerms


@dataclass(frozen=True, slots=True)
class Basis:
    """Law and terms that fit each other, with the rate of each place (and in words) and the annual cap.

    `further`: the terms ask for something of vouchers.rules.parameters. `needs_contract`: a line without its contract
    cannot be judged.
    """

    law: Governing
    terms: CallTerms
    rates: dict[str, Fraction]
    rate_words: dict[str, str]
    cap_fen: int
    further: bool
    needs_contract: bool


_last: Basis | None = None


def basis_of(law: Governing, terms: CallTerms) -> Basis:
    """The basis of `law` and `terms`. Raises CallExceedsLaw or TermsError.

    The last one is kept, because whoever decides many cases decides them under one law and call.
    """
    global _last
    basis = _last
    if basis is None or basis.law is not law or basis.terms is not terms:
        clauses.check_terms(terms, law)
        rates = {"local": clauses.local_rate(terms, law), "external": clauses.external_rate(terms, law)}
        basis = Basis(
            law,
            terms,
            rates,
            {location: words.rate_words(location, terms, law) for location in rates},
            clauses.annual_cap(terms, law),
            _further(terms),
            terms.within_contract or terms.contract_cap_fen is not None,
        )
        _last = basis
    return basis


def _further(terms: CallTerms) -> bool:
    """Whether the terms differ from what a plain call asks."""
    plain = (terms.cap_year, terms.rounding_unit_fen, terms.rounding_mode, terms.rounding_at) == (
        "paid",
        1,
        "down",
        "line",
    )
    asked = (
        terms.allocation,
        terms.proration,
        terms.within_contract,
        terms.class_rates,
        terms.excludes_schemes,
        terms.minimum_spend_fen,
        terms.minimum_grant_fen,
    )
    caps = (terms.contract_cap_fen, terms.claim_cap_fen, terms.years_cap_fen)
    return not plain or any(asked) or any(cap is not None for cap in caps)
