"""Choosing payable claims for an open batch: filters, pages, and what the choice comes to."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.paginator import Paginator
from django.db.models import Count, Max, Q, QuerySet, Sum

from accounts.choices import DISTRICTS
from applicants.models import OrganisationName
from vouchers.claims.models import Claim
from vouchers.disbursement import checks, selectors
from vouchers.disbursement.models import Batch, Payment
from vouchers.forms import LookForm, is_number

PER_PAGE = 50


class SiftForm(LookForm):
    """Which payable claims to look at."""

    q = forms.CharField(label="编号或单位", required=False, max_length=60)
    district = forms.ChoiceField(label="所属区", required=False, choices=[("", "全市"), *DISTRICTS])


class Picker:
    """The payable claims of a batch's scheme and year, as `asked` (the address's query) sifts them."""

    def __init__(self, batch: Batch, asked: Any):
        self.batch, self.asked = batch, asked
        self.form = SiftForm(asked)
        self.form.is_valid()

    @property
    def query(self) -> str:
        """The filters as an address has them."""
        said = {name: self.form.cleaned_data.get(name) for name in ("q", "district")}
        return urlencode({name: value for name, value in said.items() if value})

    def claims(self) -> QuerySet[Claim]:
        """The claims that the filters leave."""
        rows, said = selectors.payable(self.batch.call), self.form.cleaned_data
        if said.get("district"):
            rows = rows.filter(organisation__district=said["district"])
        if said.get("q"):
            named = OrganisationName.objects.filter(name__icontains=said["q"]).values("organisation")
            rows = rows.filter(Q(number__icontains=said["q"]) | Q(organisation__in=named))
        return rows

    def sums(self) -> dict[str, Any]:
        """How many they are and what they come to, in one query."""
        return (
            self.claims().order_by().aggregate(count=Count("pk"), total=Sum("granted_fen", default=0), last=Max("pk"))
        )

    def stamp(self) -> str:
        """What the filters leave, in short: another stamp, another list."""
        return hashlib.sha256(repr(sorted(self.sums().items())).encode()).hexdigest()[:32]

    def page(self, picked: dict[str, str]):
        """One page of them, each with its payee as on record today."""
        page: Any = Paginator(self.claims(), PER_PAGE).get_page(self.asked.get("from"))
        claims = list(page.object_list)
        # As the payments that they would become, so that the same eyes judge them.
        payees = checks.payees_of([Payment(pk=claim.pk, claim=claim, state="prepared") for claim in claims])
        page.object_list = [
            {"claim": claim, "payee": payees[claim.pk], "picked": str(claim.pk) in picked} for claim in claims
        ]
        return page


def sum_of(batch: Batch, picks: list[str]) -> dict[str, int]:
    """What the batch comes to with the picked claims ("id:version")."""
    ids = {int(pick.partition(":")[0]) for pick in picks if is_number(pick.partition(":")[0])}
    rows = selectors.payable(batch.call).filter(pk__in=ids).order_by()
    picked = rows.aggregate(count=Count("pk"), total=Sum("granted_fen", default=0))
    there = batch.payments.exclude(state="dropped").aggregate(count=Count("pk"), total=Sum("amount_fen", default=0))
    return {
        "count": picked["count"],
        "total_fen": picked["total"],
        "then_count": picked["count"] + there["count"],
        "then_fen": picked["total"] + there["total"],
    }
