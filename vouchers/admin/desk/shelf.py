"""Voucher applications: issued one or many, refused one by one with a reason."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q

from accounts.web import roles
from applicants.models import OrganisationName
from applicants.selectors import sanctions_in_force
from vouchers import workflow
from vouchers.admin.desk import scope
from vouchers.admin.desk.days import WorkingDays
from vouchers.admin.desk.queue import PER_PAGE
from vouchers.claims.models import Voucher
from vouchers.forms import REFUSALS, is_number
from vouchers.review.actors import Actor
from vouchers.review.services import fire_voucher

MOST_REASON = 1000
PHRASES = (
    "申领单位不在政策支持范围内。",
    "申领单位列入失信名单。",
    "所填算力用途不属于智能算力服务，请补充说明后重新申领。",
)


def shelf_of(request) -> dict:
    """The vouchers of one state with their applicants, fifty a page."""
    days, asked, mine = WorkingDays(), request.GET, roles(request)
    view = asked.get("view") if asked.get("view") in workflow.VOUCHER.states else "applied"
    rows = Voucher.objects.all()
    if text := asked.get("q", "").strip()[:100]:
        named = OrganisationName.objects.filter(name__icontains=text).values("organisation")
        rows = rows.filter(
            Q(serial_number__icontains=text) | Q(organisation__uscc__istartswith=text) | Q(organisation__in=named)
        )
    counts = dict(rows.order_by().values_list("state").annotate(Count("pk")))
    shown = scope.with_name(rows.filter(state=view)).select_related("organisation", "call").order_by("applied_at", "pk")
    page = Paginator(shown, PER_PAGE).get_page(asked.get("page"))
    listed = set(sanctions_in_force(days.today).values_list("uscc", flat=True))
    page.object_list = list(page.object_list)
    for voucher in page.object_list:
        voucher.waited = days.between(voucher.applied_at.date(), days.today)
        voucher.sanctioned = voucher.organisation.uscc in listed
    return {
        "page": page,
        "view": view,
        "q": text,
        "tabs": [_tab(state, label.label, counts, view, text) for state, label in workflow.VOUCHER.states.items()],
        "may": "reviewer" in mine and view == "applied",
        "picked": set(request.POST.getlist("pick")),
        "refused_pk": request.POST.get("refuse", ""),
        "typed": request.POST.get("reason", ""),
        "phrases": PHRASES,
        "query": urlencode({"view": view, **({"q": text} if text else {})}),
    }


def _tab(state: str, label: str, counts: dict, view: str, text: str) -> dict:
    query = urlencode({"view": state, **({"q": text} if text else {})})
    return {"label": label, "count": counts.get(state, 0), "here": state == view, "query": query}


def decide(request) -> str:
    """Issue the picked vouchers, or refuse one. Returns what was refused and why, or "" when all went well."""
    actor = Actor(request.user)
    if one := request.POST.get("refuse", ""):
        return _fire_each(request, [one], "refuse", actor, request.POST.get("reason", "")[:MOST_REASON])
    picked = request.POST.getlist("pick")[:PER_PAGE]
    if not picked:
        return "请先勾选要发放的算力券。"
    return _fire_each(request, picked, "issue", actor, "")


def _fire_each(request, picked: list[str], verb: str, actor: Actor, reason: str) -> str:
    """Each voucher is a step of its own: one that cannot be issued holds up no other."""
    done, refused = 0, []
    chosen = Voucher.objects.filter(pk__in=[pk for pk in picked if is_number(pk)]).order_by("pk")
    if not chosen:
        return "没有找到所选的算力券，请刷新页面后再试。"
    for voucher in chosen:
        try:
            fire_voucher(voucher, verb, actor=actor, reason=reason)
            done += 1
        except REFUSALS as refusal:
            refused.append(f"{voucher.serial_number}：{refusal}")
    label = workflow.VOUCHER.verb_labels[verb]
    if done:
        messages.success(request, f"已{label} {done} 张。")
    return "\n".join(refused)
