"""Every guard of the money, taken away alone, is missed by a probe. `guards.csv` says by which; `make guards` finds them anew.

Any guard that goes, or comes, turns this red, for the lists are held against the catalog.
"""

import csv
import os
from pathlib import Path

import pytest

from tests.guards import scene
from tests.guards.walls import Guard, Probe, Walls

LIST = Path(__file__).with_name("guards.csv")
# Guards for which no single statement was found: they are held by the list alone. Each has its tests elsewhere, or none.
UNFELT = LIST.with_name("without_probe.csv")
HEAD = ["kind", "table", "name", "role", "alone", "probe"]


@pytest.fixture
def walls(town):
    """A filled town and its walls, in a transaction that is never committed."""
    for (sequence,) in town.sql("SELECT oid::regclass::text FROM pg_class WHERE relkind = 'S'", town.database):
        town.sql(f"ALTER SEQUENCE {sequence} RESTART", town.database)  # the probes name rows by their numbers
    scene.fill()
    made = Walls(town.folder, town.database)
    yield made
    made.connection.close()


def listed():
    with LIST.open(encoding="utf-8", newline="") as file:
        return {
            Guard(row["kind"], row["table"], row["name"]): Probe(row["probe"], row["role"], row["alone"] == "alone")
            for row in csv.DictReader(file)
        }


def without_probe():
    with UNFELT.open(encoding="utf-8", newline="") as file:
        return [Guard(**row) for row in csv.DictReader(file)]


@pytest.mark.skipif(os.environ.get("GUARDS") == "find", reason="the list is being made anew")
def test_every_guard_that_the_database_has_is_listed_and_none_is_gone(town):
    walls = Walls(town.folder, town.database)
    try:
        assert sorted([*listed(), *without_probe()]) == walls.guards(), "run `make guards`"
    finally:
        walls.connection.close()


@pytest.mark.skipif(os.environ.get("GUARDS") != "try", reason="only `make guards` tries every probe")
def test_every_probe_misses_its_guard(walls):
    unfelt = [guard for guard, probe in listed().items() if len(set(walls.felt(guard, probe))) == 1]
    assert unfelt == []


@pytest.mark.skipif(os.environ.get("GUARDS") != "find", reason="only `make guards` makes the list anew")
def test_find_a_probe_for_every_guard(walls):
    known = listed() if LIST.exists() else {}
    missing = []
    with LIST.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(HEAD)
        for guard in walls.guards():
            probe = known.get(guard)
            if probe is None or len(set(walls.felt(guard, probe))) == 1:
                probe = walls.find(guard)
            if probe is None:
                missing.append(guard)
            else:
                table.writerow(
                    [guard.kind, guard.table, guard.name, probe.role, "alone" if probe.alone else "", probe.sql]
                )
                file.flush()
    with UNFELT.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([HEAD[:3], *([g.kind, g.table, g.name] for g in missing)])
