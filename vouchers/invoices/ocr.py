"""Scans and photos of invoices: the QR code first, then OCR, whose boxes go through the same layout as any page.

An optional extra (RapidOCR with the models in its wheel; no network): `available` says whether it is there. What
comes out is a suggestion for a person to compare with the original; it is never entered by itself.
"""

from __future__ import annotations

import functools
import importlib.util
import re
import statistics
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import PIL.Image

from vouchers.invoices.assemble import assemble
from vouchers.invoices.images import end_doubts, open_image
from vouchers.invoices.invoice import FIELD_NAMES, Invoice, Printed, UnreadableInvoice, Warning
from vouchers.invoices.kinds import kind_of
from vouchers.invoices.layout import Layout, read_layout
from vouchers.invoices.pdf_file import opened, picture
from vouchers.invoices.qr import Payload, decode, filled_in, parse
from vouchers.invoices.reading import carrier_of, refuse_size
from vouchers.invoices.text import fen, unspaced
from vouchers.invoices.tokens import Token
from vouchers.invoices.witnesses import comparable
from vouchers.money import yuan

# What `read` says of files that have pictures of text only: those this can help with.
PICTURES = "scan"
# What a name reads as that could not be made out, so that the rest is not lost.
UNREAD = "（未识别）"
_MAX_PAGES = 3
# A4 at 200 dpi; more pixels only cost more.
_LONGER_SIDE = 2_340
# Both forms, and A4, are this wide; their type is this high, with the margin that OCR boxes have.
_PAGE_MM, _TYPE_MM = 210.0, 3.9
# Further from the paper's usual width than this, the picture shows more or less than the paper.
_ODD = 1.4
# Of a box: the share of it that is type, and how far above its lower edge the baseline is.
_TYPE, _BASE = 0.8, 0.2
_LEAST_SURE = 0.5
# Words the forms print upright beside a block; other upright text (下载次数) belongs to no field.
_UPRIGHT = frozenset("购买销售方信息密码区备注货单位")
# The forms set the two letters of 合计 far apart, and one of them is easily missed.
_SUM = ("合", "计")
# Numbers that the paper forms print without a label.
_BARE_NUMBER, _BARE_CODE = re.compile(r"(?:N[oO0][.:]?)?([0-9]{8})"), re.compile(r"([0-9]{10}|[0-9]{12})")


def available() -> bool:
    """Whether the extra is installed here."""
    return all(importlib.util.find_spec(name) for name in ("rapidocr", "onnxruntime"))


def load() -> None:
    """Have the models in memory before the first picture comes."""
    _engine()


def read_scan(content: bytes) -> Invoice:
    """What an image, or a PDF without text, shows. Every field is doubtful until a person has compared it.

    Raises UnreadableInvoice, like `read`; `ocr_missing` without the extra.
    """
    refuse_size(len(content))
    if not available():
        raise UnreadableInvoice("ocr_missing", "本系统没有安装图片识别功能，请对照原件人工填写这张发票。")
    carrier = carrier_of(content)
    if carrier not in ("image", "pdf"):
        raise UnreadableInvoice(
            "not_an_invoice", "这个文件不是图片或 PDF，不能识别。请上传扫描件、照片或电子发票原文件。"
        )
    images = list(_images(content, carrier))
    payload = _payload(images)
    pages = [_tokens(image) for image in images]
    layout = read_layout(pages)
    warnings = [Warning("ocr", "以下内容由图片识别得出，可能有错字，请逐项对照原件核对。")]
    if carrier == "image":
        warnings += end_doubts(content)
    fields = _fields(layout, payload, warnings)
    _fill_in(fields, layout, pages)
    kind = kind_of(layout.title, layout.legacy, warnings, payload.kind if payload else "")
    printed = Printed(carrier=carrier, kind=kind, fields=fields, lines=layout.table.rows, warnings=warnings)
    sizes = [(_PAGE_MM, _PAGE_MM * image.height / image.width) for image in images]
    return replace(assemble(printed), boxes=layout.boxes(sizes))


def _images(content: bytes, carrier: str) -> Iterator[PIL.Image.Image]:
    """The pages as pictures, none larger than OCR has use for."""
    if carrier == "image":
        image = open_image(content)
        image.thumbnail((_LONGER_SIDE, _LONGER_SIDE))
        yield image
        return
    with opened(content) as document:
        for number in range(min(len(document), _MAX_PAGES)):
            yield picture(document[number], _LONGER_SIDE).convert("RGB")


def _payload(images: list[PIL.Image.Image]) -> Payload | None:
    """What the first QR code of an invoice says."""
    texts = (text for image in images for text in decode(image))
    return next((payload for text in texts if (payload := parse(text))), None)


def _fields(layout: Layout, payload: Payload | None, warnings: list[Warning]) -> dict[str, str]:
    """The fields as text: the QR code's own before those that were recognised, each difference a warning."""
    fields = dict(layout.fields)
    for name, stated in (payload.fields() if payload else {}).items():
        seen = fields.get(name, "")
        if seen and comparable(name, seen) != comparable(name, stated):
            label = FIELD_NAMES.get(name, name)
            warnings.append(
                Warning("ocr_differs", f"“{label}”以二维码的“{stated}”为准，图片识别为“{seen[:60]}”，请对照原件核对。")
            )
        fields[name] = stated
    if payload:
        warnings += filled_in(payload, layout.fields)
    for name in ("buyer_name", "seller_name"):
        if not fields.get(name, "").strip():
            fields[name] = UNREAD
            warnings.append(Warning("ocr_unread", f"没有识别出“{FIELD_NAMES[name]}”，请对照原件填写。"))
    return fields


def _fill_in(fields: dict[str, str], layout: Layout, pages: list[list[Token]]) -> None:
    """What the rest of the page leaves no doubt about: sums that the rows make, bare numbers of the paper forms."""
    if layout.legacy:
        for name, pattern in (("number", _BARE_NUMBER), ("code", _BARE_CODE)):
            found = (pattern.fullmatch(token.plain) for tokens in pages for token in tokens)
            if not fields.get(name) and (match := next(filter(None, found), None)):
                fields[name] = match.group(1)
    try:
        amount, tax = (sum(fen(row.get(name, "")) for row in layout.table.rows) for name in ("amount", "tax"))
        if amount + tax == fen(fields.get("total", "")):
            fields["amount"] = fields.get("amount") or yuan(amount)
            fields["tax"] = fields.get("tax") or yuan(tax)
    except ValueError:
        pass  # then what is missing is asked for by name


def _tokens(image: PIL.Image.Image) -> list[Token]:
    """The recognised pieces of text with their places in millimetres, were the picture the paper."""
    import numpy

    found = _engine()(numpy.asarray(image))
    if found.boxes is None or found.txts is None:
        return []
    pieces = [
        (unicodedata.normalize("NFKC", text).strip(), [(float(x), float(y)) for x, y in box])
        for text, box, sure in zip(found.txts, found.boxes, found.scores, strict=True)
        if sure >= _LEAST_SURE
    ]
    pieces = [(text, box) for text, box in pieces if text and not _is_aside(text, box)]
    scale = _scale(image.width, [_height(box) for _, box in pieces])
    tokens = [_token(text, box, scale) for text, box in pieces]
    letters = [token for token in tokens if token.plain in _SUM]
    return [token._replace(text="合计", plain="合计") if letters == [token] else token for token in tokens]


def _is_aside(text: str, box: list[tuple[float, float]]) -> bool:
    """Whether a piece stands upright at the paper's edge and is none of the words that the forms set so."""
    width = max(x for x, _ in box) - min(x for x, _ in box)
    return len(text) > 2 and _height(box) > width and not _UPRIGHT.issuperset(text)


def _scale(width: int, heights: list[float]) -> float:
    """Millimetres a pixel: by the paper's width, or by the type where the picture is not of the whole paper alone."""
    by_width = _PAGE_MM / width
    by_type = _TYPE_MM / (statistics.median(heights) if heights else 1)
    return by_width if 1 / _ODD < by_width / by_type < _ODD else by_type


def _token(text: str, box: list[tuple[float, float]], scale: float) -> Token:
    left, right = min(x for x, _ in box), max(x for x, _ in box)
    bottom = (box[2][1] + box[3][1]) / 2
    height = _height(box)
    baseline = (bottom - _BASE * height) * scale
    return Token(text, unspaced(text), left * scale, right * scale, baseline, _TYPE * height * scale)


def _height(box: list[tuple[float, float]]) -> float:
    return max((box[2][1] + box[3][1] - box[0][1] - box[1][1]) / 2, 1.0)


@functools.cache
def _engine() -> Any:
    """RapidOCR with its bundled models, on two threads, saying nothing."""
    from rapidocr import RapidOCR

    return RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.use_cls": False,
            "EngineConfig.onnxruntime.intra_op_num_threads": 2,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )
