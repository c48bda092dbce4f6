"""Files are told by their bytes; there are only so many of them; a batch keeps its good ones."""

import io
import zipfile

import pytest

from tests import factories
from tests.claims.test_intake import xml
from tests.invoices.hostile import pdf
from vouchers.claims import receiving, uploads
from vouchers.claims import services as claims
from vouchers.claims.papers import Attachment, Invoice

pytestmark = pytest.mark.django_db


@pytest.fixture
def claim(firm):
    return factories.draft(firm)


def zipped(name):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, "x")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"%PDF-1.7", "pdf"),
        (b"\xff\xd8\xff\xe0", "jpg"),
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b'\xef\xbb\xbf<?xml version="1.0"?><a/>', "xml"),
        (b"<!DOCTYPE html><html>", "html"),
        (b"MZ\x90", "program"),
        (b"#!/bin/sh", "script"),
        (b"PK\x03\x04 cut short", "archive"),
        (b"\xd0\xcf\x11\xe0", "old_office"),
        (b"hello", ""),
    ],
)
def test_a_file_is_what_its_bytes_say(content, found):
    assert uploads.format_of(content) == found


@pytest.mark.parametrize(
    ("name", "found"),
    [("OFD.xml", "ofd"), ("word/document.xml", "docx"), ("xl/workbook.xml", "xlsx"), ("run.exe", "archive")],
)
def test_an_archive_is_what_it_holds(name, found):
    assert uploads.format_of(zipped(name)) == found


def test_a_program_called_pdf_is_refused_by_what_it_is(claim, firm):
    with pytest.raises(claims.ClaimError, match="可执行程序"):
        claims.upload(claim, kind="contract", name="合同.pdf", content=b"MZ\x90\x00", user=firm.clerk)
    assert not Attachment.objects.exists()


def test_office_documents_are_contracts_but_no_receipts(claim, firm):
    content = zipped("word/document.xml")
    claims.upload(claim, kind="contract", name="合同.docx", content=content, user=firm.clerk)
    with pytest.raises(claims.ClaimError, match="Word"):
        claims.upload(claim, kind="receipt", name="回单.docx", content=content, user=firm.clerk)


def test_a_claim_takes_only_so_many_files_and_an_organisation_so_many_bytes(claim, firm, monkeypatch):
    claims.upload(claim, kind="other", name="1.pdf", content=b"%PDF", user=firm.clerk)
    monkeypatch.setattr(uploads, "MOST_FILES", 1)
    with pytest.raises(claims.ClaimError, match="个文件"):
        claims.upload(claim, kind="other", name="2.pdf", content=b"%PDF", user=firm.clerk)
    monkeypatch.setattr(uploads, "MOST_FILES", 2)
    monkeypatch.setattr(uploads, "MOST_BYTES", 7)
    with pytest.raises(claims.ClaimError, match="2 GB"):
        claims.upload(claim, kind="other", name="2.pdf", content=b"%PDF", user=firm.clerk)


def test_names_of_255_bytes_and_rare_characters_stay(claim, firm):
    name = "㐂䶮𠮷" + "长" * 80 + ".pdf"
    assert claims.upload(claim, kind="other", name=name, content=b"%PDF", user=firm.clerk).original_name == name


def test_what_can_be_read_is_entered_what_not_waits_and_what_may_not_is_refused(claim, firm, settings):
    settings.OCR = False

    def receive(content):
        return receiving.receive_invoice(claim, name="文件", content=content, user=firm.clerk)

    entered, again = receive(xml(firm)), receive(xml(firm))
    waits, once_more, refused = receive(pdf()), receive(pdf()), receive(b"MZ")
    assert entered.invoice == again.invoice
    assert "此前" in again.message
    assert waits.attachment == once_more.attachment
    assert "手工填写" in waits.message
    assert refused.invoice is refused.attachment is None
    assert list(receiving.waiting_files(claim)) == [waits.attachment]
    assert Invoice.objects.count() == 1


def test_an_invoice_made_out_to_another_is_refused_and_leaves_nothing(claim, firm):
    other = factories.firm(2, firm.call)
    received = receiving.receive_invoice(claim, name="a.xml", content=xml(other), user=firm.clerk)
    assert "购买方" in received.message
    assert not Attachment.objects.exists()
