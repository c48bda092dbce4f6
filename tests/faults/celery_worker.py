"""A real Celery worker and a real broker for tests, each a process that can be killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import psutil
import redis
from django.conf import settings
from django.db import connections

from config.services import program_folders

ROOT = Path(__file__).resolve().parents[2]


def wait_until(true: Callable[[], object], seconds: float = 180) -> None:
    """Wait for something to become true; fail when it does not."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


class Broker:
    """A private Valkey without persistence on a socket in `folder`."""

    def __init__(self, folder: Path):
        self.socket = folder / "broker.sock"
        self.url = f"redis+socket://{self.socket}"
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        """Start empty, and wait until it answers."""
        program = str(program_folders()[1])
        self.process = subprocess.Popen(
            [program, "--port", "0", "--unixsocket", str(self.socket), "--save", "", "--appendonly", "no"],
            stdout=subprocess.DEVNULL,
        )
        client = redis.Redis(unix_socket_path=str(self.socket))

        def answers() -> bool:
            with contextlib.suppress(redis.ConnectionError):
                return bool(client.ping())
            return False

        wait_until(answers)

    def kill(self) -> None:
        """`kill -9`: whatever was queued is gone."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def _database_url(alias: str) -> str:
    """The database of this test, as a worker's environment names it."""
    row = connections[alias].settings_dict
    secret = f":{quote(row['PASSWORD'])}" if row["PASSWORD"] else ""
    port = f":{row['PORT']}" if row["PORT"] else ""
    return f"postgresql://{row['USER']}{secret}@{port}/{row['NAME']}?host={row['HOST']}"


def environment(broker_url: str, **more: str) -> dict[str, str]:
    """What a program of the portal is told, so that it uses the test's database, files, clock and broker."""
    told = {
        **os.environ,
        "DATABASE_URL": _database_url("default"),
        "BROKER_URL": broker_url,
        "MEDIA_ROOT": str(settings.MEDIA_ROOT),
        "CLOCK_FILE": str(settings.CLOCK._file),
        "JOB_LEASE_SECONDS": "2",
        **more,
    }
    told.pop("OWNER_DATABASE_URL", None)
    return told


def celery(arguments: list[str], told: dict[str, str], log: Path) -> subprocess.Popen:
    """Start one of Celery's programs in a session of its own, its output in `log`."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "celery", *arguments],
            cwd=ROOT,
            env=told,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


@contextlib.contextmanager
def worker(
    broker_url: str, log: Path, *, app: str = "config", concurrency: int = 1, **told: str
) -> Iterator[subprocess.Popen]:
    """A Celery worker on the test's database, files and clock. All of it is dead afterwards.

    `told` are more variables of its environment; `app` is where it finds the Celery application.
    """
    command = [
        "-A",
        app,
        "worker",
        "--concurrency",
        str(concurrency),
        "--loglevel",
        "INFO",
        "--hostname",
        f"{log.stem}@h",
    ]
    process = celery([*command, "--without-gossip", "--without-mingle"], environment(broker_url, **told), log)
    try:
        wait_until(lambda: b"ready." in log.read_bytes() or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        yield process
    finally:
        kill_tree(process.pid)
        process.wait()


def kill_tree(pid: int) -> None:
    """`kill -9` of a process and all its children."""
    with contextlib.suppress(psutil.NoSuchProcess):
        family = [*psutil.Process(pid).children(recursive=True), psutil.Process(pid)]
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.send_signal(signal.SIGKILL)


def child_of(process: subprocess.Popen) -> psutil.Process:
    """The worker's child that does the work."""
    return psutil.Process(process.pid).children()[0]
