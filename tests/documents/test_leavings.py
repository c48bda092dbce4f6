"""Files without a row are put aside, half files deleted; what has a row, or may get one yet, stays."""

import os
import time
from pathlib import Path

import pytest

from tests import factories
from vouchers.claims import services as claims
from vouchers.claims.leavings import sweep_files
from vouchers.claims.papers import Attachment
from vouchers.documents.services import file_document
from vouchers.documents.storage import keep, path_of

pytestmark = pytest.mark.django_db
DAY = 24 * 60 * 60


@pytest.fixture(autouse=True)
def incoming(settings, tmp_path):
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "incoming"
    settings.FILE_UPLOAD_TEMP_DIR.mkdir()
    return settings.FILE_UPLOAD_TEMP_DIR


def aged(path: Path, days: float) -> Path:
    """The file as if nobody had touched it for so long."""
    long_ago = time.time() - days * DAY
    os.utime(path, (long_ago, long_ago))
    return path


def stored(folder: str, days: float = 2) -> Path:
    return aged(path_of(keep(b"a", folder, "").name), days)


@pytest.mark.parametrize("folder", ["uploads", "quarantine", "documents"])
def test_a_file_that_no_row_names_is_put_aside_and_kept_for_a_month(folder, settings):
    path = stored(folder)
    assert sweep_files() == 1
    aside = Path(settings.MEDIA_ROOT) / "aside" / path.name
    assert not path.exists()
    assert aside.read_bytes() == b"a"
    assert sweep_files() == 0
    aged(aside, 31)
    assert sweep_files() == 1
    assert not aside.exists()


def test_the_files_of_uploads_and_of_documents_stay():
    firm = factories.firm(1, factories.call(), reviewer=factories.office().reviewer)
    upload = claims.upload(factories.draft(firm), kind="other", name="a.pdf", content=b"%PDF", user=firm.clerk)
    document = file_document(kind="k", subject="s", title="t", file_name="a.pdf", short_code="c", content=b"x")
    paths = [aged(path_of(each.stored_name), 400) for each in (upload, document)]
    assert sweep_files() == 0
    assert all(path.exists() for path in paths)


def test_a_file_whose_row_may_be_written_yet_is_left_alone():
    path = stored("uploads", days=0.9)
    assert sweep_files() == 0
    assert path.exists()


def test_halves_left_by_kill_9_are_deleted(incoming):
    half = path_of("uploads")
    half.mkdir(parents=True, exist_ok=True)
    part = half / "x.part"
    part.write_bytes(b"a")
    upload = incoming / "tmpx.upload"
    upload.write_bytes(b"a")
    fresh = incoming / "tmpy.upload"
    fresh.write_bytes(b"a")
    aged(part, 2)
    aged(upload, 2)
    assert sweep_files() == 2
    assert [path.exists() for path in (part, upload, fresh)] == [False, False, True]


def test_a_process_killed_between_file_and_row_leaves_what_the_sweep_finds(monkeypatch):
    firm = factories.firm(1, factories.call(), reviewer=factories.office().reviewer)
    claim = factories.draft(firm)

    class Killed(BaseException):
        """As SIGKILL: nothing tidies up."""

    def killed(**_):
        raise Killed

    monkeypatch.setattr(Attachment.objects, "create", killed)
    with pytest.raises(Killed):
        claims.upload(claim, kind="other", name="a.pdf", content=b"%PDF", user=firm.clerk)
    (left,) = path_of("uploads").iterdir()
    aged(left, 2)
    assert sweep_files() == 1
    assert not left.exists()
