"""Orders (资金办理单): one finance officer prepares, another officer signs, then it is done. Nothing is done by one alone."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from accounts.errors import Refused
from accounts.locks import refuse_when_locked
from accounts.models import User
from accounts.selectors import roles_of
from applicants.models import Organisation
from audit.services import record
from vouchers import workflow
from vouchers.budget import closing, settlement
from vouchers.budget.errors import BudgetError
from vouchers.budget.models import Order
from vouchers.budget.services import appropriate
from vouchers.calls.models import Call
from vouchers.jobs.models import Job
from vouchers.jobs.services import Progress, request
from vouchers.ledger import kinds
from vouchers.ledger import services as ledger
from vouchers.ledger.selectors import (
    cap_opened_fen,
    cap_room_fen,
    is_appropriated,
    is_closed,
    payment_left_fen,
    pool_available_fen,
)
from vouchers.money import MAX_FEN, grouped
from vouchers.review.actors import Actor
from vouchers.review.errors import SamePerson
from vouchers.review.models import ClaimDuty
from vouchers.review.promotion import promote_after_commit
from vouchers.review.services import SYSTEM_ACTOR, fire

JOB = "fund_order"
# What takes longer than a page waits.
LONG = ("settle", "close")
# Recovering is finance's own step with a claim; everything else touches the year's money and needs an approver.
SIGNERS = {"recover": workflow.FINANCE}


def signer_role(kind: str) -> str:
    """Who signs an order of this kind."""
    return SIGNERS.get(kind, workflow.APPROVER)


def to_fund(scheme: str, year: int) -> int | None:
    """What the year's call appropriates and the pool does not have yet, in fen; None where there is nothing to bring in."""
    call = Call.objects.filter(scheme=scheme, fiscal_year=year, published_at__isnull=False).order_by("-version").first()
    return None if call is None or is_appropriated(scheme, year) else call.appropriation_fen


def prepare_fund(scheme: str, year: int, *, citation: str, actor: Actor) -> Order:
    """The year's appropriation into its pool: what the call in force says, by the document `citation`, once.

    Raises `BudgetError`.
    """
    _require_year(scheme, year)
    fen = to_fund(scheme, year)
    if fen is None:
        raise BudgetError(f"{year} 年度的资金已经拨入资金池。再有下达文件的，请编制“追加资金”办理单。")
    figures = {"pool_fen": pool_available_fen(scheme, year)}
    return _prepare("fund", scheme, year, fen, citation, actor, figures=figures)


def prepare_top_up(scheme: str, year: int, amount_fen: int, *, citation: str, actor: Actor) -> Order:
    """More money for the year's pool, by the finance bureau's document `citation`. Raises `BudgetError`."""
    _require_year(scheme, year)
    if not 0 < amount_fen <= MAX_FEN // 10:
        raise BudgetError("追加金额须大于零，请核对。")
    figures = {"pool_fen": pool_available_fen(scheme, year)}
    return _prepare("top_up", scheme, year, amount_fen, citation, actor, figures=figures)


def prepare_adjust(
    scheme: str, year: int, delta_fen: int, *, reason: str, citation: str, actor: Actor,
    organisation: Organisation | None = None,
) -> Order:  # fmt: skip
    """Correct the year's pool, or the cap of an `organisation`, by `delta_fen`, for one of the enumerated reasons.

    Not below what is free there, and no cap above the call's. Raises `BudgetError`.
    """
    call = _require_year(scheme, year)
    if not delta_fen:
        raise BudgetError("调整金额不能为零，请核对。")
    if reason not in kinds.ADJUST_REASONS or (reason == "cap_change") != (organisation is not None):
        raise BudgetError("调整原因与调整对象不符：调整单位年度上限选“年度上限变更”，调整资金池选其他原因。")
    figures = _bounds(call, organisation, delta_fen)
    return _prepare(
        "adjust", scheme, year, delta_fen, citation, actor, reason=reason, organisation=organisation, figures=figures
    )


def _bounds(call: Call, organisation: Organisation | None, delta_fen: int) -> dict[str, int]:
    """What there is to adjust; raises `BudgetError` where the adjustment goes beyond it."""
    if organisation is None:
        free_fen = pool_available_fen(call.scheme, call.fiscal_year)
        if -delta_fen > free_fen:
            raise BudgetError(f"资金池可用余额 {grouped(free_fen)} 元，不能调减 {grouped(-delta_fen)} 元。")
        return {"pool_fen": free_fen}
    place = (call.scheme, call.fiscal_year, organisation.pk)
    whole_fen = cap_opened_fen(*place)
    if whole_fen is None:
        raise BudgetError("该单位本年度还没有提交过申报，年度上限尚未启用，不需要调整。")
    room_fen = cap_room_fen(*place, call.annual_cap_fen)
    if -delta_fen > room_fen:
        raise BudgetError(f"该单位年度上限余量 {grouped(room_fen)} 元，不能调减 {grouped(-delta_fen)} 元。")
    if whole_fen + delta_fen > call.annual_cap_fen:
        raise BudgetError(f"调整后超过申报通知规定的单位年度上限 {grouped(call.annual_cap_fen)} 元。请核对。")
    return {"cap_fen": whole_fen, "room_fen": room_fen}


def prepare_recover(payment: Any, amount_fen: int, *, citation: str, actor: Actor) -> Order:
    """Take back `amount_fen` of a payment that arrived (a `Payment` of the disbursement room). Raises `BudgetError`.

    Part or all that is left of it; the rest may follow in another order.
    """
    claim = payment.claim
    if payment.state != "paid" or claim.state != "paid":
        raise BudgetError("只有已到账、尚未全部追回的拨付可以追回。请刷新页面查看最新状态。")
    left_fen = payment_left_fen(f"payment:{payment.pk}")
    if not 0 < amount_fen <= left_fen:
        raise BudgetError(f"追回金额须大于零，且不超过这笔拨付尚未追回的 {grouped(left_fen)} 元。")
    _refuse_judges(claim.pk, actor)
    figures = {"paid_fen": payment.amount_fen, "left_fen": left_fen}
    call = claim.call
    return _prepare(
        "recover", call.scheme, call.fiscal_year, amount_fen, citation, actor, payment=payment, figures=figures
    )  # fmt: skip


def prepare_settlement(scheme: str, year: int, until: dt.date, *, citation: str, actor: Actor) -> Order:
    """The settlement of the filing window that ended on `until`, as the books stand now. Raises `BudgetError`."""
    _require_year(scheme, year)
    if until not in settlement.due_windows(scheme, year):
        raise BudgetError("这一期没有需要结算的申请：申报尚未截止，或已经结算过。")
    found = settlement.draft(scheme, year, until, settlement.min_grant_of(scheme, year))
    return _prepare(
        "settle", scheme, year, found.granted_fen, citation, actor,
        window_until=until, digest=found.digest, figures=found.figures,
    )  # fmt: skip


def prepare_close(
    scheme: str, year: int, carry_fen: int, to_year: int | None, *, citation: str, actor: Actor
) -> Order:  # fmt: skip
    """The close of a year: `carry_fen` goes on to `to_year`, the rest lapses to the treasury. Raises `BudgetError`."""
    _require_year(scheme, year)
    standing = closing.standing(scheme, year)
    if standing.blockers:
        raise BudgetError("现在还不能结账：\n" + "\n".join(standing.blockers))
    if not 0 <= carry_fen <= standing.pool_fen:
        raise BudgetError(f"结转金额须在零与可用余额 {grouped(standing.pool_fen)} 元之间。")
    if carry_fen and (to_year is None or to_year <= year or is_closed(scheme, to_year)):
        raise BudgetError("请填写结转到的年度，须晚于本年度且尚未结账。")
    target = to_year if carry_fen else None
    return _prepare(
        "close", scheme, year, carry_fen, citation, actor, to_year=target, figures=standing.figures
    )  # fmt: skip


def sign(order: Order, *, actor: Actor, seen: str = "") -> Order:
    """Vouch for an order that another prepared. What is quick is done at once; the rest is asked for as a job.

    `seen` is the digest on the screen. Raises `BudgetError`, `SamePerson`, or why it cannot be done: nothing changed.
    """
    with refuse_when_locked(), transaction.atomic():
        order = _locked(order, "sign")
        user = _require(actor, signer_role(order.kind))
        if user.pk == order.prepared_by_id:
            raise SamePerson("编制人不能签批自己编制的办理单，请转交另一名同事。")
        if order.digest != seen:
            raise BudgetError("办理单内容与您看到的不一致，没有签批。请刷新页面重新核对。")
        if order.payment is not None:
            _refuse_judges(order.payment.claim_id, actor)
        _step(order, "sign", actor, signed_by=user, signed_at=settings.CLOCK.now())
        if order.kind in LONG:
            request(JOB, f"order:{order.pk}", requested_by=user)
        else:
            _do_now(order, actor)
    return order


def withdraw(order: Order, *, actor: Actor, reason: str) -> Order:
    """Give up an order that nobody signed yet."""
    if not reason.strip():
        raise BudgetError("请填写撤销理由。")
    with refuse_when_locked(), transaction.atomic():
        order = _locked(order, "withdraw")
        _require(actor, workflow.FINANCE)
        return _step(order, "withdraw", actor, done_at=settings.CLOCK.now(), outcome=reason.strip())


def retry(order: Order, *, actor: Actor) -> Order:
    """Ask again for the work of a signed order whose job gave up. Raises `BudgetError` for one that is under way."""
    _require(actor, signer_role(order.kind))
    with refuse_when_locked(), transaction.atomic():
        order = _locked(order, "finish")
        job = job_of(order)
        if job is not None and job.state != "dead":
            raise BudgetError("这张办理单正在后台办理，不用重新开始。请稍后刷新页面。")
        request(JOB, f"order:{order.pk}", requested_by=actor.user)
        _record(order, "retry", actor)
    return order


def run(subject: str, progress: Progress) -> None:
    """Do a signed order as long work. Running again changes nothing; what cannot be done is void, and says why."""
    order = Order.objects.get(pk=int(subject.partition(":")[2]))
    if order.state != "signed":
        return
    progress.report(0, 1, "正在办理")
    try:
        _carry_out(order, progress)
        progress.report(1, 1, "已办结")
    except Refused as refusal:
        with transaction.atomic():
            order = _locked(order, "void")
            _step(order, "void", SYSTEM_ACTOR, done_at=settings.CLOCK.now(), outcome=str(refusal)[:500])
        progress.report(1, 1, "未执行，原因见办理单")


def job_of(order: Order) -> Job | None:
    """The latest job of an order."""
    return Job.objects.filter(kind=JOB, subject=f"order:{order.pk}").order_by("-pk").first()


def _carry_out(order: Order, progress: Progress) -> None:
    if order.kind == "close":
        closing.end_the_year(order, progress)
    with refuse_when_locked(), transaction.atomic():
        order = _locked(order, "finish")
        now, signer = settings.CLOCK.now(), Actor(order.signed_by)
        do = {"settle": settlement.carry_out, "close": closing.carry_out}[order.kind]
        outcome = do(order, actor_text=signer.text, at=now)
        _step(order, "finish", SYSTEM_ACTOR, done_at=now, outcome=outcome)
        if order.to_year:
            promote_after_commit(order.scheme, order.to_year)


def _do_now(order: Order, actor: Actor) -> None:
    scheme, year, fen, now = order.scheme, order.fiscal_year, order.amount_fen, settings.CLOCK.now()
    said: dict[str, Any] = {"event": f"order:{order.pk}", "actor": actor.text, "at": now}
    event = None
    if order.kind == "fund":
        if to_fund(scheme, year) != fen:
            raise BudgetError("编制以后资金已经拨入，或申报通知的资金总额有变动。请撤销这张办理单，核对后重新编制。")
        appropriate(_require_year(scheme, year), citation=order.citation, actor=actor.text)
    elif order.kind == "top_up":
        ledger.top_up(scheme, year, fen, citation=order.citation, **said)
    elif order.kind == "adjust":
        firm = order.organisation_id
        account = kinds.cap(scheme, year, firm) if firm else kinds.pool(scheme, year)
        if firm and fen > 0:
            _bounds(_require_year(scheme, year), order.organisation, fen)
        ledger.adjust(account, fen, reason=order.reason, note=order.citation, **said)
    else:
        paid: Any = order.payment
        event = fire(
            paid.claim, "recover", actor=actor, reason=order.citation, payment=order.payment_id, amount_fen=fen
        )  # fmt: skip
    _step(order, "finish", SYSTEM_ACTOR, done_at=now, event=event)
    if order.kind != "recover":
        promote_after_commit(scheme, year)


def _prepare(kind: str, scheme: str, year: int, amount_fen: int, citation: str, actor: Actor, **more) -> Order:
    user = _require(actor, workflow.FINANCE)
    if not citation.strip():
        raise BudgetError("请填写依据文件的文号或情况说明。")
    try:
        with refuse_when_locked(), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT nextval('vouchers_serial')")
                number = f"ZJ{year}-{cursor.fetchone()[0]:06d}"
            order = Order.objects.create(
                number=number, kind=kind, scheme=scheme, fiscal_year=year, amount_fen=amount_fen,
                citation=citation.strip(), prepared_at=settings.CLOCK.now(), prepared_by=user, **more,
            )  # fmt: skip
            _record(order, "prepare", actor)
    except IntegrityError as error:
        if "order_one_at_a_time" not in str(error):
            raise
        raise BudgetError("已有一张同类办理单在签批或执行中。请先办完或撤销，再重新编制。") from error
    return order


def _require_year(scheme: str, year: int) -> Call:
    """The year's call in force. Raises `BudgetError` for a year without one, or one that is closed."""
    call = Call.objects.filter(scheme=scheme, fiscal_year=year, published_at__isnull=False).order_by("-version").first()
    if call is None:
        raise BudgetError(f"{year} 年度没有已发布的申报通知，没有资金池。")
    if is_closed(scheme, year):
        raise BudgetError(f"{year} 年度已经结账，不能再办理。")
    return call


def _require(actor: Actor, role: str) -> User:
    if actor.user is None or role not in roles_of(actor.user):
        raise BudgetError(f"此操作只能由{workflow.ROLE_LABELS[role]}办理，您的账号没有这一权限。")
    return actor.user


def _refuse_judges(claim_id: int, actor: Actor) -> None:
    """Whoever reviewed or approved a claim does not take its money back either."""
    judged = ClaimDuty.objects.filter(
        claim=claim_id, user=actor.user, duty__in=["review", "approve", "second_approve"]
    ).first()
    if judged is not None:
        raise SamePerson(f"您已在该申请中承担“{judged.get_duty_display()}”，不能办理追回。请转交其他财务人员。")


def _locked(order: Order, verb: str) -> Order:
    """The order under a lock, if `verb` is possible. Raises `workflow.IllegalTransition`."""
    people = ("prepared_by", "signed_by", "organisation", "payment__claim__call")
    order = Order.objects.select_for_update(of=("self",)).select_related(*people).get(pk=order.pk)
    workflow.ORDER.step(verb, order.state)
    return order


def _step(order: Order, verb: str, actor: Actor, **fields) -> Order:
    order.state = workflow.ORDER.step(verb, order.state).target
    for name, value in fields.items():
        setattr(order, name, value)
    order.save(update_fields=["state", *fields])
    _record(order, verb, actor)
    return order


def _record(order: Order, verb: str, actor: Actor) -> None:
    detail = {
        "number": order.number, "kind": order.get_kind_display(), "state": order.state, "amount_fen": order.amount_fen,
        "citation": order.citation, "digest": order.digest, "outcome": order.outcome,
    }  # fmt: skip
    at = settings.CLOCK.now()
    record(actor=actor.text, action=f"order.{verb}", subject=f"order:{order.pk}", at=at, detail=detail)
