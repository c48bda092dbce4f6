"""What the enterprise is told of the steps of its claims."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vouchers import workflow
from vouchers.claims.models import Claim
from vouchers.money import grouped
from vouchers.review.models import ClaimEvent

# What a claim is told that holds nothing yet, by the call's rule for a shortage.
_WAITS = {"waitlist": "，资金池余额不足，已按提交顺序轮候", "pro_rata": "，申报期满后一并按比例结算"}
_NOT_TOLD = ("discard", "cut", "send_back", "batch", "unbatch", "approve")


@dataclass(frozen=True, slots=True)
class Message:
    """What the applicant is told of a step; `if_waiting` instead of `body` when the claim waits for money."""

    subject: str
    body: str
    if_waiting: str


def message(claim: Claim, event: ClaimEvent, fields: dict[str, Any]) -> Message | None:
    """What the enterprise is told of a step that others took, or to confirm its own submission; None for the rest.

    `fields` are the columns of the claim that the step sets.
    """
    if event.verb in _NOT_TOLD:
        return None
    label = workflow.CLAIM.states[event.target].for_applicant()
    bodies = []
    for waits in ("", _WAITS.get(claim.call.shortage, _WAITS["waitlist"])):
        lines = [f"贵单位兑付申请 {claim.number} 当前状态：{label}。"]
        if event.verb in ("submit", "resubmit"):
            lines.append(f"测算补助金额 {grouped(fields['granted_fen'])} 元{waits}。")
        if event.reason:
            lines.append(f"理由：{event.reason}")
        if event.target == "returned":
            lines.append(f"请于 {fields['correction_due']} 前补正并重新提交，逾期申请将失效。")
        bodies.append("\n".join(lines))
    return Message(f"兑付申请 {claim.number}：{label}", *bodies)
