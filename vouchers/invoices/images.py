"""Pictures of paper: opened under a cap of pixels, upright, without whatever else their file carried."""

from __future__ import annotations

import io
import re
import struct
import warnings

import PIL.Image
import PIL.ImageOps

from vouchers.invoices.invoice import UnreadableInvoice, Warning

# More than any scanner or camera in use gives; a small file may claim thousands of times as many.
MAX_PIXELS = 40_000_000
_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")
# A mode that holds whatever is drawn, without the palette or the transparency that the file may have had.
_MODE = "RGB"
# How another file begins that somebody could open: behind a picture it makes one file that is two.
_OTHER_FILE = re.compile(rb"%PDF-|PK\x03\x04|Rar!|7z\xbc\xaf|\x1f\x8b\x08|MZ|\x7fELF|\xd0\xcf\x11\xe0|<[!?a-zA-Z]|#!")
_PNG = b"\x89PNG\r\n\x1a\n"
# A mark of a JPEG that begins a segment or ends the picture; the others stand inside what is drawn.
_MARK = re.compile(rb"\xff[^\x00\x01\xff\xd0-\xd8]", re.DOTALL)
# What tools pad files with, and what cameras put behind a JPEG: further pictures, notes of their own.
_PADDING = b"\r\n\t \x00\x1a"
_MORE_OF_A_CAMERA = b"\xff\xd8\xff"
_FEW_PICTURES = 8


def open_image(content: bytes) -> PIL.Image.Image:
    """The picture in `content` as plain RGB, turned upright, transparent places white.

    Raises UnreadableInvoice: `image_too_large` beyond MAX_PIXELS, `image_damaged` for what does not decode whole,
    `image_unsafe` where another file follows the picture.
    """
    if _OTHER_FILE.match(after_the_end(content)):
        raise UnreadableInvoice(
            "image_unsafe",
            "这张图片的末尾还藏有另一个文件，为安全起见不能使用。请重新拍照或扫描，保存为 JPG 或 PNG 后再上传。",
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", PIL.Image.DecompressionBombWarning)
            with PIL.Image.open(io.BytesIO(content), formats=_FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise _too_large()
                return _plain(PIL.ImageOps.exif_transpose(image))
    except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning) as error:
        raise _too_large() from error
    except UnreadableInvoice:
        raise
    except Exception as error:  # decoders of many formats fail in many ways on damaged files
        raise UnreadableInvoice(
            "image_damaged", "这张图片已损坏或格式不受支持，无法打开。请重新拍照或扫描后，保存为 JPG 或 PNG 再上传。"
        ) from error


def after_the_end(content: bytes) -> bytes:
    """What stands in the file after the picture's own end, without padding: nothing in a picture as it was made.

    Further pictures of the same camera are no doubt; nor is a format that does not say where it ends.
    """
    rest = content[_end(content) :].strip(_PADDING)
    for _ in range(_FEW_PICTURES):
        if not rest.startswith(_MORE_OF_A_CAMERA):
            break
        rest = rest[_end(rest) :].strip(_PADDING)
    return rest


def end_doubts(content: bytes) -> list[Warning]:
    """A doubt about bytes that stand after the picture's end."""
    if not after_the_end(content):
        return []
    return [
        Warning("trailing_bytes", "图片结尾之后还有多余的内容，文件可能被改动过。请对照原件核对，或重新拍照、扫描。")
    ]


def _end(content: bytes) -> int:
    """Where the picture ends; the file's own end where its format does not say, or it is cut short."""
    try:
        if content.startswith(_PNG):
            return _end_of_png(content)
        if content.startswith(b"\xff\xd8"):
            return _end_of_jpeg(content)
        if content[:4] == b"RIFF":
            size = int.from_bytes(content[4:8], "little")
            return 8 + size + size % 2
        if content[:2] == b"BM":
            return max(int.from_bytes(content[2:6], "little"), 26)
    except struct.error:
        pass  # cut short: opening it says so
    return len(content)


def _end_of_png(content: bytes) -> int:
    at, kind = len(_PNG), b""
    while kind != b"IEND":
        size, kind = struct.unpack_from(">I4s", content, at)
        at += 12 + size
    return at


def _end_of_jpeg(content: bytes) -> int:
    """Past the mark of the end: segments are skipped by their lengths, what is drawn by looking for the next mark."""
    at = 2
    while mark := _MARK.search(content, at):
        at = mark.end()
        if mark.group() == b"\xff\xd9":
            return at
        at += struct.unpack_from(">H", content, at)[0]
    return len(content)


def png(image: PIL.Image.Image) -> bytes:
    """`image` as a PNG file, anew from its pixels: nothing of the file it came from is in it."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _plain(image: PIL.Image.Image) -> PIL.Image.Image:
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        see_through = image.convert("RGBA")
        ground = PIL.Image.new(_MODE, image.size, "white")
        ground.paste(see_through, mask=see_through.getchannel("A"))
        return ground
    plain = image.convert(_MODE)
    plain.info.clear()
    return plain


def _too_large() -> UnreadableInvoice:
    return UnreadableInvoice(
        "image_too_large",
        f"图片超过 {MAX_PIXELS // 1_000_000} 百万像素的上限。请把图片缩小后再上传，发票内容清晰可辨即可。",
    )
