"""“算一算能补多少”: the real rules on figures that somebody typed. Nothing is kept."""

from __future__ import annotations

from dataclasses import dataclass

from django import forms

from vouchers import money, rules
from vouchers.calls.models import Call
from vouchers.calls.services import terms_of
from vouchers.forms import LookForm, YuanField
from vouchers.policy import Law, law_for

_NUMBERS = "①②③④⑤⑥"
_PLACES = {"local": "本市智能算力", "external": "外地智能算力"}
# What to type, by the call's tax basis.
_BASES = {
    "paid": "填已经付款的金额，含税",
    "incl_tax": "填已付款发票的价税合计",
    "excl_tax": "填已付款发票的不含税金额",
}
# Two round figures for the example that stands there before anybody typed.
_EXAMPLE_FEN = {"local_fen": 100_000_000, "external_fen": 100_000_000, "used_fen": 0}


class CalculatorForm(LookForm):
    """Who asks and what was paid."""

    local = YuanField(label="本市智能算力费用", required=False)
    external = YuanField(label="外地智能算力费用", required=False)
    used = YuanField(label="今年已获补助", required=False)

    def __init__(self, *args, law: Law, **kwargs):
        super().__init__(*args, **kwargs)
        choices = [*law.scope_categories.value.items(), ("other", "其他单位")]
        category = forms.ChoiceField(
            label="单位类型", choices=choices, initial=choices[0][0], widget=forms.RadioSelect,
            error_messages={"required": "请选择单位类型。", "invalid_choice": "请选择单位类型。"},
        )  # fmt: skip
        self.fields = {"category": category, **self.fields}
        for name in ("local", "external", "used"):
            self.fields[name].widget.attrs.update({"class": "", "aria-describedby": f"{name}-hint", "maxlength": "30"})

    def clean(self):
        """At least one amount."""
        super().clean()
        if not self.errors and not (self.cleaned_data["local"] or self.cleaned_data["external"]):
            raise forms.ValidationError("请填写本市或外地的费用，至少填一项。")
        return self.cleaned_data

    def asked(self) -> dict:
        """What `estimate` wants."""
        data = self.cleaned_data
        amounts = {f"{name}_fen": data[name] or 0 for name in ("local", "external", "used")}
        return {"category": data["category"], **amounts}


@dataclass(frozen=True)
class Row:
    """A row of the slip. `kind` is the class of the row: none, `sum` or `cut`."""

    number: str
    label: str
    note: str
    citation: str
    fen: int
    kind: str = ""


@dataclass(frozen=True)
class Estimate:
    """What the rules make of the figures."""

    decision: rules.Decision
    rows: tuple[Row, ...]
    remarks: tuple[str, ...]


def basis_hint(call: Call) -> str:
    """Which amount the call counts, in words for whoever fills in the form."""
    return _BASES[call.tax_basis]


def example(call: Call) -> Estimate:
    """What stands there before anybody typed: a round sum on either side."""
    law = law_for(call.scheme, call.fiscal_year)
    return estimate(call, category=next(iter(law.scope_categories.value)), **_EXAMPLE_FEN, free_fen=None)


def estimate(
    call: Call, *, category: str, local_fen: int, external_fen: int, used_fen: int, free_fen: int | None
) -> Estimate:
    """Decide figures as if they were a claim of an enterprise of the city; `free_fen` is what the pool has (None: not asked)."""
    law, terms = law_for(call.scheme, call.fiscal_year), terms_of(call)
    amounts = {"local": local_fen, "external": external_fen}
    facts = rules.Facts(
        scheme=call.scheme,
        fiscal_year=call.fiscal_year,
        applicant=rules.Applicant("", category, law.scope_city.value),
        cap_used_fen=used_fen,
        pool_available_fen=free_fen if call.shortage == "first_come" else None,
        lines=tuple(_line(place, fen, terms) for place, fen in amounts.items() if fen),
    )
    decision = rules.decide(facts, law, terms)
    return Estimate(decision, _rows(decision, facts, law, terms), _remarks(decision, call, free_fen))


def _line(place: str, fen: int, terms: rules.CallTerms) -> rules.Line:
    """One invoice that was paid in full on the last day that counts. Without tax: the form asks for the base itself."""
    day = terms.spend_until
    return rules.Line(place, "intelligent", place, day, fen, 0, fen, day, False, False, _PLACES[place] + "费用")


def _rows(decision: rules.Decision, facts: rules.Facts, law: Law, terms: rules.CallTerms) -> tuple[Row, ...]:
    citations = {"local": law.local_rate.citation, "external": law.external_rate.citation}
    rows = [
        (_PLACES[line.ref], f"{money.grouped(line.base_fen)} × {money.percent(line.rate)}", citations[line.ref],
         line.subsidy_fen, "")
        for line in decision.lines if not line.reason
    ]  # fmt: skip
    if len(rows) > 1:
        rows.append(("两项合计", "", "", decision.computed_fen, "sum"))
    cut_fen = decision.granted_fen - decision.computed_fen
    if decision.binding == "annual_cap":
        note = f"上限 {money.grouped(terms.annual_cap_fen)}，今年已获 {money.grouped(facts.cap_used_fen)}"
        rows.append(("超过年度上限的部分", note, law.annual_cap.citation, cut_fen, "cut"))
    elif decision.binding == "pool":
        note = f"资金池可用 {money.grouped(facts.pool_available_fen or 0)}"
        rows.append(("超过资金池余额的部分", note, law.pool.citation, cut_fen, "cut"))
    return tuple(Row(number, *row) for number, row in zip(_NUMBERS, rows, strict=False))


def _remarks(decision: rules.Decision, call: Call, free_fen: int | None) -> tuple[str, ...]:
    """What else the reader should know, the important first."""
    found = []
    if not decision.eligible:
        found.append("这类单位不在支持范围，不予补助。" + decision.trace[0].text)
    if decision.binding == "annual_cap":
        found.append("已经到了年度上限，费用再多补助也不会增加。")
    if free_fen is not None and call.shortage == "waitlist" and free_fen < decision.granted_fen:
        found.append(f"资金池现在可用 {money.grouped(free_fen)} 元，不够全额安排：提交后按顺序轮候。")
    if call.shortage == "pro_rata":
        found.append("申报期满后一并结算：申请合计超过资金池的，按同一比例安排，实际金额可能低于测算。")
    return tuple(found)
