"""Whether the line of an invoice reads like compute. It advises a person; it decides nothing.

The words are data beside this module (classify.yaml), in versions: which list was used can be told years later.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

Band = Literal["likely", "review", "no"]

BAND_LABELS: dict[str, str] = {"likely": "像是算力费用", "review": "需要佐证", "no": "不像算力费用"}
# `*short name*what was sold`, as invoices print it.
_PRINTED = re.compile(r"\*([^*]+)\*(.*)", re.DOTALL)


@dataclass(frozen=True)
class Words:
    """One version of the lists; each is of words in capitals and half width."""

    version: int
    services: tuple[str, ...]
    compute: tuple[str, ...]
    doubtful_services: tuple[str, ...]
    doubtful: tuple[str, ...]
    goods: tuple[str, ...]
    other_services: tuple[str, ...]
    units: re.Pattern[str]


def classify(name: str, *, version: int | None = None) -> Band:
    """The band of a line by its printed name, such as `*信息技术服务*智能算力服务费`.

    `likely`: sold under a name that compute is sold under, and the words say compute. `review`: the name or the words
    could be compute. `no`: goods, or services that are something else. `version` repeats an older reading.
    """
    words = words_of(version)
    short, sold = split_name(name)
    whole = short + sold
    if _any(words.goods, short) or (not short and _any(words.goods, sold) and not _computes(words, sold)):
        return "no"
    if _any(words.other_services, sold) and not _computes(words, sold):
        return "no"
    if _any(words.services, short):
        return "likely" if _computes(words, sold) else "review"
    if _any(words.doubtful_services, short) or _any(words.doubtful, whole) or _computes(words, whole):
        return "review"
    return "no"


def split_name(name: str) -> tuple[str, str]:
    """The printed short name ("" where there is none) and what was sold, both in capitals and half width."""
    plain = "".join(unicodedata.normalize("NFKC", name).split()).upper()
    found = _PRINTED.match(plain)
    return (found[1], found[2]) if found else ("", plain)


def words_of(version: int | None = None) -> Words:
    """A version of the lists; the newest unless told. Raises KeyError for one that never was."""
    known = _versions()
    return known[max(known) if version is None else version]


@cache
def _versions() -> dict[int, Words]:
    raw = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
    return {row["version"]: _words(row) for row in raw["versions"]}


def _words(row: dict[str, Any]) -> Words:
    names = ("services", "compute", "doubtful_services", "doubtful", "goods", "other_services")
    units = "|".join(sorted(map(re.escape, row["compute_units"]), key=len, reverse=True))
    return Words(
        version=row["version"],
        units=re.compile(rf"[0-9](?:{units})(?![A-Z])"),
        **{name: tuple(str(word).upper() for word in row[name]) for name in names},
    )


def _computes(words: Words, text: str) -> bool:
    return _any(words.compute, text) or words.units.search(text) is not None


def _any(words: tuple[str, ...], text: str) -> bool:
    return any(word in text for word in words)
