"""What strangers typed, printed: it stays text, fetches nothing, and never runs off the paper."""

from dataclasses import replace

import pypdfium2
import pytest

from tests.documents import builders
from tests.documents.reading import read
from vouchers.documents.printing import letter_pdf, roster_pdf

EVIL = '<script>alert(1)</script><img src="file:///etc/passwd"><link rel="attachment" href="file:///etc/hostname">'
LONG = "A" * 400


@pytest.fixture(params=["letter", "roster"])
def printed(request):
    """A function that prints a sheet whose payee has the name given, and gives back its bytes and pages."""

    def of(name):
        if request.param == "letter":
            content = letter_pdf(replace(builders.letter(1), payee=name))
        else:
            content = roster_pdf(builders.roster(1, rows=(builders.row(payee=name),)))
        return content, read(content)

    return of


def test_markup_is_printed_as_text_and_attaches_nothing(printed):
    content, pages = printed(EVIL)
    plain, _ = printed("无锡示范科技有限公司")
    text = "".join(page.text for page in pages)
    assert "<script>alert(1)</script>" in text
    # PDF/A-3u carries the sheet's own data; nothing comes in beside it.
    assert attached(content) == attached(plain) > 0
    for mark in (b"/JavaScript", b"/Launch", b"/URI"):
        assert mark not in content


def attached(content):
    """How many files a PDF carries."""
    document = pypdfium2.PdfDocument(content)
    try:
        return document.count_attachments()
    finally:
        document.close()


def test_a_word_without_a_break_stays_on_the_paper(printed):
    _, pages = printed(LONG)
    assert sum(page.text.count("A") for page in pages) >= len(LONG)
    assert all(char.left >= 0 and char.right <= page.width + 0.5 for page in pages for char in page.chars)
    assert all(char.bottom <= page.height + 0.5 for page in pages for char in page.chars)
