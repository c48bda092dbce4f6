"""The reading child may crash, hang, lie, swell or be killed: the caller gets a named refusal and goes on."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import psutil
import pytest

from vouchers.invoices import UnreadableInvoice, guard, read, reading
from vouchers.invoices.child import ANSWER, READY, SAID

from . import make

ROOT = Path(__file__).resolve().parent.parent.parent
OFD = make.ofd(make.Facts())
# The real child, limits and cage and all, whose readers do what a stranger's file might make them do.
EVIL = """
import ctypes, os, socket, subprocess, sys, time
sys.path.insert(0, sys.argv[1])
from vouchers.invoices import child
from vouchers.invoices.invoice import UnreadableInvoice

def swell(_):
    held = []
    while True:
        held.append(bytearray(2**24))

def spin(_):
    while True:
        pass

def told(what):
    def tell(content):
        try:
            return what(content) or "done"
        except BaseException as error:
            return type(error).__name__
    return tell

def fail(_):
    raise KeyError("no such thing")

def large(_):
    return "x" * (2**24 + 1)

child._tasks = lambda scans: {
    "swell": swell, "spin": spin, "hang": lambda _: time.sleep(600), "fail": fail, "large": large,
    "leave": lambda _: os._exit(0), "crash": lambda _: ctypes.string_at(0),
    "network": told(lambda _: socket.create_connection(("127.0.0.1", 9)) and "through"),
    "program": told(lambda _: str(subprocess.run(["/bin/true"]))),
    "fork": told(lambda _: str(os.fork())),
    "write": told(lambda name: str(open(name, "w"))),
    "read": told(lambda name: str(open(name).read(1))),
    "environment": lambda _: " ".join(sorted(os.environ)),
    "pid": lambda _: os.getpid(), "secret": lambda _: UnreadableInvoice,
}
child.main()
"""
# Children that speak no sense at all: what they send instead of answers.
LIAR = """
import socket, struct, sys, time
line = socket.socket(fileno=0)
line.sendall({ready!r})
line.recv(2**20)
line.sendall({said!r})
time.sleep(60)
"""


def guarded(script: str, **changes) -> guard.Guard:
    limits = {"memory": 300 * 2**20, "cpu": 2, "wall": 4, "patience": 5, **changes}
    return guard.Guard(guard.Limits(**limits), (sys.executable, "-I", "-c", script, str(ROOT)))


@pytest.fixture
def evil():
    door = guarded(EVIL)
    yield door
    door.close()


def said(door: guard.Guard, task: str, content: bytes = b"x") -> str:
    return door.ask(task, content)[1].decode().strip('"')


def refused(door: guard.Guard, task: str) -> str:
    with pytest.raises(UnreadableInvoice) as refusal:
        door.ask(task, b"x")
    assert refusal.value.message.endswith("。")
    return refusal.value.code


def test_what_the_child_reads_is_what_the_reader_reads():
    facts = make.red_letter(make.Facts(lines=[make.compute_line(), make.discount_line()]))
    for content in (make.ofd(facts), make.xml(facts)):
        assert guard.read(content) == read(content)


def test_a_refusal_of_the_child_is_the_refusal_of_the_reader():
    refusals = []
    for reader in (guard.read, read):
        with pytest.raises(UnreadableInvoice) as refusal:
            reader(OFD[:-30])
        refusals.append((refusal.value.code, refusal.value.message))
    assert refusals[0] == refusals[1]


@pytest.mark.parametrize("content", [b"", b"x" * (reading.MAX_BYTES + 1)])
def test_what_need_not_be_read_never_reaches_a_child(content):
    door = guarded("raise SystemExit")
    with pytest.raises(UnreadableInvoice) as refusal:
        door.ask("read", content)
    assert refusal.value.code in ("empty_file", "too_large")


@pytest.mark.parametrize(
    ("task", "code"),
    [
        ("swell", "too_costly"),
        ("spin", "too_costly"),
        ("hang", "too_costly"),
        ("leave", "reader_failed"),
        ("crash", "reader_failed"),
        ("fail", "reader_failed"),
        ("large", "reader_failed"),
        ("secret", "reader_failed"),
        ("no such task", "reader_failed"),
    ],
)
def test_whatever_becomes_of_the_child_the_caller_gets_a_name_for_it_and_goes_on(evil, task, code):
    assert refused(evil, task) == code
    assert said(evil, "pid").isdecimal()


def test_the_child_has_no_network_no_programs_and_writes_no_file(evil, tmp_path):
    unwritten = tmp_path / "out"
    assert said(evil, "network") == "PermissionError"
    assert said(evil, "program") in ("PermissionError", "BlockingIOError")
    assert said(evil, "fork") == "PermissionError"
    assert said(evil, "write", str(unwritten).encode()) == "PermissionError"
    assert not unwritten.exists()
    assert said(evil, "read", str(ROOT / "LICENSE").encode()) not in ("PermissionError", "done")


def test_the_child_knows_none_of_our_secrets(evil, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "do not tell")
    assert set(said(evil, "environment").split()) <= {
        "PATH", "LD_LIBRARY_PATH", "PYTHONUTF8", "OMP_NUM_THREADS", "MALLOC_ARENA_MAX", "LC_CTYPE"
    }  # fmt: skip


def whole(kind: bytes, payload: bytes) -> bytes:
    return ANSWER.pack(kind, False, len(payload)) + payload


@pytest.mark.parametrize(
    "lie",
    [
        b"\0" * 100,
        b"\x80\x04\x95K*.",
        whole(b"?", b""),
        whole(SAID, b"no json"),
        whole(SAID, b"[" * 100_000),
        whole(SAID, b"{}"),
        whole(SAID, b"9" * 5_000),
        whole(SAID, b'["xml", ["a list"]]'),
        whole(SAID, b"[" + b"1," * 19 + b"1]"),
        whole(b"P", b"GIF89a"),
        whole(b"U", b"[1, 2]"),
        ANSWER.pack(SAID, False, 2**32 - 1),
    ],
)
def test_a_child_that_talks_nonsense_is_not_believed(lie, monkeypatch):
    door = guarded(LIAR.format(ready=ANSWER.pack(READY, False, 0), said=lie))
    monkeypatch.setattr(guard, "_readers", door)
    with pytest.raises(UnreadableInvoice) as refusal:
        guard.read(OFD)
    door.close()
    assert refusal.value.code == "reader_failed"


@pytest.mark.parametrize("script", ["raise SystemExit", "import time; print('hello'); time.sleep(60)"])
def test_a_child_that_does_not_start_is_a_refusal(script):
    door = guarded(script, start=1)
    assert refused(door, "read") == "reader_failed"
    assert not door._children


def test_a_child_that_does_not_listen_cannot_hold_its_caller():
    deaf = guarded(LIAR.format(ready=ANSWER.pack(READY, False, 0), said=b"").replace("line.recv(2**20)", ""), wall=1)
    with pytest.raises(UnreadableInvoice) as refusal:
        deaf.ask("read", b"x" * reading.MAX_BYTES)
    assert refusal.value.code == "too_costly"


def test_a_warm_child_is_used_again_and_replaced_when_worn():
    door = guarded(EVIL, uses=2)
    first, second, third = (said(door, "pid") for _ in range(3))
    door.close()
    assert first == second != third
    assert not psutil.pid_exists(int(first))


def test_a_child_killed_between_two_files_is_not_noticed(evil):
    os.kill(int(said(evil, "pid")), signal.SIGKILL)
    next(iter(evil._children))._process.wait(5)
    assert said(evil, "pid").isdecimal()


def test_more_callers_than_children_wait_and_those_that_wait_too_long_are_told():
    door = guarded(EVIL, children=1, patience=0.1)
    codes: list[str] = []
    slow = threading.Thread(target=lambda: codes.append(refused(door, "hang")))
    said(door, "pid")
    slow.start()
    while door._idle:
        time.sleep(0.01)
    assert refused(door, "pid") == "reader_busy"
    slow.join()
    assert codes == ["too_costly"]
    assert len(door._children) == 0


def test_many_threads_read_at_once_and_each_gets_its_own():
    files = [make.Facts(number=f"2512{n:016d}") for n in range(12)]
    found: dict[int, str] = {}

    def one(index: int) -> None:
        found[index] = guard.read(make.xml(files[index])).number

    threads = [threading.Thread(target=one, args=[index]) for index in range(len(files))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {index: facts.number for index, facts in enumerate(files)}


def run(script: str) -> subprocess.Popen:
    """Another process of ours that uses the guard."""
    head = f"import os, sys, time; sys.path.insert(0, {str(ROOT)!r})\n"
    head += "from vouchers.invoices import guard\nfrom tests.invoices import make\nOFD = make.ofd(make.Facts())\n"
    code = head + textwrap.dedent(script)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def test_after_a_fork_each_process_has_children_of_its_own():
    process = run("""
        def mine():
            guard.read(OFD)
            return {child._process.pid for child in guard._readers._children}
        before = mine()
        if pid := os.fork():
            os.waitpid(pid, 0)
            print(mine() == before)
        else:
            print(mine().isdisjoint(before), flush=True)
            os._exit(0)
    """)
    assert process.communicate(timeout=60)[0].split() == ["True", "True"]


@pytest.mark.parametrize("work", ["time.sleep(60)", "guard._readers.ask('read', OFD)"])
def test_nothing_is_left_when_the_caller_is_killed(work):
    process = run(f"""
        guard.read(OFD)
        print(next(iter(guard._readers._children))._process.pid, flush=True)
        while True:
            {work}
    """)
    child = psutil.Process(int(process.stdout.readline()))
    process.kill()
    process.communicate()
    child.wait(10)
    assert not child.is_running()
