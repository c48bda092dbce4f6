"""One claim in every state that it may rest in, so that whoever looks around finds each page alive."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.utils import timezone

from vouchers.claims import services as claims
from vouchers.claims.models import Claim
from vouchers.disbursement import services as disbursement
from vouchers.management.demo import cast, signins
from vouchers.management.demo.story import Story
from vouchers.review.corrections import return_for_correction
from vouchers.review.deadlines import pass_deadlines
from vouchers.review.services import Actor, fire

# Those that must have passed publicity by now began earlier than the rest.
LONG_AGO, LATELY = 13, 2
FIRST_NUMBER = 9000

# The way to each state: verbs, each with the officer who fires it.
_TO_APPROVAL = (("accept", "shenhe"), ("review", "shenhe"), ("approve", "shenpi"))
_TO_PUBLICITY = (*_TO_APPROVAL, ("second", "fushen"), ("publicise", "shenhe"))
_WAYS: dict[str, tuple[tuple[str, str], ...]] = {
    "draft": (),
    "submitted": (),
    "returned": (("return", "shenhe"),),
    "accepted": (("accept", "shenhe"),),
    "reviewed": (("accept", "shenhe"), ("review", "shenhe")),
    "approved_once": _TO_APPROVAL,
    "approved": (*_TO_APPROVAL, ("second", "fushen")),
    "publicised": _TO_PUBLICITY,
    "payable": _TO_PUBLICITY,
    "suspended": _TO_PUBLICITY,
    "batched": _TO_PUBLICITY,
    "rejected": (("reject", "shenhe"),),
    "withdrawn": (),
}
_AFTER_PUBLICITY = ("payable", "suspended", "batched")
_REJECTED = "所购服务为数据标注，不属于智能算力服务，不在支持范围。"
_SUSPENDED = "收到举报，正在核实销售方与申请单位是否存在关联关系。"
_TO_MEND = ["算力服务合同缺少签章页，请重新上传完整的合同。", "用量清单没有服务商盖章，请补充盖章后的用量清单。"]


def show_every_state(story: Story) -> None:
    """File a claim for each firm of the panorama and bring it where it shall rest. The clock ends at now."""
    now, say = timezone.now(), story.say
    story.say = lambda line: None  # One line at the end says it all.
    try:
        settings.CLOCK.move_to(now - dt.timedelta(days=LONG_AGO))
        rows = list(enumerate(cast.DATA["panorama"], start=FIRST_NUMBER))
        for number, part in rows:
            if part["state"] in _AFTER_PUBLICITY:
                _bring(story, number, part)
        settings.CLOCK.move_to(now - dt.timedelta(days=LATELY))
        pass_deadlines()
        _after_publicity(story)
        for number, part in rows:
            if part["state"] not in _AFTER_PUBLICITY:
                _bring(story, number, part)
    finally:
        settings.CLOCK.reset()
        story.say = say
    say(f"[演示] 另备 {len(rows)} 家单位的申请，分别停在各个办理环节，供浏览和试办")


def _bring(story: Story, number: int, part: dict) -> None:
    firm, claim = story.fill(number, part)
    if part.get("signs_in"):
        signins.give(firm.clerk, f"经办人（{part['name']}）", second_factor=False)
    if part["state"] == "draft":
        return
    claims.sign_declaration(claim, user=firm.clerk)
    fire(claim, "submit", actor=Actor(firm.clerk))
    if part["state"] == "withdrawn":
        fire(claim, "withdraw", actor=Actor(firm.clerk))
    for verb, officer in _WAYS[part["state"]]:
        claim.refresh_from_db()
        _step(story, claim, verb, officer)


def _step(story: Story, claim: Claim, verb: str, officer: str) -> None:
    actor = story.by(officer)
    if verb == "return":
        return_for_correction(claim, _TO_MEND, actor=actor)
    elif verb != "second":
        fire(claim, verb, actor=actor, reason=_REJECTED if verb == "reject" else "")
    elif claim.state == "approved_once":
        fire(claim, "approve", actor=actor)


def _after_publicity(story: Story) -> None:
    """Of those whose publicity is over, one is looked into and one lies in an open batch."""
    wanted = {part["name"]: part["state"] for part in cast.DATA["panorama"] if part["state"] in _AFTER_PUBLICITY}
    for claim in Claim.objects.filter(state="payable").select_related("organisation", "call"):
        state = wanted.get(claim.organisation.names.latest("valid_from").name)
        if state == "suspended":
            fire(claim, "suspend", actor=story.by("shenpi"), reason=_SUSPENDED)
        elif state == "batched":
            maker = story.by("caiwu")
            batch = disbursement.open_batch(claim.call, approval_reference="锡财工贸〔2026〕演示第 96 号", actor=maker)
            disbursement.add_claims(batch, [claim], actor=maker)
