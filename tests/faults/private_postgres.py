"""A PostgreSQL of the tests' own: it may be killed, stopped, dumped and tampered with."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg2
from django.conf import settings
from django.db import connections

from config.services import BARE, program_folders, unprivileged_account
from tests.faults.celery_worker import wait_until

TEMPLATE = "town_template"
ALIASES = ("default", "owner")
_numbers = itertools.count(1)


class PrivatePostgres:
    """One server on a socket in a folder of its own, flushing to disk as production does."""

    def __init__(self) -> None:
        self.bin, _ = program_folders()
        self.account = unprivileged_account()
        # Not below pytest's folder: that is closed to the account that PostgreSQL runs as.
        self.folder = Path(tempfile.mkdtemp(prefix="vouchers-fault-", dir="/tmp"))
        if self.account:
            os.chown(self.folder, *self.account)
        self.process: subprocess.Popen | None = None
        self._run("initdb", "-D", self.folder / "pg", "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-sync",
                  "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", as_server=True)  # fmt: skip

    def start(self) -> None:
        """Start the server, and wait until it has recovered from whatever happened to it."""
        options = {
            "unix_socket_directories": self.folder, "listen_addresses": "", "max_connections": 150, "max_locks_per_transaction": 2048,
            "shared_buffers": "64MB", "timezone": "UTC", "deadlock_timeout": "200ms", "restart_after_crash": "off",
        }  # fmt: skip
        argv = [self.bin / "postgres", "-D", self.folder / "pg"]
        for name, value in options.items():
            argv += ["-c", f"{name}={value}"]
        self.process = subprocess.Popen(
            argv, env=BARE, cwd=self.folder, stdout=(self.folder / "log").open("ab"), stderr=subprocess.STDOUT,
            **self._identity(),
        )  # fmt: skip
        wait_until(self._answers, 60)

    def kill(self) -> None:
        """`kill -9` of the server and every backend, as when the machine loses its power."""
        assert self.process is not None
        family = [*psutil.Process(self.process.pid).children(recursive=True), psutil.Process(self.process.pid)]
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.send_signal(signal.SIGKILL)
        self.process.wait()
        psutil.wait_procs(family, timeout=30)

    def stop_immediately(self) -> None:
        """What `pg_ctl stop -m immediate` does: no checkpoint, no goodbye."""
        assert self.process is not None
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(60)

    def remove(self) -> None:
        """Stop it if it runs, and leave nothing behind."""
        if self.process and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def sql(self, statement: str, database: str = "postgres") -> list[tuple]:
        """Run one statement as the superuser, committed at once; its rows."""
        connection = psycopg2.connect(host=str(self.folder), user="postgres", dbname=database)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def dump(self, database: str, to: Path, of: dict | None = None) -> None:
        """Write the whole of `database` to the file `to` in PostgreSQL's own format.

        `of` are Django's settings of another server than this one.
        """
        there = of or {"HOST": self.folder, "PORT": "", "USER": "postgres", "PASSWORD": ""}
        port = ["-p", there["PORT"]] if there["PORT"] else []
        self._run("pg_dump", "-Fc", "-h", there["HOST"], *port, "-U", there["USER"], "-f", to, database,
                  PGPASSWORD=there["PASSWORD"])  # fmt: skip

    def restore(self, dump: Path, database: str) -> None:
        """Make `database`, owned by the portal's owner, from a dump."""
        owner = settings.DATABASES["owner"]["USER"]
        self.sql(f"CREATE DATABASE {database} OWNER {owner}")
        self._run("pg_restore", "-h", self.folder, "-U", "postgres", "--exit-on-error", "-d", database, dump)
        self._no_temporary_tables(database)

    def clone(self, template: str = TEMPLATE) -> str:
        """A new database with everything that `template` has; its name."""
        name = f"town_{next(_numbers)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template} OWNER {settings.DATABASES['owner']['USER']}")
        self._no_temporary_tables(name)
        return name

    def make_roles(self) -> None:
        """The owner of the tables and the runtime role, under the names that the settings have."""
        self.sql(f"CREATE ROLE {settings.DATABASES['owner']['USER']} LOGIN CREATEDB")
        self.sql(f"CREATE ROLE {settings.RUNTIME_ROLE} LOGIN")

    def _no_temporary_tables(self, database: str) -> None:
        # A right on the database itself is neither dumped nor cloned; production's comes with every migration.
        self.sql(f"REVOKE TEMPORARY ON DATABASE {database} FROM {settings.RUNTIME_ROLE}, PUBLIC")

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "log").read_text()[-3000:]
        with contextlib.suppress(psycopg2.OperationalError):
            self.sql("SELECT 1")
            return True
        return False

    def _identity(self) -> dict:
        if self.account is None:
            return {}
        return {"user": self.account[0], "group": self.account[1], "extra_groups": []}

    def _run(self, program: str, *arguments: object, as_server: bool = False, **told: str) -> None:
        identity = self._identity() if as_server else {}
        done = subprocess.run(
            [self.bin / program, *map(str, arguments)], env=BARE | told, cwd=self.folder, capture_output=True, text=True,
            timeout=120, **identity,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


@contextlib.contextmanager
def django_uses(host: Path, database: str, **more: str) -> Iterator[None]:
    """Both of Django's aliases mean `database` on the server whose socket is in `host`, in every thread.

    `more` are other settings, such as USER.
    """
    before = {alias: dict(connections.settings[alias]) for alias in ALIASES}
    connections.close_all()
    for alias in ALIASES:
        connections.settings[alias].update(HOST=str(host), PORT="", NAME=database, **more)
    try:
        yield
    finally:
        connections.close_all()
        for alias in ALIASES:
            connections.settings[alias].update(before[alias])
