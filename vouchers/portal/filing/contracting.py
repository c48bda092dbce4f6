"""The form of what only some calls ask of a line: its contract, the days of service, the rate classes it is in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from vouchers.claims.contracts import Asks, ContractFacts
from vouchers.claims.papers import ClaimLine
from vouchers.forms import AnyDay, Day, LookForm, YuanField


class ContractForm(LookForm):
    """What a call asks of one line; only the fields it asks for are there."""

    use_required_attribute = False

    contract = forms.CharField(label="合同编号", max_length=60)
    contract_fen = YuanField(label="合同总额（元）", min_fen=1)
    signed_on = Day(label="合同签订日期")
    service_from = AnyDay(label="服务开始日期")
    service_until = AnyDay(label="服务结束日期")
    classes = forms.MultipleChoiceField(label="属于以下情形的请勾选", required=False)

    def __init__(self, asks: Asks, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields = {name: self.fields[name] for name in asks.fields}
        if asks.classes:
            cast(forms.ChoiceField, self.fields["classes"]).choices = list(asks.classes)

    def clean_contract(self) -> str:
        """The number as it is compared."""
        return ContractFacts.plain_number(self.cleaned_data["contract"])

    def clean(self) -> dict[str, Any]:
        """Service does not end before it began."""
        said: dict[str, Any] = super().clean() or {}
        first, last = said.get("service_from"), said.get("service_until")
        if first and last and first > last:
            self.add_error("service_until", ValidationError("服务结束日期早于开始日期，请对照合同核对。"))
        return said

    @property
    def plain(self) -> list[forms.BoundField]:
        """Everything but the classes."""
        return [self[name] for name in self.fields if name != "classes"]

    @property
    def boxes(self) -> list[tuple[str, str, bool]]:
        """The classes to tick: code, words, and whether it is ticked."""
        if "classes" not in self.fields:
            return []
        ticked = self["classes"].value() or []
        return [(code, words, code in ticked) for code, words in cast(Any, self.fields["classes"]).choices]


def prefix_of(pk: int) -> str:
    """How the fields of an invoice line are told from those of another."""
    return f"ask_{pk}"


def stored_form(asks: Asks, pk: int, said: ClaimLine | None) -> ContractForm | None:
    """The form as it was saved last; None where the call asks for nothing."""
    if not asks.any:
        return None
    initial = {name: getattr(said, name) for name in asks.fields} if said else {}
    return ContractForm(asks, initial=initial, prefix=prefix_of(pk), auto_id="%s")


def typed_form(asks: Asks, pk: int, data: QueryDict, *, judge: bool) -> ContractForm | None:
    """The form as it was typed; with `judge`, with what is wrong of it."""
    if not asks.any:
        return None
    if judge:
        return ContractForm(asks, data, prefix=prefix_of(pk), auto_id="%s")
    typed: Mapping[str, Any] = {
        name: (data.getlist if name == "classes" else data.get)(f"{prefix_of(pk)}-{name}") for name in asks.fields
    }
    return ContractForm(asks, initial=typed, prefix=prefix_of(pk), auto_id="%s")
