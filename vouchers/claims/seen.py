"""Whether what a form shows is still what stands: two clerks, or two tabs, never overwrite one another unawares."""

from __future__ import annotations

import hashlib
from typing import Any

from django.db import models

from vouchers.claims.intake import ClaimError


class ChangedMeanwhile(ClaimError):
    """Somebody else saved in between; the caller shows both and lets the person choose."""

    message = (
        "这一页刚刚被另一位经办人（或您在另一个窗口）改过，本次没有保存，您填写的内容还在下面。请核对后再保存一次。"
    )

    def __init__(self) -> None:
        super().__init__(self.message)


def seen_row(row: models.Model) -> str:
    """A mark of the state of a row that keeps its history; empty for one that is not saved."""
    history: Any = getattr(row, "history", None)
    latest = history.order_by("-history_id").values_list("history_id", flat=True).first() if row.pk else None
    return str(latest or "")


def seen_values(*values: object) -> str:
    """A mark of plain values."""
    return hashlib.sha256(repr(values).encode()).hexdigest()[:16]


def require_unchanged(seen: str | None, now: str) -> None:
    """Raises `ChangedMeanwhile` when a form that showed `seen` is behind. None asks for no comparison."""
    if seen is not None and seen != now:
        raise ChangedMeanwhile
