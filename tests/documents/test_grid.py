"""The grid of half squares: widths, lines, and what never gets onto paper."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouchers.documents.printing.grid import clean, halves, padded, wrap


def test_a_chinese_character_is_twice_as_wide_as_a_latin_one():
    assert (halves("算力"), halves("GPU"), halves("Ａ（１）"), halves("𠮷x"), halves("")) == (4, 3, 8, 3, 0)


def test_a_character_off_the_grid_takes_one_square_with_its_mark():
    assert halves("é") == halves("e\u0301") == halves("א") == 2


def test_a_line_breaks_between_chinese_characters_but_not_inside_a_number():
    assert wrap("账号6222021234567890", 18) == ["账号", "6222021234567890"]


def test_a_number_longer_than_the_line_is_broken_where_it_must():
    assert wrap("1234567890", 4) == ["1234", "5678", "90"]


def test_no_line_begins_with_a_closing_mark_or_ends_with_an_opening_one():
    assert wrap("无锡公司（甲）", 12) == ["无锡公司", "（甲）"]
    assert wrap("无锡公司甲乙）", 12) == ["无锡公司甲", "乙）"]


def test_an_empty_text_is_one_empty_line():
    assert wrap("", 10) == [""]


@given(st.text(alphabet="无锡a1,（）。é ", max_size=60), st.integers(6, 30))
def test_wrapping_loses_no_character_and_no_line_is_too_wide(text, width):
    lines = wrap(text, width)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert max(map(halves, lines)) <= width


def test_marks_that_turn_the_direction_of_writing_are_left_out():
    assert clean("甲\u202e001\u202c\u200b\x00乙") == "甲001乙"


def test_tabs_and_line_breaks_become_blanks_and_a_wide_blank_stays():
    assert clean("甲\t乙\n丙\u3000丁") == "甲 乙 丙\u3000丁"


@pytest.mark.parametrize("text", ["<b>", 'a&"b', "<i>é</i>"])
def test_a_padded_text_is_escaped(text):
    assert "<b>" not in padded(text, 20)
    assert padded(text, 20).count("<i>") == text.count("é")


def test_padding_fills_to_the_width_at_the_side_that_is_asked_for():
    left, right = padded("甲1", 8), padded("甲1", 8, right=True)
    assert (halves(left), halves(right)) == (8, 8)
    assert left.startswith("甲1")
    assert right.endswith("甲1")
