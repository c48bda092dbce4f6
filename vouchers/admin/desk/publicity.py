"""What is under publicity, what is suspended, and the objections that both wait for."""

from __future__ import annotations

from typing import Any

from django.contrib import messages

from accounts.web import roles
from vouchers import workflow
from vouchers.admin.desk import scope
from vouchers.admin.desk.days import WorkingDays
from vouchers.forms import REFUSALS, is_number
from vouchers.review.actors import Actor
from vouchers.review.models import Objection
from vouchers.review.objections import LONGEST, handle


def publicity_of(request) -> dict:
    """The claims under publicity by the day it ends, those that are suspended, and every open objection."""
    days, mine = WorkingDays(), roles(request)
    rows = scope.with_since(scope.with_name(scope.filed())).select_related("organisation", "call")
    shown = list(rows.filter(state="publicised").order_by("publicised_until", "pk"))
    stopped = list(rows.filter(state="suspended").order_by("since", "pk"))
    for claim in (*shown, *stopped):
        claim.due = days.due(claim, claim.since)
    open_ones = Objection.objects.filter(state__in=workflow.OPEN_OBJECTIONS)
    open_ones = open_ones.annotate(name_of=scope.name_today("claim__organisation"))
    opened: list[Any] = list(open_ones.select_related("claim").order_by("received_at", "pk"))
    for objection in opened:
        steps = [t for t in workflow.OBJECTION.verbs(objection.state) if set(t.roles) & mine]
        objection.steps = [(t.verb, workflow.OBJECTION.verb_labels[t.verb], t.needs_reason) for t in steps]
    return {
        "shown": shown,
        "stopped": stopped,
        "opened": opened,
        "ready": scope.filed().filter(state="approved").count(),
        "total_fen": sum(claim.granted_fen for claim in shown),
        "may": bool(mine & {"reviewer", "approver"}),
        "typed_pk": request.POST.get("objection", ""),
        "typed": request.POST.get("finding", ""),
        "longest": LONGEST,
    }


def answer(request) -> str:
    """Take one step with an objection. Returns why not, or "" when it was taken."""
    asked = request.POST
    numbers = asked.get("objection", ""), asked.get("seen_version", "")
    objection = Objection.objects.filter(pk=numbers[0]).first() if is_number(numbers[0]) else None
    verb = asked.get("verb", "")
    if objection is None or not is_number(numbers[1]) or verb not in workflow.OBJECTION.verb_labels:
        return "没有找到要办理的异议，请刷新页面后再试。"
    finding = asked.get("finding", "")[:LONGEST]
    try:
        handle(objection, verb, actor=Actor(request.user), finding=finding, seen_version=int(numbers[1]))
    except REFUSALS as refusal:
        return f"{objection.number}：{refusal}"
    messages.success(request, f"异议 {objection.number} 已{workflow.OBJECTION.verb_labels[verb]}。")
    return ""
