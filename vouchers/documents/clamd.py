"""Asking clamd, ClamAV's scanner, about bytes: its INSTREAM command over a socket of this machine or another.

https://docs.clamav.net/manpages/clamd.html: `zINSTREAM\\0`, then pieces of the file, each after its length in four
bytes, then a length of zero; the answer is `stream: OK\\0` or `stream: NAME FOUND\\0`.
"""

from __future__ import annotations

import socket
import struct

_PIECE = 2**16
_PATIENCE = 20.0
_LONGEST_ANSWER = 4_096


class ScannerDown(Exception):
    """clamd did not say whether the file is clean."""


def virus_in(content: bytes, address: str) -> str:
    """The name of what clamd at `address` (a socket's path, or `host:port`) finds in `content`; empty if nothing.

    Raises ScannerDown for every other answer, and for none.
    """
    try:
        with _connect(address) as line:
            line.sendall(b"zINSTREAM\0")
            for start in range(0, len(content), _PIECE):
                piece = content[start : start + _PIECE]
                line.sendall(struct.pack(">I", len(piece)) + piece)
            line.sendall(struct.pack(">I", 0))
            answer = _answer(line)
    except (OSError, ValueError) as error:
        raise ScannerDown(f"clamd at {address}: {error}") from error
    verdict = answer.removeprefix("stream:").strip()
    if verdict == "OK":
        return ""
    if verdict.endswith(" FOUND"):
        return verdict.removesuffix(" FOUND").strip() or "?"
    raise ScannerDown(f"clamd at {address} answered {answer[:200]!r}")


def _connect(address: str) -> socket.socket:
    if address.startswith("/"):
        line = socket.socket(socket.AF_UNIX)
        line.settimeout(_PATIENCE)
        try:
            line.connect(address)
        except OSError:
            line.close()
            raise
        return line
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), _PATIENCE)


def _answer(line: socket.socket) -> str:
    """Everything up to the zero that ends the answer."""
    answer = b""
    while not answer.endswith(b"\0"):
        piece = line.recv(_LONGEST_ANSWER)
        if not piece or len(answer) > _LONGEST_ANSWER:
            raise ValueError(f"a broken answer {answer[:200]!r}")
        answer += piece
    return answer.removesuffix(b"\0").decode("utf-8", "replace")
