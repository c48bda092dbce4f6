"""Where a claim stands, and what the enterprise has to do next, in words."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone

from vouchers import workflow
from vouchers.calls.calendar import add_working_days, working_days_until
from vouchers.claims.models import Claim
from vouchers.review.models import ClaimEvent

APPEAL_VERB = "appeal"
_STEPS = ("填写", "提交", "受理", "审核", "公示", "拨付")
# How far a state has come: the step that is under way.
_AT = {
    "draft": 0,
    "discarded": 0,
    "submitted": 2,
    "returned": 2,
    "accepted": 3,
    "reviewed": 3,
    "approved_once": 3,
    "approved": 4,
    "publicised": 4,
    "suspended": 4,
    "payable": 5,
    "batched": 5,
    "paid": 6,
    "recovered": 6,
}
_REACHED = {"submitted": 1, "accepted": 2, "approved": 3, "payable": 4, "paid": 5}
_ENDED = ("rejected", "withdrawn", "lapsed", "recovered", "discarded")
_HANDLED = {
    "submit": "提交申请",
    "resubmit": "补正后重新提交",
    "accept": "受理",
    "return": "退回补正",
    "withdraw": "撤回申请",
    "appeal": "申请复核",
    "discard": "作废草稿",
    "accept_part": "接受部分安排",
    "expire": "年度结账，申请终止",
}
# Steps inside the bureau that say nothing to the applicant.
_INSIDE = ("cut", "batch", "unbatch")


@dataclass(frozen=True)
class Stop:
    """One stop of the track; `look` is past, now, or empty."""

    label: str
    look: str
    note: str = ""
    icon: str = "dot"
    tone: str = ""


def track_of(claim: Claim, events: list[ClaimEvent]) -> list[Stop]:
    """The stops from filling in to the money, with their days."""
    at = _AT.get(claim.state, _last_at(events))
    days = {0: _day(claim.created_at)}
    for event in events:
        if event.target in _REACHED:
            days[_REACHED[event.target]] = _day(event.at)
    stops = []
    for position, label in enumerate(_STEPS):
        if position < at or claim.state == "paid":
            stops.append(Stop(label, "past", days.get(position, ""), "check"))
        elif position == at:
            stops.append(_now(claim, label))
        else:
            stops.append(Stop(label, "", _expected(claim, position)))
    return stops


def _last_at(events: list[ClaimEvent]) -> int:
    return _AT.get(events[-1].source, 2) if events else 0


def _now(claim: Claim, label: str) -> Stop:
    words = workflow.CLAIM.states[claim.state].label
    if claim.state == "returned" and claim.correction_due:
        return Stop(words, "now", f"{_day(claim.correction_due)}前，{days_left(claim.correction_due)}", "back", "warn")
    if claim.state in _ENDED:
        return Stop(words, "now", "", "no", "warn")
    if claim.state == "suspended":
        return Stop(words, "now", "核查结束后继续", "pause", "warn")
    if claim.state == "publicised":
        return Stop(words, "now", f"公示到{_day(claim.publicised_until)}", "eye")
    notes = {"draft": "现在在这一步", "submitted": "等待受理", "payable": "等待拨付", "batched": "办理中"}
    return Stop(label, "now", notes.get(claim.state, "进行中"), "half")


def _expected(claim: Claim, position: int) -> str:
    if position == 4:
        return f"{claim.call.publicity_days}个工作日"
    return {1: f"{_day(claim.call.filing_until)}截止"}.get(position, "")


def days_left(until: dt.date | None) -> str:
    """How many working days are left until a day, itself included, in words."""
    if until is None:
        return ""
    today = settings.CLOCK.today()
    if until < today:
        return "已经过期"
    left = working_days_until(today, until)
    return f"还有{left}个工作日" if left else "今天是最后一天"


def appeal_until(claim: Claim, events: list[ClaimEvent]) -> dt.date | None:
    """The last day on which a rejected claim may be appealed."""
    refused = [event for event in events if event.verb == "reject"]
    if claim.state != "rejected" or not refused:
        return None
    return add_working_days(timezone.localdate(refused[-1].at), claim.call.appeal_days)


@dataclass(frozen=True)
class Told:
    """One entry of the timeline, in the applicant's words."""

    at: dt.datetime
    title: str
    who: str
    reason: str


def timeline_of(events: list[ClaimEvent]) -> list[Told]:
    """What happened, the newest first. Officers are named by their office only."""
    told = []
    for event in events:
        if event.verb in _INSIDE:
            continue
        own = event.role == workflow.APPLICANT
        title = _HANDLED.get(event.verb) or workflow.CLAIM.states[event.target].for_applicant()
        who = str(event.actor.name) if own and event.actor else ("" if event.role == workflow.SYSTEM else "主管部门")
        told.append(Told(event.at, title, who, event.reason if event.verb != "send_back" else ""))
    return told[::-1]


def own_verbs(claim: Claim) -> set[str]:
    """What the applicant may do with the claim as it stands."""
    return {t.verb for t in workflow.CLAIM.verbs(claim.state) if workflow.APPLICANT in t.roles}


def _day(value: dt.date | dt.datetime | None) -> str:
    if value is None:
        return ""
    day = timezone.localtime(value).date() if isinstance(value, dt.datetime) else value
    year = "" if day.year == settings.CLOCK.today().year else f"{day.year}年"
    return f"{year}{day.month}月{day.day}日"
