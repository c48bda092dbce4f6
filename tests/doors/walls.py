"""Every address of the site and who may open it, from the resolver. `python -m tests.doors.walls` writes walls.csv."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from django.urls import URLPattern, get_resolver

from accounts.walls import wall_of

FILE = Path(__file__).with_name("walls.csv")


def patterns(resolver=None, prefix="", names=()):
    """(route, view name, view) of every address."""
    for entry in (resolver or get_resolver()).url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield route, ":".join([*names, entry.name or ""]), entry.callback
        else:
            yield from patterns(entry, route, [*names, entry.namespace] if entry.namespace else names)


def wall_in_words(view, name: str) -> str:
    """Who may open it; the API asks DRF instead of our middleware."""
    if hasattr(view, "cls") and name.startswith("api_"):
        return "member (token or session)"
    return " ".join(sorted(wall_of(view, name))) or "NOBODY"


def rows() -> list[tuple[str, str, str]]:
    """route, name, roles: one row for each address, Django's own model pages of one kind in one row."""
    found = set()
    for route, name, view in patterns():
        kind = re.sub(r"^admin/\w+/\w+/", "admin/<app>/<model>/", route) if hasattr(view, "model_admin") else route
        page = re.sub(r"^admin:\w+_(\w+)$", r"admin:<app>_<model>_\1", name) if hasattr(view, "model_admin") else name
        page = re.sub(r"admin:<app>_<model>_.*_(\w+)$", r"admin:<app>_<model>_\1", page)
        found.add((kind, page, wall_in_words(view, name)))
    return sorted(found)


def expected() -> list[tuple[str, ...]]:
    """What walls.csv says."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return sorted(tuple(row) for row in list(csv.reader(file))[1:])


if __name__ == "__main__":
    import django

    django.setup()
    with FILE.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([("route", "name", "roles"), *rows()])
