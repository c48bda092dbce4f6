"""Whether a file is one file: bytes before its beginning or after its end may be a second one.

An OFD and an XML must fill their file, or they are refused. A PDF may carry more after its end and still be read
by every program, so it is flagged instead.
"""

from __future__ import annotations

from vouchers.invoices.invoice import Warning

# Writers end a PDF with a line's end, some with several, a few with zeros up to a block.
_BLANK = b"\r\n\t \0\x1a"


def surplus(content: bytes) -> int:
    """How many bytes of a PDF, PNG, JPEG or WebP stand before its beginning or after its end; 0 for other files."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return len(content[_end_of_png(content) :].strip(_BLANK))
    if content.startswith(b"\xff\xd8\xff"):
        return len(content[_end_of_jpeg(content) :].strip(_BLANK))
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        size = int.from_bytes(content[4:8], "little") + 8
        return len(content[size + size % 2 :].strip(_BLANK))
    start = content[:1024].find(b"%PDF-")
    return _around_pdf(content, start) if start >= 0 else 0


def surplus_warning(content: bytes) -> tuple[Warning, ...]:
    """The warning `trailing_bytes`, or none."""
    found = surplus(content)
    if not found:
        return ()
    return (
        Warning(
            "trailing_bytes",
            f"文件首尾带有 {found} 字节不属于这张发票的内容，文件可能被改动或拼接过。请从税务平台重新下载原文件核对。",
        ),
    )


def _around_pdf(content: bytes, start: int) -> int:
    end = content.rfind(b"%%EOF")
    before = len(content[:start].removeprefix(b"\xef\xbb\xbf").strip(_BLANK))
    return before + (len(content[end + 5 :].strip(_BLANK)) if end > start else 0)


def _end_of_png(content: bytes) -> int:
    """The first byte after the chunk IEND; the file's end where chunks do not lead there."""
    at = 8
    while at + 12 <= len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        kind = content[at + 4 : at + 8]
        at += 12 + size
        if kind == b"IEND":
            return at
    return len(content)


def _end_of_jpeg(content: bytes) -> int:
    """The first byte after the mark of the image's end; the file's end where none is found."""
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        kind = content[at + 1]
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        if kind == 0xDA:
            at = _end_of_scan(content, at)
            if content[at : at + 2] == b"\xff\xd9":
                return at + 2
    return len(content)


def _end_of_scan(content: bytes, at: int) -> int:
    """The next mark after the scan that begins at `at`: inside a scan 0xFF is followed by 0 or a restart mark."""
    while (at := content.find(b"\xff", at)) >= 0:
        following = content[at + 1 : at + 2]
        if following and following != b"\0" and following != b"\xff" and not b"\xd0" <= following <= b"\xd7":
            return at
        at += 1
    return len(content)
