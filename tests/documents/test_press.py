"""The press fetches nothing, and refuses what it cannot print as planned."""

import datetime as dt

import pytest
from weasyprint import HTML

from tests.documents import preflight
from vouchers.documents.printing import FontMissing, PrintingError
from vouchers.documents.printing.press import Paper, press


def paper(**changes):
    fields = {
        "title": "标题",
        "author": "某局",
        "description": "说明",
        "made_on": dt.date(2026, 3, 19),
        "css": 'body { font-family: "Noto Sans CJK SC" }',
        "body": "<body>正文</body></html>",
        "data_name": "data.json",
        "data": {"amount": "1.00"},
        "fonts": (),
    }
    return Paper(**{**fields, **changes})


@pytest.mark.parametrize(
    "body",
    [
        '<img src="file:///etc/passwd">',
        '<img src="http://127.0.0.1:9/x.png">',
        '<link rel="attachment" href="file:///etc/passwd">',
        '<link rel="stylesheet" href="http://127.0.0.1:9/x.css">',
        '<a rel="attachment" href="file:///etc/passwd">附件</a>',
        '<style>@import "file:///etc/hostname";</style>',
        '<p style="background: url(file:///etc/passwd)">x</p>',
        '<object data="https://127.0.0.1:9/">x</object>',
        '<img src="data:image/png;base64,AAAA">',
    ],
)
def test_whatever_wants_to_be_fetched_stops_the_printing(body):
    with pytest.raises(PrintingError, match="外部文件"):
        press(paper(body=f"<body>{body}</body></html>"))


def test_a_stylesheet_may_fetch_nothing_either():
    with pytest.raises(PrintingError, match="外部文件"):
        press(paper(css='@import "http://127.0.0.1:9/x.css";'))


def test_a_font_that_the_layout_needs_and_the_machine_lacks_is_named():
    with pytest.raises(FontMissing, match="No Such Font"):
        press(paper(fonts=("No Such Font",)))


def test_another_number_of_pages_than_planned_is_refused():
    with pytest.raises(PrintingError, match="应为 2 页，实为 1 页"):
        press(paper(pages=2))


def test_the_preflight_finds_fault_with_an_ordinary_pdf():
    ordinary = HTML(string="<p>x</p>").write_pdf()
    found = preflight.problems(ordinary, "data.json")
    assert {"XMP does not say PDF/A-3u", "no /ID", "no language", "no output intent with a profile"} <= set(found)
    assert preflight.problems(press(paper()), "data.json") == []
    assert preflight.problems(press(paper()), "other.json") != []
