"""Mutation testing: `python -m tests.mutants python`, `… sql` and `… locks`, all by `make mutants`. Findings: docs/mutants.md.

`python` runs mutmut over money and rules with their plain tests, in a copy of the tree. `sql` changes one word of one of the
ledger's database functions at a time, in the tests' database, and runs the ledger's tests; a change that no test notices
is a survivor. `locks` takes away each lock of the services and the database's functions, and runs the test that
`tests/locks/locks.csv` names for it. All print what survived. They never touch the tree itself.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tests.locks.locks import Lock, listed, without

ROOT = Path(__file__).resolve().parents[1]
MUTMUT = """
[tool.mutmut]
source_paths = ["vouchers"]
only_mutate = ["vouchers/money.py", "vouchers/rules/*.py", "vouchers/budget/settling.py"]
also_copy = ["benchmarks", "accounts", "applicants", "audit", "config", "providers", "fixtures", "templates", "static", "manage.py", "docs"]
pytest_add_cli_args_test_selection = ["tests/money", "tests/law", "tests/budget/test_settling.py"]
# mutmut puts functions in place of functions, so the one test that reads the source for its functions stays out.
pytest_add_cli_args = ["-p", "no:randomly", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=1",
  "--deselect=tests/law/test_clauses.py::test_every_clause_opens_the_docstring_of_one_function"]
use_git_change_detection = false
"""
# One word for another. Each place where the first stands is a mutant of its own.
CHANGES = (
    (r">=", ">"), (r"<=", "<"), (r"(?<![<>=:-])<(?![>=])", "<="), (r"(?<![<>=:-])>(?![>=])", ">="), (r"<>", "="),
    (r" \+ ", " - "), (r" - ", " + "), (r" \* ", " + "), (r"\bAND\b", "OR"), (r"\bOR\b(?! REPLACE)", "AND"),
    (r"\bIS NULL\b", "IS NOT NULL"), (r"\bIS NOT NULL\b", "IS NULL"), (r"\bNOT FOUND\b", "FOUND"),
    (r"\bFOR NO KEY UPDATE\b", ""), (r"\bFOR UPDATE\b", ""), (r"\bLIMIT 1\b", "LIMIT 0"), (r"\btrue\b", "false"),
    (r"'on'", "'off'"), (r"\bmin\(", "max("), (r"\bsum\(", "count("), (r"\bON CONFLICT[^;]*DO NOTHING", ""),
    (r"\bPERFORM ledger_\w+\([^;]*;", "NULL;"), (r"\bORDER BY [^;)]*", ""),
)  # fmt: skip
TESTS = [
    "tests/ledger/test_post.py", "tests/ledger/test_walls.py", "tests/ledger/test_where_others_fail.py",
    "tests/ledger/test_model.py", "tests/ledger/test_at_once.py",
]  # fmt: skip
# Functions whose body decides over money.
FUNCTIONS = (
    "ledger_post", "ledger_hold", "ledger_move", "ledger_lock", "ledger_create", "ledger_insert", "ledger_first_answer",
    "ledger_still_closed", "ledger_check_reversals", "ledger_refuse_short", "ledger_account_check", "ledger_transfer_check",
    "ledger_only_by_post", "ledger_never",
)  # fmt: skip


def python() -> int:
    """Run mutmut in a copy of the tree; what it printed last, and every survivor."""
    with tempfile.TemporaryDirectory(prefix="vouchers-mutants-") as folder:
        copy = Path(folder) / "tree"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", ".venv", ".run", "__pycache__"))
        with (copy / "pyproject.toml").open("a") as file:
            file.write(MUTMUT)
        program = Path(sys.executable).with_name("mutmut")
        with (copy / "mutmut.log").open("wb") as log:
            subprocess.run([program, "run", "--max-children", "2"], cwd=copy, stdout=log, stderr=log, check=False)
        told = (copy / "mutmut.log").read_text(errors="replace").replace("\r", "\n").splitlines()
        print(told[-1])  # noqa: T201
        return subprocess.run([program, "results"], cwd=copy, check=False).returncode


def mutants(body: str) -> Iterator[tuple[str, str]]:
    """Every mutant of a function's definition: what was changed, and the whole changed definition."""
    start = body.index("AS $")
    for word, other in CHANGES:
        for found in re.finditer(word, body[start:]):
            at, to = found.start() + start, found.end() + start
            line = body[:at].count("\n") + 1
            if body[body.rfind("\n", 0, at) : at].lstrip().startswith("--"):
                continue
            told = " ".join(body[max(at - 30, 0) : to + 30].split())
            yield f"line {line}: {found.group()!r} → {other!r} in “…{told}…”", body[:at] + other + body[to:]


def sql(share: int = 1) -> int:
    """Try every mutant (or one in `share`) of the ledger's functions; print the survivors and the count."""
    _django()
    import psycopg2

    killed, survivors, invalid, number = 0, [], 0, 0
    with _tests_database() as cursor:
        for function in FUNCTIONS:
            cursor.execute("SELECT pg_get_functiondef(to_regproc(%s))", [function])
            (body,) = cursor.fetchone()
            for what, changed in mutants(body) if body else ():
                number += 1
                if number % share:
                    continue
                try:
                    cursor.execute(changed)
                except psycopg2.Error:
                    invalid += 1  # the database itself does not take it
                    continue
                try:
                    verdict = "survived" if _pytest(["--reuse-db"]) == 0 else "killed"
                    survivors += [f"{function} {what}"] if verdict == "survived" else []
                    killed += verdict == "killed"
                    print(f"{verdict}: {function} {what}", flush=True)  # noqa: T201
                finally:
                    cursor.execute(body)
    assert _pytest(["--reuse-db"]) == 0, "the tests do not pass as they were: what was killed says nothing"
    print(f"{killed} killed, {len(survivors)} survived, {invalid} refused by the database")  # noqa: T201
    return 0


def locks(part: str = "") -> int:
    """Take away each lock (or those with `part` in their place's name); how many tests pass still."""
    _django()
    survivors = []
    with tempfile.TemporaryDirectory(prefix="vouchers-mutants-") as folder, _tests_database() as cursor:
        copy = Path(folder) / "tree"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", ".venv", ".run", "__pycache__"))
        for lock, (test, _) in listed().items():
            if not test or part not in lock.where:
                continue
            program = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--reuse-db", test]
            with _taken_away(lock, copy, cursor):
                passed = subprocess.run(program, cwd=copy, capture_output=True, timeout=600).returncode == 0
            survivors += [lock] * passed
            print("survived" if passed else "killed", lock.where, lock.number, test, flush=True)  # noqa: T201
    return len(survivors)


@contextlib.contextmanager
def _taken_away(lock: Lock, copy: Path, cursor) -> Iterator[None]:
    """Do without a lock: of a module in a copy of the tree, or of a function in the tests' database."""
    if lock.where.endswith(".py"):
        path = copy / lock.where
        whole = path.read_text(encoding="utf-8")
        put = partial(path.write_text, encoding="utf-8")
    else:
        cursor.execute("SELECT pg_get_functiondef(to_regproc(%s))", [lock.where])
        (whole,) = cursor.fetchone()
        put = cursor.execute
    put(without(whole, lock.number))
    try:
        yield
    finally:
        put(whole)


def _django() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()


@contextlib.contextmanager
def _tests_database() -> Iterator[Any]:
    """A cursor of the owner in the tests' database, which is made anew."""
    import psycopg2
    from django.conf import settings

    owner = settings.DATABASES["owner"]
    assert _pytest(["--create-db", "--reuse-db"]) == 0, "the tests do not pass as they are"
    connection = psycopg2.connect(
        dbname=f"test_{owner['NAME']}", host=owner["HOST"], port=owner["PORT"] or None, user=owner["USER"],
        password=owner["PASSWORD"] or None,
    )  # fmt: skip
    connection.autocommit = True
    with connection.cursor() as cursor:
        yield cursor


def _pytest(options: list[str]) -> int:
    """The ledger's tests in a fork, so that nothing is loaded anew; 0 when all pass. A hanging one is killed: it failed."""
    pid = os.fork()
    if pid == 0:
        import pytest

        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        signal.alarm(300)
        os._exit(int(pytest.main(["-x", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", *options, *TESTS])))
    return os.waitpid(pid, 0)[1]


if __name__ == "__main__":
    what, *told = sys.argv[1:]
    sys.exit(python() if what == "python" else sql(*map(int, told)) if what == "sql" else locks(*told))
