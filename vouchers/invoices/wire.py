"""What the reading child says, as bytes and back: JSON of plain dataclasses, checked value by value.

The child has a stranger's file inside it. So nothing it says is believed beyond its shape: no pickle, no class
named by the other side, every value of exactly the type that the dataclass declares.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import json
import types
import typing
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

Wanted = TypeVar("Wanted")

# Far more fen than the books hold, far fewer digits than would cost anything.
_LARGEST = 10**18


class Garbled(Exception):
    """These bytes do not say what was asked for."""


def encode(value: object) -> bytes:
    """`value`, a dataclass or what JSON holds, as UTF-8 JSON. Raises ValueError for numbers that are none (nan).

    A dataclass is the list of its values in their order: both ends are the same program.
    """
    return json.dumps(value, default=_plain, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")


def decode(kind: type[Wanted], payload: bytes) -> Wanted:
    """The `kind` (a dataclass, str, int …) that `payload` states. Raises Garbled, and nothing else."""
    try:
        made: Wanted = _checker(typing.cast(Hashable, kind))(json.loads(payload))
        return made
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise Garbled(f"{kind.__name__}: {error!r}"[:300]) from error


def _plain(value: Any) -> Any:
    """What json does not know itself."""
    if isinstance(value, datetime.date):
        return value.isoformat()
    return [getattr(value, name) for name in _names(typing.cast(Hashable, type(value)))]


@functools.cache
def _names(kind: Any) -> list[str]:
    return [field.name for field in dataclasses.fields(kind)]


@functools.cache
def _checker(kind: Any) -> Callable[[Any], Any]:
    """The function that makes a `kind` of plain JSON, or raises ValueError or KeyError."""
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind)
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        inner = _checker(next(each for each in args if each is not type(None)))
        return lambda plain: None if plain is None else inner(plain)
    if origin is tuple and args[-1] is ...:
        return _tuple(_checker(args[0]))
    return _ATOMS[kind]


def _dataclass(kind: Any) -> Callable[[Any], Any]:
    hints = typing.get_type_hints(kind)
    checkers = [_checker(hints[name]) for name in _names(kind)]

    def check(plain: Any) -> Any:
        if type(plain) is not list or len(plain) != len(checkers):
            raise ValueError(f"no {kind.__name__}")
        return kind(*[checker(value) for checker, value in zip(checkers, plain, strict=True)])

    return check


def _tuple(inner: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def check(plain: Any) -> Any:
        if type(plain) is not list:
            raise ValueError("no list")
        return tuple(map(inner, plain))

    return check


def _text(plain: Any) -> str:
    """Text that every column and every page can hold."""
    if type(plain) is not str:
        raise ValueError("no text")
    if plain.isprintable() and plain.isascii():
        return plain
    return plain.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _whole(plain: Any) -> int:
    if type(plain) is not int or abs(plain) > _LARGEST:
        raise ValueError("no whole number")
    return plain


def _yes_or_no(plain: Any) -> bool:
    if type(plain) is not bool:
        raise ValueError("neither yes nor no")
    return plain


def _share(plain: Any) -> float:
    """A place on a page."""
    if type(plain) not in (int, float) or not abs(plain) < _LARGEST:
        raise ValueError("no number")
    return float(plain)


def _day(plain: Any) -> datetime.date:
    return datetime.date.fromisoformat(_text(plain))


_ATOMS: dict[Any, Callable[[Any], Any]] = {
    str: _text,
    int: _whole,
    bool: _yes_or_no,
    float: _share,
    datetime.date: _day,
}
