"""Objections during publicity: received from anybody, looked into by officers, closed with a finding."""

from __future__ import annotations

from django.conf import settings
from django.db import connection, transaction

from accounts.locks import refuse_when_locked
from accounts.selectors import roles_of
from audit.services import record
from vouchers import workflow
from vouchers.claims.models import Claim
from vouchers.review.actors import Actor
from vouchers.review.errors import NotAllowed, ReasonMissing, ReviewRefused, StaleClaim, TooLate
from vouchers.review.models import Objection
from vouchers.review.services import fire

LONGEST = 2000
# Beyond this the bureau is being flooded, not told anything new.
MOST_OPEN_ON_A_CLAIM = 20


def object_to(claim: Claim, *, name: str, contact: str, text: str) -> Objection:
    """Receive an objection to a claim under publicity. Raises `ReviewRefused` or `TooLate`.

    From now until it is closed the claim's publicity does not end.
    """
    name, contact, text = name.strip(), contact.strip(), text.strip()
    if not (name and contact and text):
        raise ReviewRefused("请写明姓名、联系方式和异议内容，以便核实后答复您。")
    if len(text) > LONGEST:
        raise ReviewRefused(f"异议内容最多 {LONGEST} 个字，请精简；证明材料可在核查时提交。")
    with refuse_when_locked(), transaction.atomic():
        claim = Claim.objects.select_for_update(of=("self",)).select_related("call").get(pk=claim.pk)
        today = settings.CLOCK.today()
        if claim.state not in ("publicised", "suspended") or today > (claim.publicised_until or today):
            raise TooLate("该项目不在公示期内，不能再提出异议。如有情况反映，请拨打 12345。")
        if claim.objections.filter(state__in=workflow.OPEN_OBJECTIONS).count() >= MOST_OPEN_ON_A_CLAIM:
            raise ReviewRefused("该项目收到的异议较多，正在集中核查。补充情况请拨打 12345。")
        objection = Objection.objects.create(
            claim=claim,
            number=_number(claim),
            name=name,
            contact=contact,
            text=text,
            received_at=settings.CLOCK.now(),
        )
        _record("public", "objection.receive", objection)
    return objection


def handle(objection: Objection, verb: str, *, actor: Actor, finding: str = "", seen_version: int) -> Objection:
    """Take one step with an objection. To look into one suspends its claim's publicity.

    Raises `workflow.IllegalTransition`, `NotAllowed`, `ReasonMissing` without a finding where one is needed, or
    `StaleClaim` when somebody else was quicker. What becomes of the claim is a step of its own, by its own rules.
    """
    finding = finding.strip()
    with refuse_when_locked(), transaction.atomic():
        objection = Objection.objects.select_for_update(of=("self",)).select_related("claim").get(pk=objection.pk)
        if objection.version != seen_version:
            raise StaleClaim("该异议刚刚被他人处理过，本次操作没有执行。请刷新页面后再办理。")
        transition = workflow.OBJECTION.step(verb, objection.state)
        if actor.user is None or not set(transition.roles) & roles_of(actor.user):
            wanted = "或".join(workflow.ROLE_LABELS[role] for role in transition.roles)
            raise NotAllowed(f"此操作只能由{wanted}办理，您的账号没有这一权限。")
        if transition.needs_reason and not finding:
            raise ReasonMissing(f"请填写{workflow.OBJECTION.verb_labels[verb]}的理由，异议人将得到答复。")
        if verb == "investigate" and objection.claim.state == "publicised":
            fire(objection.claim, "suspend", actor=actor, reason=f"公示期间收到异议 {objection.number}，正在核查。")
        objection.state, objection.version = transition.target, objection.version + 1
        objection.handled_by = actor.user
        if transition.target not in workflow.OPEN_OBJECTIONS:
            objection.finding, objection.closed_at = finding, settings.CLOCK.now()
        # The sealed contact is not written again: a new seal would look like another contact.
        objection.save(update_fields=["state", "version", "handled_by", "finding", "closed_at"])
        _record(actor.text, f"objection.{verb}", objection)
    return objection


def _number(claim: Claim) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('vouchers_serial')")
        return f"YY{claim.call.fiscal_year}-{cursor.fetchone()[0]:06d}"


def _record(actor_text: str, action: str, objection: Objection) -> None:
    """The trail says that and what was decided; who objected stays in the row."""
    record(
        actor=actor_text,
        action=action,
        subject=f"objection:{objection.pk}",
        at=settings.CLOCK.now(),
        detail={"number": objection.number, "claim": objection.claim_id, "state": objection.state},
    )
