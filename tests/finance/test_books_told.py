"""Books that no longer agree reach the people who answer for them: once when it begins, once when it is mended."""

import pytest
from django.core import mail
from django.db import IntegrityError, transaction

from tests import factories
from tests.finance.conftest import signed_in
from vouchers.disbursement import books_check
from vouchers.ledger.books import Report
from vouchers.messages.models import Message
from vouchers.messages.services import send_waiting

pytestmark = pytest.mark.django_db
BROKEN = ["账户“pool:x:2025”的余额为 5 分，按转账记录应为 4 分。"]


@pytest.fixture
def people(office):
    """The auditor and the two finance officers, of whom one has an e-mail address."""
    auditor = factories.officer("shenji", "auditor").user
    office.preparer.user.email = "caiwu@example.org"
    office.preparer.user.save()
    return {auditor, office.preparer.user, office.signer.user}


def night(monkeypatch, problems=()):
    """One night's check, which finds these. The chain is linked at COMMIT, which never comes here."""
    monkeypatch.setattr(books_check.books, "check", lambda last: Report(1, 1, 1, []))
    monkeypatch.setattr(books_check, "check_batches", lambda: list(problems))
    books_check.run_nightly()


def told():
    rows = Message.objects.filter(channel="portal").order_by("pk").select_related("officer")
    return [(row.officer, row.subject) for row in rows]


def test_nobody_is_told_of_books_that_agree(people, monkeypatch):
    for _ in range(2):
        night(monkeypatch)
    assert told() == []


def test_trouble_is_told_once_when_it_begins_and_once_when_it_is_mended(people, office, monkeypatch):
    night(monkeypatch)
    for _ in range(3):
        night(monkeypatch, BROKEN)
    assert {person for person, _ in told()} == people
    assert {subject for _, subject in told()} == {"账目核对发现 1 个问题"}
    assert len(told()) == 3
    assert BROKEN[0] in Message.objects.first().body
    for _ in range(2):
        night(monkeypatch)
    assert len(told()) == 6
    assert {subject for _, subject in told()[3:]} == {"账目核对恢复正常"}
    night(monkeypatch, BROKEN)
    assert len(told()) == 9
    for person in (office.reviewer, office.approver):
        assert not Message.objects.filter(officer=person.user).exists()


def test_who_has_an_address_gets_an_e_mail_too(people, monkeypatch):
    night(monkeypatch, BROKEN * 7)
    assert send_waiting() == 1
    (letter,) = mail.outbox
    assert (letter.to, letter.subject) == (["caiwu@example.org"], "账目核对发现 7 个问题")
    assert "另有 2 个问题" in letter.body


def test_a_check_that_breaks_off_is_told_like_one_that_found_something(people, monkeypatch):
    night(monkeypatch)
    anchor = books_check.latest_finding()[1].seq

    def breaks(*_):
        raise MemoryError

    monkeypatch.setattr(books_check.books, "check", breaks)
    with pytest.raises(MemoryError):
        books_check.run_nightly()
    entry, finding = books_check.latest_finding()
    assert not entry.ok
    assert "夜间核对中断" in finding.problems[0]
    assert finding.seq == anchor  # what the chain is held against is not lost
    assert len(told()) == 3


def test_the_first_page_of_finance_and_audit_shows_it_and_nobody_elses(people, office, monkeypatch):
    auditor = next(person for person in people if person.username == "shenji")

    def page(person):
        answer = signed_in(person).get("/admin/")
        assert answer.status_code == 200
        return answer.content.decode()

    assert "还没有核对过" in page(auditor)
    night(monkeypatch, BROKEN)
    for person in people:
        shown = page(person)
        assert "账目核对发现的问题" in shown
        assert "请立即查明" in shown
        assert BROKEN[0] in shown
    assert "账目核对" not in page(office.reviewer.user)
    night(monkeypatch)
    assert "全部相符" in page(auditor)
    assert "账目核对恢复正常" in page(auditor)


def test_a_message_has_one_addressee(office):
    said = {"channel": "portal", "subject": "x", "body": "x", "created_at": "2026-01-01T00:00:00Z"}
    firm = factories.firm(1, factories.call(), reviewer=office.reviewer).organisation
    for both in ({}, {"organisation": firm, "officer": office.reviewer.user}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Message.objects.create(**said, **both)
