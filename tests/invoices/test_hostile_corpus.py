"""Every file of the hostile corpus is refused by name or read; the process that asked grows by none of it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .hostile import CORPUS

ROOT = Path(__file__).resolve().parent.parent.parent
# What the largest file itself may take, with what Python keeps for later.
ROOM_KB = 64 * 1024
# Like a web process: it has a file's bytes and asks. It tells what became of each, and the most memory it ever had.
SERVICE = """
import json, resource, sys
sys.path.insert(0, sys.argv[1])
from tests.invoices import make
from vouchers.invoices import UnreadableInvoice, guard

def ask(task, content):
    try:
        return type(TASKS[task](content)).__name__
    except UnreadableInvoice as refusal:
        return [refusal.code, refusal.message]
    except BaseException as error:
        return ["crash", repr(error)]

TASKS = {"read": guard.read, "receipt": guard.read_receipt, "count": guard.page_count, "render": lambda content: guard.render(content, 0, 1_200)}

def tell(outcomes):
    print(json.dumps([outcomes, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]), flush=True)

tell([ask("read", make.ofd(make.Facts()))])
for line in sys.stdin:
    with open(line.strip(), "rb") as file:
        content = file.read()
    tell([ask(task, content) for task in TASKS])
"""


class Service:
    """The process that is watched."""

    def __init__(self):
        arguments = [sys.executable, "-c", SERVICE, str(ROOT)]
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        outcome, self.usual_kb = self.answer()
        assert outcome == ["Invoice"]

    def answer(self) -> tuple[list, int]:
        return json.loads(self.process.stdout.readline())

    def ask(self, path: Path) -> tuple[list, int]:
        self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()
        return self.answer()


@pytest.fixture(scope="module")
def service():
    started = Service()
    yield started
    started.process.kill()
    started.process.communicate()


def test_the_corpus_is_as_large_as_was_promised():
    assert len(CORPUS) >= 60


@pytest.mark.parametrize("name", CORPUS)
def test_a_hostile_file_is_refused_by_name_or_read_and_costs_the_caller_nothing(name, service, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(CORPUS[name]())
    outcomes, peak_kb = service.ask(path)
    for outcome in outcomes:
        if isinstance(outcome, list):
            code, message = outcome
            assert code not in ("crash", "reader_failed", "reader_busy"), message
            assert message.rstrip().endswith("。")
    assert peak_kb - service.usual_kb < ROOM_KB
