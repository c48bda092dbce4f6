"""Forms made after the rules: what they are read as is right, refused, or doubted by name. Never wrong without a word.

The first try of these twelve, before any rule was changed for them: nine read (every money field right; one with buyer
and seller changed over, one with number and date in its remark, both without a word), three refused by name. Row tables:
eight of the nine had every figure right; the other was doubted. A blank inside a specification was lost wherever there was
one. The two silent mistakes and the lost blanks were mended since.
"""

import functools

import pytest

from vouchers.invoices import Invoice, UnreadableInvoice, read

from . import late_forms
from .corpus import fonts

pytestmark = pytest.mark.skipif(not fonts.NOTO.exists(), reason="made with the Noto CJK fonts of the system")

HEADER = (
    "number", "date", "buyer_name", "buyer_id", "seller_name", "seller_id", "amount_fen", "tax_fen", "total_fen", "remark",
)  # fmt: skip
MONEY_OF_LINE = ("quantity", "unit_price", "amount_fen", "tax_rate", "tax_fen")
# What is known to be refused, with the words that tell the clerk to type it in.
REFUSED = {"english words beside": "发票号码", "buyer above seller": "销售方名称", "dashes in the day": "合计金额"}
READ = [name for name in late_forms.LOOKS if name not in REFUSED]


@functools.cache
def read_form(name: str) -> Invoice:
    return read(late_forms.printed(name))


@pytest.mark.parametrize("name", READ)
def test_every_field_of_the_head_is_right(name):
    wanted, found = late_forms.facts_of(name).invoice("pdf"), read_form(name)
    assert {key: getattr(found, key) for key in HEADER} == {key: getattr(wanted, key) for key in HEADER}


@pytest.mark.parametrize("name", READ)
def test_no_row_is_wrong_without_a_word(name):
    wanted, found = late_forms.facts_of(name).invoice("pdf"), read_form(name)
    doubted = {warning.code for warning in found.warnings} & {"line_half_priced", "line_price", "lines_doubtful"}
    assert len(found.lines) == len(wanted.lines)
    for mine, true in zip(found.lines, wanted.lines, strict=True):
        assert (mine.name, mine.amount_fen, mine.tax_fen) == (true.name, true.amount_fen, true.tax_fen)
        if not doubted:
            assert [getattr(mine, key) for key in MONEY_OF_LINE] == [getattr(true, key) for key in MONEY_OF_LINE]
            assert (mine.spec, mine.unit) == (true.spec, true.unit)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_understood_is_refused_and_says_what_was_missing(name):
    with pytest.raises(UnreadableInvoice, match=REFUSED[name]) as refusal:
        read_form(name)
    assert "手工填写" in str(refusal.value)
