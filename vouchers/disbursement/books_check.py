"""The check of all books as long work: it reads everything, so it never runs while a page waits.

What it found is an entry of the audit trail, kept for ever and told to whoever asks.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from django.conf import settings

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
from vouchers.review.actors import Actor
from vouchers.review.replay import check_review

CHECK = "check_books"
SUBJECT = "books"
ACTION = "books.check"
MAY_ASK = frozenset({"finance", "approver", "auditor", "audit_admin"})
_STEPS = 4


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
    progress.report(0, _STEPS, "正在核对账户余额、转账和审计链")
    last, now = _last_anchor(), anchor()
    report = books.check(last)
    progress.report(1, _STEPS, "正在重算每一份核定结论")
    decisions, of_review = check_review()
    progress.report(2, _STEPS, "正在核对资金办理单、结算和拨付批次")
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
    progress.report(3, _STEPS, "正在登记核对结果")
    record(
        actor=Actor(job.requested_by).text,
        action=ACTION,
        subject=SUBJECT,
        at=settings.CLOCK.now(),
        ok=found.ok,
        detail=asdict(found),
    )
    progress.report(_STEPS, _STEPS, "核对完成，未发现问题" if found.ok else f"核对完成，发现 {len(problems)} 个问题")


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
