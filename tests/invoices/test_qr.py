"""The text of invoices' QR codes: which amount it states, and how a difference is told."""

import dataclasses
import datetime

import pytest

from vouchers.invoices.qr import compare, parse

from . import make

NEW = "01,31,,26322000000000000017,127200,20260508,,9F3A,"
OLD = "01,10,033002000111,67536084,2241.51,20200609,80200846912530403376,1A2B"


def codes(payload: str, facts: make.Facts) -> list[str]:
    return [warning.message for warning in compare(parse(payload), facts.invoice("pdf"))]


def test_a_code_is_told_apart_into_what_it_states():
    new, old = parse(NEW), parse(OLD)

    assert (new.type, new.code, new.number, new.amount, new.check_code) == (
        "31",
        "",
        "26322000000000000017",
        "127200",
        "",
    )
    assert new.date == datetime.date(2026, 5, 8)
    assert (new.kind, new.amount_field) == ("数电专票", "total")
    assert (old.kind, old.amount_field, old.check_code) == ("电子普票", "amount", "80200846912530403376")
    assert old.fields() == {
        "number": "67536084",
        "code": "033002000111",
        "check_code": "80200846912530403376",
        "date": "2020-06-09",
        "amount": "2241.51",
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://example.cn/?bill_num=1",
        "01,31,,26322,1,20260508,,9F3A",
        "01,31,,26322000000000000017,x,20260508,,9F3A,",
        NEW + "more",
    ],
)
def test_other_codes_state_nothing(text):
    assert parse(text) is None


def test_a_day_that_is_none_is_left_out():
    assert parse(NEW.replace("20260508", "20260231")).date is None


@pytest.mark.parametrize("amount", ["127200", "127200.0", "127200.00"])
def test_trailing_zeros_make_no_difference(amount):
    assert codes(NEW.replace("127200", amount), make.Facts()) == []


@pytest.mark.parametrize("last", ["9F3A", "0000", ""])
def test_the_last_field_is_not_judged(last):
    assert codes(NEW.replace("9F3A", last), make.Facts()) == []


@pytest.mark.parametrize(
    ("old", "new", "label"),
    [
        ("26322000000000000017", "26322000000000000018", "发票号码"),
        ("127200", "127200.01", "价税合计"),
        ("127200", "-127200", "价税合计"),
        ("20260508", "20260509", "开票日期"),
        ("01,31,", "01,32,", "发票种类"),
        ("01,31,,", "01,31,033002000111,", "发票代码"),
    ],
)
def test_each_difference_is_named_with_both_statements(old, new, label):
    [message] = codes(NEW.replace(old, new), make.Facts())

    assert label in message


def test_the_older_forms_state_the_amount_without_tax_and_the_check_code():
    facts = make.Facts(
        kind="电子普票",
        number="67536084",
        code="033002000111",
        check_code="80200846912530403376",
        day=datetime.date(2020, 6, 9),
    )
    stated = OLD.replace("2241.51", "120000")

    assert codes(stated, facts) == []
    assert "合计金额" in codes(OLD.replace("2241.51", "127200"), facts)[0]
    assert "校验码" in codes(stated.replace("80200846912530403376", "80200846912530403377"), facts)[0]
    # Without a check code read there is nothing to compare.
    assert codes(stated, dataclasses.replace(facts, check_code="")) == []
