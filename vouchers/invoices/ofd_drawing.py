"""A picture of an OFD page for eyes that compare it with what was read: text, lines, filled outlines, pictures.

Not a faithful renderer: every text is set in one font that this machine has, at the places the file gives. What no
reader would paint (invisible, fully transparent) is left out, as it is left out of the reading.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from lxml import etree
from PIL import Image, ImageChops, ImageDraw, ImageFont

from vouchers.invoices.invoice import UnreadableInvoice
from vouchers.invoices.ofd_page import deltas, hidden, numbers
from vouchers.invoices.ofd_paths import Style, outlines
from vouchers.invoices.ofd_resources import open_picture, read_resources
from vouchers.invoices.safe_xml import local_name
from vouchers.invoices.safe_zip import Package, resolve, unsafe
from vouchers.invoices.seals import Stamp, stamps
from vouchers.invoices.text import tidy

MAX_PIXELS = 12_000_000
_MIN_WIDTH, _MAX_WIDTH = 200, 3_000
_MAX_OBJECTS = 20_000
_MAX_CHARS = 60_000
_MAX_IMAGES = 60
# How often the canvas may be painted all over; forms need less than three.
_MAX_COATS = 40
_MAX_DEPTH = 8
_USUAL_SIZE = (210.0, 297.0)
# What numbers that are no places lead to.
_NONSENSE = (ValueError, OverflowError, IndexError, ZeroDivisionError)
_FONTS = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/opentype/noto/NotoSerifCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/System/Library/Fonts/PingFang.ttc",
)
# Simplified Chinese within the collections of Noto: with letters half as wide as characters, or as they come.
_FACES = (7, 2, 0)


class _Matrix(NamedTuple):
    """x' = a·x + c·y + e, y' = b·x + d·y + f."""

    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 1.0
    e: float = 0.0
    f: float = 0.0

    def at(self, x: float, y: float) -> tuple[float, float]:
        return self.a * x + self.c * y + self.e, self.b * x + self.d * y + self.f

    def within(self, outer: _Matrix) -> _Matrix:
        """This transformation first, then `outer`."""
        e, f = outer.at(self.e, self.f)
        return _Matrix(
            outer.a * self.a + outer.c * self.b,
            outer.b * self.a + outer.d * self.b,
            outer.a * self.c + outer.c * self.d,
            outer.b * self.c + outer.d * self.d,
            e,
            f,
        )

    @property
    def scale(self) -> float:
        return float(abs(self.a * self.d - self.b * self.c) ** 0.5)


def draw(content: bytes, page: int, width: int) -> Image.Image:
    """The page (counted from 0) of an OFD, `width` pixels wide within bounds, as an RGB picture.

    Raises UnreadableInvoice: what unsafe packages raise, and `page_missing`.
    """
    package = Package(content)
    try:
        document = _Document(package)
        if not 0 <= page < len(document.pages):
            raise UnreadableInvoice("page_missing", f"这个文件没有第 {page + 1} 页。")
        canvas = _paint(document, page, width)
        for stamp in stamps(package):
            if stamp.page == document.pages[page][0]:
                _press(canvas, document, page, stamp)
        return canvas
    except _NONSENSE as error:
        raise unsafe("内部的图形数据不正常") from error


class _Document:
    """The parts that paint: pages, templates, annotations, styles and pictures, by where they lie."""

    def __init__(self, package: Package):
        self.package = package
        bodies = package.xml("OFD.xml").findall("{*}DocBody")
        self.path = resolve("OFD.xml", tidy((bodies[0].findtext("{*}DocRoot") if bodies else None) or "?"))
        root = package.xml(self.path)
        self.usual = _box(root.find("{*}CommonData/{*}PageArea"))
        self.pages = [
            (page.get("ID", ""), resolve(self.path, page.get("BaseLoc") or "?"))
            for page in root.iterfind("{*}Pages/{*}Page")
        ][:200]
        self.templates = {
            part.get("ID", ""): resolve(self.path, part.get("BaseLoc") or "?")
            for part in root.iterfind("{*}CommonData/{*}TemplatePage")
        }
        self.resources = read_resources(package, self.path, root)
        location = tidy(root.findtext("{*}Annotations") or "")
        self._annotations = resolve(self.path, location) if location else ""

    def box(self, page: int) -> tuple[float, float, float, float]:
        """The paper of a page in mm: left, top, width, height."""
        root = self.package.xml(self.pages[page][1])
        return _box(root.find("{*}Area")) or self.usual or (0.0, 0.0, *_USUAL_SIZE)

    def appearances(self, page: str) -> list[etree._Element]:
        """The pictures of the annotations on the page of that id: watermarks and stamps."""
        if self._annotations not in self.package.paths:
            return []
        found = []
        for listed in self.package.xml(self._annotations).iterfind("{*}Page"):
            location = tidy(listed.findtext("{*}FileLoc") or "")
            path = resolve(self._annotations, location) if location else ""
            if listed.get("PageID") == page and path in self.package.paths:
                found += self.package.xml(path).findall("{*}Annot/{*}Appearance")
        return found[:_MAX_IMAGES]


def _paint(document: _Document, page: int, width: int) -> Image.Image:
    name, path = document.pages[page]
    root = document.package.xml(path)
    left, top, across, down = document.box(page)
    if across <= 0 or down <= 0:
        raise unsafe("内部的页面尺寸不正常")
    width = min(max(width, _MIN_WIDTH), _MAX_WIDTH)
    height = round(width * down / across)
    if height < 1 or width * height > MAX_PIXELS:
        raise unsafe("内部的页面尺寸不正常")
    pixels = width / across
    canvas = Image.new("RGB", (width, height), "white")
    painter = _Painter(document, canvas)
    start = _Matrix(pixels, 0, 0, pixels, -left * pixels, -top * pixels)
    uses = root.findall("{*}Template")[:20]
    for use in (each for each in uses if each.get("ZOrder", "Background") != "Foreground"):
        painter.part(document.templates.get(use.get("TemplateID", "")), start)
    painter.layers(root, start)
    for use in (each for each in uses if each.get("ZOrder") == "Foreground"):
        painter.part(document.templates.get(use.get("TemplateID", "")), start)
    for appearance in document.appearances(name):
        painter.block(appearance, _placed(appearance, start), Style(), 0)
    return canvas


def _press(canvas: Image.Image, document: _Document, page: int, stamp: Stamp) -> None:
    """A seal's picture on the page, its white transparent. One that cannot be painted is left out."""
    try:
        paper_left, paper_top, across, _ = document.box(page)
        x, y, width, height = numbers(stamp.boundary)
        pixels = canvas.width / across
        size = max(1, round(width * pixels)), max(1, round(height * pixels))
        picture = _stamp_picture(stamp, size[0]) if size[0] <= canvas.width and size[1] <= canvas.height else None
    except (UnreadableInvoice, *_NONSENSE):
        return
    if picture is None:
        return
    left, top = round((x - paper_left) * pixels), round((y - paper_top) * pixels)
    shown = Image.new("RGBA", size, "white")
    shown.alpha_composite(picture.resize(size, Image.Resampling.LANCZOS))
    under = canvas.crop((left, top, left + size[0], top + size[1]))
    canvas.paste(ImageChops.darker(under, shown.convert("RGB")), (left, top))


def _stamp_picture(stamp: Stamp, width: int) -> Image.Image | None:
    """The picture of a seal, which may be an OFD of its own."""
    if stamp.kind != "ofd":
        return open_picture(stamp.picture)
    inner = _Document(Package(stamp.picture))
    return _paint(inner, 0, width).convert("RGBA") if inner.pages else None


class _Painter:
    """Paints parts onto one canvas, within caps on what no page has that much of."""

    def __init__(self, document: _Document, canvas: Image.Image):
        self._document = document
        self._canvas = canvas
        self._pen = ImageDraw.Draw(canvas)
        self._objects = self._chars = self._images = 0
        self._ink = _MAX_COATS * canvas.width * canvas.height
        self._fonts: dict[int, ImageFont.FreeTypeFont | ImageFont.ImageFont] = {}

    def _spend(self, pixels: float) -> None:
        """Count what is painted, on top of each other too: a page of a thousand full pictures costs minutes."""
        self._ink -= int(pixels)
        if self._ink < 0:
            raise unsafe("包含的图形远超一张发票应有的数量")

    def part(self, path: str | None, matrix: _Matrix) -> None:
        """A template; one that is not there paints nothing."""
        if path in self._document.package.paths:
            self.layers(self._document.package.xml(path), matrix)

    def layers(self, root: etree._Element, matrix: _Matrix) -> None:
        """Every layer of a page or template."""
        for layer in root.iterfind("{*}Content/{*}Layer"):
            self.block(layer, matrix, self._document.resources.styles.of(layer.get("DrawParam"), Style()), 0)

    def block(self, block: etree._Element, matrix: _Matrix, style: Style, depth: int) -> None:
        """The objects of a layer, a block within it or an annotation, in order."""
        for element in block:
            self._objects += 1
            if self._objects > _MAX_OBJECTS or depth > _MAX_DEPTH:
                raise unsafe("包含的图形远超一张发票应有的数量")
            if hidden(element):
                continue
            kind = local_name(element)
            if kind == "PageBlock":
                self.block(element, matrix, style, depth + 1)
                continue
            own = self._document.resources.styles.of(element.get("DrawParam"), style).changed_by(element)
            if kind == "TextObject":
                self._text(element, _placed(element, matrix), own)
            elif kind == "PathObject":
                self._path(element, _placed(element, matrix), own)
            elif kind == "ImageObject":
                self._image(element, _placed(element, matrix))

    def _text(self, element: etree._Element, matrix: _Matrix, style: Style) -> None:
        size = numbers(element.get("Size") or "3.175")[0] * matrix.scale
        if not 1 <= size <= 400:
            return
        font, colour = self._font(round(size)), style.fill or (0, 0, 0)
        x = y = 0.0
        for code in element.iterchildren("{*}TextCode"):
            text = "".join(str(part) for part in code.itertext())
            text = text.strip() if "\n" in text else text
            x, y = numbers(f"{code.get('X') or x} {code.get('Y') or y}")
            self._chars += len(text)
            if self._chars > _MAX_CHARS:
                raise unsafe("包含的文字远超一张发票应有的数量")
            self._spend(len(text) * size * size)
            for place, char in zip(_places(code, text, x, y, size / matrix.scale), text, strict=True):
                if not char.isspace():
                    self._pen.text(matrix.at(*place), char, fill=colour, font=font, anchor="ls")

    def _font(self, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
        if size not in self._fonts:
            self._fonts[size] = _font(size)
        return self._fonts[size]

    def _path(self, element: etree._Element, matrix: _Matrix, style: Style) -> None:
        thickness = max(1, round(style.line_width * matrix.scale))
        stroked, filled = element.get("Stroke") != "false", element.get("Fill") == "true"
        for points, closed in outlines(element.findtext("{*}AbbreviatedData") or ""):
            places = [matrix.at(x, y) for x, y in points]
            self._spend(self._covered(places, thickness))
            if filled and style.fill is not None and len(places) > 2:
                self._pen.polygon(places, fill=style.fill)
            if stroked and len(places) > 1:
                self._pen.line(places + places[:1] if closed else places, fill=style.stroke, width=thickness)

    def _covered(self, places: list[tuple[float, float]], thickness: int) -> float:
        """How many pixels of the canvas an outline can touch at most."""
        across, down = ([place[axis] for place in places] for axis in (0, 1))
        width = min(max(across) - min(across) + thickness, self._canvas.width)
        height = min(max(down) - min(down) + thickness, self._canvas.height)
        return max(width, 1.0) * max(height, 1.0)

    def _image(self, element: etree._Element, matrix: _Matrix) -> None:
        """The picture on the unit square of its matrix, upright."""
        path = self._document.resources.media.get(element.get("ResourceID", ""), "")
        self._images += 1
        if path not in self._document.package.paths or self._images > _MAX_IMAGES:
            return
        (x1, y1), (x2, y2) = matrix.at(0, 0), matrix.at(1, 1)
        left, top = round(min(x1, x2)), round(min(y1, y2))
        size = max(1, round(abs(x2 - x1))), max(1, round(abs(y2 - y1)))
        if size[0] > self._canvas.width * 2 or size[1] > self._canvas.height * 2:
            return
        picture = open_picture(self._document.package.content(path))
        self._spend(size[0] * size[1] + (picture.width * picture.height if picture else 0))
        if picture is not None:
            picture = picture.resize(
                size, Image.Resampling.LANCZOS if size[0] < picture.width else Image.Resampling.NEAREST
            )
            self._canvas.paste(picture, (left, top), picture)


def _places(code: etree._Element, text: str, x: float, y: float, size: float) -> Iterator[tuple[float, float]]:
    """Where each character of a text begins; the last distance given goes on."""
    across, down = deltas(code.get("DeltaX", ""), len(text)), deltas(code.get("DeltaY", ""), len(text))
    for index, char in enumerate(text):
        yield x, y
        if index < len(across):
            x += across[index]
        elif across:
            x += across[-1]
        elif not down:
            x += size if char > "\u2e7f" else size / 2
        y += down[index] if index < len(down) else 0.0


def _placed(element: etree._Element, outer: _Matrix) -> _Matrix:
    """The transformation of an object's own coordinates: its CTM, then its boundary's place."""
    left, top, *_ = numbers(element.get("Boundary") or "0 0 0 0")
    own = element.get("CTM")
    a, b, c, d, e, f = numbers(own) if own else _Matrix()
    return _Matrix(a, b, c, d, e, f).within(_Matrix(e=left, f=top)).within(outer)


def _box(area: etree._Element | None) -> tuple[float, float, float, float] | None:
    text = area.findtext("{*}PhysicalBox") if area is not None else None
    if not text:
        return None
    left, top, width, height = numbers(text)
    return left, top, width, height


@lru_cache(maxsize=64)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    path = next((path for path in _FONTS if Path(path).is_file()), "")
    for face in _FACES if "Noto" in path else _FACES[-1:]:
        try:
            return ImageFont.truetype(path, size, index=face)
        except OSError:
            continue
    return ImageFont.load_default(size)
