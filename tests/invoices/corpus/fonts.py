"""Fonts for made-up PDFs: a subset of the system's Noto CJK inside the file, with the widths that its issuer claims.

PDFium leaves out what it has no shape for, so a font that is only named would not do.
"""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass, field
from pathlib import Path

NOTO = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
_SIMPLIFIED = 2


@dataclass(eq=False)
class Font:
    """Glyphs by character, as numbers and widths in thousandths of the size. `program` is a CFF, deflated."""

    name: str
    latin: int = 500
    program: bytes = b""
    glyphs: dict[str, int] = field(default_factory=dict)
    widths: dict[str, int] = field(default_factory=dict)

    def glyph(self, char: str) -> int:
        """The number of the glyph."""
        return self.glyphs[char]

    def width(self, char: str) -> int:
        """Thousandths of the size that the character takes."""
        return self.widths.get(char) or (1000 if char > "\u2e7f" else self.latin)


def latin(font: Font, width: int) -> Font:
    """`font` with all its Latin letters and digits of one width, as those of the usual Chinese fonts are."""
    wide = {char: units for char, units in font.widths.items() if char > "\u2e7f"}
    return Font(font.name, width, font.program, font.glyphs, wide)


def noto(characters: str) -> Font:
    """Noto Sans CJK with no other glyphs than those of `characters`."""
    from fontTools import subset
    from fontTools.ttLib import TTFont

    file = TTFont(NOTO, fontNumber=_SIMPLIFIED, lazy=True)
    options = subset.Options()
    options.layout_features, options.hinting = [], False
    options.drop_tables += ["GSUB", "GPOS", "vmtx", "vhea", "VORG", "BASE"]
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=characters)
    subsetter.subset(file)
    buffer = io.BytesIO()
    file.save(buffer)
    slim = TTFont(io.BytesIO(buffer.getvalue()))
    names = slim.getBestCmap()
    return Font(
        "NotoSansCJKsc",
        500,
        zlib.compress(slim.getTableData("CFF ")),
        {chr(point): int(name[3:]) for point, name in names.items()},
        {chr(point): slim["hmtx"][name][0] for point, name in names.items()},
    )
