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
from fractions import Fraction
from typing import Any

from vouchers import money

T = typing.TypeVar("T")
# What most values are.
_PLAIN = frozenset({str, int, bool, type(None)})
_FIELDS: dict[Any, dict[str, Any]] = {}


_LATER: dict[Any, dict[str, Any]] = {}


def later(default: Any) -> Any:
    """A field that came after the first decisions were stored: it is written only where it differs from `default`.

    So what is decided without it is stored to the byte as before.
    """
    return dataclasses.field(default=default, metadata={"later": True})


class StoredError(ValueError):
    """Stored JSON that is not what it should be: it was not written by to_json()."""


class Stored:
    """Gives a dataclass to_json() and from_json()."""

    __slots__ = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values that the json module writes, in the order of the fields."""
        names = _fields_of(type(self))
        later_ones = _LATER[type(self)]
        values = ((name, getattr(self, name)) for name in names)
        return {name: _written(value) for name, value in values if name not in later_ones or value != later_ones[name]}

    @classmethod
    def from_json(cls, data: object) -> typing.Self:
        """The object that to_json() wrote. Raises StoredError."""
        return _read_object(cls, data, cls.__name__)


def _fields_of(cls: Any) -> dict[str, Any]:
    """Name → type of every field of the dataclass `cls`, worked out once."""
    if cls not in _FIELDS:
        hints = typing.get_type_hints(cls)
        fields = dataclasses.fields(cls)
        # Before _FIELDS: whoever finds the class there must find it here.
        _LATER[cls] = {field.name: field.default for field in fields if field.metadata.get("later")}
        _FIELDS[cls] = {field.name: hints[field.name] for field in fields}
    return _FIELDS[cls]


def _written(value: object) -> Any:
    if type(value) in _PLAIN:
        return value
    if isinstance(value, Stored):
        return value.to_json()
    if isinstance(value, tuple):
        return [_written(item) for item in value]
    if isinstance(value, Fraction):
        return money.rate_text(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    if value is None or isinstance(value, (str, int)):
        return value
    raise TypeError(f"{type(value).__name__} cannot be stored exactly")


def _read_object(cls: type[T], data: object, where: str) -> T:
    if not isinstance(data, dict):
        raise StoredError(f"{where}: an object is expected")
    hints = _fields_of(cls)
    unknown = sorted(set(data) - set(hints))
    if unknown:
        raise StoredError(f"{where}: unknown keys {unknown}")
    try:
        return cls(**{name: _read(hint, data[name], f"{where}.{name}") for name, hint in hints.items() if name in data})
    except StoredError:
        raise
    except (TypeError, ValueError) as problem:
        raise StoredError(f"{where}: {problem}") from problem


def _read(hint: Any, value: object, where: str) -> Any:
    """`value` as the type `hint`: a plain type, another Stored, `X | None`, or `tuple[X, ...]`."""
    if isinstance(hint, types.UnionType):
        return None if value is None else _read(typing.get_args(hint)[0], value, where)
    if typing.get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise StoredError(f"{where}: a list is expected")
        return tuple(_read(typing.get_args(hint)[0], item, where) for item in value)
    if issubclass(hint, Stored):
        return _read_object(hint, value, where)
    if hint in (str, int, bool) and type(value) is hint:
        return value
    if hint is Fraction and isinstance(value, str):
        return money.parse_rate(value)
    if hint is dt.date and isinstance(value, str):
        return dt.date.fromisoformat(value)
    raise StoredError(f"{where}: {value!r} is no {hint.__name__}")
