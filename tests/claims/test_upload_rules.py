"""ASVS S11–S13 for uploads and downloads, each by its number; S14 is test_virus_scanner."""

import io
import zipfile
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from tests import factories
from tests.claims.test_intake import xml
from tests.invoices.hostile import CORPUS, LONG_NAME, picture
from vouchers.claims import receiving, uploads
from vouchers.claims import services as claims
from vouchers.claims.papers import Attachment, Invoice
from vouchers.documents.download import SANDBOX
from vouchers.documents.storage import FileDamaged, load, path_of

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def claim(firm):
    return factories.draft(firm)


def zipped(**parts: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


# Neither as an invoice nor as any other paper.
NEVER = [
    "nothing", "one zero", "eicar", "a program", "a script", "an old office document", "a web page", "larger than may be",
    "encrypted pdf", "pdf with a script", "pdf that starts a program", "pdf with a script on its page",
    "pixel flood", "pixel flood that is there", "one endless row",
    "ratio bomb", "bomb of many", "too many members", "directory of lies", "member outside", "member at the root",
    "member with backslashes", "member with a zero in its name", "duplicate member", "symlink", "encrypted zip",
    "zip with a comment", "a word document with macros", "gif", "tiff", "bitmap", "heic",
]  # fmt: skip


@pytest.mark.parametrize("kind", ["invoice", "contract"])
@pytest.mark.parametrize("name", NEVER)
def test_s11_what_nobody_should_open_is_refused_in_chinese_and_leaves_nothing(claim, firm, settings, name, kind):
    content = CORPUS[name]()
    if kind == "invoice":
        received = receiving.receive_invoice(claim, name="发票.pdf", content=content, user=firm.clerk)
        assert received.attachment is received.invoice is None
        message = received.message
    else:
        with pytest.raises(claims.ClaimError) as refusal:
            claims.upload(claim, kind=kind, name="合同.pdf", content=content, user=firm.clerk)
        message = str(refusal.value)
    assert any("\u4e00" <= char <= "\u9fff" for char in message)
    assert message.endswith("。")
    assert not Attachment.objects.exists()
    assert not [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


@pytest.mark.parametrize("name", ["entity bomb", "entity of a file", "doctype in a part", "utf-7"])
def test_s11_entities_are_never_expanded_nor_fetched(claim, firm, name):
    received = receiving.receive_invoice(claim, name="a.xml", content=CORPUS[name](), user=firm.clerk)
    assert received.invoice is None
    assert not Invoice.objects.exists()


@pytest.mark.parametrize(
    "name", ["发票.exe.xml", "发票.xml.exe", "a.pdf", LONG_NAME + ".xml", "a\0b.xml", "../../x.xml", ""]
)
def test_s11_a_file_is_what_its_bytes_say_whatever_it_is_called(claim, firm, name):
    invoice = claims.add_invoice_file(claim, name=name, content=xml(firm), user=firm.clerk)
    assert "\0" not in invoice.attachment.original_name
    assert len(invoice.attachment.original_name) <= 255
    assert invoice.attachment.original_name == name.replace("\0", "")


def test_s11_a_directory_that_would_fill_the_memory_is_not_even_read(monkeypatch):
    monkeypatch.setattr(uploads, "MOST_PARTS", 100)
    monkeypatch.setattr(zipfile, "ZipFile", lambda *_: pytest.fail("read"))
    assert uploads.format_of(b"PK\x03\x04" + uploads._ROW * 101) == "bomb"


def test_s12_names_are_made_by_the_server_outside_the_web_root_and_the_sum_is_kept(claim, firm, settings):
    kept = claims.upload(claim, kind="other", name="../../x.pdf", content=picture("PNG"), user=firm.clerk)
    path = path_of(kept.stored_name).resolve()
    assert path.is_relative_to(Path(settings.MEDIA_ROOT).resolve())
    assert "x.pdf" not in path.name
    assert not path.suffix
    assert not Path(settings.MEDIA_ROOT).resolve().is_relative_to(Path(settings.STATIC_ROOT).resolve())
    assert load(kept.stored_name, kept.sha256) == picture("PNG")
    path.write_bytes(b"changed")
    with pytest.raises(FileDamaged):
        load(kept.stored_name, kept.sha256)


def test_s12_an_organisation_has_so_much_room_across_its_claims(firm, monkeypatch):
    content = picture("PNG")
    first = factories.draft(firm)
    claims.upload(first, kind="other", name="1.png", content=content, user=firm.clerk)
    second = claims.open_claim(first.voucher, user=firm.clerk)
    monkeypatch.setattr(uploads, "MOST_BYTES", len(content) + 1)
    with pytest.raises(claims.ClaimError, match="2 GB"):
        claims.upload(second, kind="other", name="2.png", content=content, user=firm.clerk)


def page(user, claim, file) -> object:
    client = Client()
    client.force_login(user)
    return client.get(reverse("claim_file", args=[claim.number, file.pk]))


def test_s13_a_download_is_an_attachment_that_can_do_nothing(claim, firm):
    kept = claims.upload(claim, kind="other", name='合同"\r\n<b>.pdf', content=picture("PNG"), user=firm.clerk)
    answer = page(firm.clerk, claim, kept)
    assert answer.status_code == 200
    assert answer["Content-Disposition"].startswith("attachment; filename*=utf-8''")
    assert "\n" not in answer["Content-Disposition"]
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == SANDBOX
    assert "no-store" in answer["Cache-Control"]


def test_s13_another_organisation_gets_404_for_a_file_that_is_there(claim, firm):
    kept = claims.upload(claim, kind="other", name="a.png", content=picture("PNG"), user=firm.clerk)
    other = factories.firm(2, firm.call)
    assert page(other.clerk, claim, kept).status_code == 404


def test_s13_the_proxy_serves_files_only_where_a_view_sends_it():
    inner = (ROOT / "deploy/proxy/nginx.conf").read_text().split("location /protected/")[1].split("}")[0]
    assert "internal;" in inner


def test_s13_a_file_in_quarantine_is_handed_to_nobody(claim, firm):
    kept = claims.upload(claim, kind="other", name="a.png", content=picture("PNG"), user=firm.clerk, is_cleared=False)
    assert page(firm.clerk, claim, kept).status_code == 404
