"""拨款通知书, printed and read back."""

import functools
import re
from dataclasses import replace

import pytest

from tests.documents import builders, preflight
from tests.documents.reading import read
from vouchers.documents.printing import GlyphMissing, PrintingError, letter_pdf
from vouchers.money import grouped, in_words, yuan


@functools.cache
def printed(lines):
    sheet = builders.letter(lines)
    content = letter_pdf(sheet)
    return sheet, content, read(content)


def text_of(pages):
    """All text without the foot of each page."""
    return "".join(re.sub(r"批次号[^批]*第\d+页共\d+页$", "", page.text) for page in pages)


@pytest.fixture(params=[1, 20])
def case(request):
    return printed(request.param)


def test_the_letter_says_who_gets_how_much_in_figures_and_words_and_where(case):
    sheet, _, pages = case
    text = pages[0].text
    assert f"{sheet.payee}：" in text
    assert f"{in_words(sheet.amount_fen)}（¥{grouped(sheet.amount_fen)}）" in text
    assert f"账号{sheet.account.replace(' ', '')}" in text
    assert f"{sheet.batch_number}号拨付批次（批复文号：{sheet.approval}）" in text


def test_the_letter_names_its_basis_the_duties_and_how_to_object(case):
    sheet, _, pages = case
    text = text_of(pages)
    for sentence in (*sheet.basis, *sheet.duties, sheet.objection, sheet.contact, sheet.verify_at):
        assert sentence in text
    assert f"{sheet.bureau}（加盖公章）2026年3月19日" in text


def test_every_line_and_every_step_stands_in_the_appendix_with_its_clause(case):
    sheet, _, pages = case
    text = text_of(pages)
    for number, line in enumerate(sheet.lines, start=1):
        assert f"{number}{line.item}{line.provider}{line.note}" in text
        assert f"{line.citation}{grouped(line.base_fen)}{line.rate}{grouped(line.amount_fen)}" in text
    for number, step in enumerate(sheet.steps, start=1):
        amount = "" if step.amount_fen is None else grouped(step.amount_fen)
        assert f"{number}{step.text}{step.citation}{amount}" in text
    assert text.endswith(f"核定补助{grouped(sheet.amount_fen)}")


def test_each_page_says_which_it_is_of_how_many(case):
    sheet, _, pages = case
    assert len(pages) >= 3
    for number, page in enumerate(pages, start=1):
        assert f"批次号{sheet.batch_number}查验码{sheet.short_code}" in page.text
        assert f"第{number}页共{len(pages)}页" in page.text


def test_no_character_leaves_the_type_area_or_covers_the_foot(case):
    for page in case[2]:
        assert all(char.left > 78 and char.right < page.width - 72 for char in page.chars)
        foot = min(char.top for char in page.chars[-30:] if char.text in "批页")
        assert all(char.bottom < page.height - 40 for char in page.chars)
        assert sum(char.top > foot - 3 for char in page.chars) < 60


def test_a_payee_of_40_characters_and_a_long_bank_are_whole():
    sheet = builders.letter(1, payee=builders.LONG_NAME, bank=builders.LONG_BANK, bureau="无锡市" * 12 + "局")
    pages = read(letter_pdf(sheet))
    assert f"{builders.LONG_NAME}：" in pages[0].text
    assert f"收款单位{builders.LONG_NAME}" in pages[0].text
    assert builders.LONG_BANK in pages[0].text
    assert all(char.right < page.width - 72 for page in pages for char in page.chars)


def test_hostile_text_is_printed_as_text():
    name = "<img src=file:///etc/passwd></table><script>1</script>$bureau ${payee} %s &lt;"
    text = text_of(read(letter_pdf(builders.letter(1, payee=name, objection=name, contact=name))))
    assert text.count(name.replace(" ", "")) == 5


def test_rare_characters_print_and_missing_ones_are_named():
    assert "𠮷㐂𬭎䶮：" in read(letter_pdf(builders.letter(1, payee="𠮷㐂𬭎䶮")))[0].text
    with pytest.raises(GlyphMissing, match=re.escape("U+E001")):
        letter_pdf(builders.letter(1, payee="\ue001"))


def test_an_amount_without_its_reasons_is_refused():
    with pytest.raises(PrintingError, match="SL2025-000101"):
        letter_pdf(builders.letter(1, steps=()))


def test_the_same_sheet_gives_the_same_bytes():
    sheet, content, _ = printed(1)
    assert letter_pdf(sheet) == content
    assert letter_pdf(replace(sheet, short_code="ANOTHERCODE2")) != content


def test_the_structure_passes_the_preflight_and_carries_its_data(case):
    sheet, content, _ = case
    assert preflight.problems(content, "letter.json") == []
    data = preflight.attached(content, "letter.json")
    assert (data["amount"], len(data["lines"])) == (yuan(sheet.amount_fen), len(sheet.lines))
