"""Agreements made case by case (一事一议): drafted by a reviewer, approved by others, ended with a reason.

Nothing here moves money: each tranche is paid by a claim that is reviewed, approved, publicised and paid like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from django.conf import settings
from django.db import connection, transaction

from accounts.locks import refuse_when_locked
from accounts.models import User
from accounts.selectors import roles_of
from applicants.models import Organisation
from applicants.selectors import is_member
from audit.services import record
from vouchers import rules
from vouchers.claims.agreements import Agreement, Tranche
from vouchers.messages.services import tell
from vouchers.money import grouped, rate_text
from vouchers.policy import agreement_for
from vouchers.review.errors import NotAllowed, ReasonMissing, ReviewRefused, SamePerson, StaleClaim
from vouchers.rules import CallExceedsLaw, TermsError


@dataclass(frozen=True)
class Part:
    """A tranche as it is agreed: at most how much, and on which condition."""

    amount_fen: int
    condition: str


class BeyondLaw(ReviewRefused):
    """What was agreed exceeds the law; `in_principle` says that a written reason would let it pass."""

    def __init__(self, refusal: CallExceedsLaw):
        self.in_principle = refusal.in_principle
        more = "该条为“原则上”，确有必要的，请写明理由并由两名审批人员批准。" if refusal.in_principle else ""
        super().__init__(f"{refusal}{more}")


def draft_agreement(
    organisation: Organisation,
    *,
    scheme: str,
    fiscal_year: int,
    title: str,
    reference: str,
    cost_fen: int,
    rate: Fraction,
    grant_fen: int,
    parts: Sequence[Part],
    exception: str = "",
    user: User,
) -> Agreement:
    """Write down what was agreed. Raises `NotAllowed`, `BeyondLaw` or `ReviewRefused`, and NoLawInForce.

    `exception` is the written reason for a rate beyond what holds only 原则上; without need there is none.
    """
    _require_role(user, "reviewer", organisation)
    exception = _checked(scheme, fiscal_year, cost_fen, rate, grant_fen, exception.strip())
    total = sum(part.amount_fen for part in parts)
    if not parts or any(part.amount_fen <= 0 or not part.condition.strip() for part in parts):
        raise ReviewRefused("至少写一期，每期写明金额和拨付条件。")
    if total > grant_fen:
        raise ReviewRefused(f"各期合计 {grouped(total)} 元，超过补贴总额 {grouped(grant_fen)} 元，请调整。")
    if not title.strip() or not reference.strip():
        raise ReviewRefused("请填写项目名称和批准文号。")
    with refuse_when_locked(), transaction.atomic():
        agreement = Agreement.objects.create(
            organisation=organisation,
            scheme=scheme,
            fiscal_year=fiscal_year,
            number=_number(fiscal_year),
            title=title.strip(),
            reference=reference.strip(),
            cost_fen=cost_fen,
            rate=rate_text(rate),
            grant_fen=grant_fen,
            exception=exception,
            made_by=user,
            made_at=settings.CLOCK.now(),
        )
        for position, part in enumerate(parts, start=1):
            Tranche.objects.create(
                agreement=agreement, position=position, amount_fen=part.amount_fen, condition=part.condition.strip()
            )
        _record(user, "draft", agreement, grant_fen=grant_fen, exception=exception)
    return agreement


def approve_agreement(agreement: Agreement, *, seen_version: int, user: User) -> Agreement:
    """Approve it. In force at once, or after the second approver where it is an exception.

    Raises `NotAllowed`, `SamePerson`, `StaleClaim`, `BeyondLaw` or `ReviewRefused`.
    """
    with refuse_when_locked(), transaction.atomic():
        agreement = _locked(agreement, seen_version)
        _require_role(user, "approver", agreement.organisation)
        if agreement.state not in ("drafted", "approved_once"):
            raise ReviewRefused(f"协议 {agreement.number} 为“{agreement.get_state_display()}”，不能再审批。")
        if user.pk in (agreement.made_by_id, agreement.approved_by_id):
            raise SamePerson("经办、审批和第二次审批须由不同人员办理，请转交其他同事。")
        rate = Fraction(agreement.rate)
        _checked(
            agreement.scheme, agreement.fiscal_year, agreement.cost_fen, rate, agreement.grant_fen, agreement.exception
        )
        now = settings.CLOCK.now()
        if agreement.state == "approved_once":
            agreement.second_by, agreement.second_at = user, now
        else:
            agreement.approved_by, agreement.approved_at = user, now
        needs_second = bool(agreement.exception) and agreement.second_by_id is None
        _move(agreement, "approved_once" if needs_second else "in_force", user)
        if agreement.state == "in_force":
            tell(
                agreement.organisation,
                f"“一事一议”协议 {agreement.number} 已生效",
                f"贵单位“{agreement.title}”的协议已经批准，补贴总额最高 {grouped(agreement.grant_fen)} 元，"
                "请在“我的协议”里查看各期金额和条件，并按期申请拨付。",
            )
    return agreement


def close_agreement(agreement: Agreement, *, reason: str, seen_version: int, user: User) -> Agreement:
    """Refuse an agreement that is not in force yet, or end one that is. Claims already filed go their own way.

    Raises `NotAllowed`, `ReasonMissing`, `StaleClaim` or `ReviewRefused`.
    """
    with refuse_when_locked(), transaction.atomic():
        agreement = _locked(agreement, seen_version)
        _require_role(user, "approver", agreement.organisation)
        if not reason.strip():
            raise ReasonMissing("请填写理由，申请单位将看到该理由。")
        target = {"drafted": "refused", "approved_once": "refused", "in_force": "ended"}.get(agreement.state)
        if target is None:
            raise ReviewRefused(f"协议 {agreement.number} 为“{agreement.get_state_display()}”，已经办结。")
        agreement.closing_reason = reason.strip()
        _move(agreement, target, user)
        if target == "ended":
            tell(agreement.organisation, f"“一事一议”协议 {agreement.number} 已终止", f"理由：{reason.strip()}")
    return agreement


def _checked(scheme: str, fiscal_year: int, cost_fen: int, rate: Fraction, grant_fen: int, exception: str) -> str:
    """The exception that is really needed: empty where the ceilings hold anyway. Raises `BeyondLaw`."""
    law = agreement_for(scheme, fiscal_year)
    if not 0 < grant_fen <= cost_fen or not 0 < rate <= 1:
        raise ReviewRefused("补贴总额须大于零且不超过成本（费用），约定比例须在 0 与 100% 之间。")
    try:
        rules.check_agreement(rules.Agreement(cost_fen, grant_fen, rate), law)
    except CallExceedsLaw as refusal:
        try:
            rules.check_agreement(rules.Agreement(cost_fen, grant_fen, rate, exception), law)
        except TermsError as problem:
            raise BeyondLaw(problem if isinstance(problem, CallExceedsLaw) else refusal) from problem
        return exception
    return ""


def _locked(agreement: Agreement, seen_version: int) -> Agreement:
    rows = Agreement.objects.select_for_update(of=("self",)).select_related("organisation")
    found = rows.get(pk=agreement.pk)
    if found.version != seen_version:
        raise StaleClaim
    return found


def _move(agreement: Agreement, state: str, user: User) -> None:
    agreement.state, agreement.version = state, agreement.version + 1
    agreement.save()
    _record(user, state, agreement, reason=agreement.closing_reason)


def _require_role(user: User, role: str, organisation: Organisation) -> None:
    """Raises `NotAllowed` unless `user` has the role, and does not belong to the organisation."""
    if role not in roles_of(user) or is_member(user, organisation):
        raise NotAllowed("此操作只能由有相应岗位、且不属于该单位的工作人员办理。")


def _number(fiscal_year: int) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('vouchers_serial')")
        return f"XY{fiscal_year}-{cursor.fetchone()[0]:06d}"


def _record(user: User, verb: str, agreement: Agreement, **detail: object) -> None:
    record(
        actor=f"user:{user.pk} {user.name}",
        action=f"agreement.{verb}",
        subject=f"agreement:{agreement.pk}",
        at=settings.CLOCK.now(),
        detail={"number": agreement.number, **detail},
    )
