"""The tax platform's word on the open invoice: what to ask, what was answered, and what may stand for an answer."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings

from vouchers.claims.letters import withdraw_letter
from vouchers.claims.papers import Invoice
from vouchers.forms import Day, LookForm, YuanField
from vouchers.invoices.verifier import MOST_A_DAY, STATUS_LABELS, Status
from vouchers.money import yuan
from vouchers.review import verifying
from vouchers.review.actors import Actor
from vouchers.review.verifying import Picture, Reversal, query_of

MAY_ASK = ("reviewer", "approver", "finance")
_TONES = {
    "MATCH": ("ok", "ok"),
    "MISMATCH": ("bad", "bad"),
    "NOT_FOUND": ("bad", "bad"),
    "VOID": ("bad", "no"),
    "RED_FULL": ("bad", "back"),
    "RED_PART": ("warn", "back"),
}


class AnswerForm(LookForm):
    """What the officer read at the tax platform."""

    status = forms.ChoiceField(label="平台答复", choices=[("", "请选择"), *STATUS_LABELS.items()])
    picture = forms.FileField(
        label="结果截图",
        required=False,
        widget=forms.FileInput(attrs={"class": "pickfile", "accept": "image/png,image/jpeg"}),
    )
    reference = forms.CharField(label="平台流水号", max_length=60, required=False)
    note = forms.CharField(label="说明", max_length=500, required=False)
    red_number = forms.CharField(label="红字发票号码", max_length=20, required=False)
    red_on = Day(label="红字开具日期", required=False)
    red_total_fen = YuanField(label="红冲价税合计", required=False, min_fen=1)
    red_tax_fen = YuanField(label="其中税额", required=False)

    def take(self, invoice: Invoice, actor: Actor) -> None:
        """Record it. Raises what the service raises."""
        given = self.cleaned_data
        file = given["picture"]
        picture = Picture(file.name, file.read(verifying.MOST_PICTURE_BYTES + 1)) if file else None
        part = Reversal(given["red_number"].strip(), given["red_on"], given["red_total_fen"], given["red_tax_fen"])
        verifying.record_answer(
            invoice,
            Status(given["status"]),
            actor=actor,
            reference=given["reference"],
            note=given["note"],
            picture=picture,
            reversal=part,
        )


class ReasonForm(LookForm):
    """A reason, for a waiver or a withdrawal."""

    reason = forms.CharField(label="理由", max_length=500, widget=forms.Textarea(attrs={"rows": 2}))

    def ask_waiver(self, invoice: Invoice, actor: Actor) -> None:
        """Ask for a waiver. Raises what the service raises."""
        verifying.ask_waiver(invoice, reason=self.cleaned_data["reason"], actor=actor)

    def withdraw(self, letter: Invoice, actor: Actor) -> None:
        """Withdraw a letter that an officer entered. Raises what the service raises."""
        withdraw_letter(letter, reason=self.cleaned_data["reason"], user=actor.user)


def panel_of(invoice: Invoice, bound: forms.Form | None = None) -> dict[str, Any]:
    """What the screen shows of the invoice's verification; `bound` is a form that was refused. Three queries."""
    rows: list[Any] = list(invoice.verifications.select_related("asked_by").order_by("-pk"))
    for row in rows:
        row.tone, row.icon = _TONES.get(row.status, ("warn", "clock"))
    letters = Invoice.objects.filter(
        organisation=invoice.organisation_id, reverses=invoice.code + invoice.number, red=True
    )
    used = sum(row.asked_on == settings.CLOCK.today() for row in rows)
    return {
        "asked": _asked(invoice),
        "verifications": rows,
        "latest": rows[0] if rows else None,
        "left_today": max(MOST_A_DAY - used, 0),
        "waivers": list(invoice.waivers.select_related("asked_by", "agreed_by").order_by("-pk")),
        "letters": list(letters.order_by("pk")),
        "answer_form": bound if isinstance(bound, AnswerForm) else AnswerForm(auto_id="v_%s"),
        "waiver_form": bound if isinstance(bound, ReasonForm) else ReasonForm(auto_id="w_%s"),
        "panel_bound": bound,
    }


def _asked(invoice: Invoice) -> list[tuple[str, str]]:
    """What the platform's form wants, in its order, as it wants it written."""
    query = query_of(invoice)
    asked = [("发票代码", query.code)] if query.code else []
    asked += [("发票号码", query.number), ("开票日期", f"{query.date:%Y%m%d}")]
    asked.append(("金额（不含税）" if query.legacy else "价税合计", yuan(query.amount_fen)))
    if query.check_code:
        asked.append(("校验码后六位", query.check_code[-6:]))
    return asked
