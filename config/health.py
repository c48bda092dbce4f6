"""Whether this process can do its work: for load balancers and watchmen. Names what fails, and no more."""

import functools

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu import Connection
from kombu.exceptions import KombuError

BROKER_SECONDS = 1
_BROKER_TIMEOUTS = {"socket_timeout": BROKER_SECONDS, "socket_connect_timeout": BROKER_SECONDS}


@login_not_required
@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """`{"status": "ok" | "degraded" | "failing", "checks": {name: "ok" | "failing"}}`.

    503 when the database is away or lacks migrations. Without the broker the portal still serves and
    loses nothing, only background work waits; and `books` fails when the latest check of books and decisions found
    something wrong: 200 and `degraded`.
    """
    checks = {"database": _database(), "migrations": _migrations(), "broker": _broker()}
    serving = checks["database"] and checks["migrations"]
    checks["books"] = not serving or _books()
    status = "failing" if not serving else "ok" if all(checks.values()) else "degraded"
    words = {name: "ok" if fine else "failing" for name, fine in checks.items()}
    return JsonResponse({"status": status, "checks": words}, status=200 if serving else 503)


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _migrations() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT app, name FROM django_migrations")
            applied = set(cursor.fetchall())
    except DatabaseError:
        return False
    return _migrations_on_disk() <= applied


@functools.cache
def _migrations_on_disk() -> frozenset[tuple[str, str]]:
    """What this process was started with; files that change later belong to the next process."""
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)


def _books() -> bool:
    from vouchers.disbursement.books_check import latest_finding

    found = latest_finding()
    return found is None or found[1].ok


def _broker() -> bool:
    broker = Connection(settings.CELERY_BROKER_URL, transport_options=_BROKER_TIMEOUTS)
    try:
        with broker:
            broker.ensure_connection(max_retries=1, interval_start=0, interval_step=0, interval_max=0)
    except (OSError, KombuError, *broker.connection_errors):
        return False
    return True
