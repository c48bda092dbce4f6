"""PDFs that are more, or less, than an invoice: embedded data, protection, scripts, scans, other documents."""

import dataclasses
import io
import random

import pikepdf
import pypdfium2 as pdfium
import pytest

from vouchers.invoices import UnreadableInvoice, read

from . import make
from .corpus import build, fonts
from .corpus.canvas import Canvas
from .make_legacy import LegacyFacts, data_b

pytestmark = pytest.mark.skipif(not fonts.NOTO.exists(), reason="made with the Noto CJK fonts of the system")

FACTS = make.Facts(lines=[make.compute_line(), make.discount_line()])


def plain(**more) -> bytes:
    return build.drawn("tax", FACTS, **more)


def changed(act) -> bytes:
    """The plain invoice with something done to it."""
    buffer = io.BytesIO()
    with pikepdf.open(io.BytesIO(plain())) as document:
        options = act(document) or {}
        document.save(buffer, **options)
    return buffer.getvalue()


def refusal(content: bytes) -> str:
    with pytest.raises(UnreadableInvoice) as caught:
        read(content)
    assert caught.value.message.endswith("。")
    return caught.value.code


def codes(content: bytes) -> list[str]:
    return [warning.code for warning in read(content).warnings]


def script(document):
    action = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")
    names = pikepdf.Array(["a", document.make_indirect(action)])
    document.Root.Names = pikepdf.Dictionary(JavaScript=pikepdf.Dictionary(Names=names))


def action_on_opening(document):
    document.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")


def test_the_invoice_is_read_whole_and_without_a_doubt():
    assert read(plain()) == FACTS.invoice("pdf")


def test_embedded_data_are_the_invoice_and_the_page_gives_the_boxes():
    content = build.drawn("tax", FACTS, embedded={"einvoice.xml": make.xml(FACTS)})

    invoice = read(content)

    assert invoice == FACTS.invoice("pdf")
    assert {"number", "total", "lines.1.amount"} <= {box.field for box in invoice.boxes}


def test_embedded_data_that_say_otherwise_than_the_page_block():
    other = make.Facts(lines=[make.compute_line(amount_fen=12_000_100)])
    content = build.drawn("tax", FACTS, embedded={"einvoice.xml": make.xml(other)})

    doubts = [warning for warning in read(content).warnings if warning.code == "two_truths"]

    assert any(doubt.blocks and "价税合计" in doubt.message and "附件" in doubt.message for doubt in doubts)


def test_a_qr_code_is_a_witness_against_embedded_data_too():
    payload = build.payload(dataclasses.replace(FACTS, kind="数电普票"), amount="1")
    content = build.drawn("tax", FACTS, embedded={"einvoice.xml": make.xml(FACTS)}, qr=payload)

    assert codes(content) == ["qr_mismatch"]


def test_embedded_data_stand_in_for_a_page_without_text_but_not_for_another_kind_of_invoice():
    picture = Canvas(210, 140)
    picture.page()
    picture.embedded["einvoice.xml"] = make.xml(FACTS)
    flight = build.drawn("tax", FACTS, embedded={"einvoice.xml": make.xml(FACTS)}, title="电子发票（通行费）")

    assert codes(picture.finish()) == ["page_unread"]
    assert refusal(flight) == "kind_not_supported"


def test_the_buyers_booking_file_inside_does_not_take_the_pages_place():
    facts = LegacyFacts(lines=[make.compute_line(), make.discount_line()], remark="")
    booked = data_b(facts, schema="inv_ord_receiver").replace("114480.00", "114481.00")

    invoice = read(build.drawn("aisino", facts, embedded={"inv_ord_receiver.xml": booked.encode()}))

    assert invoice.total_fen == facts.total_fen
    assert {warning.code for warning in invoice.warnings} >= {"buyer_declaration", "two_truths"}


def test_embedded_files_that_are_no_invoice_data_are_named():
    assert codes(build.drawn("tax", FACTS, embedded={"note.txt": b"hello"})) == ["attachment_unread"]


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (lambda document: {"encryption": pikepdf.Encryption(user="secret", owner="other")}, "pdf_encrypted"),
        (lambda document: {"encryption": pikepdf.Encryption(user="", owner="other")}, "pdf_encrypted"),
        (script, "pdf_active"),
        (action_on_opening, "pdf_active"),
        (lambda document: document.pages.extend(document.pages[0] for _ in range(200)), "too_many_pages"),
    ],
)
def test_what_no_invoice_has_is_refused_by_name(act, code):
    assert refusal(changed(act)) == code


def test_a_pdf_cut_short_or_of_nothing_but_its_mark_is_refused():
    assert refusal(plain()[:900]) == "pdf_damaged"
    assert refusal(b"%PDF-1.7\n") == "pdf_damaged"
    assert refusal(b"junk before " + plain()) == "pdf_damaged"


def test_what_follows_the_end_is_a_doubt():
    assert codes(plain() + b"PK\x03\x04 a second file") == ["trailing_bytes"]
    assert codes(plain() + b"\r\n\x00") == []


def test_a_page_without_text_is_a_scan():
    canvas = Canvas(210, 140)
    canvas.page()
    canvas.box(10, 10, 200, 130)

    assert refusal(canvas.finish()) == "scan"


def test_text_that_no_one_sees_is_not_read():
    hidden = build.drawn("tax", FACTS, hidden="发票号码：26322000000000009999")

    assert read(hidden) == FACTS.invoice("pdf")


def test_other_documents_are_no_invoice():
    canvas = Canvas(210, 297)
    canvas.page()
    font = fonts.latin(build.noto(), 500)
    for index in range(12):
        canvas.text(20, 30 + 8 * index, "合同编号：SL-2026-0001 服务期自二〇二六年四月一日起", font, 4)

    assert refusal(canvas.finish()) == "not_an_invoice"


def test_another_kind_of_electronic_invoice_is_refused_by_its_name():
    with pytest.raises(UnreadableInvoice) as caught:
        read(plain(title="电子发票（通行费）"))

    assert caught.value.code == "kind_not_supported"
    assert "通行费" in caught.value.message


def test_a_contract_behind_the_invoice_makes_too_many_pages():
    def appended(document):
        blank = pikepdf.new()
        for _ in range(6):
            blank.add_blank_page()
        document.pages.extend(blank.pages)

    assert refusal(changed(appended)) == "too_many_pages"


@pytest.mark.parametrize("turned", [90, 180, 270])
def test_a_page_shown_turned_is_read_as_it_is_shown(turned):
    content = build.drawn("tax", FACTS, turned=turned)

    invoice = read(content)

    assert invoice == FACTS.invoice("pdf")
    [number] = [box for box in invoice.boxes if box.field == "number"]
    assert (number.left > 0.5, number.top < 0.2) == (True, True)
    assert pdfium.PdfDocument(content)[0].get_rotation() == turned


def outcome(content: bytes) -> str:
    try:
        read(content)
    except UnreadableInvoice as caught:
        return caught.code
    return "read"


def test_bytes_changed_anywhere_are_read_or_refused():
    chance = random.Random(7)
    content = plain()
    outcomes = set()
    for _ in range(60):
        place = chance.randrange(len(content))
        changed_bytes = chance.randbytes(chance.randrange(1, 9))
        outcomes.add(outcome(content[:place] + changed_bytes + content[place + chance.randrange(9) :]))

    assert "reader_failed" not in outcomes
