"""One verb for many claims at once: all of them or none."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib import messages

from accounts.web import roles
from vouchers import workflow
from vouchers.admin.desk import scope
from vouchers.admin.desk.queue import BULK
from vouchers.forms import REFUSALS, is_number
from vouchers.review.actors import Actor
from vouchers.review.together import fire_many

MOST = 50


def offers(claims) -> list[dict]:
    """The verbs that some of the shown claims can take together, with how many can."""
    counts = {verb: sum(verb in claim.bulk for claim in claims) for verb in BULK}
    return [{"verb": v, "label": workflow.CLAIM.verb_labels[v], "count": n} for v, n in counts.items() if n]


def picked_in(values: Iterable[str]) -> dict[int, int]:
    """The claims picked on a page ("id:version"), with the version that the officer saw. What is malformed is left out."""
    pairs = (value.partition(":") for value in values)
    return {int(pk): int(version) for pk, _, version in pairs if is_number(pk) and is_number(version)}


def take_step(request, picked: dict[int, int]) -> str:
    """Fire the asked verb at the picked claims. Returns why not, or "" when all of them moved."""
    verb = request.POST.get("verb", "")
    if verb not in BULK or not BULK[verb][1] & roles(request):
        return "您的账号没有批量办理这一步的权限。"
    label = workflow.CLAIM.verb_labels[verb]
    claims = list(scope.filed().filter(pk__in=picked).order_by("pk"))
    if not claims or len(claims) > MOST:
        return f"请勾选要{label}的申报，一次最多 {MOST} 件。"
    other = [claim for claim in claims if claim.state != BULK[verb][0]]
    if other:
        named = "；".join(f"{claim.number} 为“{claim.get_state_display()}”" for claim in other[:5])
        return f"所选申报中有 {len(other)} 件不能{label}：{named}。全部没有办理，请取消勾选后再试。"
    try:
        fire_many({claim.pk: picked[claim.pk] for claim in claims}, verb, actor=Actor(request.user))
    except REFUSALS as refusal:
        return f"全部没有办理。{refusal}"
    messages.success(request, f"已{label} {len(claims)} 件。")
    return ""
