"""The locks in the services' source and in the database's functions, found by their words, and `locks.csv` about them."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIST = Path(__file__).with_name("locks.csv")
ROOMS = ("accounts", "applicants", "audit", "providers", "vouchers")
_FOR = r" FOR (?:NO KEY )?UPDATE| FOR SHARE"
# An advisory lock is the whole of its statement, which ends where the text does.
IN_PYTHON = re.compile(
    rf"\.select_for_update\((?:of=\(\"self\",\)|[^()]*)\)|pg_advisory_\w+\([^\"]*\)(?=\")|{_FOR}(?=\")"
)
IN_SQL = re.compile(rf"{_FOR}|PERFORM pg_advisory_\w+\(.*?;")


@dataclass(frozen=True, order=True)
class Lock:
    """The lock `number` (from 1) of a module, or of a database function."""

    where: str
    number: int


def without(text: str, number: int) -> str:
    """The source of a module or function without its lock `number`."""
    words = IN_SQL if "$function$" in text else IN_PYTHON
    found = list(words.finditer(text))[number - 1]
    # What is asked without the lock takes the same values.
    instead = "NULL;" if found.group().startswith("PERFORM") else ", ".join(re.findall(r"%s", found.group()))
    return text[: found.start()] + instead + text[found.end() :]


def of_modules() -> Iterator[Lock]:
    """Every lock that the services take."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if "migrations" not in path.parts:
                for number, _ in enumerate(IN_PYTHON.finditer(path.read_text(encoding="utf-8")), start=1):
                    yield Lock(str(path.relative_to(ROOT)), number)


def of_functions(cursor) -> Iterator[Lock]:
    """Every lock that the database's functions take."""
    cursor.execute(
        "SELECT proname, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        " AND prokind = 'f' AND proname ~ '^(ledger|audit|vouchers|accounts|applicants|providers)_' ORDER BY 1"
    )
    for name, body in cursor.fetchall():
        for number, _ in enumerate(IN_SQL.finditer(body), start=1):
            yield Lock(name, number)


def listed() -> dict[Lock, tuple[str, str]]:
    """For each lock the test that turns red without it, or the reason why none can."""
    with LIST.open(encoding="utf-8", newline="") as file:
        return {Lock(row["where"], int(row["number"])): (row["test"], row["reason"]) for row in csv.DictReader(file)}
