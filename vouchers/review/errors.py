"""What `fire` refuses, and why. Every text is Chinese and says what to do next."""

from accounts.errors import Refused


class ReviewRefused(Refused):
    """A step that was not taken. Nothing has changed."""


class NotAllowed(ReviewRefused):
    """The person's role does not let them do this."""


class SamePerson(ReviewRefused):
    """The person has another duty on this claim already."""


class ReasonMissing(ReviewRefused):
    """This step needs a reason."""


class StaleClaim(ReviewRefused):
    """Somebody else moved the claim in the meantime."""

    message = "该申请刚刚被他人处理过，本次操作没有执行。请刷新页面，查看最新状态后再办理。"


class TogetherRefused(ReviewRefused):
    """One step for many claims that some of them could not take: `refused` has the number of each, and why."""

    def __init__(self, refused: list[tuple[str, str]], most_told: int = 5):
        self.refused = refused
        told = [f"{number}：{why}" if number else why for number, why in refused[:most_told]]
        if len(refused) > most_told:
            told.append(f"另有 {len(refused) - most_told} 件同样不能办理。")
        super().__init__("\n".join(told))


class NotFunded(ReviewRefused):
    """The amount is not held in full."""


class NothingToGrant(ReviewRefused):
    """The rules grant nothing; the decision says why."""

    def __init__(self, decision):
        self.decision = decision
        steps = [step.text for step in decision.trace if step.rule != "computed"]
        super().__init__("按政策测算，本次可补助金额为 0.00 元。\n" + "\n".join(f"· {text}" for text in steps))


class Sanctioned(ReviewRefused):
    """The organisation is on a list of the untrustworthy (失信)."""


class TooEarly(ReviewRefused):
    """The publicity window is still open, or the deadline has not passed."""


class TooLate(ReviewRefused):
    """The deadline has passed."""
