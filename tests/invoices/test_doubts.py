"""Every cross-check is a named warning: there when the file contradicts itself, absent when it does not."""

import datetime

import pytest

from vouchers.invoices import read
from vouchers.invoices.text import words_agree
from vouchers.money import in_words

from . import make

BLUE = make.Facts()
RED = make.red_letter(make.Facts())


def codes(content: bytes) -> list[str]:
    return [warning.code for warning in read(content).warnings]


@pytest.mark.parametrize(
    ("facts", "old", "new", "code"),
    [
        (BLUE, "<Amount>120000.00<", "<Amount>119999.99<", "lines_amount_mismatch"),
        (BLUE, "<ComTaxAm>7200.00<", "<ComTaxAm>7200.01<", "lines_tax_mismatch"),
        (BLUE, "<TotalTaxAm>7200.00<", "<TotalTaxAm>7200.01<", "total_mismatch"),
        (BLUE, "壹拾贰万柒仟贰佰圆整", "壹拾贰万柒仟叁佰圆整", "words_mismatch"),
        (BLUE, "壹拾贰万柒仟贰佰圆整", "（负数）壹拾贰万柒仟贰佰圆整", "words_mismatch"),
        (BLUE, "壹拾贰万柒仟贰佰圆整", "", "words_missing"),
        (BLUE, "<IssueTime>2026-05-08<", "<IssueTime>2025-05-08<", "number_year"),
        (BLUE, "<BuyerIdNum>91320214MA00000028<", "<BuyerIdNum><", "id_missing"),
        (BLUE, "<SellerIdNum>91320214MA00000010<", "<SellerIdNum>9132/0214<", "id_format"),
        (BLUE, "<Version>0.32<", "<Version>9.9<", "version_unknown"),
        (BLUE, "<LabelName>增值税专用发票<", "<LabelName>普通发票<", "kind_mismatch"),
        (BLUE, "<LabelCode>01</LabelCode><LabelName>增值税专用发票</LabelName>", "", "kind_unknown"),
        (BLUE, "<LabelCode>Y<", "<LabelCode>N<", "red_mismatch"),
        (RED, "<LabelCode>N<", "<LabelCode>Y<", "red_mismatch"),
        (RED, "<OriginalInvoiceCode>26322000000000000017<", "<OriginalInvoiceCode>26322000000000000018<", "two_truths"),
        (BLUE, "<Quantity>12000<", "<Quantity>12001<", "line_price"),
        (BLUE, "<TaxRate>0.06<", "<TaxRate>0.09<", "line_tax"),
        (BLUE, "<TaxRate>0.06<", "<TaxRate>免税<", "line_tax"),
        (BLUE, "<TaxRate>0.06<", "<TaxRate>6<", "line_rate"),
        (BLUE, "<TaxRate>0.06<", "<TaxRate><", "line_rate"),
        (BLUE, "<TotalTax-includedAmount>127200.00<", "<TotalTax-includedAmount>127200.10<", "total_mismatch"),
    ],
)
def test_a_contradiction_is_warned_of_by_name(facts, old, new, code):
    assert codes(make.xml(facts)) == []

    assert code in codes(make.changed_xml(facts, old, new))


def test_warnings_are_words_for_a_clerk_with_both_amounts():
    content = make.changed_xml(BLUE, "<Amount>120000.00<", "<Amount>119999.99<")

    message = next(warning.message for warning in read(content).warnings if warning.code == "lines_amount_mismatch")

    assert "119999.99" in message
    assert "120000.00" in message
    assert message.endswith("。")


def test_a_number_that_is_not_twenty_digits_is_warned_of():
    assert codes(make.xml(make.Facts(number="12345678"))) == ["number_format"]


def test_a_day_before_the_first_of_its_kind_is_warned_of():
    assert codes(make.xml(make.Facts(number="21" + "0" * 18, day=datetime.date(2021, 11, 30)))) == ["date_early"]
    assert codes(make.xml(make.Facts(number="21" + "0" * 18, day=datetime.date(2021, 12, 1)))) == []


def test_a_red_letter_without_the_blue_number_is_warned_of():
    red = make.red_letter(make.Facts())
    red.remark = ""
    block = f"<RedEInvoice><OriginalInvoiceCode>{red.reverses}</OriginalInvoiceCode></RedEInvoice>"

    invoice = read(make.changed_xml(red, block, ""))

    assert (invoice.red, invoice.reverses) == (True, "")
    assert [warning.code for warning in invoice.warnings] == ["reverses_missing"]


def test_a_rounded_unit_price_and_a_tax_rounded_by_one_fen_are_no_doubt():
    line = make.compute_line(quantity="30000", unit_price="0.0033333333", amount_fen=10_000, tax_fen=601)

    assert codes(make.xml(make.Facts(lines=[line]))) == []


def test_a_difference_by_taxed_margin_is_no_doubt():
    line = make.compute_line(tax_rate="***", tax_fen=12_345)

    assert codes(make.xml(make.Facts(lines=[line]))) == []


def test_doubtful_rows_are_named_and_many_are_counted():
    lines = [make.compute_line(tax_fen=720_000 + (100 if number % 2 else 0)) for number in range(1, 15)]

    [warning] = read(make.xml(make.Facts(lines=lines))).warnings

    assert warning.code == "line_tax"
    assert "第 1、3、5、7、9 等 7 行" in warning.message


@pytest.mark.parametrize(
    "fen", [0, 1, 10, 100, 101, 110, 1_000_05, 10_000_00, 10_10_00, 1_0000_0000_00, 12_3456_7890_12]
)
def test_amounts_in_words_agree_however_zeros_and_yuan_are_written(fen):
    words = in_words(fen)

    assert words_agree(words, fen)
    assert words_agree(words.replace("元", "圆").replace("整", "正"), fen)
    assert words_agree(words.replace("零", "") if fen else words, fen)
    assert words_agree(f"ⓧ {words}", fen)
    assert words_agree(f"（负数）{words}", -fen) == (fen != 0)
    assert not words_agree(words, fen + 1)
    assert not words_agree(words, fen + 100)
    assert not words_agree(words, fen * 10 + 1)


def test_an_omitted_one_before_ten_is_the_same_amount():
    assert words_agree("拾伍万圆整", 15_0000_00)
    assert not words_agree("拾伍万圆整", 5_0000_00)
