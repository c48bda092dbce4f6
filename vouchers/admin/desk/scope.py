"""Which claims an officer sees, and which of them wait for them. Drafts are not handed in yet: nobody here sees them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, Subquery, Sum

from accounts.selectors import offices_in_force
from applicants.models import OrganisationName
from applicants.selectors import sanctions_in_force
from vouchers import workflow
from vouchers.claims.models import Claim
from vouchers.claims.papers import Allocation, Invoice, InvoiceClash
from vouchers.review.models import ClaimDuty, ClaimEvent

# Query sets whose rows bear more than their fields: which, the functions below say.
Rows = Any

UNFILED = ("draft", "discarded")
# What each role has to do next: from which states, and the duty it takes on with it ("" for none).
STEPS = {
    "reviewer": {"submitted": "", "accepted": "review", "approved": ""},
    "approver": {"reviewed": "approve", "approved_once": "second_approve", "approved": "", "suspended": ""},
    "finance": {"payable": "finance_prepare"},
}


def filed() -> Rows:
    """Every claim that was handed in."""
    return Claim.objects.exclude(state__in=UNFILED)


def waits_for(user, roles: frozenset[str]) -> Any:
    """The claims whose next step this person may take: by role, and without another duty on the same claim."""
    found: Any = Q(pk=None)
    for role in roles & STEPS.keys():
        for state, duty in STEPS[role].items():
            step: Any = Q(state=state)
            if duty:
                other = ClaimDuty.objects.filter(claim=OuterRef("pk"), user=user).exclude(duty=duty)
                step &= ~Exists(other)
            found |= step
    return found


def own_district(user) -> str:
    """The district that all roles of the officer are for; "" for the whole city."""
    districts = set(offices_in_force().filter(user=user.pk).values_list("district", flat=True))
    return districts.pop() if len(districts) == 1 else ""


def name_today(organisation: str) -> Subquery:
    """What the organisation that the field `organisation` points to is called today."""
    names = OrganisationName.objects.filter(organisation=OuterRef(organisation), valid_from__lte=settings.CLOCK.today())
    return Subquery(names.order_by("-valid_from").values("name")[:1])


def with_name(rows: Rows) -> Rows:
    """The same rows, each with `name`: what its organisation is called today."""
    return rows.annotate(name=name_today("organisation"))


def with_since(rows: Rows) -> Rows:
    """The same claims, each with `since`: when it came to its state. A cut leaves it where it is."""
    events = ClaimEvent.objects.filter(claim=OuterRef("pk")).exclude(verb="cut").order_by("-version")
    return rows.annotate(since=Subquery(events.values("at")[:1]))


def with_paid(rows: Rows) -> Rows:
    """The same claims, each with `paid_fen`: what the applicant says it paid."""
    sums = Allocation.objects.filter(claim=OuterRef("pk")).order_by().values("claim").annotate(sum=Sum("amount_fen"))
    return rows.annotate(paid_fen=Subquery(sums.values("sum")))


def with_doubts(rows: Rows) -> Rows:
    """The same claims, each with what should make a reviewer look twice."""
    mine = Invoice.objects.filter(allocations__claim=OuterRef("pk"))
    listed = sanctions_in_force(settings.CLOCK.today()).filter(uscc=OuterRef("organisation__uscc"))
    return rows.annotate(
        clashes=Exists(InvoiceClash.objects.filter(claim=OuterRef("pk"))),
        sanctioned=Exists(listed),
        doubtful=Exists(mine.exclude(warnings=[])),
        typed=Exists(mine.filter(read_by="typed")),
    )


DOUBTFUL = Q(clashes=True) | Q(sanctioned=True) | Q(doubtful=True) | Q(typed=True)


def doubts_of(claim) -> list[tuple[str, str]]:
    """The doubts about a row of `with_doubts`, each with its tone, the gravest first."""
    every = [
        (claim.sanctioned, "bad", "列入失信名单"),
        (claim.clashes, "bad", "发票号码冲突"),
        (claim.waiting, "warn", "资金轮候"),
        (claim.doubtful, "warn", "票面有提示"),
        (claim.typed, "warn", "发票为人工填写"),
        (claim.granted_fen < claim.computed_fen and not claim.waiting, "run", "受限额核减"),
    ]
    return [(tone, words) for found, tone, words in every if found]


def district_of(district: str) -> Q:
    """Claims of organisations in `district`; all for ""."""
    return Q(organisation__district=district) if district else Q()


def state_label(state: str) -> str:
    """What officials call a state."""
    return workflow.CLAIM.states[state].label
