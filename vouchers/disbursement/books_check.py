"""The check of all books as long work: it reads everything, so it never runs while a page waits.

What it found is an entry of the audit trail, kept for ever and told to whoever asks.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from accounts.selectors import roles_of
from audit.models import AuditEntry
from audit.services import record
from audit.verify import Anchor, anchor
from vouchers.budget.checks import check_budget
from vouchers.disbursement.audit_batches import check_batches
from vouchers.disbursement.services import BatchRefused
from vouchers.jobs.models import Job
from vouchers.jobs.services import Progress, request
from vouchers.ledger import books
from vouchers.messages.services import tell_officers
from vouchers.review.actors import SYSTEM_ACTOR, Actor
from vouchers.review.replay import check_review

log = logging.getLogger(__name__)

CHECK = "check_books"
SUBJECT = "books"
ACTION = "books.check"
MAY_ASK = frozenset({"finance", "approver", "auditor", "audit_admin"})
_STEPS = 4
# Who hears of it when the books begin not to agree, and when they agree again.
HEARS = ("auditor", "finance")
_NAMED = 5


@dataclass(frozen=True)
class Finding:
    """How much was checked, and every problem (Chinese). `seq` is where the audit chain stood when it began."""

    accounts: int
    transfers: int
    decisions: int
    chain: int
    problems: list[str]
    seq: int = 0
    hash: str = ""
    against: int = field(default=0)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def run(subject: str, progress: Progress) -> None:
    """Check everything and write down what was found."""
    job = Job.objects.select_related("requested_by").get(pk=progress.job_id)
    found = _check_all(progress.report, Actor(job.requested_by))
    words = "核对完成，未发现问题" if found.ok else f"核对完成，发现 {len(found.problems)} 个问题"
    progress.report(_STEPS, _STEPS, words)


def run_nightly() -> None:
    """The same check every night, by the system. Every problem is logged as an error, which is what monitoring watches;
    the finding stands on the officers' pages, and turns the health page's `books` to failing. A check that broke off is
    no better than one that found something, and is told the same.
    """
    try:
        found = _check_all(lambda *_: None, SYSTEM_ACTOR)
    except Exception:
        last = _last_anchor()
        words = "夜间核对中断，没有核对完。请系统管理员查看后台日志，修复后重新核对。"
        seq, digest = (last.seq, last.hash) if last else (0, "")
        _write_down(Finding(0, 0, 0, 0, [words], seq, digest), SYSTEM_ACTOR)
        raise
    for problem in found.problems:
        log.error("books: %s", problem)


def _check_all(tell: Callable[[int, int, str], object], actor: Actor) -> Finding:
    tell(0, _STEPS, "正在核对账户余额、转账和审计链")
    last, now = _last_anchor(), anchor()
    report = books.check(last)
    tell(1, _STEPS, "正在重算每一份核定结论")
    decisions, of_review = check_review()
    tell(2, _STEPS, "正在核对资金办理单、结算和拨付批次")
    problems = [*report.problems, *of_review, *check_budget(), *check_batches()]
    found = Finding(
        accounts=report.accounts,
        transfers=report.transfers,
        decisions=decisions,
        chain=report.chain,
        problems=problems,
        seq=now.seq if now else 0,
        hash=now.hash if now else "",
        against=last.seq if last else 0,
    )
    tell(3, _STEPS, "正在登记核对结果")
    _write_down(found, actor)
    return found


def _write_down(found: Finding, actor: Actor) -> None:
    """Keep what was found; tell the people concerned once when trouble begins, and once when it is mended."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Two checks that end together would each see the finding before both, and tell everybody twice.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('check_books', 18))")
        before = latest_finding()
        was_ok = before is None or before[1].ok
        record(
            actor=actor.text,
            action=ACTION,
            subject=SUBJECT,
            at=settings.CLOCK.now(),
            ok=found.ok,
            detail=asdict(found),
        )
        if was_ok and not found.ok:
            count = len(found.problems)
            named = "\n".join(f"· {problem}" for problem in found.problems[:_NAMED])
            more = f"\n另有 {count - _NAMED} 个问题，见“资金台账”页。" if count > _NAMED else ""
            words = "请立即查明原因；查明以前，请勿签批拨付批次和资金办理单。"
            tell_officers(HEARS, f"账目核对发现 {count} 个问题", f"{words}\n{named}{more}")
        elif found.ok and not was_ok:
            tell_officers(HEARS, "账目核对恢复正常", "此前发现的问题已经消除，账目、核定结论和审计链全部相符。")


def start_check(*, actor: Actor) -> Job:
    """Ask for the check; the same job when one is under way."""
    if actor.user is None or not MAY_ASK & roles_of(actor.user):
        raise BatchRefused("核对账目由财务、审批、审计人员或审计管理员发起，您的账号没有这一权限。")
    return request(CHECK, SUBJECT, requested_by=actor.user)


def check_job() -> Job | None:
    """The latest job of the check."""
    return Job.objects.filter(kind=CHECK, subject=SUBJECT).order_by("-pk").first()


def latest_finding() -> tuple[AuditEntry, Finding] | None:
    """What the latest check found, and its entry: when, by whom."""
    entry = AuditEntry.objects.filter(subject=SUBJECT, action=ACTION).order_by("-pk").first()
    return (entry, Finding(**_known(entry.detail))) if entry else None


def _last_anchor() -> Anchor | None:
    """Where the chain stood at the last check: what was there then must be there still, unchanged."""
    found = latest_finding()
    return Anchor(found[1].seq, found[1].hash) if found and found[1].seq else None


def _known(detail: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in detail.items() if name in Finding.__dataclass_fields__}
