"""A scan is read in the background and fills in the form; only a person makes an invoice of it."""

import io
from dataclasses import replace

import pytest
from django.http import QueryDict
from PIL import Image

from tests import factories
from tests.claims.test_intake import xml
from vouchers import invoices, tasks
from vouchers.claims import receiving, scans
from vouchers.claims import services as claims
from vouchers.claims.drafts import half_typed, keep_half_typed
from vouchers.claims.papers import Invoice
from vouchers.invoices import UnreadableInvoice, Warning
from vouchers.jobs import services as jobs
from vouchers.jobs.models import Job

pytestmark = pytest.mark.django_db


def photo() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (300, 200), "white").save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture
def claim(firm):
    return factories.draft(firm)


@pytest.fixture
def read(firm, settings, monkeypatch):
    """OCR is there, and reads this."""
    settings.OCR = True
    found = replace(invoices.read(xml(firm)), carrier="image", warnings=(Warning("ocr", "请逐项核对。"),))
    monkeypatch.setattr("vouchers.invoices.guard.read_scan", lambda content: found)
    return found


@pytest.fixture
def received(claim, firm, read):
    return receiving.receive_invoice(claim, name="照片.jpg", content=photo(), user=firm.clerk)


def work(job: Job) -> Job:
    jobs.run(job.pk, tasks.HANDLERS)
    job.refresh_from_db()
    return job


def form_name(received) -> str:
    return scans.form_name(received.attachment)


def test_a_photo_waits_for_ocr_and_then_for_a_person(claim, firm, received, read):
    assert received.invoice is None
    assert "后台识别" in received.message
    job = work(received.job)
    assert (job.state, job.done, job.total) == ("done", 1, 1)
    assert "核对" in job.message
    assert not Invoice.objects.exists()
    kept = half_typed(claim, form_name(received))
    body = QueryDict(kept.body)
    assert kept.by == scans.BY_MACHINE
    assert (body["number"], body["date"], body["total_fen"]) == (read.number, read.date.isoformat(), "106000.00")
    assert body["lines-0-name"] == read.lines[0].name
    assert body.getlist("doubt") == ["请逐项核对。"]


def test_whoever_has_begun_to_type_keeps_what_they_typed(claim, firm, received):
    keep_half_typed(claim, form_name(received), "number=1", user=firm.clerk)
    work(received.job)
    assert half_typed(claim, form_name(received)).body == "number=1"


def test_what_ocr_cannot_read_is_said_and_not_tried_again(claim, received, monkeypatch):
    def unreadable(content):
        raise UnreadableInvoice("field_missing", "没有读到“发票号码”。")

    monkeypatch.setattr("vouchers.invoices.guard.read_scan", unreadable)
    job = work(received.job)
    assert (job.state, job.message) == ("done", "没有读到“发票号码”。")
    assert half_typed(claim, form_name(received)) is None


def test_a_file_removed_or_entered_meanwhile_is_left_alone(claim, firm, received, monkeypatch):
    monkeypatch.setattr("vouchers.invoices.guard.read_scan", lambda content: pytest.fail("read"))
    received.attachment.delete()
    assert work(received.job).state == "done"


def test_the_same_photo_twice_is_one_file_and_one_job(claim, firm, received):
    again = receiving.receive_invoice(claim, name="b.jpg", content=photo(), user=firm.clerk)
    assert again.attachment == received.attachment
    assert Job.objects.filter(kind=scans.SCAN).count() == 1


def test_without_ocr_the_person_is_told_to_type(claim, firm, settings):
    settings.OCR = False
    received = receiving.receive_invoice(claim, name="照片.jpg", content=photo(), user=firm.clerk)
    assert received.job is None
    assert "手工填写" in received.message
    assert received.attachment is not None


@pytest.fixture
def sent(monkeypatch):
    """The messages that would go to the workers."""
    names: list[str] = []
    monkeypatch.setattr(tasks.scan_next, "apply_async", lambda *args, **options: names.append("scan"))
    monkeypatch.setattr(tasks.run_job, "apply_async", lambda *args, **options: names.append("job"))
    return names


def test_scans_have_a_queue_of_their_own_and_hold_up_nothing_else(received, sent, settings):
    other = jobs.request("export", "batch:1")
    for number in range(30):
        jobs.request(scans.SCAN, f"attachment:{10_000 + number}")
    tasks.sweep()
    assert sorted(sent) == ["job", "scan"]
    assert settings.CELERY_TASK_ROUTES[tasks.scan_next.name] == {"queue": "ocr"}
    assert other.state == "waiting"


def test_one_scan_is_read_after_the_other(received, sent):
    second = jobs.request(scans.SCAN, "attachment:999999")
    tasks.scan_next()
    received.job.refresh_from_db()
    second.refresh_from_db()
    assert (received.job.state, second.state) == ("done", "waiting")
    tasks.scan_next()
    second.refresh_from_db()
    assert second.state == "done"
    assert sent == ["scan", "scan"]
    tasks.scan_next()
    assert sent == ["scan", "scan"]


def test_a_photo_is_never_entered_by_the_api(claim, firm, read):
    with pytest.raises(UnreadableInvoice):
        claims.add_invoice_file(claim, name="a.jpg", content=photo(), user=firm.clerk)
    assert not Invoice.objects.exists()
