"""A zip from strangers, read into memory under caps; nothing is ever extracted.

The archive must fill the file from the first byte to the last, and say one thing only: a file that other
programs could read differently (a polyglot, a second member of the same name, local headers that disagree
with the directory) is refused.
"""

from __future__ import annotations

import io
import posixpath
import stat
import struct
import zipfile
import zlib

from lxml import etree

from vouchers.invoices.invoice import UnreadableInvoice
from vouchers.invoices.safe_xml import MAX_XML_BYTES, parse

MAX_ENTRIES = 2_000
MAX_TOTAL_BYTES = 64 * 2**20
# A directory entry is 46 bytes and a name; this much is room for MAX_ENTRIES of them.
_MAX_DIRECTORY_BYTES = MAX_ENTRIES * 512
# Parsed nodes of all parts together, by their "<".
_MAX_MARKS = 400_000
_LONGEST_NAME = 500
# A member that unpacks to more than this may not do so at a ratio that no drawing and no font reaches.
_ROOMY, _MAX_RATIO = 4 * 2**20, 200

_END = struct.Struct("<4s4H2LH")
_LOCAL = struct.Struct("<4s5H3L2H")
_ZIP64 = struct.Struct("<2H2Q")
_IN_ZIP64 = 0xFFFFFFFF
_ENCRYPTED, _SIZES_FOLLOW = 0x1, 0x8
_LONGEST_TRAILER = 24
_READABLE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError, struct.error)


class Package:
    """The members of a zip, by normalised path. Raises UnreadableInvoice: `ofd_damaged`, `ofd_unsafe`."""

    def __init__(self, content: bytes):
        directory = _check_frame(content)
        try:
            members = zipfile.ZipFile(io.BytesIO(content)).infolist()
        except _BROKEN as error:
            raise _damaged() from error
        if len(members) != directory.entries:
            raise _damaged()
        _check_members(members)
        self._content = content
        self._starts = _checked_spans(content, members, directory.offset)
        self._members = _by_path(members)
        self._bytes_left = MAX_TOTAL_BYTES
        self._marks_left = _MAX_MARKS

    @property
    def paths(self) -> tuple[str, ...]:
        """The normalised path of every member."""
        return tuple(self._members)

    def xml(self, path: str) -> etree._Element:
        """The root element of the member at `path`. Each reading counts against the caps of the whole."""
        content = self._read(path, MAX_XML_BYTES)
        self._marks_left -= content.count(b"<")
        if self._marks_left < 0:
            raise unsafe("包含的内容远超一张发票应有的数量")
        return parse(content)

    def size(self, path: str) -> int:
        """How large the member at `path` is unpacked; 0 where there is none."""
        member = self._members.get(path)
        return member.file_size if member else 0

    def content(self, path: str) -> bytes:
        """The bytes of the member at `path`, a picture or a font included, counted against the caps of the whole."""
        return self._read(path, MAX_TOTAL_BYTES)

    def _read(self, path: str, limit: int) -> bytes:
        member = self._members.get(path)
        if member is None:
            raise _damaged()
        if member.file_size > limit:
            raise unsafe("解压后的内容过大")
        content = self._unpacked(member)
        self._bytes_left -= len(content)
        if self._bytes_left < 0:
            raise unsafe("解压后的内容过大")
        return content

    def _unpacked(self, member: zipfile.ZipInfo) -> bytes:
        """The member's bytes, no more than it states. (The zip module's own way costs five times as much a member.)"""
        start = self._starts[member.header_offset]
        packed = self._content[start : start + member.compress_size]
        try:
            plain = (
                zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, member.file_size + 1)
                if member.compress_type == zipfile.ZIP_DEFLATED
                else packed
            )
        except zlib.error as error:
            raise _damaged() from error
        if len(plain) != member.file_size or zlib.crc32(plain) != member.CRC:
            raise _damaged()
        return plain


def resolve(base: str, location: str) -> str:
    """The member that `location`, written in the member `base`, points to. Raises `ofd_unsafe` outside the package."""
    if not location or "\\" in location or "\0" in location:
        raise unsafe("内部的文件位置不正常")
    folder = "" if location.startswith("/") else posixpath.dirname(base)
    path = posixpath.normpath(posixpath.join(folder, location.lstrip("/")))
    if path.startswith("..") or path in (".", ""):
        raise unsafe("内部的文件位置指向文件之外")
    return path


class _Directory:
    """Where the directory of the zip starts and how many entries it has."""

    def __init__(self, entries: int, offset: int):
        self.entries = entries
        self.offset = offset


def _check_frame(content: bytes) -> _Directory:
    """The end record must be the file's last bytes and the directory must lie right before it."""
    end = len(content) - _END.size
    if end < 0 or b"PK\5\6" not in content[-65_600:]:
        raise _damaged()
    mark, disk, first_disk, here, entries, size, offset, comment = _END.unpack_from(content, end)
    if mark != b"PK\5\6" or comment or offset + size != end or content[end - 20 : end - 16] == b"PK\6\7":
        raise unsafe("首尾带有不属于 OFD 的内容")
    if disk or first_disk or here != entries:
        raise _damaged()
    if entries > MAX_ENTRIES or size > _MAX_DIRECTORY_BYTES:
        raise unsafe("包含的文件过多")
    return _Directory(entries, offset)


def _check_members(members: list[zipfile.ZipInfo]) -> None:
    for member in members:
        if member.flag_bits & _ENCRYPTED:
            raise UnreadableInvoice("ofd_encrypted", "文件已加密，无法读取。请上传税务平台下载的、未加密的原文件。")
        if member.compress_type not in _READABLE:
            raise _damaged()
        parts = member.filename.split("/")
        odd = {"\\", "\0"} & set(member.orig_filename) or len(member.filename) > _LONGEST_NAME
        if member.filename.startswith("/") or ".." in parts or odd or stat.S_ISLNK(member.external_attr >> 16):
            raise unsafe("内部的文件名不正常")
        if member.file_size > max(_ROOMY, _MAX_RATIO * member.compress_size):
            raise unsafe("解压后的内容过大")
    if sum(member.file_size for member in members) > MAX_TOTAL_BYTES:
        raise unsafe("解压后的内容过大")


def _checked_spans(content: bytes, members: list[zipfile.ZipInfo], directory: int) -> dict[int, int]:
    """Where the bytes of each member begin, by the offset of its header. Members lie side by side from byte 0 to the
    directory, and their own headers repeat what it says."""
    starts: dict[int, int] = {}
    expected = 0
    slack = 0
    for member in sorted(members, key=lambda member: member.header_offset):
        start = member.header_offset
        if not expected <= start <= expected + slack or start + _LOCAL.size > directory:
            raise unsafe("内部结构重叠或留有空隙")
        mark, _, flags, method, _, _, crc, packed, size, name, extra = _LOCAL.unpack_from(content, start)
        stated = (method, crc, *_local_sizes(content, start + _LOCAL.size + name, extra, packed, size))
        follows = bool(flags & _SIZES_FOLLOW)
        if mark != b"PK\3\4" or follows != bool(member.flag_bits & _SIZES_FOLLOW):
            raise _damaged()
        if not follows and stated != (member.compress_type, member.CRC, member.compress_size, member.file_size):
            raise unsafe("内部的目录与内容不符")
        starts[start] = start + _LOCAL.size + name + extra
        expected = starts[start] + member.compress_size
        slack = _LONGEST_TRAILER if follows else 0
    if not expected <= directory <= expected + slack:
        raise unsafe("内部结构重叠或留有空隙")
    return starts


def _local_sizes(content: bytes, extra: int, length: int, packed: int, size: int) -> tuple[int, int]:
    """Packed and plain size of a local header; some writers put them into a leading zip64 field."""
    if packed == size == _IN_ZIP64 and length >= _ZIP64.size:
        kind, _, plain, packed_64 = _ZIP64.unpack_from(content, extra)
        if kind == 1:
            return packed_64, plain
    return packed, size


def _by_path(members: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """Members by path; two that some system could take for one are refused."""
    paths: dict[str, zipfile.ZipInfo] = {}
    seen: set[str] = set()
    for member in members:
        path = posixpath.normpath(member.filename)
        if path.casefold() in seen:
            raise unsafe("含有重名的文件")
        seen.add(path.casefold())
        if not member.is_dir():
            paths[path] = member
    return paths


def _damaged() -> UnreadableInvoice:
    return UnreadableInvoice(
        "ofd_damaged", "OFD 文件不完整或已损坏，无法读取。请从税务平台重新下载原文件后再上传，不要用其他软件改存。"
    )


def unsafe(what: str) -> UnreadableInvoice:
    """The refusal of an archive whose structure is `what`."""
    return UnreadableInvoice("ofd_unsafe", f"OFD 文件{what}，为安全起见不予读取。请从税务平台重新下载原文件后再上传。")
