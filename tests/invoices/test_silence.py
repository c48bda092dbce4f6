"""No silent error in money: whatever single thing in a file is altered, money stays right, or a warning or refusal says so."""

import copy
import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from vouchers.invoices import Invoice, UnreadableInvoice, read

from . import make

RED = make.red_letter(make.Facts(lines=[make.compute_line(), make.discount_line()]))
BLUE = make.Facts(
    lines=[make.compute_line(name="*信息技术服务*" + "智能算力服务" * 5), make.discount_line(), make.compute_line()]
)
VALUES = [
    "", " ", "0", "-1", "¥", "***", "10 10 10 10", "1 0 0 1 5 5", "合计", "小计", "项目名称", "金额", "税额", "（小写）", "名称：",
    "12000.00", "-720.00", "108000.00", "1.00", "免税", "13%", "Y", "N", "false", "g 9 1.5", "2026年05月09日",
]  # fmt: skip


@st.composite
def altered(draw, text: str) -> bytes:
    """`text`, still well-formed, with one value changed or one element removed, repeated or moved."""
    root = etree.fromstring(text.partition("?>")[2].encode() or text.encode())
    elements = list(root.iter())
    element = draw(st.sampled_from(elements[1:]))
    act = draw(st.sampled_from(["attribute", "digit", "text", "text", "remove", "repeat", "move"]))
    if act == "attribute" and element.attrib:
        name = draw(st.sampled_from(sorted(element.attrib)))
        element.set(name, draw(st.one_of(st.sampled_from(VALUES), _nudged(element.get(name)))))
    elif act == "digit" and element.text:
        position = draw(st.integers(0, len(element.text) - 1))
        char = draw(st.sampled_from([*"0123456789.-¥,% 壹*", ""]))
        element.text = element.text[:position] + char + element.text[position + 1 :]
    elif act == "text":
        element.text = draw(st.sampled_from(VALUES))
    elif act == "remove":
        element.getparent().remove(element)
    elif act == "repeat":
        element.addnext(copy.deepcopy(element))
    elif act == "move":
        target = draw(st.sampled_from(elements[1:]))
        if element not in (target, *target.iterancestors()):
            target.addnext(element)
    return etree.tostring(root, encoding="utf-8")


@st.composite
def _nudged(draw, text: str) -> str:
    """`text` with one of its numbers a little or much larger."""
    numbers = list(re.finditer(r"[0-9]+", text))
    if not numbers:
        return text
    number = draw(st.sampled_from(numbers))
    step = draw(st.sampled_from([1, -1, 5, 20, -20, 100]))
    return f"{text[: number.start()]}{int(number.group()) + step}{text[number.end() :]}"


def money(invoice: Invoice) -> tuple:
    lines = sorted((line.amount_fen, line.tax_fen) for line in invoice.lines)
    return invoice.amount_fen, invoice.tax_fen, invoice.total_fen, invoice.red, lines


def assert_not_silently_wrong(content: bytes, facts: make.Facts) -> None:
    try:
        invoice = read(content)
    except UnreadableInvoice:
        return
    assert invoice.warnings or money(invoice) == money(facts.invoice(invoice.carrier))


PATIENT = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])


@PATIENT
@given(st.sampled_from([RED, BLUE]), st.data())
def test_one_alteration_of_an_xml_changes_no_money_silently(facts, data):
    assert_not_silently_wrong(data.draw(altered(make.xml_text(facts))), facts)


@PATIENT
@given(
    st.sampled_from([RED, BLUE]),
    st.sampled_from([make.PAGE, make.PAGE, make.TEMPLATE, make.TAGS, "OFD.xml"]),
    st.data(),
)
def test_one_alteration_of_an_ofd_changes_no_money_silently(facts, path, data):
    parts = make.ofd_parts(facts)
    parts[path] = data.draw(altered(parts[path]))
    assert_not_silently_wrong(make.zipped(parts), facts)
