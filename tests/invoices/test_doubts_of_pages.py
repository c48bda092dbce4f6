"""Doubts about what pages print: one altered figure never passes, the older forms' own numbers, two carriers compared."""

import dataclasses
import datetime

import pytest

from vouchers.invoices import UnreadableInvoice, read
from vouchers.invoices.checks import check
from vouchers.invoices.witnesses import differences

from . import make
from .corpus import build, fonts

FACTS = make.Facts(lines=[make.compute_line(), make.discount_line()])
OLD = make.Facts(
    kind="电子普票",
    number="67536084",
    code="033002000111",
    check_code="80200846912530403376",
    day=datetime.date(2020, 6, 9),
)


def codes(facts: make.Facts, **changes) -> list[str]:
    invoice = dataclasses.replace(facts.invoice("pdf"), **changes)
    return [warning.code for warning in check(invoice, facts.words, None)]


def outcome(content: bytes) -> list[str]:
    """The codes of the warnings, or of the refusal where a figure can no longer be understood."""
    try:
        return [warning.code for warning in read(content).warnings]
    except UnreadableInvoice as refusal:
        return [refusal.code] if refusal.code in ("field_missing", "field_invalid") else []


@pytest.mark.skipif(not fonts.NOTO.exists(), reason="made with the Noto CJK fonts of the system")
@pytest.mark.parametrize("form", ["tax", "narrow", "aisino"])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("120000.00", "120000.01"),
        ("-12000.00", "12000.00"),
        ("7200.00", "720.00"),
        ("-720.00", "-72.00"),
        ("¥108000.00", "¥108800.00"),
        ("108000.00", "108800.00"),
        ("¥6480.00", "¥6488.00"),
        ("6480.00", ""),
        ("¥114480.00", "¥114481.00"),
        ("壹拾壹万肆仟肆佰捌拾圆整", "壹拾壹万肆仟肆佰捌拾壹圆整"),
        ("12000", "12001"),
        ("10", "11"),
        ("6%", "9%"),
    ],
)
def test_no_altered_figure_on_a_page_passes_without_a_warning(form, old, new):
    facts = OLD if form == "aisino" else FACTS
    facts = dataclasses.replace(facts, lines=FACTS.lines)
    drawn = build.drawn(form, facts, altered={old: new})
    if drawn == build.drawn(form, facts):
        pytest.skip("this form writes the figure otherwise")

    assert outcome(drawn)


def test_the_older_forms_are_known_by_code_number_and_check_code():
    assert codes(OLD) == []
    assert codes(OLD, code="") == ["code_format"]
    assert codes(OLD, code="03300200011") == ["code_format"]
    assert codes(OLD, code="3300200011") == []
    assert codes(OLD, number="6753608") == ["number_format"]
    assert codes(OLD, check_code="8020084691253040337") == ["check_code_format"]
    assert codes(OLD, check_code="") == ["check_code_missing"]
    assert codes(OLD, check_code="", kind="电子专票") == []


def test_a_number_of_twenty_digits_has_no_code_and_begins_with_its_year():
    assert codes(FACTS, code="033002000111") == ["code_unexpected"]
    assert codes(FACTS, date=datetime.date(2025, 5, 8)) == ["number_year"]


def test_a_buyer_who_is_the_seller_is_doubted():
    assert codes(FACTS, buyer_id=FACTS.seller_id) == ["same_party"]
    assert codes(FACTS, buyer_name=FACTS.seller_name) == ["same_party"]
    assert codes(FACTS, buyer_id="", seller_id="") == ["id_missing", "id_missing"]


def test_what_contradicts_itself_blocks_and_what_is_only_unread_does_not():
    wrong = dataclasses.replace(FACTS.invoice("pdf"), total_fen=1)
    blocking = {warning.code: warning.blocks for warning in check(wrong, "", None)}

    assert blocking == {"total_mismatch": True, "words_missing": False}


def test_days_of_travel_are_no_quantity_times_price():
    line = make.compute_line(quantity="20180212", unit_price="20180213")

    assert codes(dataclasses.replace(FACTS, lines=[line])) == []


def test_a_blue_invoice_of_the_older_forms_is_named_by_code_and_number():
    red = make.red_letter(OLD)
    red = dataclasses.replace(
        red, kind=OLD.kind, number="12345678", code=OLD.code, check_code=OLD.check_code, day=OLD.day,
        reverses="03300200011167536084", remark="对应正数发票代码:033002000111号码:67536084",
    )  # fmt: skip

    assert codes(red) == []
    if fonts.NOTO.exists():
        assert read(build.drawn("aisino", red)) == red.invoice("pdf")


def test_two_carriers_of_one_invoice_are_compared_field_by_field():
    xml, pdf = FACTS.invoice("xml"), FACTS.invoice("pdf")
    assert differences({"XML": xml, "PDF": pdf}) == []

    for changes, label, blocks in (
        ({"total_fen": 1}, "价税合计", True),
        ({"number": "1"}, "发票号码", True),
        ({"buyer_name": "另一家公司"}, "购买方名称", False),
        ({"lines": ()}, "明细", False),
    ):
        [doubt] = differences({"XML": xml, "PDF": dataclasses.replace(pdf, **changes)})
        assert doubt.code == "two_truths"
        assert label in doubt.message
        assert "XML" in doubt.message
        assert doubt.blocks is blocks
