"""Pieces of text with their place on a page, in millimetres from its upper left corner.

Places are floats: they are geometry, never money. Every carrier that has pages gives these, and layout.py and
table.py alone know where an invoice prints what.
"""

from __future__ import annotations

from typing import NamedTuple

# Baselines closer than this are one line.
SAME_LINE = 1.8


class Token(NamedTuple):
    """A run of text on one baseline `y`, from `left` to `right`. `plain` is its text compacted, to look for labels."""

    text: str
    plain: str
    left: float
    right: float
    y: float

    @property
    def middle(self) -> float:
        """Half way between its ends."""
        return (self.left + self.right) / 2
