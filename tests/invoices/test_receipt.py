"""Bank receipts read from their text: payer, payee, amount, date and number, each to be confirmed by a person."""

import datetime

import pytest

from vouchers.invoices import UnreadableInvoice
from vouchers.invoices.receipt import read_receipt

from . import make
from .corpus import build, fonts
from .corpus.canvas import Canvas
from .corpus.slips import PAYEE, PAYER, SERIAL, SLIPS, slip

pytestmark = pytest.mark.skipif(not fonts.NOTO.exists(), reason="made with the Noto CJK fonts of the system")


@pytest.mark.parametrize("bank", SLIPS)
def test_the_payment_is_read_from_the_receipts_of_five_banks_and_is_to_be_confirmed(bank):
    receipt = read_receipt(slip(bank))

    assert (receipt.payer, receipt.payee) == (PAYER, PAYEE)
    assert receipt.amount_fen == 12_720_000
    assert receipt.date == datetime.date(2026, 5, 12)
    assert receipt.serial == SERIAL
    assert [warning.code for warning in receipt.warnings] == ["receipt_to_confirm"]
    assert {box.field for box in receipt.boxes} == {"payer", "payee", "amount", "date", "serial"}


@pytest.mark.parametrize("bank", SLIPS)
def test_words_that_say_another_amount_block(bank):
    receipt = read_receipt(slip(bank, "127,200.00", "127,300.00"))

    blocking = [warning.code for warning in receipt.warnings if warning.blocks]
    assert receipt.amount_fen == 12_730_000
    assert blocking == ([] if bank == "boc" else ["words_mismatch"])


@pytest.mark.parametrize(("bank", "word"), [("abc", "收款方户名"), ("cmb", "收款人：")])
def test_a_party_whose_label_is_missing_stays_empty_and_is_named(bank, word):
    receipt = read_receipt(slip(bank, word, "某某方："))

    assert (receipt.payer, receipt.payee) == (PAYER, "")
    assert "收款人户名" in receipt.warnings[0].message


def test_a_name_without_a_word_for_its_side_is_given_to_neither():
    receipt = read_receipt(slip("ccb", "付款人", "甲方"))

    assert (receipt.payer, receipt.payee) == ("", PAYEE)
    assert "付款人户名" in receipt.warnings[0].message


def test_what_is_no_receipt_is_refused_by_name():
    for content in (make.xml(make.Facts()), make.ofd(make.Facts()), b"plain"):
        with pytest.raises(UnreadableInvoice) as refusal:
            read_receipt(content)
        assert refusal.value.code == "receipt_unreadable"


def test_a_picture_is_a_scan_and_a_pile_of_pages_is_none():
    with pytest.raises(UnreadableInvoice) as refusal:
        read_receipt(b"\x89PNG\r\n\x1a\n")
    assert refusal.value.code == "scan"

    with pytest.raises(UnreadableInvoice) as refusal:
        read_receipt(slip("abc", pages=6))
    assert refusal.value.code == "several_documents"


@pytest.mark.parametrize("amount", ["1,27,20", "127200.123", "壹", ""])
def test_an_amount_that_is_none_is_no_payment(amount):
    with pytest.raises(UnreadableInvoice) as refusal:
        read_receipt(slip("abc", "127,200.00", amount))

    assert refusal.value.code == "receipt_unreadable"


def test_a_page_of_nothing_but_labels_is_refused_in_no_time():
    canvas = Canvas(210, 297)
    canvas.page()
    font = fonts.latin(build.noto(), 500)
    for index in range(9_000):
        canvas.text(5 + (index % 40) * 5, 5 + (index // 40) * 1.2, "户名", font, 1)

    with pytest.raises(UnreadableInvoice) as refusal:
        read_receipt(canvas.finish())

    assert refusal.value.code == "receipt_unreadable"
