"""What the guarded child costs on top of reading in the process itself, once it is warm, and what it costs to start.

    python benchmarks/guarded.py

The yardstick is `invoices.read` in this process in the same run. Promise: at most 30 ms more.
"""

import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.invoices import make  # noqa: E402
from vouchers.invoices import guard, read  # noqa: E402

ROUNDS = 200
PROMISED_MS = 30


def milliseconds(reader, content: bytes) -> float:
    """One reading of `content`."""
    start = time.perf_counter()
    reader(content)
    return (time.perf_counter() - start) * 1_000


def main() -> int:
    """Print the medians. Returns 1 when the promise is broken."""
    long = make.Facts(lines=[make.compute_line() for _ in range(300)])
    files = {
        "XML": make.xml(make.Facts()),
        "XML, 300 lines": make.xml(long),
        "OFD": make.ofd(make.Facts()),
        "OFD, 300 lines": make.ofd(long),
    }
    print(f"first file, the child's start in it: {milliseconds(guard.read, files['XML']):7.1f} ms")
    worst = 0.0
    for name, content in files.items():
        here, there = [], []
        for _ in range(ROUNDS if "300" not in name else ROUNDS // 10):
            here.append(milliseconds(read, content))
            there.append(milliseconds(guard.read, content))
        inside, outside = statistics.median(here), statistics.median(there)
        worst = max(worst, outside - inside)
        print(f"{name:16} {inside:7.2f} ms in the process, {outside:7.2f} ms guarded: {outside - inside:6.2f} ms more")
    print(f"at most {worst:.2f} ms more; promised {PROMISED_MS} ms")
    return int(worst > PROMISED_MS)


if __name__ == "__main__":
    sys.exit(main())
