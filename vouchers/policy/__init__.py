"""The law as data: what only a numbered document can change, each value with its date, words and place.

`law_on(scheme, day)` and `law_for(scheme, fiscal_year)` answer with the voucher law in force, `agreement_for`
with the ceilings of a case-by-case scheme, `governing` with whichever of the two a scheme has; all raise NoLawInForce
rather than answer zero. The files of this folder are the city's own; those of `elsewhere/` are other cities', found by
`law_by_id` alone: they decide what `assess` and the tests ask, and no claim.
"""

from vouchers.policy.law import SERVICES, TAX_BASES, AgreementLaw, Governing, Law, RateClass, Value, Window
from vouchers.policy.loader import (
    NoLawInForce,
    agreement_for,
    agreement_schemes,
    all_laws,
    governing,
    law_by_id,
    law_for,
    law_ids,
    law_on,
    laws_of,
    voucher_schemes,
)
from vouchers.policy.reading import LawFileError, read_term, read_value

__all__ = [
    "SERVICES",
    "TAX_BASES",
    "AgreementLaw",
    "Governing",
    "Law",
    "LawFileError",
    "NoLawInForce",
    "RateClass",
    "Value",
    "Window",
    "agreement_for",
    "agreement_schemes",
    "all_laws",
    "governing",
    "law_by_id",
    "law_for",
    "law_ids",
    "law_on",
    "laws_of",
    "read_term",
    "read_value",
    "voucher_schemes",
]
