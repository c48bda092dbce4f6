"""Every guard of the money, taken away alone, is missed by a probe. `guards.csv` says by which; `make guards` finds them anew.

Any guard that goes, or comes, turns this red, for the lists are held against the catalog.
"""

import csv
import os
from pathlib import Path

import pytest

from tests.guards import scene
from tests.guards.by_hand import BY_HAND, UNFELT
from tests.guards.walls import Guard, Probe, Walls

LIST = Path(__file__).with_name("guards.csv")
# Guards for which there is no such statement, each with the reason.
WITHOUT = LIST.with_name("without_probe.csv")
HEAD = ["kind", "table", "name", "role", "alone", "probe"]
NOT_YET = "no statement was found yet"


@pytest.fixture
def walls(town):
    """A filled town and its walls, in a transaction that is never committed."""
    for (sequence,) in town.sql("SELECT oid::regclass::text FROM pg_class WHERE relkind = 'S'", town.database):
        town.sql(f"ALTER SEQUENCE {sequence} RESTART", town.database)  # some probes name rows by their numbers
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
    with WITHOUT.open(encoding="utf-8", newline="") as file:
        return {Guard(row["kind"], row["table"], row["name"]): row["reason"] for row in csv.DictReader(file)}


def probe_for(walls, guard, known):
    """The probe that is known, if it feels the guard still, else one made by hand, else one that is found."""
    for probe in (known.get(guard), BY_HAND.get(guard)):
        if probe is not None and walls.feels(guard, probe):
            return probe
    return walls.find(guard)


@pytest.mark.skipif(os.environ.get("GUARDS") == "find", reason="the list is being made anew")
def test_every_guard_that_the_database_has_is_listed_and_none_is_gone(town):
    walls = Walls(town.folder, town.database)
    try:
        assert sorted([*listed(), *without_probe()]) == walls.guards, "run `make guards`"
    finally:
        walls.connection.close()


@pytest.mark.skipif(os.environ.get("GUARDS") == "find", reason="the list is being made anew")
def test_every_guard_is_missed_when_it_alone_is_gone(walls):
    assert [guard for guard in listed() if probe_for(walls, guard, listed()) is None] == []


@pytest.mark.skipif(os.environ.get("GUARDS") != "find", reason="only `make guards` makes the list anew")
def test_find_a_probe_for_every_guard(walls):
    known = listed() if LIST.exists() else {}
    found = {guard: probe_for(walls, guard, known) for guard in walls.guards}
    with LIST.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([HEAD, *(
            [guard.kind, guard.table, guard.name, probe.role, "alone" if probe.alone else "", probe.sql]
            for guard, probe in found.items() if probe is not None
        )])  # fmt: skip
    with WITHOUT.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([[*HEAD[:3], "reason"], *(
            [guard.kind, guard.table, guard.name, UNFELT.get(guard, NOT_YET)]
            for guard, probe in found.items() if probe is None
        )])  # fmt: skip
