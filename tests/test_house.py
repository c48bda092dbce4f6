"""The house keeps its own rules: sizes, walls, and nothing left lying about."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

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


def test_no_module_is_longer_than_400_lines():
    assert [_name(p) for p in SOURCES if len(p.read_text(encoding="utf-8").splitlines()) > 400] == []


def test_no_function_is_longer_than_70_lines():
    long = [(_name(p), f.name) for p in SOURCES for f in _functions(p) if _length(f) > 70]
    assert long == []


def test_no_task_is_longer_than_ten_lines():
    tasks = [node for node in _functions(ROOT / "vouchers/tasks.py") if node.decorator_list]
    assert tasks
    assert [task.name for task in tasks if _length(task) > 10] == []


def test_no_view_is_longer_than_25_lines():
    views = [p for p in SOURCES if p.name == "views.py"]
    assert views
    assert [(_name(p), f.name) for p in views for f in _functions(p) if _length(f) > 25] == []


def test_every_module_says_what_it_is_for():
    assert [_name(p) for p in SOURCES if p.read_text().strip() and not ast.get_docstring(_tree(p))] == []


def test_every_public_function_says_what_goes_in_and_comes_out():
    silent = [
        (_name(path), node.name)
        for path in SOURCES
        if "management" not in path.parts and path.parts[-2] != "accounts"
        for node in _tree(path).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and not ast.get_docstring(node)
    ]
    assert silent == []


MONEYED = ("rules", "ledger", "policy", "claims", "review", "budget", "disbursement", "calls")


def test_no_float_comes_near_money():
    """money.py may name float only to refuse it."""
    near = [p for p in SOURCES if p.parts[-2] in MONEYED or p.name == "money.py"]
    nodes = [(_name(p), node) for p in near for node in ast.walk(_tree(p))]
    assert [n for n, node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, float)] == []
    named = {name for name, node in nodes if isinstance(node, ast.Name) and node.id == "float"}
    assert named <= {"vouchers/money.py"}


def test_only_review_writes_the_state_of_a_claim_or_voucher():
    writing = re.compile(r"(?:Claim|Voucher)\.objects[^\n]*\.update\([^)]*state=|(?:claim|voucher)\.state\s*=[^=]")
    writers = {_name(path) for path in SOURCES if writing.search(path.read_text())}
    assert {name for name in writers if not name.startswith("vouchers/review/")} == set()


def test_faces_open_no_transaction():
    # A command of the project itself, like `migrate`, is no face.
    faces = [path for path in SOURCES if set(path.parts) & set(FACES) and not _name(path).startswith("config/")]
    assert faces
    assert [_name(path) for path in faces if "transaction.atomic" in path.read_text()] == []


def test_now_is_only_ever_the_one_clock():
    """Sign-in throttles and leases belong to no claim and read the machine's or the database's clock."""
    allowed = {
        "config/clock.py",
        "accounts/throttle.py",
        "accounts/second_factor.py",
        "accounts/middleware.py",
        "accounts/signals.py",
        "accounts/tokens.py",
    }
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
    by_convention = ("account/", "mfa/", "admin/", "400", "403", "404", "429", "500")
    unused = [str(t) for t in templates if str(t) not in code and not str(t).startswith(by_convention)]
    assert unused == []


def test_nothing_of_this_house_names_a_path_of_a_machine():
    told = re.compile(r"/(?:root|home/\w+|work)/")
    files = [p for p in ROOT.rglob("*") if p.suffix in (".py", ".md", ".toml", ".txt", ".yaml", ".html", ".css")]
    outside = (".venv", ".git", ".run", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis")
    named = [_name(p) for p in files if not set(p.parts) & set(outside) and told.search(p.read_text(errors="replace"))]
    assert named in ([], ["tests/test_house.py"])
