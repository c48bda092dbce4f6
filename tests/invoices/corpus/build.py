"""The whole corpus: at least thirty invoices on each form, of 1 to 300 lines."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import NamedTuple

from vouchers.money import yuan

from ..facts import Facts
from . import fonts
from .form import Drawing
from .forms import FORMS
from .invented import invented

EACH = 30
_LONG = {3: 40, 11: 120, 19: 300}
_QR_TYPES = {"数电专票": "31", "数电普票": "32", "电子普票": "10", "电子专票": "20"}


class Made(NamedTuple):
    """One file of the corpus and what is true of it."""

    form: str
    seed: int
    facts: Facts
    content: bytes


def payload(facts: Facts) -> str:
    """What the QR code of `facts` says: the amount without tax on the older forms, with it on 数电票."""
    amount = yuan(facts.amount_fen if facts.code else facts.total_fen)
    amount = amount.rstrip("0").rstrip(".")
    kind = _QR_TYPES[facts.kind]
    return f"01,{kind},{facts.code},{facts.number},{amount},{facts.day:%Y%m%d},{facts.check_code},9F3A,"


def corpus() -> Iterator[Made]:
    """Every file, one after the other."""
    for name in FORMS:
        yield from (made(name, seed) for seed in range(EACH))


def made(name: str, seed: int) -> Made:
    """The `seed`th file of a form. Every third has a QR code; three are long."""
    form = FORMS[name]
    kinds = ("电子普票", "电子专票") if form.code else ("数电专票", "数电普票")
    facts = invented(seed, kinds[seed % 2], _LONG.get(seed), rare=not form.code)
    if form.code and facts.kind == "电子专票":
        facts.check_code = facts.check_code if seed % 4 else ""
    drawing = Drawing(
        form,
        facts,
        (fonts.latin(_noto(), form.latin), fonts.latin(_noto(), 500)),
        qr=payload(facts) if seed % 3 == 0 else "",
        seed=seed,
    )
    return Made(name, seed, facts, drawing.pdf())


@functools.cache
def _noto() -> fonts.Font:
    """One subset for the whole corpus, of every character that any of its files uses."""
    from . import characters

    return fonts.noto(characters.ALL)
