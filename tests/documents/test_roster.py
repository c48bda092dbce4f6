"""拨付汇总表, printed and read back: everything is there, whole, in its column, on the right page."""

import functools
import re

import pytest

from tests.documents import builders, preflight
from tests.documents.reading import read
from vouchers.documents.printing import GlyphMissing, PrintingError, roster_pdf
from vouchers.documents.printing.plan import GAP, PAGE_WIDTH, TABLE_WIDTH, lay_out
from vouchers.documents.printing.roster import _Roster
from vouchers.money import grouped, in_words, yuan


@functools.cache
def _printed(count):
    return roster_pdf(builders.roster(count))


@functools.cache
def _full_page():
    """How many rows one page holds together with the totals."""
    return next(count for count in range(1, 60) if len(_Roster(builders.roster(count + 1)).pages) > 1)


def _column_edges(sheet):
    """Left and right of each column on paper, in points."""
    layout = lay_out(sheet)
    left, edges = (PAGE_WIDTH - TABLE_WIDTH) / 2, []
    for column in layout.columns:
        edges.append((left, left + column.width * layout.half))
        left += (column.width + GAP) * layout.half
    return edges


def _columns_as_read(sheet, content):
    """The text of every column over all pages, between the heading of the table and the totals."""
    texts = []
    for left, right in _column_edges(sheet):
        inside = [char for page in read(content) for char in page.between(left, right)]
        # A quarter of a point: side bearings of wide glyphs.
        assert all(left - 0.25 <= char.left and char.right <= right + 0.25 for char in _table_chars(inside))
        texts.append("".join(char.text for char in inside))
    return texts


def _table_chars(chars):
    """Characters of 8 points or smaller: the rows, not the title and the facts over them."""
    return [char for char in chars if char.bottom > 175 and char.bottom < 200]


@pytest.fixture(params=["one", "full page", "one too many", "three hundred"])
def sheet(request):
    counts = {"one": 1, "full page": _full_page(), "one too many": _full_page() + 1, "three hundred": 300}
    return builders.roster(counts[request.param])


def test_every_row_stands_whole_in_its_columns(sheet):
    columns = _columns_as_read(sheet, _printed(len(sheet.rows)))
    for row in sheet.rows:
        assert f"{row.payee}{row.uscc}" in columns[1]
        assert f"{row.claim_number}{row.district}" in columns[2]
        assert f"{row.bank}{row.account}" in columns[8]
        assert row.remark in columns[9]
