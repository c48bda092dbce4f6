"""The process that strangers' files are opened in. guard.py starts it, asks it, and believes little of what it says.

It inherits nothing but the line to its parent: no other file, no variable of the environment. It limits and
shuts itself in, answers one question after another, and ends when its parent does.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vouchers.invoices import cage
from vouchers.invoices.invoice import UnreadableInvoice
from vouchers.invoices.wire import encode

ASK = struct.Struct(">II")  # length of the question (JSON: task, options) and of the file
ANSWER = struct.Struct(">c?I")  # kind, whether the child ends now, length of what follows
READY, SAID, PICTURE, REFUSED, FAILED, SPENT = b"R", b"S", b"P", b"U", b"F", b"M"

_MAX_FILES = 48
# Having grown beyond this the child makes way for a fresh one.
_BIG = 500 * 2**20
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Refusal:
    """An UnreadableInvoice on its way to the parent."""

    code: str
    message: str


def main() -> None:
    """Serve the parent that started this process. The arguments: its pid, and the limits as JSON."""
    parent, limits = int(sys.argv[2]), json.loads(sys.argv[3])
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    line = socket.socket(fileno=0)
    tasks = _tasks(limits["scans"])
    _limit(limits["memory"])
    cage.close()
    line.sendall(ANSWER.pack(READY, False, 0))
    while question := _question(line):
        # Killed even inside a library, even when nobody waits any more.
        signal.alarm(limits["wall"] + 2)
        _grant_cpu(limits["cpu"])
        kind, payload = _answer(tasks, *question)
        grown = _resident() > max(_BIG, limits["memory"] // 2)
        last = kind == SPENT or grown
        line.sendall(ANSWER.pack(kind, last, len(payload)) + payload)
        signal.alarm(0)
        if last:
            return


def _resident() -> int:
    """Bytes in memory now. The highest ever (ru_maxrss) will not do: a child begins with its parent's."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def _tasks(scans: bool) -> dict[str, Callable[..., Any]]:
    """What may be asked, by name. Everything is loaded before the process shuts itself in."""
    from vouchers.invoices import ocr
    from vouchers.invoices.pages import page_count, render
    from vouchers.invoices.reading import read
    from vouchers.invoices.receipt import read_receipt

    if scans and ocr.available():
        ocr.load()
    return {
        "read": read,
        "read_receipt": read_receipt,
        "page_count": page_count,
        "render": render,
        "read_scan": ocr.read_scan,
    }


def _limit(memory: int) -> None:
    """Limits for the life of the process; the time of each question is granted separately."""
    try:
        with open("/proc/self/oom_score_adj", "w") as score:
            score.write("1000")  # this process first, when the machine has no memory left
    except OSError:
        pass
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _MAX_FILES),
    ):
        _, hard = resource.getrlimit(what)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))


def _grant_cpu(seconds: int) -> None:
    """`seconds` more of CPU time from now on, then SIGXCPU ends the process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + 1 + seconds, hard))


def _question(line: socket.socket) -> tuple[str, list[int], bytes] | None:
    """Task, options and file of the next question, or None when the parent has hung up."""
    head = _receive(line, ASK.size)
    if len(head) < ASK.size:
        return None
    asked, size = ASK.unpack(head)
    task, options = json.loads(_receive(line, asked))
    return task, options, bytes(_receive(line, size))


def _receive(line: socket.socket, size: int) -> bytearray:
    """`size` bytes, fewer when the parent has hung up."""
    content, got = bytearray(size), 0
    view = memoryview(content)
    while got < size:
        count = line.recv_into(view[got:])
        if not count:
            return content[:0]
        got += count
    return content


def _answer(tasks: dict[str, Callable[..., Any]], task: str, options: list[int], content: bytes) -> tuple[bytes, bytes]:
    """The kind of the answer and its bytes; whatever happens is an answer."""
    try:
        result = tasks[task](content, *options)
        return (PICTURE, result) if isinstance(result, bytes) else (SAID, encode(result))
    except UnreadableInvoice as refusal:
        if refusal.code != "reader_failed":
            return REFUSED, encode(Refusal(refusal.code, refusal.message))
        return _failure(refusal.__cause__ or refusal)
    except BaseException as error:
        return _failure(error)


def _failure(error: BaseException) -> tuple[bytes, bytes]:
    """What the parent's log will say of a reader that failed."""
    if isinstance(error, MemoryError):
        return SPENT, b""
    return FAILED, encode("".join(traceback.format_exception(error))[-4_000:])
