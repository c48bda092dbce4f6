"""Columns, sizes of letters and pages of a roster."""

import pytest

from tests.documents import builders
from vouchers.documents.printing import PrintingError
from vouchers.documents.printing.plan import GAP, HEADINGS, LONG_ROSTER, Rooms, lay_out, paginate
from vouchers.money import grouped

ROOMS = Rooms(first=100, other=140, subtotal=10, ending=50)


def test_rows_that_fit_with_the_totals_stay_on_one_page():
    assert paginate([10] * 4, ROOMS) == [range(4)]


def test_one_row_more_takes_three_rows_along_to_the_page_of_the_totals():
    assert paginate([10] * 5, ROOMS) == [range(2), range(2, 5)]


def test_every_page_keeps_room_for_its_subtotal():
    assert paginate([10] * 25, ROOMS) == [range(9), range(9, 22), range(22, 25)]


def test_a_last_page_too_full_for_the_totals_gives_up_its_last_rows():
    assert paginate([10] * 20, ROOMS) == [range(9), range(9, 17), range(17, 20)]


def test_high_rows_move_to_the_totals_one_by_one_until_they_fit():
    assert paginate([10, 45, 45], Rooms(120, 120, 10, 50)) == [range(1), range(1, 2), range(2, 3)]


@pytest.mark.parametrize("heights", [[10, 200], [10, 10, 95], [95]])
def test_a_row_that_no_page_can_hold_is_refused_by_its_number(heights):
    with pytest.raises(PrintingError, match=f"第 {len(heights)} 行"):
        paginate(heights, ROOMS)


@pytest.mark.parametrize("count", [1, 40, LONG_ROSTER + 1])
def test_columns_fill_the_table_and_hold_every_amount_and_its_sum(count):
    sheet = builders.roster(count)
    layout = lay_out(sheet)
    assert sum(column.width for column in layout.columns) + GAP * (len(layout.columns) - 1) == layout.total_halves
    assert layout.width_of("amount_fen") >= len(grouped(sheet.total_fen)) * layout.half


def test_a_roster_is_set_in_8_points_and_a_long_one_in_7_with_one_line_a_row():
    ordinary, long = lay_out(builders.roster(LONG_ROSTER)), lay_out(builders.roster(LONG_ROSTER + 1))
    assert (ordinary.size, len(ordinary.columns)) == (8, 10)
    assert (long.size, len(long.columns)) == (7, 13)


def test_every_field_stands_in_exactly_one_column():
    for count in (1, LONG_ROSTER + 1):
        fields = [field for column in lay_out(builders.roster(count)).columns for field in column.fields]
        assert sorted(fields) == sorted(HEADINGS)


def test_the_strip_of_the_amounts_paid_lies_over_their_column():
    layout = lay_out(builders.roster(1))
    assert layout.left_of("number") == 0
    assert layout.left_of("bank") - layout.left_of("amount_fen") == layout.width_of("amount_fen") + GAP * layout.half


def test_wide_amounts_make_the_letters_smaller():
    wide = {name: 10**17 - 1 for name in ("local_cost_fen", "external_cost_fen", "computed_fen", "amount_fen")}
    assert lay_out(builders.roster(1, rows=(builders.row(1, **wide, obtained_fen=10**17 - 1),))).size < 8


def test_amounts_that_no_page_is_wide_enough_for_are_refused():
    rows = (builders.row(1, local_cost_fen=10**40, external_cost_fen=10**40, computed_fen=10**40),)
    with pytest.raises(PrintingError, match="一页纸的宽度放不下"):
        lay_out(builders.roster(1, rows=rows))
