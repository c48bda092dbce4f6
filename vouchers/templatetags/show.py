"""How pages write money, days, states and icons. `{% load show %}`"""

from __future__ import annotations

import datetime as dt

from django import template
from django.conf import settings
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from vouchers import money, workflow

register = template.Library()

# How a state looks: the tone of its badge, and its icon. Colour never stands alone: icon and word say the same.
_LOOKS = {
    "draft": ("", "pen"),
    "submitted": ("run", "ring"),
    "returned": ("warn", "back"),
    "accepted": ("run", "half"),
    "reviewed": ("run", "half"),
    "approved_once": ("run", "half"),
    "approved": ("ok", "ok"),
    "publicised": ("run", "eye"),
    "suspended": ("warn", "pause"),
    "payable": ("ok", "ok"),
    "batched": ("ok", "files"),
    "paid": ("ok", "check"),
    "rejected": ("bad", "no"),
    "withdrawn": ("", "minus"),
    "lapsed": ("bad", "clock"),
    "discarded": ("", "close"),
    "recovered": ("bad", "back"),
    "applied": ("run", "ring"),
    "issued": ("ok", "ok"),
    "refused": ("bad", "no"),
    "expired": ("", "clock"),
    "revoked": ("bad", "no"),
    "open": ("run", "pen"),
    "frozen": ("warn", "lock"),
    "signed": ("ok", "check"),
    "released": ("run", "up"),
    "reconciled": ("ok", "ok"),
    "cancelled": ("", "close"),
    "prepared": ("", "ring"),
    "sent": ("run", "up"),
    "failed": ("bad", "no"),
    "unknown": ("warn", "warn"),
    "dropped": ("", "minus"),
    "done": ("ok", "check"),
    "void": ("warn", "no"),
}
_MACHINES = {
    "claim": workflow.CLAIM,
    "voucher": workflow.VOUCHER,
    "batch": workflow.BATCH,
    "payment": workflow.PAYMENT,
    "order": workflow.ORDER,
}


@register.filter
def yuan(fen: int | None) -> str:
    """Fen as yuan with thousands separated: 123450 → 1,234.50; a cut reads with a true minus sign."""
    return "" if fen is None else money.grouped(fen).replace("-", "−")


@register.filter
def whole_yuan(fen: int) -> str:
    """The part of `yuan` before the point, for large figures whose fen stand smaller."""
    return yuan(fen)[:-3]


@register.filter
def only_fen(fen: int) -> str:
    """The point and the two decimals of `yuan`."""
    return yuan(fen)[-3:]


@register.filter
def wan(fen: int) -> str:
    """Fen as 万元 with two decimals, rounded down: 128463000000 → 128,463.00. For overviews, never for accounts."""
    return money.grouped(money.rounded(fen, 10_000) // 10_000)


@register.filter
def in_words(fen: int) -> str:
    """Fen in capital numerals (大写)."""
    return money.in_words(fen)


@register.filter
def percent(rate) -> str:
    """A rate, Fraction or stored text ("0.30"), as a percentage: 30%."""
    return money.percent(money.parse_rate(rate) if isinstance(rate, str) else rate)


@register.filter
def day(value: dt.date | dt.datetime | None) -> str:
    """A day as people write it: 3月5日, with its year when that is not this one."""
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        value = timezone.localtime(value).date()
    year = "" if value.year == settings.CLOCK.today().year else f"{value.year}年"
    return f"{year}{value.month}月{value.day}日"


@register.filter
def moment(value: dt.datetime | None) -> str:
    """A day and the time of day: 3月5日 15:20."""
    return "" if value is None else f"{day(value)} {timezone.localtime(value):%H:%M}"


@register.simple_tag
def icon(name: str) -> SafeString:
    """An icon of the sprite in parts/icons.html. It decorates: the words beside it say everything."""
    return format_html('<svg class="i" viewBox="0 0 20 20" aria-hidden="true"><use href="#i-{}"/></svg>', name)


@register.simple_tag
def state(machine: str, value: str, audience: str = "officer", bare: bool = False) -> SafeString:
    """The badge of a state: `machine` is claim, voucher, batch, payment or order; `audience` officer or applicant."""
    known = _MACHINES[machine].states[value]
    label = known.for_applicant() if audience == "applicant" else known.label
    tone, name = _LOOKS[value]
    classes = " ".join(filter(None, ["state", tone, "bare" if bare else ""]))
    return format_html('<span class="{}">{}{}</span>', classes, icon(name), label)
