"""Archives that would burst or climb out of their folder are refused by their directory alone."""

import io
import zipfile

import pytest

from tests import factories
from vouchers.claims import services as claims
from vouchers.claims import uploads
from vouchers.claims.papers import Attachment

pytestmark = pytest.mark.django_db


def zipped(**parts: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {"word/document.xml": b"<a/>", **parts}.items():
            archive.writestr(name, content)
    return file.getvalue()


def test_a_document_that_unpacks_to_too_much_is_refused(monkeypatch):
    monkeypatch.setattr(uploads, "MOST_UNPACKED", 1_000_000)
    firm = factories.firm(1, factories.call(), reviewer=factories.officer("shenhe", "reviewer"))
    bomb = zipped(**{"word/media/a.png": b"\0" * 1_000_001})
    with pytest.raises(claims.ClaimError, match="大得不合常理"):
        claims.upload(factories.draft(firm), kind="contract", name="合同.docx", content=bomb, user=firm.clerk)
    assert not Attachment.objects.exists()


def test_a_document_of_too_many_parts_is_refused(monkeypatch):
    monkeypatch.setattr(uploads, "MOST_PARTS", 3)
    assert uploads.format_of(zipped(a=b"", b=b"")) == "docx"
    assert uploads.format_of(zipped(a=b"", b=b"", c=b"")) == "bomb"


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "word\\..\\..\\x"])
def test_names_that_climb_are_no_document(name):
    assert uploads.format_of(zipped(**{name: b"x"})) == "archive"
    assert uploads.format_of(zipped(**{"word/a..b.xml": b"x"})) == "docx"
