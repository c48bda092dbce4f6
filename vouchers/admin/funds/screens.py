"""What the pages of the orders show: the year and what can be done with it, a preview, one order."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, QuerySet

from accounts.step_up import proved_lately
from accounts.web import roles
from applicants.models import OrganisationName
from vouchers import workflow
from vouchers.admin.desk.scope import name_today
from vouchers.admin.finance import books
from vouchers.admin.funds import forms
from vouchers.budget import closing, orders, settlement
from vouchers.budget.models import KINDS, Order
from vouchers.calls.models import Call
from vouchers.disbursement.models import Payment
from vouchers.forms import is_number
from vouchers.ledger.selectors import closed_year, pool_available_fen
from vouchers.policy import NoLawInForce, law_for

PER_PAGE = 50
# How each kind of order is offered, and what it means.
OFFERS = {
    "fund": ("coin", "拨入资金", "按财政部门的下达文件，一次拨入申报通知安排的资金总额"),
    "top_up": ("plus", "追加资金", "按财政部门的下达文件增加资金池"),
    "adjust": ("pen", "调整", "更正资金池，或变更一家单位的年度上限"),
    "settle": ("stack", "按比例结算", "申报期满后，按资金池和应安排额一次结算"),
    "close": ("lock", "年度结账", "结转或上缴余额，锁定全年账目"),
}


def place_of(asked: Any) -> tuple[str, int] | None:
    """The scheme and year that the page is about: as asked, else the latest; None before the first call."""
    known = books.years()
    wanted = asked.get("year", "")
    return next((each for each in known if str(each[1]) == wanted), known[0] if known else None)


def all_orders() -> QuerySet[Order]:
    """Every order with its people, and `firm`, the name of the enterprise it is about; the newest first."""
    people = ("prepared_by", "signed_by", "organisation", "payment__claim", "payment__batch", "event__claim")
    rows: Any = Order.objects.select_related(*people).annotate(firm=name_today("organisation"))
    return rows.order_by("-prepared_at", "-pk")


def overview(request) -> dict[str, Any]:
    """The year's money, what may be prepared, and every order of every year."""
    place = place_of(request.GET)
    state = request.GET.get("state") if request.GET.get("state") in workflow.ORDER.states else ""
    rows = all_orders()
    counts = dict(Order.objects.order_by().values_list("state").annotate(Count("pk")))
    context: dict[str, Any] = {
        "section": "funds",
        "place": place,
        "years": books.years(),
        "state": state,
        "tabs": [(key, known.label, counts[key]) for key, known in workflow.ORDER.states.items() if counts.get(key)],
        "all": sum(counts.values()),
        "page": Paginator(rows.filter(state=state) if state else rows, PER_PAGE).get_page(request.GET.get("page")),
        "is_finance": "finance" in roles(request),
    }
    if place:
        context |= {
            "pool": books.pool_of(*place),
            "closed": closed_year(*place),
            "unfunded": orders.to_fund(*place) is not None,
            "windows": settlement.due_windows(*place),
            "offers": [(kind, *OFFERS[kind]) for kind in _offered(place)],
        }
    return context


def _offered(place: tuple[str, int]) -> list[str]:
    if closed_year(*place):
        return []
    asked = {"fund": orders.to_fund(*place) is not None, "settle": bool(settlement.due_windows(*place))}
    return [kind for kind in OFFERS if asked.get(kind, True)]


def preparing(request, kind: str, place: tuple[str, int], form: forms.PrepareForm | None) -> dict[str, Any]:
    """The page on which an order of `kind` is prepared; `form` as it was refused, if it was."""
    scheme, year = place
    context: dict[str, Any] = {"section": "funds", "kind": kind, "label": dict(KINDS)[kind], "place": place}
    initial: dict[str, Any] = {}
    if kind == "settle":
        found = _preview(place)
        context |= {"preview": found}
        initial = {"until": found["until"], "seen": found["digest"]} if found else {}
    elif kind == "fund":
        context["to_fund_fen"] = orders.to_fund(scheme, year)
    elif kind == "recover":
        context["payment"] = payment = _payment(request)
        left = forms.left_of(payment) if payment else 0
        context["left_fen"] = left
        initial = {"payment": payment.pk if payment else None, "amount_fen": left}
    elif kind == "close":
        context["standing"] = standing = closing.standing(scheme, year)
        initial = {"carry_fen": standing.pool_fen, "to_year": year + 1}
    context["pool_fen"] = pool_available_fen(scheme, year)
    context["form"] = _renewed(form, initial) if form else forms.PREPARE[kind](place, initial=initial)
    return context


def _renewed(form: forms.PrepareForm, seen: dict[str, Any]) -> forms.PrepareForm:
    """What was typed, with the hidden stamps of what the screen shows now."""
    typed: Any = form.data
    form.data = now = typed.copy()
    for name in ("seen", "until"):
        if name in seen and name in form.fields:
            now[name] = seen[name].isoformat() if isinstance(seen[name], dt.date) else seen[name]
    return form


def _payment(request) -> Payment | None:
    pk = request.POST.get("payment") or request.GET.get("payment")
    rows = Payment.objects.select_related("claim__call", "claim__organisation", "batch")
    return rows.filter(pk=int(pk), state="paid").first() if is_number(pk) else None


def _preview(place: tuple[str, int]) -> dict[str, Any] | None:
    """What the settlement of the earliest window would give; None where nothing is to be settled."""
    windows = settlement.due_windows(*place)
    if not windows:
        return None
    found = settlement.draft(*place, windows[0], settlement.min_grant_of(*place))
    pairs = list(zip(found.waiting, found.shares, strict=True))[:PER_PAGE]
    names = _names({claim.applicant for claim, _ in pairs})
    rows = [{"number": claim.number, "name": names[claim.applicant], "share": share} for claim, share in pairs]
    return found.figures | {"until": windows[0], "digest": found.digest, "rows": rows}


def _names(organisations: set[int]) -> dict[int, str]:
    named = OrganisationName.objects.filter(organisation__in=organisations).order_by("valid_from")
    return dict(named.values_list("organisation_id", "name"))


def order_screen(request, order: Order, bound=None) -> dict[str, Any]:
    """One order: what it asks, who signed, what came of it, and the steps that this person may take."""
    mine, job = roles(request), orders.job_of(order)
    is_signer = orders.signer_role(order.kind) in mine
    own = order.prepared_by_id == request.user.pk
    made: dict[str, Any] = {}
    if order.state == "prepared":
        if is_signer and not own:
            made["sign"] = forms.SignForm(initial={"seen": order.digest})
        if "finance" in mine:
            made["withdraw"] = forms.WithdrawForm()
    for step, kind in forms.STEPS.items():
        if bound is not None and step in made and isinstance(bound, kind):
            made[step] = bound
    return {
        "section": "funds",
        "order": order,
        "forms": made,
        "bound": bound,
        "proved": proved_lately(request),
        "own": own,
        "signer": workflow.ROLE_LABELS[orders.signer_role(order.kind)],
        "warning": _warning(order),
        "job": job,
        "job_live": order.state == "signed",
        "may_retry": is_signer and order.state == "signed" and job is not None and job.state == "dead",
        **_shares(request, order),
    }


def _warning(order: Order) -> str:
    """What the one who signs should look at twice."""
    if order.kind != "top_up" or order.state != "prepared":
        return ""
    call = Call.objects.filter(scheme=order.scheme, fiscal_year=order.fiscal_year, published_at__isnull=False).first()
    try:
        ceiling = law_for(order.scheme, order.fiscal_year).pool.value
    except NoLawInForce:
        return ""
    over = call is not None and ceiling is not None and call.appropriation_fen + order.amount_fen > ceiling
    return "追加后将超过现行政策规定的年度资金总额，请确认文件足以作为依据。" if over else ""


def _shares(request, order: Order) -> dict[str, Any]:
    if order.kind != "settle" or order.state != "done":
        return {}
    rows = order.shares.select_related("claim").order_by("pk")
    page: Any = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    shares = list(page.object_list)
    names = _names({share.claim.organisation_id for share in shares})
    page.object_list = [
        {"number": share.claim.number, "claim": share.claim_id, "name": names[share.claim.organisation_id], "share": share}
        for share in shares
    ]  # fmt: skip
    return {"shares": page}
