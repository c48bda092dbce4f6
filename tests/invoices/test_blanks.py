"""A blank that is on the paper is in what was read, however the file says it; none comes into Chinese words."""

import dataclasses

import pytest
from lxml import etree

from vouchers.invoices import Invoice, ofd_page, read

from . import late_forms, make, make_ofd
from .corpus import build, fonts
from .facts import Facts, compute_line

needs_noto = pytest.mark.skipif(not fonts.NOTO.exists(), reason="made with the Noto CJK fonts of the system")

# None so long that it is wrapped: a blank at the end of a line is on no paper.
SPECS = ["A800 8卡", "H100 80G", "8卡 A800", "8 卡 A", "H100 (80G)", "A-8 台"]
TOGETHER = ["A800八卡", "GPU服务器", "8卡/台", "智能算力", "H100(80G)"]
FORMS = ["tax", "portal", "saas", "aisino", "grocer"]


def facts_of(specs: list[str]) -> Facts:
    lines = [dataclasses.replace(compute_line(), spec=spec) for spec in specs]
    return Facts(
        lines=lines, buyer_name="无锡ABC Cloud 智能有限公司", seller_name="Blue River 云计算（无锡）有限公司", remark=""
    )


def texts(invoice: Invoice) -> list[str]:
    return [invoice.buyer_name, invoice.seller_name, *(line.spec for line in invoice.lines)]


@needs_noto
@pytest.mark.parametrize("tall", [False, True], ids=["plain lines", "tall lines"])
@pytest.mark.parametrize("blanks", ["kept", "moves", "words"])
@pytest.mark.parametrize("form", FORMS)
def test_a_blank_of_a_pdf_is_kept_however_it_is_written(form, blanks, tall):
    facts = facts_of([*SPECS, *TOGETHER])

    found = read(build.drawn(form, facts, manner={"blanks": blanks, "tall": tall}))

    assert texts(found) == texts(facts.invoice("pdf"))


@needs_noto
@pytest.mark.parametrize("name", ["tax before amount", "no grid, right cells", "older words of columns"])
def test_a_blank_narrower_than_half_a_letter_is_kept(name):
    """Printed by a browser's like: the type's own narrow blank, in lines much higher than the type."""
    found = read(late_forms.printed(name))

    assert [line.spec for line in found.lines] == [line.spec for line in late_forms.facts_of(name).lines]
    assert "A800 8卡" in [line.spec for line in found.lines]


@pytest.mark.parametrize("style", ["plain", "cdata", "padded", "moves", "words"])
def test_a_blank_of_an_ofd_is_kept_however_it_is_written(style):
    facts = facts_of([*SPECS, *TOGETHER])

    found = read(make.zipped(make_ofd.ofd_parts(facts, style=style)))

    assert texts(found) == texts(facts.invoice("ofd"))


def test_chinese_set_wide_stays_together_on_an_ofd():
    page = make_ofd.Part(3)
    page.text(10, 10, "算力服务")
    wide = page.page(template=True).replace("3.1750 3.1750 3.1750", "4.7 4.7 4.7")

    [(_, [token])] = ofd_page.text_objects(etree.fromstring(wide.encode()))

    assert token.text == "算力服务"
