"""Strangers' files are opened in a child process, which may fail in any way it likes; the caller survives.

`read` and its sisters take and give what the readers themselves do, and raise only UnreadableInvoice: that of the
reader, or `too_costly` (memory, time), `reader_failed` (the child died or talked nonsense), `reader_busy`.
The children are started when first needed, kept warm and replaced; each process has its own, also after a fork.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from vouchers.invoices import child as far_side
from vouchers.invoices.invoice import Invoice, UnreadableInvoice
from vouchers.invoices.reading import refuse_size
from vouchers.invoices.receipt import Receipt
from vouchers.invoices.wire import Garbled, decode

_ROOT = Path(__file__).resolve().parent.parent.parent
_START = "import sys; sys.path.insert(0, sys.argv[1]); from vouchers.invoices.child import main; main()"
_PROGRAM = (sys.executable, "-I", "-c", _START, str(_ROOT))
# The child gets no variable of ours: they hold the keys. Without these some builds of Python do not start.
_INHERITED = ("LD_LIBRARY_PATH", "PATH")
_MAX_ANSWER = 16 * 2**20
_TOO_MUCH = (-signal.SIGKILL, -signal.SIGXCPU, -signal.SIGALRM)
_PNG = b"\x89PNG\r\n\x1a\n"

_log = logging.getLogger(__name__)
_Wanted = TypeVar("_Wanted")


@dataclasses.dataclass(frozen=True)
class Limits:
    """What reading may cost: bytes of address space, seconds of CPU and of waiting for each file. A child is replaced
    after `uses` files and has `start` seconds to get ready; `children` work at a time, and a caller waits `patience`
    seconds for one to be free.
    `scans` children also know how to read pictures (OCR).
    """

    memory: int = 1_536 * 2**20
    cpu: int = 15
    wall: int = 20
    start: int = 40
    uses: int = 200
    children: int = 2
    patience: float = 30.0
    scans: bool = False


class Guard:
    """A few warm children behind one door. Safe to use from many threads and across forks."""

    def __init__(self, limits: Limits, program: tuple[str, ...] = _PROGRAM):
        self._limits, self._program = limits, program
        self._children: set[_Child] = set()
        self._forget()
        _guards.add(self)

    def _forget(self) -> None:
        """Begin anew, as after a fork: the other process's children are none of ours."""
        for child in self._children:
            child.let_go()
        self._children, self._idle = set[_Child](), list[_Child]()
        self._room = threading.BoundedSemaphore(self._limits.children)
        # The kernel ends a child with the *thread* that started it, so one lasting thread starts them all.
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="guard")

    def ask(self, task: str, content: bytes, *options: int) -> tuple[bytes, bytes]:
        """Kind and bytes of the answer to `task` on `content`. Raises UnreadableInvoice."""
        refuse_size(len(content))
        if not self._room.acquire(timeout=self._limits.patience):
            raise UnreadableInvoice("reader_busy", "现在上传的人较多，这个文件还没有读取。请过一两分钟再上传一次。")
        try:
            child = self._take()
            try:
                kind, last, payload = child.ask(task, options, content, self._limits.wall)
            except TimeoutError as error:
                raise _too_costly() from error
            except (Garbled, OSError) as error:
                raise self._why(child, error) from error
            finally:
                self._give_back(child)
        finally:
            self._room.release()
        return _understood(kind, payload)

    def _take(self) -> _Child:
        while self._idle:
            child = self._idle.pop()
            if child.alive:
                return child
            self._drop(child)
        try:
            child = self._starter.submit(_Child, self._program, self._limits).result()
        except (OSError, Garbled) as error:
            _log.error("the reading child did not start: %r", error)
            raise _failed() from error
        self._children.add(child)
        return child

    def _give_back(self, child: _Child) -> None:
        """Keep a child that is well and not worn out; end any other. Half a conversation is no state to go on from."""
        if child.idle and child.uses < self._limits.uses:
            self._idle.append(child)
        else:
            self._drop(child)

    def _drop(self, child: _Child) -> None:
        child.end()
        self._children.discard(child)

    @staticmethod
    def _why(child: _Child, error: Exception) -> UnreadableInvoice:
        """What to say of a child that stopped talking sense."""
        code = child.exit_code()
        if code in _TOO_MUCH:
            return _too_costly()
        _log.error("the reading child failed: exit %s, %r", code, error)
        return _failed()

    def close(self) -> None:
        """End every child; a later question starts new ones."""
        for child in list(self._children):
            self._drop(child)
        self._idle.clear()


class _Child:
    """One child process and the line to it. `idle` is true between a whole answer and the next question."""

    def __init__(self, program: tuple[str, ...], limits: Limits):
        settings = json.dumps(dataclasses.asdict(limits))
        environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        self.uses, self.idle = 0, False
        self._line, theirs = socket.socketpair()
        with theirs:
            self._process: subprocess.Popen[bytes] = subprocess.Popen(
                [*program, str(os.getpid()), settings],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**environment, "PYTHONUTF8": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"},
                cwd="/",
            )
        try:
            kind, _, _ = self._answer(time.monotonic() + limits.start)
            if kind != far_side.READY:
                raise Garbled("not ready")
        except BaseException:
            self.end()
            raise
        self.idle = True

    @property
    def alive(self) -> bool:
        """Whether the process runs, as far as is known."""
        return self._process.poll() is None

    def ask(self, task: str, options: Sequence[int], content: bytes, wall: float) -> tuple[bytes, bool, bytes]:
        """Ask and wait. Raises TimeoutError, OSError or Garbled; then the child is of no more use."""
        deadline = time.monotonic() + wall
        self.uses, self.idle = self.uses + 1, False
        question = json.dumps([task, options]).encode()
        self._line.settimeout(wall)
        self._line.sendall(far_side.ASK.pack(len(question), len(content)) + question)
        self._line.settimeout(_left(deadline))
        self._line.sendall(content)
        kind, last, payload = self._answer(deadline)
        self.idle = not last
        return kind, last, payload

    def _answer(self, deadline: float) -> tuple[bytes, bool, bytes]:
        kind, last, size = far_side.ANSWER.unpack(self._receive(far_side.ANSWER.size, deadline))
        if size > _MAX_ANSWER:
            raise Garbled(f"an answer of {size} bytes")
        return kind, last, bytes(self._receive(size, deadline))

    def _receive(self, size: int, deadline: float) -> bytearray:
        content, got = bytearray(size), 0
        view = memoryview(content)
        while got < size:
            self._line.settimeout(_left(deadline))
            count = self._line.recv_into(view[got:])
            if not count:
                raise ConnectionError("the child has hung up")
            got += count
        return content

    def exit_code(self) -> int | None:
        """How the process ended, given a moment to do so; None when it still runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(1)
        return None

    def end(self) -> None:
        """Kill the process if it still runs, and leave nothing of it."""
        self.idle = False
        self._line.close()
        self._process.kill()
        self._process.wait()

    def let_go(self) -> None:
        """Forget a child that belongs to the process this one was forked from."""
        self._line.close()
        self._process.returncode = 0  # else Popen complains that it is still running


def _understood(kind: bytes, payload: bytes) -> tuple[bytes, bytes]:
    """An answer that says something; the others become the refusals they are."""
    if kind in (far_side.SAID, far_side.PICTURE):
        return kind, payload
    if kind == far_side.SPENT:
        raise _too_costly()
    try:
        if kind == far_side.REFUSED:
            refusal = decode(far_side.Refusal, payload)
            raise UnreadableInvoice(refusal.code[:40], refusal.message[:1_000])
        _log.error("a reader failed: %r", decode(str, payload)[-4_000:] if kind == far_side.FAILED else kind)
    except Garbled as error:
        _log.error("the reading child refused in words nobody understands: %r", error)
    raise _failed()


def _too_costly() -> UnreadableInvoice:
    return UnreadableInvoice(
        "too_costly",
        "读取这个文件所需的时间或内存远超一张发票应有的程度，为安全起见已停止。"
        "请从税务平台重新下载原文件（XML 或 OFD）后再上传，不要上传合并、改存过的文件。",
    )


def _failed() -> UnreadableInvoice:
    return UnreadableInvoice(
        "reader_failed", "读取这个文件时出错，已记录。请手工填写这张发票，或从税务平台重新下载原文件后再上传。"
    )


def _left(deadline: float) -> float:
    """Seconds until `deadline`. Raises TimeoutError when there are none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


_guards: weakref.WeakSet[Guard] = weakref.WeakSet()


def _forget_all() -> None:
    for guard in list(_guards):
        guard._forget()


os.register_at_fork(after_in_child=_forget_all)
_readers = Guard(Limits())
# OCR holds its models, some 800 MB, and takes seconds; the queue of its own asks one file at a time.
_scanner = Guard(Limits(memory=3 * 2**30, cpu=110, wall=120, uses=20, children=1, scans=True))


def read(content: bytes) -> Invoice:
    """The invoice in a file's bytes, as `reading.read` gives it. Raises only UnreadableInvoice."""
    return _said(Invoice, *_readers.ask("read", content))


def read_receipt(content: bytes) -> Receipt:
    """What a bank receipt says, as `receipt.read_receipt` gives it. Raises only UnreadableInvoice."""
    return _said(Receipt, *_readers.ask("read_receipt", content))


def page_count(content: bytes) -> int:
    """How many pages the file has, as `pages.page_count` says. Raises only UnreadableInvoice."""
    return _said(int, *_readers.ask("page_count", content))


def render(content: bytes, page: int, width: int) -> bytes:
    """One page as a PNG, as `pages.render` draws it. Raises only UnreadableInvoice."""
    return _pictured(*_readers.ask("render", content, page, width))


def read_scan(content: bytes) -> Invoice:
    """What an image or a PDF without text shows, as `ocr.read_scan` gives it. Raises only UnreadableInvoice."""
    return _said(Invoice, *_scanner.ask("read_scan", content))


def _said(kind: type[_Wanted], answer: bytes, payload: bytes) -> _Wanted:
    try:
        if answer != far_side.SAID:
            raise Garbled(f"{answer!r} instead of {kind.__name__}")
        return decode(kind, payload)
    except Garbled as error:
        _log.error("the reading child answered nonsense: %r", error)
        raise _failed() from error


def _pictured(answer: bytes, payload: bytes) -> bytes:
    if answer != far_side.PICTURE or not payload.startswith(_PNG):
        _log.error("the reading child drew no picture: %r", answer)
        raise _failed()
    return payload
