"""PDF pages drawn in millimetres from the upper left corner, in whatever order and manner an issuer's program would."""

from __future__ import annotations

import random
import re
import zlib
from dataclasses import dataclass

import zxingcpp

from .fonts import Font

PT = 72 / 25.4


@dataclass
class Manner:
    """How a program writes: `shuffled` order of objects, each glyph as an object of its own, type at size 1 under a
    matrix, pages turned (90, 180, 270) and set off from the origin, everything printed twice as bold type is, Chinese and
    Latin letters (`by_script`) as pieces of their own, and lines half as high again as the type (`tall`). `blanks` are
    glyphs like others (`kept`), moves within one piece of text (`moves`), or what is left between words that are pieces
    of their own (`words`)."""

    shuffled: bool = False
    single: bool = False
    matrix: bool = False
    turned: int = 0
    offset: tuple[int, int] = (0, 0)
    twice: bool = False
    by_script: bool = False
    blanks: str = "kept"
    tall: bool = False


class Canvas:
    """One PDF under construction."""

    def __init__(self, width: float, height: float, manner: Manner | None = None, seed: int = 0):
        self.width, self.height = width, height
        self._manner = manner or Manner()
        self._random = random.Random(seed)
        self._fonts: list[Font] = []
        self._used: dict[Font, set[str]] = {}
        self._pages: list[list[str]] = []
        self.embedded: dict[str, bytes] = {}
        # Texts to be written otherwise, each where it first stands.
        self.altered: dict[str, str] = {}

    def page(self) -> None:
        """Begin a page."""
        self._pages.append([])

    def text(self, left: float, baseline: float, text: str, font: Font, size: float, *, hidden: bool = False) -> None:
        """`text` from `left` on, `size` in mm."""
        text = self.altered.pop(text, text)
        if not text:
            return
        if self._manner.by_script:
            for piece in re.findall(r"[\u2e80-\U0002ffff]+|[^\u2e80-\U0002ffff]+", text):
                self._show(left, baseline, piece, font, size, hidden)
                left += self.measure(piece, font, size)
        elif self._manner.blanks == "words":
            for word in re.findall(r"[^ ]+ *", text):
                self._show(left, baseline, word.rstrip(), font, size, hidden)
                left += self.measure(word, font, size)
        elif self._manner.single:
            # PDFium drops a blank that is an object of its own, so one goes with the glyph beside it.
            for char in re.findall(r"^ *[^ ] *|[^ ] *", text):
                self._show(left, baseline, char, font, size, hidden)
                left += self.measure(char, font, size)
        else:
            self._show(left, baseline, text, font, size, hidden)
            if self._manner.twice:
                self._show(left + 0.05, baseline, text, font, size, hidden)

    def right(self, edge: float, baseline: float, text: str, font: Font, size: float) -> None:
        """`text` up to `edge`."""
        self.text(edge - self.measure(text, font, size), baseline, text, font, size)

    def centred(self, middle: float, baseline: float, text: str, font: Font, size: float) -> None:
        """`text` around `middle`."""
        self.text(middle - self.measure(text, font, size) / 2, baseline, text, font, size)

    @staticmethod
    def measure(text: str, font: Font, size: float) -> float:
        """How wide `text` is."""
        return sum(font.width(char) for char in text) * size / 1000

    @classmethod
    def wrapped(cls, text: str, width: float, font: Font, size: float) -> list[str]:
        """`text` in lines no wider than `width`."""
        lines, line = [], ""
        for char in text:
            if cls.measure(line + char, font, size) > width:
                lines.append(line)
                line = ""
            line += char
        return [*lines, line] if line else lines

    def box(self, left: float, top: float, right: float, bottom: float) -> None:
        """The outline of a box, or a line."""
        x, y = self._at(left, bottom)
        self._add(f"{x:.2f} {y:.2f} {(right - left) * PT:.2f} {(bottom - top) * PT:.2f} re S")

    def qr(self, left: float, top: float, side: float, payload: str) -> None:
        """A QR code of black squares."""
        image = memoryview(zxingcpp.create_barcode(payload, zxingcpp.BarcodeFormat.QRCode).to_image(scale=1))
        count = image.shape[0]
        step = side / count
        parts = []
        for row in range(count):
            for column in range(count):
                if not image[row, column]:
                    x, y = self._at(left + column * step, top + (row + 1) * step)
                    parts.append(f"{x:.2f} {y:.2f} {step * PT:.2f} {step * PT:.2f} re")
        self._add(" ".join([*parts, "f"]))

    def finish(self) -> bytes:
        """The file."""
        writer = _Writer()
        fonts = " ".join(
            f"/F{number} {writer.font(font, self._used[font], tall=self._manner.tall)} 0 R"
            for number, font in enumerate(self._fonts)
        )
        resources = writer.add(f"<< /Font << {fonts} >> >>")
        kids = []
        x, y = self._manner.offset
        across, down = self.width * PT, self.height * PT
        if self._manner.turned in (90, 270):
            across, down = down, across
        box = f"{x} {y} {x + across:.2f} {y + down:.2f}"
        for operations in self._pages:
            if self._manner.shuffled:
                self._random.shuffle(operations)
            content = writer.stream("\n".join([self._turn(), *operations]).encode())
            kids.append(
                writer.add(
                    f"<< /Type /Page /Parent 2 0 R /MediaBox [{box}] /Rotate {self._manner.turned} "
                    f"/Resources {resources} 0 R /Contents {content} 0 R >>"
                )
            )
        return writer.finish(kids, self.embedded)

    def _turn(self) -> str:
        """The matrix that draws upright for a page shown turned."""
        x, y = self._manner.offset
        width, height = self.width * PT, self.height * PT
        turn = {
            0: (1, 0, 0, 1, x, y),
            90: (0, 1, -1, 0, x + height, y),
            180: (-1, 0, 0, -1, x + width, y + height),
            270: (0, -1, 1, 0, x, y + width),
        }[self._manner.turned]
        return " ".join(f"{number:.2f}" for number in turn) + " cm"

    def _show(self, left: float, baseline: float, text: str, font: Font, size: float, hidden: bool) -> None:
        if font not in self._used:
            self._fonts.append(font)
        self._used.setdefault(font, set()).update(text)
        x, y = self._at(left, baseline)
        points = size * PT
        codes = self._codes(text, font)
        type_size, scale = (1, points) if self._manner.matrix else (points, 1)
        mode = "3 Tr " if hidden else "0 Tr "
        self._add(
            f"BT {mode}/F{self._fonts.index(font)} {type_size:.3f} Tf "
            f"{scale:.3f} 0 0 {scale:.3f} {x:.3f} {y:.3f} Tm [{codes}] TJ ET"
        )

    def _codes(self, text: str, font: Font) -> str:
        """The glyphs of `text`, its blanks among them or as moves to the right."""
        words = re.split(r"( +)", text) if self._manner.blanks == "moves" else [text]
        return " ".join(
            f"-{self.measure(word, font, 1000):.0f}"
            if word.isspace() and word != text
            else "<" + "".join(f"{font.glyph(char):04X}" for char in word) + ">"
            for word in words
        )

    def _at(self, left: float, down: float) -> tuple[float, float]:
        return left * PT, (self.height - down) * PT

    def _add(self, operation: str) -> None:
        self._pages[-1].append(operation)


class _Writer:
    """Numbered objects, and the file they make."""

    def __init__(self) -> None:
        self._objects: dict[int, bytes] = {}
        self._programs: dict[bytes, int] = {}
        self._next = 3

    def add(self, text: str | bytes) -> int:
        """An object; its number."""
        number, self._next = self._next, self._next + 1
        self._objects[number] = text.encode() if isinstance(text, str) else text
        return number

    def stream(self, data: bytes, extra: str = "", *, deflated: bool = False) -> int:
        """A stream object."""
        packed = data if deflated else zlib.compress(data, 1)
        head = f"<< /Length {len(packed)} /Filter /FlateDecode {extra} >>\nstream\n".encode()
        return self.add(head + packed + b"\nendstream")

    def font(self, font: Font, characters: set[str], *, tall: bool) -> int:
        """A composite font whose codes are glyphs, with the characters they stand for."""
        used = sorted(((char, font.glyph(char)) for char in characters), key=lambda item: item[1])
        lines = "\n".join(f"<{glyph:04X}> <{char.encode('utf-16-be').hex()}>" for char, glyph in used)
        to_unicode = self.stream(
            (
                "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /U def /CMapType 2 def "
                "1 begincodespacerange <0000> <FFFF> endcodespacerange\n"
                f"{len(used)} beginbfchar\n{lines}\nendbfchar endcmap end end"
            ).encode()
        )
        # Both fonts of a file are one program with widths of their own.
        number = self._programs.get(font.program)
        if number is None:
            number = self.stream(font.program, "/Subtype /CIDFontType0C", deflated=True)
            self._programs[font.program] = number
        descriptor = self.add(
            f"<< /Type /FontDescriptor /FontName /{font.name} /Flags 4 /FontBBox [0 -200 1000 900] /ItalicAngle 0 "
            f"/Ascent {1160 if tall else 860} /Descent {-290 if tall else -140} /CapHeight 700 /StemV 80 /FontFile3 {number} 0 R >>"
        )
        widths = " ".join(f"{glyph} [{font.width(char)}]" for char, glyph in used if font.width(char) != 1000)
        descendant = self.add(
            f"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /{font.name} /FontDescriptor {descriptor} 0 R /DW 1000 "
            f"/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /W [{widths}] >>"
        )
        return self.add(
            f"<< /Type /Font /Subtype /Type0 /BaseFont /{font.name} /Encoding /Identity-H "
            f"/DescendantFonts [{descendant} 0 R] /ToUnicode {to_unicode} 0 R >>"
        )

    def finish(self, pages: list[int], embedded: dict[str, bytes]) -> bytes:
        """The file with these pages and embedded files."""
        names = []
        for name, data in embedded.items():
            number = self.stream(data, "/Type /EmbeddedFile")
            spec = self.add(f"<< /Type /Filespec /F ({name}) /UF ({name}) /EF << /F {number} 0 R >> >>")
            names.append(f"({name}) {spec} 0 R")
        tree = f"/Names << /EmbeddedFiles << /Names [{' '.join(names)}] >> >>" if names else ""
        self._objects[1] = f"<< /Type /Catalog /Pages 2 0 R {tree} >>".encode()
        kids = " ".join(f"{page} 0 R" for page in pages)
        self._objects[2] = f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode()
        out, places = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), {}
        for number, body in sorted(self._objects.items()):
            places[number] = len(out)
            out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
        start = len(out)
        out += f"xref\n0 {len(places) + 1}\n0000000000 65535 f \n".encode()
        out += b"".join(f"{places[number]:010d} 00000 n \n".encode() for number in sorted(places))
        out += f"trailer\n<< /Size {len(places) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
        return bytes(out)
