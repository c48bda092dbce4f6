"""拨付汇总表, printed and read back: everything is there, whole, in its cell, on the right page."""

import functools
import itertools
import re
from dataclasses import replace

import pytest

from tests.documents import builders, preflight
from tests.documents.reading import read
from vouchers.documents.printing import GlyphMissing, PrintingError, Signature, roster_pdf
from vouchers.documents.printing.plan import GAP, MONEY, PAGE_WIDTH, TABLE_WIDTH, lay_out
from vouchers.documents.printing.roster import _Roster
from vouchers.money import grouped, in_words, yuan


@functools.cache
def full_page():
    """How many rows one page holds together with the totals."""
    return next(count for count in range(1, 60) if len(_Roster(builders.roster(count + 1)).pages) > 1)


class Printed:
    """A sheet, its bytes, its pages, and every row of a page as ten cells: lists of characters."""

    def __init__(self, sheet):
        self.sheet = sheet
        self.content = roster_pdf(sheet)
        self.pages = read(self.content)
        self.rows = [list(rows_of(sheet, page)) for page in self.pages]

    @property
    def texts(self):
        return [list(map(text_of, row)) for rows in self.rows for row in rows]


@functools.cache
def printed(count):
    return Printed(builders.roster(count))


def printed_rows(*rows):
    return Printed(builders.roster(1, rows=rows))


def edges(sheet):
    """Left and right of each column on paper, in points."""
    layout = lay_out(sheet)
    left, found = (PAGE_WIDTH - TABLE_WIDTH) / 2, []
    for column in layout.columns:
        found.append((left, left + column.width * layout.half))
        left += (column.width + GAP) * layout.half
    return found


def rows_of(sheet, page):
    """The rows of a page, each from the height of its number to that of the next, or of the sum below."""
    columns = [page.between(left - 4, right + 4) for left, right in edges(sheet)]
    line = lay_out(sheet).line
    sums = columns[1][re.search(r"本页小计（|合计（", text_of(columns[1])).start()]
    starts = [0.0]
    for char in columns[0]:
        if char.text.isdigit() and starts[-1] + line < char.middle < sums.middle:
            starts.append(char.middle)
    for top, bottom in itertools.pairwise([*starts[1:], sums.middle]):
        yield [[char for char in column if top <= char.middle + line * 0.75 < bottom] for column in columns]


def text_of(chars):
    return "".join(char.text for char in chars)


def column_of(sheet, field):
    """Which column the field stands in."""
    return next(index for index, column in enumerate(lay_out(sheet).columns) if field in column.fields)


def expected(sheet):
    """What every cell of every row should read."""
    columns = lay_out(sheet).columns
    return [["".join(field_text(row, field) for field in column.fields) for column in columns] for row in sheet.rows]


def field_text(row, field):
    value = getattr(row, field)
    return grouped(value) if field in MONEY else str(value).replace(" ", "")


@pytest.fixture(params=["one row", "full page", "one row more", "300 rows"])
def case(request):
    counts = {"one row": 1, "full page": full_page(), "one row more": full_page() + 1, "300 rows": 300}
    return printed(counts[request.param])


def test_every_cell_of_every_row_reads_exactly_as_given(case):
    assert case.texts == expected(case.sheet)


def test_no_character_leaves_its_column_or_covers_another(case):
    sides = edges(case.sheet)
    for row in itertools.chain(*case.rows):
        for (left, right), chars in zip(sides, row, strict=True):
            assert all(char.left >= left - 0.3 and char.right <= right + 0.3 for char in chars)
            for one, following in itertools.pairwise(chars):
                on_one_line = following.middle - one.middle < 5
                assert following.left > one.right - 0.8 if on_one_line else following.top > one.bottom - 0.8


def test_no_character_leaves_the_margins(case):
    for page in case.pages:
        assert all(char.left > 30 and char.right < page.width - 30 for char in page.chars)
        assert all(char.top > 20 and char.bottom < page.height - 20 for char in page.chars)


def test_decimal_points_stand_under_one_another(case):
    for column in (column_of(case.sheet, field) for field in MONEY):
        points = [char.left for row in itertools.chain(*case.rows) for char in row[column] if char.text == "."]
        assert len(points) == len(case.sheet.rows)
        assert max(points) - min(points) < 0.05


def test_each_page_says_which_it_is_of_how_many_and_of_which_batch(case):
    sheet, pages = case.sheet, case.pages
    for number, page in enumerate(pages, start=1):
        assert page.text.endswith(f"批次号{sheet.batch_number}查验码{sheet.short_code}第{number}页共{len(pages)}页")


def test_subtotals_add_up_to_the_total_which_stands_in_figures_and_words(case):
    sheet, pages = case.sheet, case.pages
    left, right = edges(sheet)[column_of(sheet, "amount_fen")]
    total = sum(row.amount_fen for row in sheet.rows)
    text = pages[-1].text
    subtotals = [text_of(page.between(left, right)) for page in pages if "本页小计" in page.text]
    found = [re.findall(r"[0-9,]+\.[0-9]{2}", column) for column in subtotals]
    last = found[-1].pop() if found else grouped(total)
    assert last == grouped(total)
    assert sum(fen(one[-1]) for one in found) == (total if len(pages) > 1 else 0)
    assert f"合计（{len(sheet.rows)}笔）" in text
    assert f"人民币{in_words(total)}" in text


def fen(text):
    return int(text.replace(",", "").replace(".", ""))


def test_a_full_page_is_one_page_and_one_row_more_makes_two():
    assert (len(printed(full_page()).pages), len(printed(full_page() + 1).pages)) == (1, 2)


def test_the_last_page_has_rows_and_the_places_to_sign():
    case = printed(full_page() + 1)
    assert len(case.rows[-1]) == 3
    for signature in case.sheet.signatures:
        assert f"{signature.role}{signature.name}" in case.pages[-1].text
    assert "批准年月日" in case.pages[-1].text
    assert "陆文清2026年3月19日" in case.pages[-1].text


ODD_ROWS = {
    "long": {"payee": builders.LONG_NAME, "bank": builders.LONG_BANK, "account": "6" * 30},
    "rare": {"payee": "𠮷㐂𬭎䶮科技有限公司"},
    "wide": {"payee": "ＡＢＣ（无锡）１２３有限公司", "remark": "全角　空格"},
    "latin": {"payee": "Wuxi AI & Café Ω Ltd.", "bank": "n\u0331o银行", "remark": "〇九·“云”—甲"},
    "right to left": {"payee": "אבג1有限公司", "amount_fen": 123456},
    "turned around": {"payee": "甲\u202e公司", "account": "\u20661234\u2069", "amount_fen": 654321},
    "image": {"payee": "<img src=file:///etc/passwd>", "bank": "</p></section><script>alert(1)</script>"},
    "link": {"payee": "<link rel=attachment href=file:///etc/passwd>", "remark": "&lt;&amp;'\""},
    "style": {"payee": "<style>@import 'http://127.0.0.1/';</style>", "bank": "$size ${line} %s {0} \\n"},
}


@functools.cache
def odd_rows():
    """All odd rows on one roster, printed."""
    rows = (builders.row(number, **changes) for number, changes in enumerate(ODD_ROWS.values(), start=1))
    return printed_rows(*rows)


@pytest.mark.parametrize("kind", [kind for kind in ODD_ROWS if kind != "turned around"])
def test_long_rare_wide_latin_and_hostile_texts_print_whole_and_leave_the_columns_in_place(kind):
    case, index = odd_rows(), list(ODD_ROWS).index(kind)
    assert case.texts[index] == [text.replace("\u3000", "") for text in expected(case.sheet)[index]]


def test_marks_that_turn_writing_around_do_not_reach_the_paper():
    case, index = odd_rows(), list(ODD_ROWS).index("turned around")
    meant = replace(case.sheet.rows[index], payee="甲公司", account="1234")
    assert case.texts[index] == expected(replace(case.sheet, rows=(meant,)))[0]


def test_odd_rows_keep_to_their_columns_and_the_file_stays_sound():
    case = odd_rows()
    for row in itertools.chain(*case.rows):
        for (left, right), chars in zip(edges(case.sheet), row, strict=True):
            assert all(char.left >= left - 0.3 and char.right <= right + 0.3 for char in chars)
    assert preflight.problems(case.content, "roster.json") == []


def test_the_long_name_has_40_characters():
    assert len(builders.LONG_NAME) == 40


def test_a_character_without_a_glyph_is_named_and_nothing_is_printed():
    with pytest.raises(GlyphMissing, match=re.escape("U+E000")):
        printed_rows(builders.row(1, payee="甲\ue000公司"))


def test_a_batch_without_rows_is_refused():
    with pytest.raises(PrintingError, match="没有可以打印"):
        roster_pdf(builders.roster(0))


def test_the_same_sheet_gives_the_same_bytes_and_another_sheet_another_file():
    sheet = builders.roster(1)
    content = roster_pdf(sheet)
    assert content == roster_pdf(builders.roster(1))
    assert content != roster_pdf(replace(sheet, signatures=(Signature("制表", "另一人"),)))


def test_the_structure_passes_the_preflight(case):
    assert preflight.problems(case.content, "roster.json") == []


def test_machines_read_the_same_amounts(case):
    sheet, data = case.sheet, preflight.attached(case.content, "roster.json")
    told = (data["count"], data["total"], data["batch_number"])
    assert told == (len(sheet.rows), yuan(sheet.total_fen), sheet.batch_number)
    assert [(one["payee"], one["account"], one["amount"]) for one in data["rows"]] == [
        (row.payee, row.account, yuan(row.amount_fen)) for row in sheet.rows
    ]
