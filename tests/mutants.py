"""Mutation testing: `python -m tests.mutants python` and `… sql`, both by `make mutants`. Findings: docs/mutants.md.

`python` runs mutmut over money and rules with their plain tests, in a copy of the tree. `sql` changes one word of one of the
ledger's database functions at a time, in the tests' database, and runs the ledger's tests; a change that no test notices
is a survivor. Both print what survived. They never touch the tree itself.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MUTMUT = """
[tool.mutmut]
source_paths = ["vouchers"]
only_mutate = ["vouchers/money.py", "vouchers/rules/*.py"]
also_copy = ["accounts", "applicants", "audit", "config", "providers", "fixtures", "templates", "static", "manage.py", "docs"]
pytest_add_cli_args_test_selection = ["tests/money", "tests/law"]
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
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django
    import psycopg2

    django.setup()
    from django.conf import settings

    owner = settings.DATABASES["owner"]
    there = {"host": owner["HOST"], "user": owner["USER"], "password": owner["PASSWORD"] or None}
    assert _pytest(["--create-db", "--reuse-db"]) == 0, "the tests do not pass as they are"
    connection = psycopg2.connect(dbname=f"test_{owner['NAME']}", port=owner["PORT"] or None, **there)
    connection.autocommit = True
    killed, survivors, invalid, number = 0, [], 0, 0
    with connection.cursor() as cursor:
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
    sys.exit(python() if sys.argv[1] == "python" else sql(int(sys.argv[2]) if len(sys.argv) > 2 else 1))
