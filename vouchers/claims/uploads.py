"""What may be uploaded: the kinds of file, told by their bytes and never by their name, and how much of it."""

from __future__ import annotations

import io
import logging
import zipfile

from django.conf import settings
from django.db.models import Sum

from applicants.models import Organisation
from vouchers.claims.intake import ClaimError
from vouchers.claims.papers import Attachment
from vouchers.documents.clamd import ScannerDown, virus_in
from vouchers.invoices import UnreadableInvoice, guard

MOST_FILES = 300
MOST_BYTES = 2 * 1024**3
MOST_AT_ONCE = 40
# Of an office document or OFD file: what its directory says that it unpacks to.
MOST_PARTS = 10_000
MOST_UNPACKED = 300 * 1024**2

_REFUSED = ("empty_file", "too_large", "too_costly", "reader_busy")
_log = logging.getLogger(__name__)
_PAPERS = ("pdf", "ofd", "xml", "jpg", "png", "webp")
# Contracts and lists of use also come as office documents.
_ALLOWED = {kind: _PAPERS + ("docx", "xlsx") for kind in ("contract", "usage", "other")}
_NAMES = {
    "pdf": "PDF",
    "ofd": "OFD",
    "xml": "XML",
    "jpg": "JPG",
    "png": "PNG",
    "webp": "WebP",
    "docx": "Word 文档",
    "xlsx": "Excel 表格",
    "program": "可执行程序",
    "script": "脚本程序",
    "archive": "压缩包",
    "macros": "带宏的 Office 文档",
    "bomb": "解开后大得不合常理的压缩文件",
    "old_office": "旧版 Office 文档（.doc、.xls）",
    "html": "网页",
    "picture": "这种格式的图片",
    "": "无法辨认的文件",
}
_MAGIC = (
    (b"%PDF", "pdf"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpg"),
    (b"MZ", "program"),
    (b"\x7fELF", "program"),
    (b"\xcf\xfa\xed\xfe", "program"),
    (b"#!", "script"),
    (b"Rar!", "archive"),
    (b"7z\xbc\xaf", "archive"),
    (b"\x1f\x8b", "archive"),
    (b"\xd0\xcf\x11\xe0", "old_office"),
    (b"GIF8", "picture"),
    (b"BM", "picture"),
    (b"II*\x00", "picture"),
    (b"MM\x00*", "picture"),
    (b"RIFF", "picture"),
)
_ROW = b"PK\x01\x02"
_MARKS = (("OFD.xml", "ofd"), ("word/document.xml", "docx"), ("xl/workbook.xml", "xlsx"))
_HTML = (b"<!doctype html", b"<html", b"<script")


def format_of(content: bytes) -> str:
    """What a file is by its bytes: a key of the names above, empty where nobody can tell."""
    if content.startswith(b"PK\x03\x04"):
        return _zipped(content)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "webp"
    for magic, found in _MAGIC:
        if content.startswith(magic):
            return found
    start = content[:1024].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:1] == b"<" or start.startswith((b"\xff\xfe<", b"\xfe\xff\x00<")):
        return "html" if start.lower().startswith(_HTML) else "xml"
    return "pdf" if b"%PDF-" in content[:1024] else ""


def _zipped(content: bytes) -> str:
    """Only the directory of the archive is read, nothing is unpacked."""
    # Counted before the directory is read: a row of it costs a hundred times its bytes in memory.
    if content.count(_ROW) > MOST_PARTS:
        return "bomb"
    try:
        parts = zipfile.ZipFile(io.BytesIO(content)).infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return "archive"
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
        return "bomb"
    names = {part.filename for part in parts}
    if any(name.endswith("vbaProject.bin") for name in names):
        return "macros"
    if any(name.startswith("/") or ".." in name.replace("\\", "/").split("/") for name in names):
        return "archive"
    return next((found for mark, found in _MARKS if mark in names), "archive")


def require_allowed(kind: str, name: str, content: bytes) -> None:
    """Raises `ClaimError` where the bytes of the file are not of a kind that `kind` of paper comes in."""
    allowed = _ALLOWED.get(kind, _PAPERS)
    found = format_of(content)
    if found not in allowed:
        wanted = "、".join(_NAMES[each] for each in allowed)
        raise ClaimError(
            f"文件“{name}”的内容是{_NAMES[found]}，不能作为材料上传（无论文件名后缀是什么）。请上传 {wanted} 文件。"
        )


def cleared(name: str, content: bytes) -> bool:
    """Whether the file may be used at once: no scanner is configured, or it found nothing. False while it does not
    answer. Raises `ClaimError` for a virus."""
    if not settings.CLAMD:
        return True
    try:
        found = virus_in(content, settings.CLAMD)
    except ScannerDown as down:
        _log.warning("a file waits in quarantine: %s", down)
        return False
    if found:
        raise ClaimError(
            f"文件“{name}”没有通过病毒检查（{found[:60]}），没有收下。请用杀毒软件检查电脑，再上传没有问题的原文件。"
        )
    return True


def is_dangerous(code: str) -> bool:
    """Whether a file that a reader refused with this code is not even kept: people would have to open it."""
    return code in _REFUSED or code.endswith(("_unsafe", "_active", "_encrypted", "_too_large"))


def require_harmless(name: str, content: bytes) -> None:
    """Raises `ClaimError` for a paper that nobody should open: locked, with scripts, or made to cost too much.

    A file that is merely broken is kept: whoever looks at it says so.
    """
    if format_of(content) not in ("pdf", "ofd", "jpg", "png", "webp"):
        return
    try:
        guard.page_count(content)
    except UnreadableInvoice as unread:
        if is_dangerous(unread.code):
            raise ClaimError(f"文件“{name}”{_words_on(unread.code)}") from unread


def _words_on(code: str) -> str:
    if code == "reader_busy":
        return "还没有收下：现在上传的人较多。请过一两分钟再上传一次。"
    if code.endswith("_encrypted"):
        return "设有密码或加密保护，审核人员打不开，没有收下。请去掉密码和保护后重新上传。"
    if code.endswith("_active"):
        return "含有脚本或会启动程序的内容，为安全起见没有收下。请打印成普通 PDF 后重新上传。"
    if code == "image_too_large":
        return "像素过多，没有收下。请把图片缩小到 4000 万像素以内，内容清晰可辨即可。"
    return "的内部结构不正常，或打开它太费时间，为安全起见没有收下。请重新导出或扫描后上传。"


def require_room(claim_id: int | None, organisation_id: int, size: int) -> None:
    """Raises `ClaimError` when the claim has as many files, or the organisation as many bytes, as there may be."""
    if claim_id is not None and Attachment.objects.filter(claim=claim_id).count() >= MOST_FILES:
        raise ClaimError(f"一件申请最多 {MOST_FILES} 个文件，现在已满。请合并材料，或移除用不到的文件后再上传。")
    # Uploads to two claims of one organisation wait for each other: both would find the same room.
    Organisation.objects.select_for_update(no_key=True).get(pk=organisation_id)
    used = Attachment.objects.filter(organisation=organisation_id).aggregate(total=Sum("size", default=0))["total"]
    if used + size > MOST_BYTES:
        raise ClaimError(
            f"本单位的材料总共最多 2 GB，现在已用 {used / 2**20:.0f} MB，放不下这个文件（{size / 2**20:.1f} MB）。"
            "请移除用不到的文件，或压缩后再上传。"
        )
