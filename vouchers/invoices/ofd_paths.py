"""How an OFD page paints: drawing parameters, colours, and outlines (AbbreviatedData) as lines of points."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from lxml import etree

from vouchers.invoices.ofd_page import numbers

Colour = tuple[int, int, int]
_BLACK: Colour = (0, 0, 0)
_MAX_RELATIVES = 10
_MAX_POINTS = 50_000
# Points that a curve becomes.
_STEPS = 12
_ARITY = {"M": 2, "S": 2, "L": 2, "Q": 4, "B": 6, "A": 7, "C": 0}


@dataclass(frozen=True, slots=True)
class Style:
    """Colours and the width of lines in mm. Outlines are not filled unless a colour is named; text is black then."""

    stroke: Colour = _BLACK
    fill: Colour | None = None
    line_width: float = 0.353

    def changed_by(self, element: etree._Element) -> Style:
        """This style with what `element` says itself."""
        style = self
        if width := element.get("LineWidth"):
            style = replace(style, line_width=numbers(width)[0])
        if (colour := _colour(element.find("{*}StrokeColor"))) is not None:
            style = replace(style, stroke=colour)
        if (colour := _colour(element.find("{*}FillColor"))) is not None:
            style = replace(style, fill=colour)
        return style


class Styles:
    """The drawing parameters of a document by id; each may build on another."""

    def __init__(self) -> None:
        self._params: dict[str, etree._Element] = {}

    def add(self, element: etree._Element) -> None:
        """Remember a DrawParam."""
        self._params.setdefault(element.get("ID", ""), element)

    def of(self, name: str | None, style: Style) -> Style:
        """`style` changed by the parameter of that id and those it builds on."""
        chain: list[etree._Element] = []
        while name in self._params and len(chain) < _MAX_RELATIVES:
            chain.append(self._params[name])
            name = chain[-1].get("Relative")
        for element in reversed(chain):
            style = style.changed_by(element)
        return style


def outlines(data: str) -> Iterator[tuple[list[tuple[float, float]], bool]]:
    """The lines of an outline: points, and whether it closes. Raises ValueError for anything else."""
    points: list[tuple[float, float]] = []
    total = 0
    for command, values in _commands(data):
        if command in "MS":
            if points:
                yield points, False
            points = [(values[0], values[1])]
        elif command == "C":
            if points:
                yield points, True
            points = points[:1]
        else:
            points = points or [(0.0, 0.0)]
            added = list(_STROKES[command](points[-1], values))
            total += len(added)
            if total > _MAX_POINTS:
                raise ValueError("no outline is as long as this")
            points += added
    if len(points) > 1:
        yield points, False


def _commands(data: str) -> Iterator[tuple[str, list[float]]]:
    parts = data.split()
    index = 0
    while index < len(parts):
        command = parts[index]
        count = _ARITY.get(command)
        if count is None:
            raise ValueError("no outline")
        values = numbers(" ".join(parts[index + 1 : index + 1 + count]))
        if len(values) != count:
            raise ValueError("no outline")
        yield command, values
        index += 1 + count


def _line(_start: tuple[float, float], values: list[float]) -> Iterator[tuple[float, float]]:
    yield values[0], values[1]


def _quadratic(start: tuple[float, float], values: list[float]) -> Iterator[tuple[float, float]]:
    x1, y1, x2, y2 = values
    for step in range(1, _STEPS + 1):
        t = step / _STEPS
        a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t * t
        yield a * start[0] + b * x1 + c * x2, a * start[1] + b * y1 + c * y2


def _cubic(start: tuple[float, float], values: list[float]) -> Iterator[tuple[float, float]]:
    x1, y1, x2, y2, x3, y3 = values
    for step in range(1, _STEPS + 1):
        t = step / _STEPS
        a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
        yield a * start[0] + b * x1 + c * x2 + d * x3, a * start[1] + b * y1 + c * y2 + d * y3


def _arc(_start: tuple[float, float], values: list[float]) -> Iterator[tuple[float, float]]:
    # A picture to compare by eye may cut a corner; forms of invoices have no arcs at all.
    yield values[5], values[6]


_STROKES: dict[str, Callable[[tuple[float, float], list[float]], Iterator[tuple[float, float]]]] = {
    "L": _line,
    "Q": _quadratic,
    "B": _cubic,
    "A": _arc,
}


def _colour(element: etree._Element | None) -> Colour | None:
    """The colour of a fill or stroke; None where it says none. A grey has one number, CMYK four."""
    if element is None or not element.get("Value"):
        return None
    values = [min(255, max(0, int(value))) for value in numbers(element.get("Value", ""))]
    if len(values) == 4:
        ink = [1 - value / 255 for value in values]
        return tuple(int(255 * channel * ink[3]) for channel in ink[:3])  # type: ignore[return-value]
    return (values[0], values[1], values[2]) if len(values) >= 3 else (values[0],) * 3
