"""The pinned packages: the same ones everywhere, each known by its hash, from whatever index a machine uses."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "requirements"
PIN = re.compile(r"([a-z0-9][a-z0-9._-]*)==([^\s;]+)(?: ; [^\\]+)? (?:\\\n    --hash=sha256:[0-9a-f]{64} ?)+")


def pins(name):
    return dict(match.groups() for match in PIN.finditer((FOLDER / name).read_text()))


@pytest.mark.parametrize("name", ["base.txt", "bootstrap.txt", "dev.txt"])
def test_every_package_is_pinned_with_its_hashes_and_nothing_else_is_said(name):
    rest = PIN.sub("", (FOLDER / name).read_text())
    assert pins(name)
    assert rest.split() == []


def test_the_tests_run_with_the_versions_of_production():
    dev = pins("dev.txt")
    assert {name: dev.get(name) for name in pins("base.txt")} == pins("base.txt")
