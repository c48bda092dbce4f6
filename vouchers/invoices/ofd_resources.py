"""What the pages of an OFD share: drawing parameters and pictures, by id."""

from __future__ import annotations

import io
import posixpath
from dataclasses import dataclass, field

from lxml import etree
from PIL import Image

from vouchers.invoices.ofd_paths import Styles
from vouchers.invoices.qr import Payload, decode, parse
from vouchers.invoices.safe_zip import Package, resolve
from vouchers.invoices.text import tidy

_MAX_PARTS = 20
_MAX_PIXELS = 20_000_000
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF")
# Pictures that cannot be opened are left out: the text is what counts.
_NO_PICTURE = (OSError, ValueError, SyntaxError, Image.DecompressionBombError, EOFError)
# A QR code is square, and small.
_MAX_CODES, _MAX_CODE_BYTES, _MAX_CODE_EDGE = 6, 500_000, 1_500


@dataclass(slots=True)
class Resources:
    """Drawing parameters, and the path of every picture by its id."""

    styles: Styles = field(default_factory=Styles)
    media: dict[str, str] = field(default_factory=dict)


def read_resources(package: Package, path: str, root: etree._Element) -> Resources:
    """The resources of the document whose part `root` lies at `path`. Raises UnreadableInvoice."""
    resources = Resources()
    for kind in ("PublicRes", "DocumentRes"):
        for each in root.findall(f"{{*}}CommonData/{{*}}{kind}")[:_MAX_PARTS]:
            part = resolve(path, tidy(each.text or "?"))
            if part in package.paths:
                _add(resources, part, package.xml(part))
    return resources


def code_payload(package: Package, resources: Resources) -> Payload | None:
    """What the invoice's QR code says, where one of the pictures is that code."""
    paths = [path for path in dict.fromkeys(resources.media.values()) if 0 < package.size(path) <= _MAX_CODE_BYTES]
    for path in paths[:_MAX_CODES]:
        picture = _square(package.content(path))
        for text in decode(picture) if picture else ():
            if payload := parse(text):
                return payload
    return None


def _square(content: bytes) -> Image.Image | None:
    """A picture in grey that may be a QR code by its shape; others are not even unpacked."""
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as opened:
            width, height = opened.size
            fits = max(width, height) <= _MAX_CODE_EDGE and 0.8 < width / height < 1.25
            return opened.convert("L") if fits else None
    except _NO_PICTURE:
        return None


def open_picture(content: bytes) -> Image.Image | None:
    """A picture with its transparency, or None for what is none or too large."""
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as opened:
            return opened.convert("RGBA") if opened.width * opened.height <= _MAX_PIXELS else None
    except _NO_PICTURE:
        return None


def _add(resources: Resources, path: str, root: etree._Element) -> None:
    base = root.get("BaseLoc") or ""
    for element in root.iterfind("{*}DrawParams/{*}DrawParam"):
        resources.styles.add(element)
    for element in root.iterfind("{*}MultiMedias/{*}MultiMedia"):
        name = tidy(element.findtext("{*}MediaFile") or "")
        if name:
            resources.media[element.get("ID", "")] = resolve(path, posixpath.join(base, name))
