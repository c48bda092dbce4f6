"""Processes that end together: nothing that a runner started is left when the runner is gone.

The process that the user sees (the front) only passes signals and the exit code along. Its child, the
guard, starts everything else and adopts whatever loses its parent, so that it can tidy up even after the
front was killed with SIGKILL. Should the guard itself be killed, the kernel tells its children.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

STOPPING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
WATCHED = STOPPING | {signal.SIGCHLD}
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36

_libc = ctypes.CDLL(None, use_errno=True)
_started: dict[int, subprocess.Popen] = {}
_terminals: list[int] = []


class Interrupted(Exception):
    """The user, or the end of the front, asked the guard to stop before it had anything to pass the signal to."""

    def __init__(self, signum: int):
        super().__init__(signal.Signals(signum).name)
        self.signum = signum


def say(text: str) -> None:
    """A line for the person at the terminal, on standard error: standard output is the command's own."""
    with contextlib.suppress(OSError):  # the terminal is gone
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


def die_with_parent(signum: int) -> None:
    """Have the kernel send `signum` to this process when its parent ends; 0 takes that back."""
    _libc.prctl(PR_SET_PDEATHSIG, int(signum), 0, 0, 0)


def run_guarded(guard: Callable[[Callable[[int], None]], None]) -> int:
    """Run `guard(report)` in a child process that outlives this one by as long as it takes to tidy up.

    Returns the exit code that the guard reports. Signals are passed on to it.
    """
    reader, writer = os.pipe()
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    front = os.getpid()
    child = os.fork()
    if child == 0:
        os.close(reader)
        # Out of the terminal's foreground group: Ctrl-C reaches the front and the command, not the guard.
        os.setpgid(0, 0)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        die_with_parent(signal.SIGTERM)
        if os.getppid() != front:
            os.kill(os.getpid(), signal.SIGTERM)
        _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
            _terminals.extend(filter(os.isatty, range(3)))
        try:
            guard(lambda code: _report(writer, code))
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    os.close(writer)
    for signum in STOPPING:
        if signal.getsignal(signum) != signal.SIG_IGN:  # nohup, or a shell's background job
            signal.signal(signum, lambda number, _frame: os.kill(child, number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)
    answer = os.read(reader, 8)
    return int(answer) if answer else 1


def _report(writer: int, code: int) -> None:
    # The front ends now, and that is no reason to stop any more.
    die_with_parent(0)
    os.write(writer, str(code).encode())
    os.close(writer)


def next_signal(seconds: float) -> int | None:
    """Wait up to `seconds` for a signal that asks to stop. Returns it, or None; ended children are reaped."""
    arrived = signal.sigtimedwait(WATCHED, seconds)
    reap()
    if _terminals and not any(map(os.isatty, _terminals)):
        # The window was closed. The kernel tells the session's leader alone, which may be a patient `make`.
        _terminals.clear()
        return signal.SIGHUP
    return arrived.si_signo if arrived and arrived.si_signo in STOPPING else None


def wait_until(true: Callable[[], bool], seconds: float, what: str) -> None:
    """Ask `true` until it says so. Raises TimeoutError naming `what`, or Interrupted."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Waited {seconds:.0f} s in vain for {what}.")
        if signum := next_signal(0.03):
            raise Interrupted(signum)


def spawn(
    argv: Sequence[str | Path],
    *,
    env: dict[str, str],
    cwd: Path,
    log: Path | None = None,
    account: tuple[int, int] | None = None,
    last_signal: int = signal.SIGTERM,
    group: int | None = None,
    keep: tuple[int, ...] = (),
) -> subprocess.Popen:
    """Start a program that gets `last_signal` when the guard dies.

    `log` takes its output, and gives it no input; without, it has the guard's own. `account` is (uid, gid)
    to run as, `group` the process group to join, `keep` the open files it inherits.
    """

    def prepare() -> None:
        # Runs last before exec: a change of account would have cleared the death signal.
        die_with_parent(last_signal)
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)

    uid, gid = account or (None, None)
    with open(log or os.devnull, "ab") as out:
        child = subprocess.Popen(
            argv,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL if log else None,
            stdout=out if log else None,
            stderr=out if log else None,
            user=uid,
            group=gid,
            extra_groups=None if account is None else [],
            process_group=group,
            pass_fds=keep,
            preexec_fn=prepare,
        )
    _started[child.pid] = child
    return child


def reap() -> None:
    """Take note of every child that has ended, adopted ones included."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        if child := _started.pop(pid, None):
            child.returncode = os.waitstatus_to_exitcode(status)


def tree(pid: int) -> list[psutil.Process]:
    """The process `pid` and everything below it; empty when it is gone."""
    try:
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def send(processes: list[psutil.Process], signum: int) -> None:
    """Send a signal to those of the processes that are still there."""
    for process in processes:
        try:
            process.send_signal(signum)
        except psutil.NoSuchProcess:
            continue


def end(processes: list[psutil.Process], *steps: tuple[int, float]) -> None:
    """End the processes: for each (signal, seconds) send it to those still there and wait; at last SIGKILL."""
    for signum, seconds in (*steps, (signal.SIGKILL, 10)):
        remaining = [process for process in processes if _alive(process)]
        send(remaining, signum)
        deadline = time.monotonic() + seconds
        while any(map(_alive, remaining)) and time.monotonic() < deadline:
            reap()
            time.sleep(0.02)
    reap()


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def let_go_of_terminal() -> None:
    """Give up standard input and output, so that nobody waits for the end of them."""
    _terminals.clear()
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nothing, standard)
