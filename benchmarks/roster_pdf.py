"""How long does the roster PDF (拨付汇总表) take at 100, 1,000 and 3,000 rows, against a plain WeasyPrint table?

The yardstick has the same thirteen fields of the same rows in an ordinary HTML table on the same paper, also as
PDF/A-3u. It is measured at 100 and 300 rows and drawn on from there by its cost a row; that flatters it, since
WeasyPrint's tables grow faster than their rows. Each size is printed in a fresh process, sizes of both kinds in
alternating rounds, the fastest round counts; seconds are CPU of one process, peak memory is that process's own.
Wanted: 3,000 rows in at most 8 seconds, and a row no dearer there than at 1,000.

Run: .venv/bin/python benchmarks/roster_pdf.py [--rounds N]
"""

import argparse
import html
import resource
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

OURS, PLAIN = (100, 1000, 3000), (100, 300)
FIELDS = (
    ("number", "payee", "uscc", "district", "claim_number", "local_cost_fen", "external_cost_fen")
    + ("computed_fen", "obtained_fen", "amount_fen", "bank", "account", "remark")
)  # fmt: skip
PLAIN_CSS = """@page { size: A4 landscape; margin: 12mm } table { border-collapse: collapse; width: 100% }
body { font: 7pt/9pt "Noto Sans Mono CJK SC" } td { border-bottom: .5pt solid #c3cddb; padding: 2pt }
.num { text-align: right }"""
LIMIT_SECONDS = 8


def print_once(kind, count):
    """In a process of its own: print `count` rows, say CPU seconds, wall seconds, pages, KB of PDF and MB of memory."""
    from tests.documents import builders

    sheet = builders.roster(count)
    cpu, wall = time.process_time(), time.perf_counter()
    content = plain_table(sheet) if kind == "plain" else roster(sheet)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(cpu, wall, pages_of(content), len(content) / 1024, megabytes)


def roster(sheet):
    from vouchers.documents.printing import roster_pdf

    return roster_pdf(sheet)


def plain_table(sheet):
    """The yardstick: one cell a field in an HTML table."""
    from weasyprint import CSS, HTML

    from vouchers.money import grouped

    def cell(row, field):
        value = getattr(row, field)
        if field.endswith("_fen"):
            return f'<td class="num">{grouped(value)}</td>'
        return f"<td>{html.escape(str(value))}</td>"

    rows = "".join(f"<tr>{''.join(cell(row, field) for field in FIELDS)}</tr>" for row in sheet.rows)
    source = f'<html lang="zh-CN"><body><table>{rows}</table></body></html>'
    return HTML(string=source).write_pdf(stylesheets=[CSS(string=PLAIN_CSS)], pdf_variant="pdf/a-3u")


def pages_of(content):
    import pypdfium2

    return len(pypdfium2.PdfDocument(content))


def measured(kind, count):
    command = [sys.executable, __file__, "--once", kind, str(count)]
    return tuple(map(float, subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()))


def main(rounds):
    cases = [("ours", count) for count in OURS] + [("plain", count) for count in PLAIN]
    best = {}
    for _ in range(rounds):
        for case in cases:
            best[case] = min(best.get(case, (float("inf"),)), measured(*case))
    print(f"{'':24}{'rows':>6}{'CPU s':>8}{'wall s':>8}{'pages':>7}{'KB':>7}{'MB':>6}")
    for (kind, count), (cpu, wall, pages, kilobytes, megabytes) in best.items():
        name = "plain WeasyPrint table" if kind == "plain" else "roster_pdf"
        print(f"{name:24}{count:>6}{cpu:>8.2f}{wall:>8.2f}{pages:>7.0f}{kilobytes:>7.0f}{megabytes:>6.0f}")
    judge({case: numbers[0] for case, numbers in best.items()})


def judge(cpu):
    """The ratios, from CPU seconds of every case."""
    a_row = (cpu["plain", 300] - cpu["plain", 100]) / 200
    for count in OURS:
        plain = cpu["plain", 100] + a_row * (count - 100)
        origin = "measured" if count in PLAIN else "drawn on"
        print(f"{count} rows: {cpu['ours', count] / plain:.2f} of the plain table's {plain:.1f} s ({origin})")
    middle = (cpu["ours", 1000] - cpu["ours", 100]) / 900
    late = (cpu["ours", 3000] - cpu["ours", 1000]) / 2000
    print(f"a row from 1,000 to 3,000 costs {late / middle:.2f} of a row from 100 to 1,000 (1 is linear)")
    verdict = "within" if cpu["ours", 3000] <= LIMIT_SECONDS else "over"
    print(f"3,000 rows: {cpu['ours', 3000]:.2f} s, {verdict} {LIMIT_SECONDS} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--once", nargs=2, metavar=("KIND", "ROWS"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.once:
        print_once(arguments.once[0], int(arguments.once[1]))
    else:
        main(arguments.rounds)
