"""The ordinary case that every example of the law starts from, and how an example changes it."""

import copy
from dataclasses import replace

from vouchers import money, policy
from vouchers.rules import CallTerms, default_terms

USCC = "91320214MA1XPQ3F0P"
SCHEME = "compute_voucher"
LAW = policy.law_for(SCHEME, 2025)
TERMS = default_terms(LAW)


def ordinary_case() -> dict:
    """A cluster enterprise of Wuxi that paid one local invoice of 106,000 yuan in full: 31,800 yuan."""
    return {
        "case": "A1",
        "scheme": SCHEME,
        "fiscal_year": 2025,
        "applicant": {"uscc": USCC, "category": "cluster_enterprise", "city": "无锡市"},
        "cap_used": "0.00",
        "pool_available": "50000000.00",
        "lines": [ordinary_line()],
    }


def ordinary_line(**changes) -> dict:
    return {
        "ref": "L1",
        "service": "intelligent",
        "location": "local",
        "invoice_date": "2025-03-01",
        "amount": "100000.00",
        "tax": "6000.00",
        "paid": "106000.00",
        "paid_on": "2025-03-15",
        "seller_related": False,
        "subsidised_elsewhere": False,
        **changes,
    }


def changed(case: dict, changes: dict) -> dict:
    """`case` with dotted keys replaced ("lines.0.paid"); whole `lines` are filled up from the ordinary line."""
    case = copy.deepcopy(case)
    for path, value in changes.items():
        *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        target = case
        for part in parents:
            target = target[part]
        if path == "lines":
            value = [row if "reverses" in row else ordinary_line(**row) for row in value]
        target[last] = copy.deepcopy(value)
    return case


def terms_with(changes: dict) -> CallTerms:
    """The default terms with `changes` as an example writes them: rates and amounts as text."""
    read = {
        "local_rate": ("local_rate", money.parse_rate),
        "external_rate": ("external_rate", money.parse_rate),
        "annual_cap": ("annual_cap_fen", money.parse_yuan),
        "appropriation": ("appropriation_fen", money.parse_yuan),
    }
    named = {}
    for key, value in changes.items():
        name, reader = read.get(key, (key, lambda plain: plain))
        named[name] = reader(value)
    return replace(TERMS, **named)
