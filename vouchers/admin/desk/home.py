"""The officer's first page: what waits for them by role, how the pool stands, and what is overdue."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Case, Count, Q, Sum, Value, When
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from audit.models import AuditEntry
from audit.verify import chain_length
from vouchers.admin.desk import scope
from vouchers.admin.desk.days import OURS, WorkingDays
from vouchers.admin.desk.pool import pool_now
from vouchers.budget.models import Order
from vouchers.claims.models import Voucher
from vouchers.claims.papers import InvoiceClash
from vouchers.disbursement.books_check import Finding, latest_finding
from vouchers.disbursement.models import Batch
from vouchers.jobs.models import Job
from vouchers.messages.services import told_lately
from vouchers.review.flags import open_flags
from vouchers.review.models import ClawbackProposal
from vouchers.workflow import CLOSED_UNPAID

MOST_OVERDUE = 8
_RECENT = dt.timedelta(days=7)


@dataclass(frozen=True)
class Waiting:
    """One thing that waits: how many, what it is, and where it is done."""

    count: int
    label: str
    link: str
    note: str = ""
    tone: str = ""


def home_of(user, roles: frozenset[str]) -> dict:
    """Everything on the first page, by one fixed number of queries."""
    days, district = WorkingDays(), scope.own_district(user)
    counts = _counts(user, roles, days, district)
    late = scope.with_since(scope.filed()).filter(
        scope.waits_for(user, roles), scope.district_of(district), state__in=OURS, since__lt=days.waiting_since(-1)
    )
    overdue = list(scope.with_name(late).order_by("since", "pk")[:MOST_OVERDUE])
    for claim in overdue:
        claim.due = days.due(claim, claim.since)
    groups = [group for group in _groups(roles, counts, _others()) if group["rows"]]
    return {
        "groups": groups,
        "counts": counts,
        "pool": pool_now(),
        "overdue": overdue,
        "today": days.today,
        "district": district,
        "told": told_lately(user),
        "worker": bool(roles & scope.STEPS.keys()),
    }


def _counts(user, roles: frozenset[str], days: WorkingDays, district: str) -> dict:
    """How many claims are in each state, and of those that wait for this person how many are late: one query."""
    mine = Q(mine_now=True)
    late = Q(state__in=OURS, since__lt=days.waiting_since(-1))
    today = Q(state__in=OURS, since__lt=days.waiting_since(0)) & ~late
    states = {state: Count("pk", filter=Q(state=state)) for state in ("submitted", "accepted", *OURS, "publicised")}
    yours = {f"my_{state}": Count("pk", filter=Q(state=state) & mine) for state in OURS}
    waits = Case(When(scope.waits_for(user, roles), then=Value(True)), default=Value(False))
    rows = scope.with_since(scope.filed().filter(scope.district_of(district))).annotate(mine_now=waits)
    return rows.aggregate(
        **states,
        **yours,
        mine=Count("pk", filter=mine),
        late=Count("pk", filter=mine & late),
        today=Count("pk", filter=mine & today),
        queued=Count("pk", filter=Q(waiting=True)),
        queued_fen=Sum("granted_fen", filter=Q(waiting=True), default=0),
    )


def _others() -> dict:
    """Counts outside the claims."""
    since = settings.CLOCK.now() - _RECENT
    batches = Batch.objects.aggregate(
        open=Count("pk", filter=Q(state="open")),
        frozen=Count("pk", filter=Q(state="frozen")),
        signed=Count("pk", filter=Q(state="signed")),
    )
    orders = Order.objects.filter(state="prepared").aggregate(
        finance=Count("pk", filter=Q(kind="recover")), approver=Count("pk", filter=~Q(kind="recover"))
    )
    return {
        "orders": orders,
        "books": latest_finding(),
        "vouchers": Voucher.objects.filter(state="applied").count(),
        "clashes": InvoiceClash.objects.count(),
        "flags": open_flags().exclude(claim__state__in=CLOSED_UNPAID).exclude(claim__state="paid").count(),
        "clawbacks": ClawbackProposal.objects.filter(state="proposed").count(),
        "batches": batches,
        "refused": AuditEntry.objects.filter(ok=False, at__gte=since).count(),
        "dead": Job.objects.filter(state="dead").count(),
        "chain": chain_length(),
    }


def _books(found: tuple[AuditEntry, Finding] | None) -> Waiting:
    """How the latest check of the books ended."""
    link = f"{reverse('admin:books')}#check"
    if found is None:
        return Waiting(0, "账目核对发现的问题", link, "还没有核对过")
    entry, finding = found
    day = timezone.localtime(entry.at)
    note = f"{day.month}月{day.day}日 {day:%H:%M} 核对" + ("，全部相符" if finding.ok else "，请立即查明")
    return Waiting(len(finding.problems), "账目核对发现的问题", link, note, tone="bad")


def _queue(state: str) -> str:
    return f"{reverse('admin:queue')}?{urlencode({'view': state})}"


def _page(name: str, table: str) -> str:
    """A desk's page, or the table behind it as long as there is no such page."""
    try:
        return reverse(f"admin:{name}")
    except NoReverseMatch:
        return reverse(f"admin:{table}_changelist")


def _flags() -> str:
    return reverse("admin:vouchers_reversalflag_changelist")


def _clawbacks() -> str:
    return f"{reverse('admin:vouchers_clawbackproposal_changelist')}?state__exact=proposed"


def _groups(roles: frozenset[str], claims: dict, others: dict) -> list[dict]:
    """What each of the person's roles has to do."""
    funds, books = f"{reverse('admin:funds')}?state=prepared", _books(others["books"])
    batches, table = _page("batches", "vouchers_batch"), _page("trail", "audit_auditentry")
    desks = {
        "reviewer": [
            Waiting(others["vouchers"], "算力券待发放", reverse("admin:vouchers_queue")),
            Waiting(claims["submitted"], "申报待受理", _queue("submitted")),
            Waiting(claims["my_accepted"], "已受理，待审核", _queue("accepted")),
            Waiting(others["clashes"], "发票号码冲突", reverse("admin:vouchers_invoiceclash_changelist"), tone="warn"),
            Waiting(others["flags"], "发票被红冲，待重新核定", _flags(), tone="warn"),
        ],
        "approver": [
            Waiting(claims["my_reviewed"], "已审核，待审批", _queue("reviewed")),
            Waiting(claims["my_approved_once"], "待二次审批", _queue("approved_once")),
            Waiting(claims["suspended"], "核查中", _queue("suspended"), tone="warn"),
            Waiting(others["flags"], "发票被红冲，待重新核定", _flags(), tone="warn"),
            Waiting(claims["approved"], "已批准，待公示", _queue("approved")),
            Waiting(others["orders"]["approver"], "资金办理单，待签批", funds),
        ],
        "finance": [
            books,
            Waiting(claims["payable"], "待拨付", _queue("payable")),
            Waiting(others["batches"]["open"], "编制中的批次", batches),
            Waiting(others["batches"]["frozen"], "待签批的批次", batches),
            Waiting(others["batches"]["signed"], "待发送银行", batches),
            Waiting(others["clawbacks"], "追回建议", _clawbacks(), "发票被红冲，已拨付的多拨部分", tone="warn"),
            Waiting(others["orders"]["finance"], "追回办理单，待签批", funds),
        ],
        "auditor": [
            books,
            Waiting(others["chain"], "审计链记录", table, "连续编号，逐条可验"),
            Waiting(others["refused"], "近 7 天被拒绝的操作", table, tone="warn"),
            Waiting(others["clashes"], "发票号码冲突", reverse("admin:vouchers_invoiceclash_changelist"), tone="warn"),
            Waiting(others["dead"], "失败的后台任务", reverse("admin:vouchers_job_changelist"), tone="warn"),
        ],
        "system_admin": [
            Waiting(others["dead"], "失败的后台任务", reverse("admin:vouchers_job_changelist"), tone="warn"),
        ],
        "audit_admin": [
            Waiting(others["chain"], "审计链记录", table, "连续编号，逐条可验"),
            Waiting(others["refused"], "近 7 天被拒绝的操作", table, tone="warn"),
        ],
    }
    labels = {"reviewer": "审核", "approver": "审批", "finance": "拨付", "auditor": "审计"}
    return [
        {"role": role, "label": labels.get(role, "系统"), "rows": rows} for role, rows in desks.items() if role in roles
    ]
