"""An invoice beside the pages of its file: pictures behind the wall, boxes over fields, doubts and their explanation."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests import factories
from tests.claims.test_intake import xml
from tests.review.test_reversals import GROSS, red_letter_of
from vouchers.claims import pictures
from vouchers.claims.papers import Attachment, DoubtAnswer, Invoice
from vouchers.documents.storage import path_of
from vouchers.invoices import UnreadableInvoice

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\n" + b"picture"
BOXES = [
    {"field": "number", "page": 0, "left": 0.7, "top": 0.05, "right": 0.9, "bottom": 0.08},
    {"field": "lines.0.name", "page": 0, "left": 0.05, "top": 0.4, "right": 0.2, "bottom": 0.43},
    {"field": "lines.0.amount", "page": 0, "left": 0.6, "top": 0.4, "right": 0.7, "bottom": 0.44},
    {"field": "words", "page": 1, "left": 0.2, "top": 0.6, "right": 0.5, "bottom": 0.63},
    {"field": "total", "page": 7, "left": 0, "top": 0, "right": 1, "bottom": 1},
]


@pytest.fixture(autouse=True)
def _no_files(settings):
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "whitenoise" not in each]


@pytest.fixture
def claim(firm):
    return factories.ready(firm, factories.product(), 1)


@pytest.fixture
def invoice(claim):
    row = Invoice.objects.get()
    Attachment.objects.filter(pk=row.attachment_id).update(pages=2)
    Invoice.objects.update(boxes=BOXES)
    row.refresh_from_db()
    return row


@pytest.fixture
def drawn(monkeypatch):
    """How often a page was drawn; the pictures are made up."""
    calls = []

    def render(content, page, width):
        calls.append((page, width))
        return PNG + str(page).encode()

    monkeypatch.setattr("vouchers.claims.pictures.guard.render", render)
    return calls


def browser(user):
    client = Client()
    client.force_login(user)
    return client


def picture_at(claim, file, page=0):
    return f"/claims/{claim.number}/files/{file.pk}/pages/{page}.png"


def test_a_page_is_a_picture_that_nobody_keeps_or_mistakes(firm, claim, invoice, drawn):
    answer = browser(firm.clerk).get(picture_at(claim, invoice.attachment, 1))
    assert (answer.status_code, answer["Content-Type"], answer.content) == (200, "image/png", PNG + b"1")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "private, no-store"
    assert "sandbox" in answer["Content-Security-Policy"]
    browser(firm.clerk).get(picture_at(claim, invoice.attachment, 1))
    assert drawn == [(1, pictures.WIDTH)]


def test_another_enterprises_page_and_a_page_that_is_not_there_are_404_and_draw_nothing(
    office, firm, claim, invoice, drawn
):
    other = factories.firm(2, firm.call, reviewer=office.reviewer)
    theirs = factories.draft(other)
    for address in (picture_at(claim, invoice.attachment), picture_at(theirs, invoice.attachment)):
        assert browser(other.clerk).get(address).status_code == 404
    assert browser(firm.clerk).get(picture_at(claim, invoice.attachment, 2)).status_code == 404
    assert Client().get(picture_at(claim, invoice.attachment)).status_code == 302
    assert drawn == []


def test_a_page_that_cannot_be_drawn_is_404_and_stays_undrawn(firm, claim, invoice, monkeypatch):
    def refuse(*_):
        raise UnreadableInvoice("too_costly", "太大")

    monkeypatch.setattr("vouchers.claims.pictures.guard.render", refuse)
    assert browser(firm.clerk).get(picture_at(claim, invoice.attachment)).status_code == 404
    assert not path_of("pages").exists() or not any(path_of("pages").iterdir())


def test_the_picture_goes_with_its_file(firm, claim, invoice, drawn, django_capture_on_commit_callbacks):
    browser(firm.clerk).get(picture_at(claim, invoice.attachment))
    kept = list(path_of("pages").iterdir())
    assert len(kept) == 1
    with django_capture_on_commit_callbacks(execute=True):
        browser(firm.clerk).post(f"/claims/{claim.number}/invoices/{invoice.pk}/remove/")
    assert not Invoice.objects.exists()
    assert list(path_of("pages").iterdir()) == []


def test_boxes_stand_over_the_picture_and_lead_to_their_field_and_back(firm, claim, invoice):
    page = browser(firm.clerk).get(f"/claims/{claim.number}/invoices/{invoice.pk}/").content.decode()
    assert page.count('<img src="/claims/') == 2
    # The line's box spans its cells; capital numerals stand in for nothing while the total has a box of its own.
    assert 'x="4.70%" y="39.70%" width="65.60%" height="4.60%"' in page
    assert 'href="#f-number" id="b-number"' in page
    assert 'id="f-number"' in page
    assert 'href="#b-number"' in page
    assert 'id="b-total"' not in page
    assert " style=" not in page


def test_without_pages_the_face_is_drawn_from_what_was_read(firm, claim):
    row = Invoice.objects.get()
    page = browser(firm.clerk).get(f"/claims/{claim.number}/invoices/{row.pk}/").content.decode()
    assert 'class="iv"' in page
    assert "<img src=" not in page
    for key in ("number", "date", "buyer_name", "buyer_id", "seller_name", "seller_id", "line1", "total"):
        assert f'id="b-{key}"' in page, key
        assert f'id="f-{key}"' in page, key


def test_a_block_is_explained_on_its_page_and_what_was_typed_stays(firm, claim, invoice):
    Invoice.objects.update(warnings=[{"code": "qr_mismatch", "message": "二维码与票面的“价税合计”不一致。"}])
    address, client = f"/claims/{claim.number}/invoices/{invoice.pk}/", browser(firm.clerk)
    page = client.get(address).content.decode()
    assert page.count("二维码与票面的“价税合计”不一致。") == 2
    refused = client.post(f"{address}explain/", {"code": "qr_mismatch", "text": "长" * 501})
    assert refused.status_code == 409
    assert "长" * 501 in refused.content.decode()
    assert client.post(f"{address}explain/", {"code": "qr_mismatch", "text": "销售方已书面确认"}).status_code == 302
    assert "销售方已书面确认" in client.get(address).content.decode()
    assert client.get(f"{address}explain/").status_code == 405


def test_nobody_explains_another_enterprises_invoice(office, firm, claim, invoice):
    Invoice.objects.update(warnings=[{"code": "qr_mismatch", "message": "不一致。"}])
    other = factories.firm(2, firm.call, reviewer=office.reviewer)
    theirs = factories.draft(other)
    for number in (claim.number, theirs.number):
        address = f"/claims/{number}/invoices/{invoice.pk}/explain/"
        assert browser(other.clerk).post(address, {"code": "qr_mismatch", "text": "没有问题"}).status_code == 404
    assert not DoubtAnswer.objects.exists()


def test_the_page_asks_as_often_for_thirty_lines_as_for_one(firm, claim):
    client, row = browser(firm.clerk), Invoice.objects.get()
    address = f"/claims/{claim.number}/invoices/{row.pk}/"
    client.get(address)
    with CaptureQueriesContext(connection) as one:
        client.get(address)
    for position in range(2, 31):
        row.lines.create(position=position, name="*餐饮服务*餐费", amount_fen=100, tax_fen=6)
    Invoice.objects.update(warnings=[{"code": f"code{n}", "message": "请看"} for n in range(30)])
    with CaptureQueriesContext(connection) as many:
        client.get(address)
    assert len(many) == len(one)


def test_a_red_letter_is_handed_in_after_submission_and_suspends(office, firm, claim, monkeypatch):
    factories.drive(claim, "payable", firm, office)
    content = red_letter_of(claim, firm, monkeypatch, total_fen=-GROSS // 2)
    client, address = browser(firm.clerk), f"/claims/{claim.number}/red-letter/"
    assert "补交红字发票" in client.get(address).content.decode()
    sent = {"kind": "invoice", "chosen": SimpleUploadedFile("红字.xml", content)}
    assert client.post(address, sent).status_code == 302
    claim.refresh_from_db()
    assert claim.state == "suspended"
    blue = SimpleUploadedFile("蓝字.xml", xml(firm))
    monkeypatch.undo()
    refused = client.post(address, {"kind": "invoice", "chosen": blue})
    assert "不是红字发票" in refused.content.decode()
