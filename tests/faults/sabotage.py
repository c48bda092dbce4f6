"""The portal's Celery application for workers that are to fail: `celery -A tests.faults.sabotage worker`.

The environment says how. SABOTAGE is a folder: each file there named like a failpoint kills, with -9, the process that
comes by first, and is gone then. VISIBILITY_TIMEOUT, in seconds, is after how long the broker delivers again.
"""

import os
import signal
import time
from pathlib import Path

from celery.signals import worker_init
from django.conf import settings

from config.celery import app
from tests.faults import failpoints

FOLDER = Path(os.environ["SABOTAGE"])
POISON = "poison"

if "VISIBILITY_TIMEOUT" in os.environ:
    app.conf.broker_transport_options = {
        **app.conf.broker_transport_options,
        "visibility_timeout": float(os.environ["VISIBILITY_TIMEOUT"]),
        # How often unacknowledged messages are looked through; else every 100 s.
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
    }
if "SWEEP_SECONDS" in os.environ:
    schedule = dict(settings.CELERY_BEAT_SCHEDULE)
    app.conf.beat_schedule = {"sweep": schedule["sweep"] | {"schedule": float(os.environ["SWEEP_SECONDS"])}}


def die_at(failpoint: str) -> None:
    """End this process without a goodbye if the failpoint is armed, and disarm it."""
    try:
        (FOLDER / failpoint).rename(FOLDER / f"{failpoint}.hit")
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


@app.task(name="faults.top_up")
def top_up(key: str, seconds: float) -> None:
    """A slow task that moves money: 100 fen into the pool of 2025, once for each `key`."""
    from vouchers.ledger import services

    with (FOLDER / f"starts-of-{key}").open("a") as starts:
        starts.write("x")
    time.sleep(seconds)
    services.top_up("compute_voucher", 2025, 100, event=key, citation="文号", actor="task", at=settings.CLOCK.now())


@worker_init.connect
def _set_failpoints(**_) -> None:
    from vouchers import tasks

    try:
        failpoints.watch_all(die_at)
        tasks.HANDLERS[POISON] = lambda subject, progress: os.kill(os.getpid(), signal.SIGKILL)
    except AttributeError as gone:
        # Celery logs what a signal's receiver raises, and goes on; a worker without its failpoints must not.
        raise SystemExit(str(gone)) from gone
