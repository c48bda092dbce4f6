"""The whole corpus: twenty-four invoices on each form, of 1 to 300 lines."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import io
from collections.abc import Iterator
from typing import Any, NamedTuple

import pikepdf

from vouchers.money import yuan

from ..facts import Facts
from . import fonts
from .form import Drawing
from .forms import FORMS
from .invented import invented

EACH = 24
# Lines of the long ones by form and seed.
_LONG = {("tax", 19): 300, ("saas", 19): 300, ("aisino", 19): 300, ("baiwang", 11): 120, ("narrow", 11): 120}
_QR_TYPES = {"数电专票": "31", "数电普票": "32", "电子普票": "10", "电子专票": "20"}


class Made(NamedTuple):
    """One file of the corpus and what is true of it."""

    form: str
    seed: int
    facts: Facts
    content: bytes


def payload(facts: Facts, *, number: str = "", day: datetime.date | None = None, amount: str = "") -> str:
    """What the QR code of `facts` says: the amount without tax on the older forms, with it on 数电票."""
    amount = amount or yuan(facts.amount_fen if facts.code else facts.total_fen).rstrip("0").rstrip(".")
    kind = _QR_TYPES[facts.kind]
    number, day = number or facts.number, day or facts.day
    return f"01,{kind},{facts.code},{number},{amount},{day:%Y%m%d},{facts.check_code},9F3A,"


def corpus() -> Iterator[Made]:
    """Every file, one after the other."""
    for name in FORMS:
        yield from (made(name, seed) for seed in range(EACH))


def made(name: str, seed: int) -> Made:
    """The `seed`th file of a form. Every third has a QR code; a few are long."""
    form = FORMS[name]
    kinds = ("电子普票", "电子专票") if form.code else ("数电专票", "数电普票")
    facts = invented(seed, kinds[seed % 2], _LONG.get((name, seed), 40 if seed == 3 else None), rare=not form.code)
    if form.code and facts.kind == "电子专票":
        facts.check_code = facts.check_code if seed % 4 else ""
    content = drawn(name, facts, qr=payload(facts) if seed % 3 == 0 else "", seed=seed)
    return Made(name, seed, facts, content)


def drawn(name: str, facts: Facts, **more: Any) -> bytes:
    """The PDF of `facts` on a form. `qr` is the text of its QR code, `title` another title than its kind's, `hidden` a
    text that no one sees, `embedded` files inside it, `turned` how many degrees its pages are shown turned, `manner` what
    differs from its form's manner, `altered` texts written otherwise where they first stand."""
    return _drawing(name, facts, **more).pdf()


def bound(invoices: list[tuple[str, Facts]]) -> bytes:
    """Several invoices in one file."""
    whole = pikepdf.new()
    for name, facts in invoices:
        whole.pages.extend(pikepdf.open(io.BytesIO(drawn(name, facts))).pages)
    buffer = io.BytesIO()
    whole.save(buffer)
    return buffer.getvalue()


def _drawing(name: str, facts: Facts, *, turned: int = 0, manner: dict[str, Any] | None = None, **more: Any) -> Drawing:
    form = FORMS[name]
    changes = (manner or {}) | ({"turned": turned} if turned else {})
    form = dataclasses.replace(form, manner=dataclasses.replace(form.manner, **changes))
    return Drawing(form, facts, (fonts.latin(noto(), form.latin), fonts.latin(noto(), 500)), **more)


@functools.cache
def noto() -> fonts.Font:
    """One subset for the whole corpus, of every character that any of its files uses."""
    from . import characters

    return fonts.noto(characters.ALL)
