"""Pictures of paper: opened under a cap of pixels, upright, without whatever else their file carried."""

from __future__ import annotations

import io
import warnings

import PIL.Image
import PIL.ImageOps

from vouchers.invoices.invoice import UnreadableInvoice

# More than any scanner or camera in use gives; a small file may claim thousands of times as many.
MAX_PIXELS = 40_000_000
_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")
# A mode that holds whatever is drawn, without the palette or the transparency that the file may have had.
_MODE = "RGB"


def open_image(content: bytes) -> PIL.Image.Image:
    """The picture in `content` as plain RGB, turned upright, transparent places white.

    Raises UnreadableInvoice: `image_too_large` beyond MAX_PIXELS, `image_damaged` for what does not decode whole.
    """
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
