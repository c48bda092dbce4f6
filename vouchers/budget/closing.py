"""The close of a year: what was never funded ends, vouchers expire, what is left is carried on or lapses, the books shut."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Q

from vouchers import workflow
from vouchers.budget import settlement
from vouchers.budget.errors import BudgetError
from vouchers.budget.models import Order
from vouchers.calls.models import Call
from vouchers.claims.models import Claim, FilingQueue, Voucher
from vouchers.jobs.services import Progress
from vouchers.ledger import services as ledger
from vouchers.ledger.selectors import pool_available_fen
from vouchers.money import grouped
from vouchers.review.services import SYSTEM_ACTOR, fire, fire_voucher

# Claims that are named one by one.
_NAMED = 5


@dataclass(frozen=True)
class Standing:
    """How far a year is from its close: what forbids it, and what it would end."""

    pool_fen: int
    waiting: int
    vouchers: int
    blockers: list[str] = field(default_factory=list)

    @property
    def figures(self) -> dict[str, int]:
        """What is kept with the order."""
        return {"pool_fen": self.pool_fen, "waiting": self.waiting, "vouchers": self.vouchers}


def standing(scheme: str, year: int) -> Standing:
    """What stands in the way of the year's close, and what the close would end."""
    alive = _claims(scheme, year).filter(state__in=workflow.AWAITING_MONEY)
    waiting = alive.filter(waiting=True).count()
    return Standing(
        pool_available_fen(scheme, year), waiting, _vouchers(scheme, year).count(), list(_blockers(scheme, year, alive))
    )


def _blockers(scheme: str, year: int, alive):
    last = Call.objects.filter(scheme=scheme, fiscal_year=year, published_at__isnull=False).order_by("-filing_until")
    until = last.values_list("filing_until", flat=True).first()
    if until is not None and settings.CLOCK.today() <= until:
        yield f"申报要到 {until} 才截止。"
    held = list(alive.filter(waiting=False).order_by("pk").values_list("number", flat=True)[: _NAMED + 1])
    if held:
        count = alive.filter(waiting=False).count()
        named = "、".join(held[:_NAMED]) + (" 等" if count > _NAMED else "")
        yield f"还有 {count} 件申请占用着资金，须先拨付、不予通过或撤回：{named}。"
    for day in settlement.due_windows(scheme, year):
        yield f"{day} 截止的一期申报还没有按比例结算。"


def end_the_year(order: Order, progress: Progress) -> None:
    """End every claim that was never funded and every voucher of the year, each by itself. Running again goes on."""
    waiting = _claims(order.scheme, order.fiscal_year).filter(waiting=True).order_by("pk")
    vouchers = _vouchers(order.scheme, order.fiscal_year).order_by("pk")
    total, done = waiting.count() + vouchers.count(), 0
    reason = f"{order.fiscal_year} 年度结账，资金池未能安排这份申请的资金"
    for claim in list(waiting):
        fire(claim, "expire", actor=SYSTEM_ACTOR, reason=reason)
        done += 1
        progress.report(done, total, "正在终止未安排资金的申请")
    for voucher in list(vouchers):
        fire_voucher(voucher, "expire", actor=SYSTEM_ACTOR)
        done += 1
        progress.report(done, total, "正在处理到期的算力券")


def carry_out(order: Order, *, actor_text: str, at: dt.datetime) -> str:
    """Empty the pool and shut the books, in the caller's transaction; what was done, in words. Raises `BudgetError`."""
    scheme, year = order.scheme, order.fiscal_year
    list(FilingQueue.objects.filter(scheme=scheme, fiscal_year=year).select_for_update())
    with connection.cursor() as cursor:
        # Before any account: who brings money in has the year (shared, migration 0011) and then wants the pool.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 11))", [f"{scheme}:{year}"])
    now = standing(scheme, year)
    if now.blockers or now.waiting:
        raise BudgetError("签批以后情况有变化，没有结账：" + "".join(now.blockers or ["又有申请在轮候。"]))
    if order.amount_fen > now.pool_fen:
        raise BudgetError(
            f"资金池余额 {grouped(now.pool_fen)} 元，不足以结转 {grouped(order.amount_fen)} 元，没有结账。"
        )
    said: dict[str, Any] = {"event": f"order:{order.pk}", "actor": actor_text, "at": at}
    rest_fen, words = now.pool_fen - order.amount_fen, []
    if order.amount_fen and order.to_year:
        ledger.carry(scheme, year, order.to_year, order.amount_fen, **said)
        words.append(f"结转 {grouped(order.amount_fen)} 元到 {order.to_year} 年度")
    if rest_fen:
        ledger.lapse(scheme, year, rest_fen, **said)
        words.append(f"上缴财政 {grouped(rest_fen)} 元")
    _shut(order, at)
    return "，".join([*words, "账目已锁定"])


def _shut(order: Order, at: dt.datetime) -> None:
    with connection.cursor() as cursor:
        # The ledger's rows are written by SQL of this room alone; triggers judge it.
        cursor.execute(
            "INSERT INTO ledger_closedyear (period, order_id, closed_at) VALUES (%s, %s, %s)",
            [f"{order.scheme}:{order.fiscal_year}", order.pk, at],
        )


def _claims(scheme: str, year: int):
    return Claim.objects.filter(call__scheme=scheme, call__fiscal_year=year)


def _vouchers(scheme: str, year: int):
    """The year's vouchers that are live, or asked for still."""
    return Voucher.objects.filter(Q(state="issued") | Q(state="applied"), scheme=scheme, fiscal_year=year)
