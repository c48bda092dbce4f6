"""One run folder, its PostgreSQL and Valkey, and the rule who starts and who stops them.

The first to come starts them; whoever comes while they run joins; the last to leave has them stopped by
the one that started them. Three locks, which the kernel releases even after kill -9, say so:

* `lock`: held while someone decides or prepares; the others wait.
* `in-use`: held shared by everyone who uses the servers, whole by the one who stops them.
* `owner`: held by the one whose children the servers are.
"""

import fcntl
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from config.processes import next_signal, say, spawn, wait_until
from config.services import (
    OWNER,
    ROOT_HOME,
    RUNTIME,
    Postgres,
    Service,
    ServiceError,
    Valkey,
    make_folder,
    new_secrets,
    remove_sockets,
    socket_folder,
    unprivileged_account,
)

BASE_DIR = Path(__file__).resolve().parent.parent
TEMPORARY = "compute-vouchers-"
# Lies in every run folder. Nothing is ever removed from a folder without it.
MARK = "run-folder-of-compute-vouchers"


def persistent_folder() -> Path:
    """Where this clone keeps its data: in itself, or for root where the servers' account can reach it."""
    if os.geteuid() != 0:
        return BASE_DIR / ".run"
    return ROOT_HOME / hashlib.sha256(os.fsencode(BASE_DIR)).hexdigest()[:12]


def temporary_folder() -> Path:
    """A new folder that `Cluster.leave` removes again."""
    _sweep()
    return Path(tempfile.mkdtemp(prefix=TEMPORARY, dir="/tmp"))


def _sweep() -> None:
    """Remove temporary folders of ours whose users were all killed before they could."""
    for folder in Path("/tmp").glob(TEMPORARY + "*"):
        try:
            ours = not folder.is_symlink() and folder.stat().st_uid == os.geteuid() and (folder / MARK).is_file()
            if ours and time.time() - folder.stat().st_mtime > 3600 and Lock(folder / "owner").take(fcntl.LOCK_EX):
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue


class Lock:
    """A file lock. It ends with the process at the latest, and children do not inherit it."""

    def __init__(self, path: Path):
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def take(self, kind: int) -> bool:
        """Take it (fcntl.LOCK_SH or LOCK_EX) if that is possible now. A refusal loses what was held before."""
        try:
            fcntl.flock(self._file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_UN)


class Cluster:
    """The servers of one run folder, as one user of them sees them."""

    def __init__(self, folder: Path, *, temporary: bool):
        self.folder, self.temporary = folder, temporary
        self.owner = False
        self._servers: tuple[Postgres, Valkey] | None = None
        # Of root's folder the servers' account passes through the top, and owns its data and sockets.
        make_folder(folder)
        mark = folder / MARK
        # Asked again after the look: another start may just have made the folder its own.
        if not mark.is_file() and any(folder.iterdir()) and not mark.is_file():
            raise ServiceError(f"{folder} holds something else already. Name an empty or a new folder.")
        mark.touch()
        if unprivileged_account():
            folder.chmod(0o711)
        make_folder(folder / "log")
        make_folder(folder / "media")
        self._lock, self._use, self._owner = (Lock(folder / name) for name in ("lock", "in-use", "owner"))

    def enter(self, *, servers: bool, reset: bool, prepare: Callable[[], None]) -> None:
        """Join the servers, or start them. With `reset` from nothing, which is refused while they run.

        `prepare` runs once they answer and before anyone else gets in. Without `servers` it just runs.
        """
        wait_until(lambda: self._lock.take(fcntl.LOCK_EX), 900, "another start in the same clone")
        if servers:
            wait_until(lambda: self._use.take(fcntl.LOCK_SH), 120, "another one to stop")
            self.owner = self._owner.take(fcntl.LOCK_EX)
            if reset and not self.owner:
                raise ServiceError("The portal of this clone is running. Stop it first (Ctrl-C where it runs).")
            if self.owner:
                self._start(reset)
            else:
                self._wait_ready(*self._make_servers(Path(self._state()["sockets"])))
        prepare()
        self._lock.release()

    def _start(self, reset: bool) -> None:
        remove_sockets(self._state().get("sockets"), self.folder)
        if reset:
            for name in ("pg", "media", "static"):
                shutil.rmtree(self.folder / name, ignore_errors=True)
            for name in ("clock", "secrets.json", "migrated"):
                (self.folder / name).unlink(missing_ok=True)
            make_folder(self.folder / "media")
        sockets = socket_folder(self.folder, unprivileged_account())
        self._write("state.json", {"sockets": str(sockets)})
        postgres, valkey = self._make_servers(sockets)
        postgres.make_data()
        postgres.start()
        valkey.start()
        self._wait_ready(postgres, valkey)
        postgres.make_database()

    def _make_servers(self, sockets: Path) -> tuple[Postgres, Valkey]:
        postgres = Postgres(self.folder, sockets, durable=not self.temporary)
        self._servers = postgres, Valkey(self.folder, sockets)
        return self._servers

    def _wait_ready(self, postgres: Postgres, valkey: Valkey) -> None:
        def ready() -> bool:
            self.keep_up()
            return postgres.ready() and valkey.ready()

        wait_until(ready, 300, f"the servers; see the logs in {self.folder / 'log'}")

    def keep_up(self) -> None:
        """See to it that the servers run, if that is ours to do."""
        for service in self.own_services():
            service.keep_up()

    def own_services(self) -> list[Service]:
        """The servers that are this process's children."""
        return list(self._servers) if self._servers and self.owner else []

    def secrets(self) -> dict[str, str]:
        """The keys of this run folder, made when first asked for."""
        path = self.folder / "secrets.json"
        if not path.exists():
            self._write("secrets.json", new_secrets())
        return json.loads(path.read_text())

    def urls(self) -> dict[str, str]:
        """The addresses of both servers as the settings want them; none when there are none."""
        if not self._servers:
            return {}
        postgres, valkey = self._servers
        return {
            "DATABASE_URL": postgres.url(RUNTIME),
            "OWNER_DATABASE_URL": postgres.url(OWNER),
            "BROKER_URL": valkey.url(),
        }

    def migrate(self, env: dict[str, str]) -> None:
        """Bring the tables up to date unless the same migrations have been through here."""
        note, wanted = self.folder / "migrated", migrations_fingerprint()
        if note.exists() and note.read_text() == wanted:
            return
        say("Bringing the database's tables up to date …")
        argv = [sys.executable, "manage.py", "migrate", "--database", "owner", "--noinput", "-v0"]
        child = spawn(argv, env=env, cwd=BASE_DIR)
        wait_until(lambda: child.returncode is not None, 900, "manage.py migrate")
        if child.returncode:
            raise ServiceError(
                "The tables could not be brought up to date, see above. `make demo-reset` starts afresh."
            )
        note.write_text(wanted)

    def leave(self, detach: Callable[[], None]) -> bool:
        """Stop the servers, as the last user of ours. Returns whether `detach` was called.

        While others use them it is: from then on this process stays in the background until they have left.
        """
        self._lock.release()
        if not self.owner:
            self._use.release()
            self._wait_for_owner()
            return False
        detached = not self._use.take(fcntl.LOCK_EX)
        if detached:
            detach()
            while not self._use.take(fcntl.LOCK_EX) and not next_signal(0.2):
                self.keep_up()
        for service in reversed(self.own_services()):
            service.stop()
        remove_sockets(self._state().get("sockets"), self.folder)
        if self.temporary:
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            (self.folder / "state.json").unlink(missing_ok=True)
        # In this order: whoever gets `in-use` next must find `owner` free.
        self._owner.release()
        self._use.release()
        return detached

    def _wait_for_owner(self) -> None:
        """When nobody else is left, wait until the owner has noticed and stopped the servers."""
        deadline = time.monotonic() + 60
        while not self._owner.take(fcntl.LOCK_SH) and time.monotonic() < deadline:
            nobody_left = self._use.take(fcntl.LOCK_EX)
            others_left = not nobody_left and self._use.take(fcntl.LOCK_SH)
            self._use.release()
            if others_left:
                return
            time.sleep(0.05)

    def _state(self) -> dict[str, str]:
        try:
            return json.loads((self.folder / "state.json").read_text())
        except FileNotFoundError:
            return {}

    def _write(self, name: str, content: dict[str, str]) -> None:
        fresh = self.folder / f"{name}.new"
        fresh.unlink(missing_ok=True)
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(content, file)
        fresh.replace(self.folder / name)


def migrations_fingerprint() -> str:
    """Changes whenever `manage.py migrate` may have something to do: migrations, privileges, pinned packages."""
    digest = hashlib.sha256()
    files = [*BASE_DIR.glob("*/migrations/*.py"), BASE_DIR / "config/roles.py", BASE_DIR / "requirements/base.txt"]
    for path in sorted(files):
        digest.update(f"{path.relative_to(BASE_DIR)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
