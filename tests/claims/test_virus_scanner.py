"""S14: with clamd configured a virus is refused; with clamd down a file waits where nobody reads it."""

import tempfile
from pathlib import Path

import pytest

from audit.models import AuditEntry
from tests import factories
from tests.claims.clamd_double import EICAR, Clamd
from tests.claims.test_intake import xml
from vouchers.claims import receiving, uploads
from vouchers.claims import services as claims
from vouchers.claims.completeness import deficiencies_of
from vouchers.claims.papers import Attachment, Invoice
from vouchers.claims.quarantine import release_held
from vouchers.documents.clamd import ScannerDown, virus_in
from vouchers.documents.storage import FileHeld, load, path_of

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.7 a contract"


@pytest.fixture
def claim(firm):
    return factories.draft(firm)


@pytest.fixture
def clamd(settings):
    """A scanner that is up, and configured. Its folder's name is short enough for a socket."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        scanner = Clamd(Path(folder))
        settings.CLAMD = scanner.address
        yield scanner
        scanner.stop()


def upload(claim, firm, content=PDF, kind="contract"):
    return claims.upload(claim, kind=kind, name="合同.pdf", content=content, user=firm.clerk)


def files_in(settings) -> list[str]:
    root = Path(settings.MEDIA_ROOT)
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_the_scanner_gets_every_byte_and_its_answer_is_understood(clamd):
    large = bytes(range(256)) * 1_000
    assert virus_in(large, clamd.address) == ""
    assert virus_in(b"%PDF" + EICAR, clamd.address) == "Win.Test.EICAR_HDB-1"
    assert clamd.seen[0] == large


@pytest.mark.parametrize("answer", ["hang up", "INSTREAM size limit exceeded. ERROR", "stream: odd", ""])
def test_an_answer_that_is_none_is_no_verdict(clamd, answer):
    clamd.answer = answer
    if answer:
        with pytest.raises(ScannerDown):
            virus_in(b"x", clamd.address)
    else:
        assert virus_in(b"x", clamd.address) == ""


@pytest.mark.parametrize("address", ["/nowhere/clamd.sock", "127.0.0.1:1", "127.0.0.1:none"])
def test_a_scanner_that_is_not_there_is_down(address):
    with pytest.raises(ScannerDown):
        virus_in(b"x", address)


@pytest.mark.parametrize("kind", ["contract", "invoice", "receipt"])
def test_s14_eicar_is_refused_and_leaves_nothing(claim, firm, clamd, settings, kind):
    with pytest.raises(claims.ClaimError, match="病毒"):
        upload(claim, firm, b"%PDF-1.7 " + EICAR, kind)
    assert not Attachment.objects.exists()
    assert files_in(settings) == []


def test_s14_an_invoice_with_a_virus_is_never_opened(claim, firm, clamd, monkeypatch):
    monkeypatch.setattr("vouchers.invoices.guard.read", lambda content: pytest.fail("opened"))
    received = receiving.receive_invoice(claim, name="a.xml", content=xml(firm) + EICAR, user=firm.clerk)
    assert "病毒" in received.message
    assert received.attachment is received.invoice is None


def test_a_clean_file_is_scanned_once_and_taken_in(claim, firm, clamd):
    received = receiving.receive_invoice(claim, name="a.xml", content=xml(firm), user=firm.clerk)
    assert received.invoice is not None
    assert clamd.seen == [xml(firm)]


def test_s14_while_the_scanner_is_down_a_file_is_held_and_nobody_reads_it(claim, firm, clamd):
    clamd.stop()
    kept = upload(claim, firm)
    assert kept.held
    with pytest.raises(FileHeld):
        load(kept.stored_name, kept.sha256)
    assert "file_held" in {each.code for each in deficiencies_of(claim)}
    assert "missing_contract" in {each.code for each in deficiencies_of(claim)}


@pytest.fixture
def held(claim, firm, clamd, monkeypatch):
    """An invoice file that came while the scanner was down; it is up again."""
    address = clamd.address

    def down(content, _):
        raise ScannerDown

    with monkeypatch.context() as patch:
        patch.setattr(uploads, "virus_in", down)
        patch.setattr("vouchers.invoices.guard.read", lambda content: pytest.fail("opened"))
        received = receiving.receive_invoice(claim, name="a.xml", content=xml(firm), user=firm.clerk)
    assert received.attachment.held
    assert "病毒检查" in received.message
    assert clamd.address == address
    return received.attachment


def test_s14_the_sweep_asks_again_and_a_clean_invoice_is_then_read_and_entered(held, firm, clamd, settings):
    assert release_held() == 1
    held.refresh_from_db()
    assert not held.held
    assert load(held.stored_name, held.sha256) == xml(firm)
    assert Invoice.objects.get().attachment == held
    assert files_in(settings) == [held.stored_name]
    assert AuditEntry.objects.filter(action="claim.file_cleared").exists()
    assert release_held() == 0


def test_s14_the_sweep_condemns_what_the_scanner_finds_later(held, clamd, settings):
    clamd.answer = "stream: Bad.Thing FOUND"
    assert release_held() == 1
    held.refresh_from_db()
    assert held.infected
    assert not held.held
    assert files_in(settings) == []
    assert not Invoice.objects.exists()


def test_s14_while_the_scanner_stays_down_or_is_switched_off_nothing_is_let_out(held, clamd, settings):
    clamd.answer = "hang up"
    assert release_held() == 0
    settings.CLAMD = ""
    assert release_held() == 0
    held.refresh_from_db()
    assert held.held
    assert path_of(held.stored_name).exists()


def test_without_a_scanner_files_are_taken_in_at_once(claim, firm, settings):
    assert settings.CLAMD == ""
    assert not upload(claim, firm).held
