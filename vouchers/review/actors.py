"""Who fires a verb, and in which capacity."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.models import User
from accounts.selectors import roles_of
from vouchers import workflow
from vouchers.review.errors import NotAllowed, SamePerson
from vouchers.review.models import ClaimDuty


@dataclass(frozen=True)
class Actor:
    """A person, or the system itself when `user` is None."""

    user: User | None = None

    @property
    def text(self) -> str:
        """How the audit trail and the ledger name the actor, for ever."""
        return f"user:{self.user.pk} {self.user.name}" if self.user else "system"

    def capacity(self, transition: workflow.Transition, *, is_member: bool) -> str:
        """The role in which this actor may fire `transition`. Raises `NotAllowed`.

        An officer who belongs to the organisation (`is_member`) acts for the enterprise there, and for nobody else.
        """
        if self.user is None:
            held = {workflow.SYSTEM}
        elif is_member:
            held = {workflow.APPLICANT}
        else:
            held = set(roles_of(self.user))
        for role in transition.roles:
            if role in held:
                return role
        wanted = "或".join(workflow.ROLE_LABELS[role] for role in transition.roles)
        raise NotAllowed(f"此操作只能由{wanted}办理，您的账号没有这一权限。")


SYSTEM_ACTOR = Actor()


def refuse_second_duty(claim_id: int, user: User | None, duty: str) -> None:
    """Raises `SamePerson` when `user` has another duty on the claim. The database refuses it as well."""
    if not duty or user is None:
        return
    other = ClaimDuty.objects.filter(claim_id=claim_id, user=user).exclude(duty=duty).first()
    if other is not None:
        raise SamePerson(
            f"您已在该申请中承担“{other.get_duty_display()}”，不能再承担“{workflow.DUTY_LABELS[duty]}”。"
            "审核、审批、二次审批和拨付须由不同人员办理，请转交其他同事。"
        )
