"""The list of claims: views, filters, search, order, pages, and where a claim stands in it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.paginator import Paginator
from django.db.models import Count, Q, Sum

from accounts.choices import DISTRICTS
from applicants.models import OrganisationName
from vouchers import workflow
from vouchers.admin.desk import scope
from vouchers.admin.desk.days import OURS, WorkingDays
from vouchers.claims.models import Claim
from vouchers.forms import LookForm, YuanField

PER_PAGE = 50
# Deeper than this nobody walks from claim to claim.
MOST_NEIGHBOURS = 5_000
STATES = [state for state in workflow.CLAIM.states if state not in scope.UNFILED]
ALL_DISTRICTS = "all"
DUE = {"overdue": ("已超期", -1), "today": ("今天及超期", 0), "soon": ("3 天内到期", 3)}
SORTS = {
    "since": ("等待最久", ("since", "pk")),
    "number": ("编号", ("number",)),
    "-granted": ("金额从高到低", ("-granted_fen", "pk")),
    "granted": ("金额从低到高", ("granted_fen", "pk")),
    "-since": ("最近到达", ("-since", "-pk")),
}
# What may be done with many claims at once, from which state, by whom.
BULK = {
    "accept": ("submitted", frozenset({"reviewer"})),
    "publicise": ("approved", frozenset({"reviewer", "approver"})),
}


class SiftForm(LookForm):
    """What an officer may sift the list by."""

    q = forms.CharField(label="查找", required=False, max_length=100)
    district = forms.ChoiceField(label="所属区", required=False)
    year = forms.IntegerField(label="年度", required=False, min_value=2000, max_value=2100)
    low = YuanField(label="最低", required=False)
    high = YuanField(label="最高", required=False)
    due = forms.ChoiceField(label="期限", required=False)
    doubts = forms.ChoiceField(label="核查提示", required=False, choices=[("", "不限"), ("1", "有提示")])
    sort = forms.ChoiceField(label="排序", required=False)

    def __init__(self, data, *, own_district: str):
        given = data.dict()
        if own_district and "district" not in given:
            given["district"] = own_district
        super().__init__(given)
        fields: dict[str, Any] = self.fields
        whole = (ALL_DISTRICTS if own_district else "", "全市")
        fields["district"].choices = [whole, *DISTRICTS]
        fields["due"].choices = [("", "不限"), *((key, words) for key, (words, _) in DUE.items())]
        fields["sort"].choices = [(key, words) for key, (words, _) in SORTS.items()]
        self.fields["year"].widget = forms.TextInput(attrs={"class": "input", "inputmode": "numeric"})
        for name in ("low", "high"):
            self.fields[name].widget.attrs["placeholder"] = self.fields[name].label
        self.is_valid()

    def said(self, name: str):
        """What was asked of a field, None where it was nothing or nonsense."""
        return self.cleaned_data.get(name) or None


class Queue:
    """One officer's look at the claims: `request.GET` says which."""

    def __init__(self, request, roles: frozenset[str]):
        self.user, self.roles, self.asked = request.user, roles, request.GET
        self.form = SiftForm(request.GET, own_district=scope.own_district(request.user))
        known = {"mine", "all", *STATES}
        default = "mine" if roles & scope.STEPS.keys() else "all"
        self.view = self.asked.get("view") if self.asked.get("view") in known else default
        self.days = WorkingDays()

    @property
    def query(self) -> str:
        """The address of this look, without its page, for links to and from its claims."""
        kept = {key: value for key, value in self.asked.items() if value and key not in ("page", "invoice")}
        return urlencode({**kept, "view": self.view})

    def sifted(self) -> scope.Rows:
        """Every filed claim that the filters leave, in whatever view."""
        said = self.form.said
        rows = scope.with_since(scope.filed())
        if said("district") and said("district") != ALL_DISTRICTS:
            rows = rows.filter(organisation__district=said("district"))
        if said("year"):
            rows = rows.filter(call__fiscal_year=said("year"))
        if said("low"):
            rows = rows.filter(granted_fen__gte=said("low"))
        if said("high"):
            rows = rows.filter(granted_fen__lte=said("high"))
        if said("due"):
            rows = rows.filter(self._due(DUE[said("due")][1]))
        if said("doubts"):
            rows = scope.with_doubts(rows).filter(scope.DOUBTFUL)
        return rows.filter(_found(said("q"))) if said("q") else rows

    def _due(self, left: int) -> Q:
        ours = Q(state__in=OURS, since__lt=self.days.waiting_since(left))
        if left < 0:
            return ours
        return ours | Q(state="publicised", publicised_until__lte=self.days.today)

    def claims(self, rows: scope.Rows | None = None) -> scope.Rows:
        """The claims of this view, in order."""
        rows = self.sifted() if rows is None else rows
        if self.view == "mine":
            rows = rows.filter(scope.waits_for(self.user, self.roles))
        elif self.view != "all":
            rows = rows.filter(state=self.view)
        return rows.order_by(*SORTS[self.form.said("sort") or "since"][1])

    def tabs(self) -> list[dict]:
        """Every view that has claims, and the one that is open, with counts."""
        rows = self.sifted()
        counts = dict(rows.order_by().values_list("state").annotate(Count("pk")))
        views = [("all", "全部申报", sum(counts.values()))]
        if self.roles & scope.STEPS.keys():
            mine = rows.filter(scope.waits_for(self.user, self.roles)).count()
            views.insert(0, ("mine", "我的待办", mine))
        views += [(state, scope.state_label(state), counts.get(state, 0)) for state in STATES]
        return [
            {"view": view, "label": label, "count": count, "here": view == self.view, "query": self._other(view=view)}
            for view, label, count in views
            if count or view in (self.view, "mine", "all")
        ]

    def page(self) -> tuple[Any, int]:
        """The page that was asked for, its rows with everything that the table shows, and the sum of all pages."""
        claims = self.claims()
        page: Any = Paginator(claims, PER_PAGE).get_page(self.asked.get("page"))
        shown = scope.with_doubts(scope.with_paid(scope.with_name(page.object_list)))
        page.object_list = list(shown.select_related("organisation", "call"))
        for claim in page.object_list:
            claim.due = self.days.due(claim, claim.since)
            claim.doubts = scope.doubts_of(claim)
            claim.bulk = [verb for verb, (state, roles) in BULK.items() if claim.state == state and roles & self.roles]
        total = claims.order_by().aggregate(sum=Sum("granted_fen"))["sum"] or 0
        return page, total

    def _other(self, **changes) -> str:
        kept = {key: value for key, value in self.asked.items() if value and key != "page"}
        return urlencode({**kept, "view": self.view, **changes})

    def sort_by(self, column: str) -> dict:
        """The link of a column's head: the other way round when the list is in its order already."""
        now = self.form.said("sort") or "since"
        turned = {"since": "-since", "-granted": "granted"}.get(now)
        wanted = turned if now == column and turned else column
        up = {"since": "ascending", "-since": "descending", "-granted": "descending", "granted": "ascending"}
        ours = now == column or now.lstrip("-") == column.lstrip("-")
        return {"query": self._other(sort=wanted), "aria": up.get(now, "ascending") if ours else ""}

    def around(self, claim: Claim) -> dict:
        """Where `claim` stands in this view: its place, how many there are, the one before and the one after."""
        ids = list(self.claims().values_list("pk", flat=True)[:MOST_NEIGHBOURS])
        if claim.pk not in ids:
            return {"place": 0, "count": len(ids), "before": None, "after": ids[0] if ids else None}
        at = ids.index(claim.pk)
        return {
            "place": at + 1,
            "count": len(ids),
            "before": ids[at - 1] if at else None,
            "after": ids[at + 1] if at + 1 < len(ids) else None,
        }


def _found(text: str) -> Q:
    """What one search box finds: number, organisation by name or credit code, invoice number."""
    text = text.strip()
    invoices = Claim.objects.filter(lines__invoice_line__invoice__number__startswith=text)
    return (
        Q(number__icontains=text)
        | Q(organisation__uscc__istartswith=text)
        | Q(organisation__in=_named(text))
        | Q(pk__in=invoices.values("pk"))
    )


def _named(text: str):
    return OrganisationName.objects.filter(name__icontains=text).values("organisation")
