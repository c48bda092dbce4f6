"""Who fires a verb, and in which capacity."""

from __future__ import annotations

from collections.abc import Collection
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

    def capacity(
        self, transition: workflow.Transition, *, is_member: bool, roles: Collection[str] | None = None
    ) -> str:
        """The role in which this actor may fire `transition`. Raises `NotAllowed`.

        An officer who belongs to the organisation (`is_member`) acts for the enterprise there, and for nobody else.
        `roles` are the actor's as an officer today, where they were read already.
        """
        if self.user is None:
            held = {workflow.SYSTEM}
        elif is_member:
            held = {workflow.APPLICANT}
        else:
            held = set(roles_of(self.user) if roles is None else roles)
        for role in transition.roles:
            if role in held:
                return role
        wanted = "或".join(workflow.ROLE_LABELS[role] for role in transition.roles)
        raise NotAllowed(f"此操作只能由{wanted}办理，您的账号没有这一权限。")


SYSTEM_ACTOR = Actor()


def refuse_second_duty(claim_id: int, user: User | None, duty: str) -> None:
    """Raises `SamePerson` when `user` has another duty on the claim. The database refuses it as well."""
    if duty and user is not None:
        refuse_other_duty(duties_on([claim_id], user).get(claim_id), duty)


def duties_on(claim_ids: Collection[int], user: User) -> dict[int, str]:
    """The duty that `user` has exercised on each of the claims; the database allows one. In one query."""
    return dict(ClaimDuty.objects.filter(claim__in=claim_ids, user=user).values_list("claim", "duty"))


def refuse_other_duty(exercised: str | None, duty: str) -> None:
    """Raises `SamePerson` when somebody who has `exercised` a duty on a claim would exercise another one."""
    if exercised is not None and exercised != duty:
        raise SamePerson(
            f"您已在该申请中承担“{workflow.DUTY_LABELS[exercised]}”，不能再承担“{workflow.DUTY_LABELS[duty]}”。"
            "审核、审批、二次审批和拨付须由不同人员办理，请转交其他同事。"
        )
