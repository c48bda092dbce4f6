"""The house keeps its own rules: sizes, walls, and nothing left lying about."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ("config", "audit", "accounts", "applicants", "providers", "vouchers")
SOURCES = [
    path
    for app in APPS
    for path in sorted((ROOT / app).rglob("*.py"))
    if "migrations" not in path.parts and "__pycache__" not in path.parts
]
FACES = ("admin", "portal", "api", "management")


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(_tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _length(node: ast.stmt) -> int:
    return node.end_lineno - node.lineno + 1


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_no_module_is_longer_than_400_lines_and_no_function_longer_than_70(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400
    assert [node.name for node in _functions(path) if _length(node) > 70] == []


def test_no_task_is_longer_than_ten_lines():
    tasks = [node for node in _functions(ROOT / "vouchers/tasks.py") if node.decorator_list]
    assert tasks
    assert [task.name for task in tasks if _length(task) > 10] == []


@pytest.mark.parametrize("path", [p for p in SOURCES if p.name == "views.py"], ids=_name)
def test_no_view_is_longer_than_25_lines(path):
    assert [node.name for node in _functions(path) if _length(node) > 25] == []


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_every_module_says_what_it_is_for(path):
    assert ast.get_docstring(_tree(path)) or not path.read_text().strip()


@pytest.mark.parametrize(
    "path", [p for p in SOURCES if "management" not in p.parts and not p.match("accounts/*")], ids=_name
)
def test_every_public_function_says_what_goes_in_and_comes_out(path):
    silent = [
        node.name
        for node in _tree(path).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and not ast.get_docstring(node)
    ]
    assert silent == []


@pytest.mark.parametrize(
    "path",
    [
        p
        for p in SOURCES
        if p.parts[-2] in ("rules", "ledger", "policy", "claims", "review", "budget", "disbursement", "calls")
        or p.name == "money.py"
    ],
    ids=_name,
)
def test_no_float_comes_near_money(path):
    floats = [
        node for node in ast.walk(_tree(path)) if isinstance(node, ast.Constant) and isinstance(node.value, float)
    ]
    names = [node for node in ast.walk(_tree(path)) if isinstance(node, ast.Name) and node.id == "float"]
    # money.py may name float only to refuse it.
    assert floats == []
    assert names == [] or path.name == "money.py"


@pytest.mark.parametrize("path", [p for p in SOURCES if _name(p).startswith("vouchers")], ids=_name)
def test_only_review_writes_the_state_of_a_claim_or_voucher(path):
    writes = re.findall(
        r"(?:Claim|Voucher)\.objects[^\n]*\.update\([^)]*state=|(?:claim|voucher)\.state\s*=[^=]", path.read_text()
    )
    assert writes == [] or _name(path).startswith("vouchers/review/")


@pytest.mark.parametrize("path", [p for p in SOURCES if set(p.parts) & set(FACES)], ids=_name)
def test_faces_open_no_transaction(path):
    assert "transaction.atomic" not in path.read_text()


def test_now_is_only_ever_the_one_clock():
    """Sign-in throttles and leases belong to no claim and read the machine's or the database's clock."""
    allowed = {"config/clock.py", "accounts/throttle.py", "accounts/second_factor.py", "accounts/middleware.py"}
    found = {
        _name(path)
        for path in SOURCES
        if re.search(r"timezone\.now\(|datetime\.now\(|date\.today\(", path.read_text())
        and "demo" not in path.parts
        and path.parent.name != "config"
    }
    assert found <= allowed


def test_every_template_is_used():
    templates = [p.relative_to(ROOT / "templates") for p in (ROOT / "templates").rglob("*.*")]
    code = "\n".join(p.read_text() for p in [*SOURCES, *(ROOT / "templates").rglob("*.html")])
    # Django and allauth look these up by name themselves.
    by_convention = ("account/", "mfa/", "admin/", "403", "404", "429", "500")
    unused = [str(t) for t in templates if str(t) not in code and not str(t).startswith(by_convention)]
    assert unused == []


def test_nothing_of_this_house_names_a_path_of_a_machine():
    told = re.compile(r"/(?:root|home/\w+|work)/")
    files = [p for p in ROOT.rglob("*") if p.suffix in (".py", ".md", ".toml", ".txt", ".yaml", ".html", ".css")]
    outside = (".venv", ".git", ".run", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis")
    named = [_name(p) for p in files if not set(p.parts) & set(outside) and told.search(p.read_text(errors="replace"))]
    assert named in ([], ["tests/test_house.py"])
