"""How long does it take to read an invoice, by carrier, and how does the PDF reader compare with pdfplumber's words?

    python benchmarks/read_invoices.py [rounds] [folder of files]

Wanted, as medians in this process: XML at most 1 ms, OFD 6 ms, text PDF 12 ms (40 ms with its QR code read), and the
PDF reader at least 4 times as fast as the same extraction (`read_layout`, `assemble`) on the words that pdfplumber
finds. Files are the made-up ones of the tests and, where it is there, those of the folder (../shared/invoices unless
given). All kinds of work take turns, so that a busy machine slows all alike, and the time of this process alone is
printed beside the clock's; the ratio is of the former. How often both give the same fields is printed too: a yardstick that reads less is none.
"""

from __future__ import annotations

import contextlib
import io
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pdfplumber

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.invoices import make
from tests.invoices.corpus import build
from vouchers.invoices import Invoice, UnreadableInvoice, read
from vouchers.invoices.assemble import assemble
from vouchers.invoices.invoice import Printed
from vouchers.invoices.layout import read_layout
from vouchers.invoices.pdf import read_pdf
from vouchers.invoices.pdf_text import MM
from vouchers.invoices.text import tidy, unspaced
from vouchers.invoices.tokens import Token

SAMPLES = Path(__file__).resolve().parents[2] / "shared" / "invoices"
FIELDS = ("number", "date", "buyer_name", "seller_name", "amount_fen", "tax_fen", "total_fen", "lines")
WANTED = {"xml": 1, "ofd": 6, "pdf": 12, "pdf with QR": 40}


def by_pdfplumber(content: bytes) -> Invoice:
    """The same extraction on the words of pdfplumber."""
    pages = []
    with pdfplumber.open(io.BytesIO(content)) as document:
        for page in document.pages:
            words = page.extract_words(x_tolerance=1.5, y_tolerance=2, extra_attrs=["size"])
            pages.append([token for word in words if (token := _token(word))])
    layout = read_layout(pages)
    return assemble(Printed(carrier="pdf", kind="", fields=layout.fields, lines=layout.table.rows))


def _token(word: dict) -> Token | None:
    text = tidy(word["text"])
    baseline = word["bottom"] - 0.15 * word["size"]
    place = (word["x0"] * MM, word["x1"] * MM, baseline * MM, word["size"] * MM)
    return Token(text, unspaced(text), *place) if text else None


def files(folder: Path) -> dict[str, list[bytes]]:
    """The files by carrier."""
    facts = [build.made(form, seed).facts for form in ("tax", "portal") for seed in (1, 5, 10)]
    found = {
        "xml": [make.xml(fact) for fact in facts],
        "ofd": [make.ofd(fact) for fact in facts],
        "pdf": [build.made(form, seed).content for form in build.FORMS for seed in (0, 6, 12)],
    }
    for path in sorted(folder.glob("*")) if folder.is_dir() else ():
        carrier = path.suffix.lower().lstrip(".")
        if carrier in found and readable(path.read_bytes()):
            found[carrier].append(path.read_bytes())
    # One page each: what a long one costs is a matter of its pages.
    found["pdf"] = [content for content in found["pdf"] if len(pdfplumber.open(io.BytesIO(content)).pages) == 1]
    return found


def readable(content: bytes) -> bool:
    """Whether the file is an invoice at all."""
    try:
        read(content)
    except UnreadableInvoice:
        return False
    return True


def timed(work: Callable[[bytes], object], content: bytes) -> tuple[float, float]:
    """Milliseconds of one reading, by the clock and of this process; a refusal takes its time too."""
    started, used = time.perf_counter(), time.process_time()
    with contextlib.suppress(UnreadableInvoice):
        work(content)
    return (time.perf_counter() - started) * 1000, (time.process_time() - used) * 1000


def agreement(contents: list[bytes]) -> tuple[int, int]:
    """On how many fields, of how many, pdfplumber's words give what the PDF reader gives."""
    same = 0
    for content in contents:
        ours = read_pdf(content, with_qr=False)
        try:
            theirs = by_pdfplumber(content)
        except UnreadableInvoice:
            continue
        same += sum(getattr(ours, field) == getattr(theirs, field) for field in FIELDS)
    return same, len(contents) * len(FIELDS)


def main(rounds: int, folder: Path) -> None:
    """Measure in turns and print medians."""
    found = files(folder)
    works: dict[str, tuple[Callable[[bytes], object], list[bytes]]] = {
        "xml": (read, found["xml"]),
        "ofd": (read, found["ofd"]),
        "pdf": (lambda content: read_pdf(content, with_qr=False), found["pdf"]),
        "pdf with QR": (read_pdf, found["pdf"]),
        "pdfplumber": (by_pdfplumber, found["pdf"]),
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    for work, contents in works.values():
        for content in contents[:2]:
            timed(work, content)
    for _ in range(rounds):
        for name, (work, contents) in works.items():
            times[name] += [timed(work, content) for content in contents]
    medians = {
        name: [statistics.median(column) for column in zip(*taken, strict=True)] for name, taken in times.items()
    }
    for name, (clock, used) in medians.items():
        wanted = f"   wanted <= {WANTED[name]} ms" if name in WANTED else ""
        print(f"{name:12} {len(works[name][1]):3} files   median {clock:7.2f} ms   of it CPU {used:7.2f} ms{wanted}")
    ratio = medians["pdfplumber"][1] / medians["pdf"][1]
    same, of = agreement(found["pdf"])
    print(
        f"pdfplumber takes {ratio:.1f} times the CPU time of the PDF reader (wanted >= 4); both agree on {same} of {of} fields"
    )


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 5,
        Path(sys.argv[2]) if len(sys.argv) > 2 else SAMPLES,
    )
