"""Saving rows that people edit: who did it goes into the row's history, refusals get their words."""

from typing import Any

from django.conf import settings
from django.db import IntegrityError, models, transaction

from accounts.errors import Refused
from accounts.models import User


def save(row: Any, by: User | None) -> None:
    """Save `row`; its history names `by` and the clock's now. Never use `.update()` on rows with history: it leaves no trace."""
    row._history_user = by
    row._history_date = settings.CLOCK.now()
    row.save()


def insert(row: models.Model, by: User | None, refusals: dict[str, type[Refused]]) -> None:
    """Save a new row; a breach of a constraint named in `refusals` is raised as that refusal."""
    try:
        with transaction.atomic():
            save(row, by)
    except IntegrityError as error:
        for constraint, refusal in refusals.items():
            if constraint in str(error):
                raise refusal from error
        raise
