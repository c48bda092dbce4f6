"""Run a command beside a private PostgreSQL and Valkey, with every setting the portal wants.

    python -m config.local [options] -- COMMAND…

What the environment already says stays: with DATABASE_URL and BROKER_URL set, no server is started
(`--temporary` starts its own all the same). The command's output, exit code and signals are its own. Nothing is left running when it ends or is killed.
The servers' files are in `.run/` of the clone (for root, below /var/lib/compute-vouchers).
"""

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import psutil

from config.cluster import BASE_DIR, Cluster, persistent_folder, temporary_folder
from config.processes import (
    Interrupted,
    die_with_parent,
    end,
    let_go_of_terminal,
    next_signal,
    run_guarded,
    say,
    send,
    spawn,
    tree,
)
from config.services import Service, ServiceError, stop_together

# How long a command may take to end after SIGTERM, and once nobody waits for it any more.
GRACE, GRACE_ALONE = 10, 2
FIRST_PORT = 8000


def main(argv: list[str]) -> int:
    """Run the command line `argv`. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m config.local", description="Run a command beside a private PostgreSQL and Valkey."
    )
    parser.add_argument(
        "--temporary", action="store_true", help="use new servers, whatever else is set, and throw them away"
    )
    parser.add_argument("--folder", type=Path, help="keep the data here instead of in the clone's own place")
    parser.add_argument("--reset", action="store_true", help="throw the kept data away first")
    parser.add_argument("--no-migrate", action="store_true", help="leave the database's tables as they are")
    parser.add_argument("--with-worker", action="store_true", help="run Celery's worker and beat beside the command")
    parser.add_argument(
        "--serve", action="store_true", help="run worker, beat and web; go on after the command until Ctrl-C"
    )
    parser.add_argument(
        "--with-parent", action="store_true", help="stop when the calling process ends, however it does"
    )
    parser.add_argument("command", nargs="*", metavar="COMMAND")
    options = parser.parse_args(argv)
    if not options.command and not options.serve:
        parser.error("name a COMMAND after --")
    forget_outside(temporary=options.temporary)
    if options.with_parent:
        die_with_parent(signal.SIGTERM)
    front, group = os.getpid(), os.getpgrp()

    def guard(report: Callable[[int], None]) -> None:
        try:
            runner = Runner(options, front, group)
        except (ServiceError, OSError) as problem:
            say(f"config.local: {problem}")
            report(1)
        else:
            runner.run(report)

    return run_guarded(guard)


def forget_outside(*, temporary: bool) -> None:
    """Take out of the environment what would lead to other servers than ours."""
    if temporary:
        for key in ("DATABASE_URL", "OWNER_DATABASE_URL", "BROKER_URL", "MEDIA_ROOT", "STATIC_ROOT", "CLOCK_FILE"):
            os.environ.pop(key, None)
    if "DATABASE_URL" not in os.environ:
        for key in [key for key in os.environ if key.startswith("PG")]:
            del os.environ[key]


class Runner:
    """What the guard does: servers up, programs up, the command, and everything down again."""

    def __init__(self, options: argparse.Namespace, front: int, front_group: int):
        self.options, self.front, self.front_group = options, front, front_group
        folder = temporary_folder() if options.temporary else (options.folder or persistent_folder()).resolve()
        self.cluster = Cluster(folder, temporary=options.temporary)
        self.programs: list[Service] = []

    def run(self, report: Callable[[int], None]) -> None:
        """Do it all, and `report` the exit code when the caller may go on."""
        code = 1
        try:
            code = self._run()
        except Interrupted as interruption:
            code = 128 + interruption.signum
        except (ServiceError, TimeoutError, OSError) as problem:
            say(f"config.local: {problem}")
        finally:
            self._end_leftovers()
            stop_together(self.programs)

            def detach() -> None:
                let_go_of_terminal()
                report(code)

            if not self.cluster.leave(detach):
                report(code)

    def _run(self) -> int:
        options = self.options
        env: dict[str, str] = {}

        def prepare() -> None:
            env.update(self._environment())
            if not options.no_migrate and "DATABASE_URL" not in os.environ:
                self.cluster.migrate(env)

        external = "DATABASE_URL" in os.environ and "BROKER_URL" in os.environ
        self.cluster.enter(servers=not external, reset=options.reset, prepare=prepare)
        if options.serve or options.with_worker:
            self._start_programs(env)
        if options.command:
            code = self._supervise(self._start_command(env))
            if code or not options.serve:
                return code
        say(f"Serving {env['PORTAL_URL']} until Ctrl-C. Logs are in {self.cluster.folder / 'log'}.")
        while not (signum := next_signal(1)):
            self._keep_up()
        return 0 if signum == signal.SIGINT else 128 + signum

    def _environment(self) -> dict[str, str]:
        """The command's environment. What the user's own says comes first."""
        folder = self.cluster.folder
        ours = {
            "ENVIRONMENT": "local",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
            "CLOCK_FILE": str(folder / "clock"),
            "MEDIA_ROOT": str(folder / "media"),
            "STATIC_ROOT": str(folder / "static"),
            "PYTHONUTF8": "1",
            **self.cluster.secrets(),
        }
        urls = self.cluster.urls()
        if "DATABASE_URL" in os.environ:
            urls = {"BROKER_URL": urls["BROKER_URL"]} if urls else {}
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        return {**ours, **urls, **os.environ, "PATH": path}

    def _start_programs(self, env: dict[str, str]) -> None:
        """Start Celery's worker and beat and, to serve, the web server. Adds PORTAL_URL to `env`."""
        web: list[str] = []
        keep: tuple[int, ...] = ()
        if self.options.serve:
            listener = free_port()
            env["PORTAL_URL"] = "http://{}:{}/".format(*listener.getsockname())
            keep = (listener.detach(),)
            web = ["gunicorn", "config.wsgi", f"--bind=fd://{keep[0]}", "--preload", "--workers=2", "--threads=4"]
            web += ["--graceful-timeout=5", "--no-control-socket", "--access-logfile=-"]
        celery = ["celery", "-A", "config"]
        self._start_program(
            "worker", [*celery, "worker", "--concurrency=2", "-lINFO", f"--hostname=local-{os.getpid()}@%h"], env
        )
        if find_spec("rapidocr") and find_spec("onnxruntime"):
            # As in production: scans one at a time, on a queue of their own. The models load with the first scan.
            ocr = ["worker", "--concurrency=1", "--queues=ocr", "-lINFO", f"--hostname=local-ocr-{os.getpid()}@%h"]
            self._start_program("ocr", [*celery, *ocr], env)
        self._start_program("beat", [*celery, "beat", "-lINFO", "--scheduler=celery.beat:Scheduler", "--pidfile="], env)
        if web:
            collect = spawn([sys.executable, "manage.py", "collectstatic", "--noinput", "-v0"], env=env, cwd=BASE_DIR)
            if code := self._supervise(collect):
                raise ServiceError(f"manage.py collectstatic ended with {code}.")
            self._start_program("web", web, env, keep)

    def _start_program(self, name: str, arguments: list[str], env: dict[str, str], keep: tuple[int, ...] = ()) -> None:
        # As in production, what serves people does not know the address of the tables' owner.
        env = {key: value for key, value in env.items() if key != "OWNER_DATABASE_URL"}
        log = self.cluster.folder / "log" / f"{name}.log"
        program = Service(name, [sys.executable, "-m", *arguments], log=log, env=env, cwd=BASE_DIR, keep=keep)
        program.start()
        self.programs.append(program)

    def _start_command(self, env: dict[str, str]) -> subprocess.Popen:
        try:
            return spawn(self.options.command, env=env, cwd=Path.cwd(), group=self.front_group)
        except (FileNotFoundError, PermissionError) as problem:
            raise ServiceError(f"The command cannot be started: {problem}") from problem

    def _supervise(self, command: subprocess.Popen) -> int:
        """Pass signals to the command until it ends. Returns its exit code as a shell would say it."""
        deadline = None
        while command.returncode is None:
            signum = next_signal(0.5)
            if signum == signal.SIGINT:
                # The keyboard's has reached the command already; any other goes where the keyboard's would.
                if not self._at_keyboard():
                    send(tree(command.pid), signum)
            elif signum:
                command.send_signal(signum)
                deadline = time.monotonic() + (GRACE if os.getppid() == self.front else GRACE_ALONE)
            if deadline and time.monotonic() > deadline:
                end(tree(command.pid))
            self._keep_up()
        return command.returncode if command.returncode >= 0 else 128 - command.returncode

    def _at_keyboard(self) -> bool:
        """Whether Ctrl-C of the terminal goes to the group of the front and the command."""
        try:
            terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            return os.tcgetpgrp(terminal) == self.front_group
        except OSError:
            return False
        finally:
            os.close(terminal)

    def _keep_up(self) -> None:
        self.cluster.keep_up()
        for program in self.programs:
            program.keep_up()

    def _end_leftovers(self) -> None:
        """End whatever the command has left behind, in whichever process group it is."""
        everything = psutil.Process().children(recursive=True)
        services = [*self.programs, *self.cluster.own_services()]
        kept = {process.pid for service in services if service.pid for process in tree(service.pid)}
        end([process for process in everything if process.pid not in kept], (signal.SIGTERM, GRACE_ALONE))


def free_port() -> socket.socket:
    """A listening socket on this machine alone, on the first free port from 8000 on."""
    for port in range(FIRST_PORT, FIRST_PORT + 100):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen(128)
        except OSError:
            listener.close()
            continue
        if port != FIRST_PORT:
            say(f"Port {FIRST_PORT} is in use; the portal takes {port}.")
        return listener
    raise ServiceError(f"No free port between {FIRST_PORT} and {FIRST_PORT + 99}.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
