"""The same questions asked of a real clamd, where one is installed: it is started here, on a socket of its own."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest

from tests.claims.clamd_double import EICAR
from vouchers.documents.clamd import ScannerDown, virus_in

CLAMD = shutil.which("clamd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
pytestmark = pytest.mark.skipif(CLAMD is None, reason="no clamd on this machine")
MOST = 2**20
CONFIG = """LocalSocket {folder}/clamd.sock
DatabaseDirectory {folder}/signatures
TemporaryDirectory {folder}
Foreground yes
StreamMaxLength {most}
MaxThreads 4
"""


@pytest.fixture
def scanner():
    """A clamd that knows one signature: of the test file of all scanners. It never runs as root."""
    folder = Path(tempfile.mkdtemp(prefix="clamd"))
    (folder / "signatures").mkdir()
    (folder / "signatures" / "own.ndb").write_text(f"Own.Test.EICAR:0:*:{EICAR.hex()}\n")
    config = folder / "clamd.conf"
    config.write_text(CONFIG.format(folder=folder, most=MOST))
    as_nobody = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
    if as_nobody:
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, "nobody", "nogroup")
    process = subprocess.Popen(
        [CLAMD, "--config-file", str(config)],
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **as_nobody,
    )
    try:
        wait_for(lambda: (folder / "clamd.sock").exists() or process.poll() is not None)
        assert process.poll() is None, "clamd did not start"
        yield process, str(folder / "clamd.sock")
    finally:
        process.kill()
        process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def wait_for(done, seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not done() and time.monotonic() < until:
        time.sleep(0.05)


def test_a_clean_file_is_clean_and_the_test_virus_is_found(scanner):
    _, address = scanner
    assert virus_in(b"%PDF-1.7 an invoice " + bytes(100_000), address) == ""
    assert virus_in(b"", address) == ""
    assert re.match("Own.Test.EICAR", virus_in(EICAR, address))
    assert re.match("Own.Test.EICAR", virus_in(b"x" * 200_000 + EICAR, address))


def test_a_file_beyond_what_it_takes_is_not_called_clean(scanner):
    _, address = scanner
    with pytest.raises(ScannerDown):
        virus_in(bytes(MOST * 4), address)
    assert virus_in(b"and it still answers", address) == ""


def test_a_scanner_that_dies_while_it_scans_has_not_cleared_the_file(scanner):
    """It is stopped, so that the question hangs, and then killed."""
    process, address = scanner
    process.send_signal(signal.SIGSTOP)
    answers = []

    def ask():
        try:
            answers.append(virus_in(bytes(500_000), address))
        except ScannerDown as down:
            answers.append(down)

    asking = threading.Thread(target=ask)
    asking.start()
    asking.join(0.5)
    assert answers == []
    process.kill()
    process.wait(20)
    asking.join(25)
    assert isinstance(answers[0], ScannerDown)
    with pytest.raises(ScannerDown):
        virus_in(b"x", address)
