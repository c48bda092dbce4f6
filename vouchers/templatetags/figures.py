"""How the large figures of a call, and account numbers, are written. `{% load figures %}`"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from django import template

from accounts.encryption import masked_account
from vouchers import money

register = template.Library()


@register.filter
def percent_of(rate: Decimal) -> str:
    """A call's rate as a percentage without its sign: 0.3000 → 30, 0.1250 → 12.5."""
    return money.percent(Fraction(rate)).removesuffix("%")


@register.filter
def short_wan(fen: int) -> str:
    """Fen as 万元 without idle decimals, the fen dropped: 200000000 → 200, 12345600 → 12.3456."""
    whole, rest = divmod(money.rounded(fen, 100) // 100, 10_000)
    return f"{whole:,}.{rest:04d}".rstrip("0").rstrip(".")


@register.filter
def masked_number(number: str) -> str:
    """A bank account as screens show it: the last four characters."""
    return masked_account(number)
