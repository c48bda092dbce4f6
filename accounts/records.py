"""One way to write the audit trail: the actor as text, the one clock."""

from django.conf import settings

from accounts.models import User
from audit import services as audit


def note(by: User | str | None, action: str, subject: str, *, ok: bool = True, ip: str = "", **detail) -> None:
    """Record that `by` (None: the system itself; text: somebody else) did, or tried, `action` to `subject`.

    `action` is an English verb such as `organisation.rename`, `subject` names the thing such as
    `organisation:12`, `detail` holds the facts by English name, ready for JSON. Never put a secret, an
    account number or a phone there.
    """
    audit.record(
        actor=actor_text(by), action=action, subject=subject, at=settings.CLOCK.now(), ok=ok, detail=detail, ip=ip
    )


def actor_text(who: User | str | None) -> str:
    """Who, as the audit trail names them: `user:<id> <username>`, `system`, or the text itself."""
    if isinstance(who, User):
        return f"user:{who.pk} {who.username}"
    return who or "system"
