"""Files written unlike any the rules were made on, yet saying the same: other prefixes, folders, dates and blanks."""

import re
from dataclasses import replace

import pytest

from vouchers.invoices import read

from . import make
from .make_legacy import DATA_A, LegacyFacts, data_b, legacy_parts
from .test_xml import code_of

FACTS = make.Facts(lines=[make.compute_line(), make.discount_line()])
OLD = LegacyFacts(lines=FACTS.lines)
XML, PARTS, OLD_PARTS, INSTANCE = make.xml_text(FACTS), make.ofd_parts(FACTS), legacy_parts(OLD), data_b(OLD)
MADE_UP = {"data_file_only", "seal_missing"}


def everywhere(change) -> bytes:
    """The OFD with `change` made in each of its parts."""
    return make.zipped({path: change(text) for path, text in PARTS.items()})


def old_data(old: str, new: str) -> bytes:
    """The older OFD with its data file in other words."""
    assert old in OLD_PARTS[DATA_A]
    return make.zipped({**OLD_PARTS, DATA_A: OLD_PARTS[DATA_A].replace(old, new)})


def form_on_the_page() -> bytes:
    """The OFD with its printed form on the page itself instead of a template."""
    form = re.search(r"<ofd:Layer>(.*)</ofd:Layer>", PARTS[make.TEMPLATE])
    page = PARTS[make.PAGE].replace('<ofd:Template TemplateID="1" ZOrder="Background"/>', "")
    return make.zipped({**PARTS, make.PAGE: page.replace("<ofd:Layer>", "<ofd:Layer>" + form.group(1))})


XMLS = {
    "a prefix": re.sub(r"<(/?)([A-Z])", r"<\1t:\2", XML).replace("<t:EInvoice>", '<t:EInvoice xmlns:t="urn:x">'),
    "a namespace": XML.replace("<EInvoice>", '<EInvoice xmlns="urn:x">'),
    "character data over lines": re.sub(r">([^<>]+)<", r">\n  <![CDATA[\1]]>\n<", XML),
    "comments": XML.replace("<EInvoiceData>", "<!-- a --><EInvoiceData><!-- b -->"),
    "signs in amounts": XML.replace(">108000.00<", ">¥108,000.00<"),
    "a date of eight digits": XML.replace("2026-05-08<", "20260508<"),
    "a Chinese date": XML.replace(">2026-05-08<", ">2026年5月8日<"),
    "a wide rate": XML.replace("<TaxRate>0.06<", "<TaxRate>６％<"),
}
OFDS = {
    "another folder": make.zipped({path.replace("Doc_0", "Doc_9"): text.replace("Doc_0", "Doc_9") for path, text in PARTS.items()}),
    "no prefix": everywhere(lambda text: text.replace("ofd:", "").replace("xmlns:ofd", "xmlns")),
    "locations from the root": everywhere(lambda text: text.replace('BaseLoc="', 'BaseLoc="/Doc_0/')),
    "entries for folders": make.zipped({"Doc_0/": "", **PARTS}),
    "no size of pages": everywhere(lambda text: re.sub(r"<ofd:Area>.*?</ofd:Area>", "", text)),
    "no template": form_on_the_page(),
}  # fmt: skip
OLD_OFDS = {
    "no prefix": old_data("fp:", ""),
    "a date of eight digits": old_data("2022年05月08日", "20220508"),
    "a rate as a fraction": old_data(">6%<", ">0.06<"),
    "signs in amounts": old_data(">108000.00<", ">￥108,000.00<"),
}
INSTANCES = {
    "a prefix": INSTANCE.replace("<xbrl ", '<xbrli:xbrl xmlns:xbrli="http://www.xbrl.org/2003/instance" ').replace("</xbrl>", "</xbrli:xbrl>"),
    "the longer namespace": INSTANCE.replace('/inv"', '/inv_ord"'),
    "blanks around": re.sub(r"<!\[CDATA\[(.*?)\]\]>", r"\n \1 \n", INSTANCE),
}  # fmt: skip
CASES = [
    *((f"xml: {name}", text.encode(), FACTS.invoice("xml")) for name, text in XMLS.items()),
    *((f"ofd: {name}", content, FACTS.invoice("ofd")) for name, content in OFDS.items()),
    *((f"older ofd: {name}", content, OLD.invoice("ofd")) for name, content in OLD_OFDS.items()),
    *((f"instance: {name}", text.encode(), OLD.invoice("xml")) for name, text in INSTANCES.items()),
]


@pytest.mark.parametrize(("content", "expected"), [pytest.param(*rest, id=name) for name, *rest in CASES])
def test_another_spelling_of_the_same_invoice_is_the_same_invoice(content, expected):
    invoice = read(content)

    assert replace(invoice, warnings=()) == expected
    assert {warning.code for warning in invoice.warnings} <= (MADE_UP if expected.code else set())


def test_spellings_that_could_hide_a_second_value_are_refused():
    doubled = XML.replace("</BasicInformation>", "<TotalTaxAm>0.00</TotalTaxAm></BasicInformation>")
    nested = XML.replace("<TotalTaxAm>6480.00<", "<TotalTaxAm><b>1</b>6480.00<")

    assert code_of(doubled.encode()) == "xml_ambiguous"
    assert code_of(nested.encode()) == "xml_ambiguous"
