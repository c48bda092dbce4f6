"""What the page does not say the QR code may: marked as its word alone. What the two say differently is a doubt."""

import dataclasses

import pytest

from vouchers.invoices import UnreadableInvoice, read
from vouchers.invoices.qr import filled_in, parse

from . import make
from .corpus import build, fonts

drawn = pytest.mark.skipif(not fonts.NOTO.exists(), reason="made with the Noto CJK fonts of the system")
FACTS = make.Facts()
DATE = FACTS.day.strftime("%Y年%m月%d日")


def without_date(**more) -> bytes:
    return build.drawn("tax", FACTS, altered={DATE: ""}, **more)


@drawn
def test_a_date_that_the_page_lacks_comes_from_the_code_and_says_so():
    invoice = read(without_date(qr=build.payload(FACTS)))
    assert invoice.date == FACTS.day
    (doubt,) = [warning for warning in invoice.warnings if warning.code == "from_qr"]
    assert "“开票日期”" in doubt.message
    assert "发票号码" not in doubt.message
    assert "date" not in {box.field for box in invoice.boxes}


@drawn
def test_without_a_code_the_field_is_missed_by_name():
    with pytest.raises(UnreadableInvoice, match="开票日期"):
        read(without_date())


@drawn
def test_what_the_page_does_say_is_not_overwritten_but_held_against_the_code():
    payload = build.payload(dataclasses.replace(FACTS), amount="1")
    invoice = read(without_date(qr=payload))
    assert invoice.total_fen == FACTS.total_fen
    assert {"from_qr", "qr_mismatch"} <= {warning.code for warning in invoice.warnings}


def test_a_code_that_only_repeats_the_page_is_no_doubt():
    payload = parse("01,31,,26322000000000000017,127200,20260508,,ABCD")
    read_there = {"number": payload.number, "date": "2026年05月08日", "total": "¥127200.00"}
    assert filled_in(payload, read_there) == []
    assert "价税合计" in filled_in(payload, read_there | {"total": " "})[0].message
