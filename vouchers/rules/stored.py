"""Facts, terms and decisions as JSON and back, exactly: they are frozen with a claim and read years later.

Money is an int of fen, a rate text ("0.30"), a day ISO text; a float is refused both ways. Reading refuses unknown
and malformed keys; a key that is missing takes the field's default, so that what was stored before a field existed
still reads, and is refused where the field has none.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import types
import typing
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any

from vouchers import money

# What most values are.
_PLAIN = frozenset({str, int, bool, type(None)})


def later(default: Any) -> Any:
    """A field that came after the first decisions were stored: it is written only where it differs from `default`.

    So what is decided without it is stored to the byte as before.
    """
    return dataclasses.field(default=default, metadata={"later": True})


class StoredError(ValueError):
    """Stored JSON that is not what it should be: it was not written by to_json()."""


class Stored:
    """Gives a dataclass, or a named tuple, to_json() and from_json(). A named tuple names its later fields in LATER."""

    __slots__ = ()
    LATER: typing.ClassVar[tuple[str, ...]] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values that the json module writes, in the order of the fields."""
        kind: Any = type(self)
        shape = _shape_of(kind)
        values = {name: getattr(self, name) for name in shape.readers}
        for name, default in shape.later:
            if values[name] == default:
                del values[name]
        return {name: value if type(value) in _PLAIN else _written(value) for name, value in values.items()}

    @classmethod
    def from_json(cls, data: object) -> typing.Self:
        """The object that to_json() wrote. Raises StoredError."""
        kind: Any = cls
        try:
            read: Callable[[Any], typing.Self] = _reader_of(kind)
            return read(data)
        except StoredError as problem:
            raise StoredError(f"{cls.__name__}{problem}") from problem


@dataclasses.dataclass(frozen=True, slots=True)
class _Shape:
    """A class's fields in their order, each with what reads it, and the later ones with their defaults."""

    readers: dict[str, Callable[[Any], Any]]
    later: tuple[tuple[str, Any], ...]


@cache
def _shape_of(cls: Any) -> _Shape:
    hints = typing.get_type_hints(cls)
    if issubclass(cls, tuple):
        names = cls._fields
        later_ones = tuple((name, cls._field_defaults[name]) for name in cls.LATER)
    else:
        fields = dataclasses.fields(cls)
        names = tuple(field.name for field in fields)
        later_ones = tuple((field.name, field.default) for field in fields if field.metadata.get("later"))
    return _Shape({name: _reader_of(hints[name]) for name in names}, later_ones)


def _written(value: object) -> Any:
    if isinstance(value, Stored):
        return value.to_json()
    if isinstance(value, tuple):
        return [item if type(item) in _PLAIN else _written(item) for item in value]
    if isinstance(value, Fraction):
        return money.rate_text(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, (str, int)):
        return value
    raise TypeError(f"{type(value).__name__} cannot be stored exactly")


# What reads a value is worked out once for each type. What it raises begins with the place, which grows on its way out.
@cache
def _reader_of(hint: Any) -> Callable[[Any], Any]:
    """What reads the type `hint`: a plain type, another Stored, `X | None`, or `tuple[X, ...]`."""
    if isinstance(hint, types.UnionType):
        inner = _reader_of(typing.get_args(hint)[0])
        return lambda value: None if value is None else inner(value)
    if typing.get_origin(hint) is tuple:
        return _list_reader(_reader_of(typing.get_args(hint)[0]))
    if issubclass(hint, Stored):
        return _object_reader(hint)
    return _value_reader(hint)


def _list_reader(inner: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def read(value: object) -> Any:
        if not isinstance(value, list):
            raise StoredError(": a list is expected")
        return tuple([inner(item) for item in value])

    return read


def _object_reader(cls: Any) -> Callable[[Any], Any]:
    readers = _shape_of(cls).readers

    def read(data: object) -> Any:
        if not isinstance(data, dict):
            raise StoredError(": an object is expected")
        if not data.keys() <= readers.keys():
            raise StoredError(f": unknown keys {sorted(data.keys() - readers.keys())}")
        values, name = {}, ""
        try:
            for name, value in data.items():
                values[name] = readers[name](value)
        except StoredError as problem:
            raise StoredError(f".{name}{problem}") from problem
        except ValueError as problem:
            raise StoredError(f".{name}: {problem}") from problem
        try:
            return cls(**values)
        except (TypeError, ValueError) as problem:
            raise StoredError(f": {problem}") from problem

    return read


def _value_reader(hint: Any) -> Callable[[Any], Any]:
    def read(value: object) -> Any:
        if type(value) is hint and hint in _PLAIN:
            return value
        if hint is Fraction and isinstance(value, str):
            return _rate(value)
        if hint is dt.date and isinstance(value, str):
            return dt.date.fromisoformat(value)
        raise StoredError(f": {value!r} is no {hint.__name__}")

    return read


# The same few rates stand in every line.
_rate = cache(money.parse_rate)
