"""The law as data: what only a numbered document can change, each value with its date, words and place.

`law_on(scheme, day)` and `law_for(scheme, fiscal_year)` answer with the voucher law in force, `agreement_for`
with the ceilings of a case-by-case scheme; all raise NoLawInForce rather than answer zero.
"""

from vouchers.policy.law import SERVICES, TAX_BASES, AgreementLaw, Law, Value, Window
from vouchers.policy.loader import NoLawInForce, agreement_for, all_laws, law_for, law_on, voucher_schemes
from vouchers.policy.reading import LawFileError

__all__ = [
    "SERVICES",
    "TAX_BASES",
    "AgreementLaw",
    "Law",
    "LawFileError",
    "NoLawInForce",
    "Value",
    "Window",
    "agreement_for",
    "all_laws",
    "law_for",
    "law_on",
    "voucher_schemes",
]
