"""A clamd that speaks the real INSTREAM protocol and knows one virus, on a socket of its own."""

from __future__ import annotations

import socketserver
import struct
import threading
from pathlib import Path

# The test file of all virus scanners, in two halves so that none takes this one for it.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-" + b"STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


class _Conversation(socketserver.StreamRequestHandler):
    def handle(self):
        if self.server.answer == "hang up":
            return
        assert self.rfile.read(10) == b"zINSTREAM\0"
        content = b""
        while size := struct.unpack(">I", self.rfile.read(4))[0]:
            content += self.rfile.read(size)
        self.server.seen.append(content)
        found = "stream: Win.Test.EICAR_HDB-1 FOUND" if EICAR in content else "stream: OK"
        self.wfile.write((self.server.answer or found).encode() + b"\0")


class Clamd(socketserver.ThreadingUnixStreamServer):
    """`seen` is what it was given; `answer` what it says whatever it was given ("hang up": nothing)."""

    daemon_threads = True

    def __init__(self, folder: Path):
        self.address = str(folder / "clamd.sock")
        self.seen: list[bytes] = []
        self.answer = ""
        super().__init__(self.address, _Conversation)
        threading.Thread(target=self.serve_forever, args=[0.02], daemon=True).start()

    def stop(self) -> None:
        """Take it down, as a machine's scanner may be at any time."""
        self.shutdown()
        self.server_close()
        Path(self.address).unlink(missing_ok=True)
