"""Writing the audit trail."""

import datetime as dt

from audit.models import AuditEntry


def record(
    *,
    actor: str,
    action: str,
    subject: str,
    at: dt.datetime,
    ok: bool = True,
    detail: dict | None = None,
    request_id: str = "",
    ip: str = "",
) -> None:
    """Write down what `actor` did to `subject` ("kind:id"), in the caller's transaction.

    `at` is the caller's clock (aware); the database adds its own time. What is rolled back leaves no trace, and an
    entry that cannot be written stops the action.
    """
    AuditEntry.objects.create(
        at=at, actor=actor, action=action, subject=subject, ok=ok, detail=detail or {}, request_id=request_id, ip=ip
    )
