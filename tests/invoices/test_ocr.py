"""Scans: the QR code's word first, then what was recognised; nothing is sure before a person has compared it."""

import io

import PIL.Image
import pytest
import zxingcpp

from vouchers.invoices import UnreadableInvoice, guard, ocr, pages
from vouchers.invoices.tokens import Token

from . import make
from .hostile import CORPUS, pdf, picture

needs_ocr = pytest.mark.skipif(not ocr.available(), reason="the extra ocr is not installed")


class Found:
    """What RapidOCR gives back, for boxes (left, top, right, bottom) and their texts."""

    def __init__(self, pieces):
        self.boxes = [[(x, y), (right, y), (right, end), (x, end)] for (x, y, right, end), _ in pieces] or None
        self.txts = [text for _, text in pieces] or None
        self.scores = [0.9] * len(pieces)


def drawn(content: bytes, width: int = 1_600) -> PIL.Image.Image:
    return PIL.Image.open(io.BytesIO(pages.render(content, 0, width)))


def jpeg(image: PIL.Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


# A 数电票 as OCR saw one at 2,340 px: label and value in one box, the 合 of 合计 missed, a note upright at the edge.
SEEN = [
    ((620, 90, 960, 165), "电子发票（普通发票）"),
    ((1720, 130, 2252, 168), "发票号码：26112000000000000017"),
    ((1720, 195, 2140, 232), "开票日期：2026年03月05日"),
    ((2290, 320, 2330, 560), "下载次数："),
    ((60, 390, 100, 560), "购买方信息"),
    ((125, 385, 612, 420), "名称：无锡示例科技有限公司"),
    ((1190, 390, 1230, 560), "销售方信息"),
    ((1246, 385, 1730, 420), "名称：无锡智算中心有限公司"),
    ((125, 500, 1113, 538), "统一社会信用代码/纳税人识别号：91320299000000001T"),
    ((1246, 500, 2233, 538), "统一社会信用代码/纳税人识别号：91320299000000002R"),
    ((174, 600, 326, 640), "项目名称"), ((464, 600, 614, 640), "规格型号"), ((741, 600, 860, 640), "单位"),
    ((1027, 600, 1150, 640), "数量"), ((1307, 600, 1428, 640), "单价"), ((1592, 600, 1713, 640), "金额"),
    ((1748, 600, 1951, 640), "税率/征收率"), ((2161, 600, 2279, 640), "税额"),
    ((46, 645, 520, 680), "*信息技术服务*智能算力服务"), ((760, 645, 820, 680), "小时"), ((1100, 645, 1150, 680), "100"),
    ((1360, 645, 1428, 680), "10"), ((1590, 645, 1713, 680), "1000.00"), ((1822, 645, 1890, 680), "6%"),
    ((2180, 645, 2279, 680), "60.00"),
    ((403, 1045, 446, 1085), "计"), ((1560, 1045, 1716, 1085), "¥1000.00"), ((2150, 1045, 2279, 1085), "¥60.00"),
    ((185, 1120, 457, 1160), "价税合计（大写）"), ((702, 1115, 1010, 1150), "壹仟零陆拾圆整"),
    ((1612, 1118, 1937, 1160), "（小写）¥1060.00"),
    ((214, 1470, 430, 1508), "开票人：张三"),
]  # fmt: skip


@pytest.fixture
def seen(monkeypatch):
    """OCR sees what the test says, whatever the picture."""

    def see(pieces):
        monkeypatch.setattr(ocr, "_engine", lambda: lambda _: Found(pieces))
        monkeypatch.setattr(ocr, "available", lambda: True)

    return see


def scan(qr: str = "") -> bytes:
    """A blank sheet, with a QR code if there is one."""
    sheet = PIL.Image.new("RGB", (2_340, 1_560), "white")
    if qr:
        code = zxingcpp.create_barcode(qr, zxingcpp.BarcodeFormat.QRCode).to_image(scale=6)
        sheet.paste(PIL.Image.fromarray(code), (40, 40))
    return jpeg(sheet)


def test_boxes_go_through_the_same_layout_as_any_page(seen):
    seen(SEEN)
    read = ocr.read_scan(scan())
    assert (read.carrier, read.kind, read.number) == ("image", "数电普票", "26112000000000000017")
    assert (read.buyer_name, read.seller_name) == ("无锡示例科技有限公司", "无锡智算中心有限公司")
    assert (read.amount_fen, read.tax_fen, read.total_fen) == (100_000, 6_000, 106_000)
    assert [(line.name, line.quantity, line.amount_fen) for line in read.lines] == [
        ("*信息技术服务*智能算力服务", "100", 100_000)
    ]
    assert "ocr" in {warning.code for warning in read.warnings}
    assert {"number", "total", "lines.0.amount"} <= {box.field for box in read.boxes}


def test_the_qr_code_is_believed_before_the_letters_and_the_difference_is_said(seen):
    misread = [(box, text.replace("26112000000000000017", "26112000000000000011")) for box, text in SEEN]
    seen(misread)
    read = ocr.read_scan(scan("01,32,,26112000000000000017,1060,20260305,,ABCD,"))
    assert read.number == "26112000000000000017"
    assert "ocr_differs" in {warning.code for warning in read.warnings}


def test_a_name_that_nobody_can_read_does_not_lose_the_rest(seen):
    seen([piece for piece in SEEN if "智算中心" not in piece[1]])
    read = ocr.read_scan(scan())
    assert read.total_fen == 106_000
    assert "ocr_unread" in {warning.code for warning in read.warnings}


def test_sums_that_the_rows_make_are_filled_in(seen):
    seen([piece for piece in SEEN if piece[1] not in ("¥1000.00", "¥60.00", "计")])
    read = ocr.read_scan(scan())
    assert (read.amount_fen, read.tax_fen) == (100_000, 6_000)


def test_a_picture_of_more_than_the_paper_is_measured_by_its_type():
    assert ocr._scale(2_340, [40.0] * 9) == pytest.approx(210 / 2_340)
    assert ocr._scale(8_000, [40.0] * 9) == pytest.approx(3.9 / 40)


@pytest.mark.parametrize("pieces", [[], [((0, 0, 90, 20), "一张照片")]])
def test_a_picture_of_something_else_is_refused_by_name(seen, pieces):
    seen(pieces)
    with pytest.raises(UnreadableInvoice) as refusal:
        ocr.read_scan(scan())
    assert refusal.value.code in ("field_missing", "not_an_invoice")


@pytest.mark.parametrize("name", ["pixel flood", "cut png", "cut jpeg", "double flate", "encrypted pdf", "cut ofd"])
def test_hostile_pictures_are_refused_before_anybody_looks_at_them(seen, monkeypatch, name):
    seen([])
    with pytest.raises(UnreadableInvoice) as refusal:
        ocr.read_scan(CORPUS[name]())
    assert refusal.value.code != "reader_failed"


def test_without_the_extra_the_person_is_told_to_type(monkeypatch):
    monkeypatch.setattr(ocr, "available", lambda: False)
    with pytest.raises(UnreadableInvoice, match="人工填写") as refusal:
        ocr.read_scan(picture("PNG"))
    assert refusal.value.code == "ocr_missing"


def test_tokens_are_plain_pieces_with_places():
    token = ocr._token("发票 号码", [(10.0, 10.0), (110.0, 10.0), (110.0, 30.0), (10.0, 30.0)], 0.1)
    assert isinstance(token, Token)
    assert (token.plain, token.left, token.right) == ("发票号码", 1.0, 11.0)


@needs_ocr
def test_a_photo_is_read_in_the_guarded_child_by_its_own_models():
    """The one test that runs the models: no network, no file written, within the child's memory."""
    facts = make.Facts()
    read = guard.read_scan(jpeg(drawn(make.ofd(facts), 1_400)))
    assert read.number == facts.number
    assert read.total_fen == facts.total_fen


def test_a_pdf_that_is_no_scan_at_all_gives_a_named_refusal(seen):
    seen([])
    with pytest.raises(UnreadableInvoice):
        ocr.read_scan(pdf())
