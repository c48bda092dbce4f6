"""The forms before 数电票 as OFD: data file, page, tags and properties must say the same."""

from dataclasses import replace

import pytest

from vouchers.invoices import read

from . import make, make_seal
from .make_legacy import DATA_A, LegacyFacts, data_a, data_b, facts_of, legacy_parts, xbrl
from .make_tags import with_other_tags
from .test_xml import code_of

FACTS = LegacyFacts(lines=[make.compute_line(), make.discount_line()])
PARTS = legacy_parts(FACTS)


def changed(path: str, old: str, new: str) -> bytes:
    return make.zipped({**PARTS, path: make.changed(PARTS[path], old, new)})


def doubts(content: bytes) -> list[tuple[str, bool]]:
    """The doubts but that the made-up files bear no seal."""
    found = [(warning.code, warning.blocks) for warning in read(content).warnings]
    return [doubt for doubt in found if doubt[0] != "seal_missing"]


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ("<fp:TaxInclusiveTotalAmount>114480.00<", "<fp:TaxInclusiveTotalAmount>914480.00<", "价税合计"),
        ("<fp:IssueDate>2022年05月08日<", "<fp:IssueDate>2022年06月08日<", "开票日期"),
        ("<fp:BuyerTaxID>91320214MA00000028<", "<fp:BuyerTaxID>91320214MA00000036<", "购买方纳税人识别号"),
        ("<fp:SellerName>示例智算科技（无锡）有限公司<", "<fp:SellerName>另一家有限公司<", "销售方名称"),
        ("<fp:InvoiceCheckCode>80200846912530403376<", "<fp:InvoiceCheckCode>80200846912530403377<", "校验码"),
        ("<fp:Amount>120000.00<", "<fp:Amount>130000.00<", "金额"),
        ("<fp:TaxAmount>7200.00<", "<fp:TaxAmount>7300.00<", "税额"),
        ("<fp:Specification>A800 8卡<", "<fp:Specification>H800 8卡<", "规格型号"),
        ("<fp:Note>合同编号：SL-2026-0001<", "<fp:Note>合同编号：SL-2026-0002<", "备注"),
    ],
)
def test_a_data_file_that_says_another_thing_than_the_page_is_a_warning_that_names_the_field(old, new, names):
    warnings = read(changed(DATA_A, old, new)).warnings

    assert any(warning.code == "two_truths" and f"{names}”" in warning.message for warning in warnings)


def test_a_page_that_says_another_thing_than_the_data_file_is_a_warning_and_blocks():
    assert ("two_truths", True) in doubts(changed(make.PAGE, "¥114480.00", "¥914480.00"))


@pytest.mark.parametrize("old", ["<fp:InvoiceNo>12345678<", ",12345678,"])
def test_two_numbers_in_one_file_are_refused(old):
    assert code_of(changed(DATA_A, old, old.replace("12345678", "12345679"))) == "number_conflict"


def test_the_text_of_the_code_in_the_data_file_is_a_witness():
    assert ("two_truths", True) in doubts(changed(DATA_A, ",108000,", ",108001,"))


def test_a_data_file_that_no_list_names_is_read_and_compared():
    parts = legacy_parts(FACTS, "")
    other = LegacyFacts(lines=[make.compute_line()])

    content = make.zipped({**parts, DATA_A: data_a(other)})

    assert ("two_truths", True) in doubts(content)


def test_two_data_files_are_compared_with_each_other():
    other = LegacyFacts(lines=FACTS.lines, buyer_name="另一家有限公司")

    content = make.zipped({**PARTS, "Doc_0/Attachs/inv_ord_issuer_1.xml": data_b(other)})

    assert doubts(content) == [("two_truths", False)]


def test_an_attached_einvoice_document_is_compared_with_the_page():
    facts = make.Facts()
    parts = make.ofd_parts(facts)
    for written, expected in ((facts, []), (make.Facts(buyer_name="另一家有限公司"), ["two_truths"])):
        listing = (
            f'<ofd:Attachments xmlns:ofd="{make.OFD_NS}"><ofd:Attachment Name="data"><ofd:FileLoc>data.xml</ofd:FileLoc>'
            "</ofd:Attachment></ofd:Attachments>"
        )
        document = make.changed(
            parts[make.DOCUMENT], "</ofd:Document>", "<ofd:Attachments>/Doc_0/A.xml</ofd:Attachments></ofd:Document>"
        )
        content = make.zipped(
            {**parts, make.DOCUMENT: document, "Doc_0/A.xml": listing, "Doc_0/data.xml": make.xml(written)}
        )

        assert [code for code, _ in doubts(content)] == expected


def test_the_buyers_booking_file_in_an_ofd_is_told_and_decides_nothing():
    facts = make.Facts()
    booked = xbrl(
        facts_of("einv", InvoiceNumber=facts.number, SellerName="另一家有限公司"), "einv", schema="einv_spcl_receiver"
    )

    invoice = read(make.zipped({**make.ofd_parts(facts), "Doc_0/Attachs/einv_spcl_receiver_1.xml": booked}))

    assert invoice.seller_name == facts.seller_name
    assert {warning.code for warning in invoice.warnings} == {"buyer_declaration", "two_truths"}


def test_the_kind_is_the_title_and_a_code_that_contradicts_it_is_told():
    content = changed(DATA_A, ">01,10,", ">01,20,")

    assert (read(content).kind, doubts(content)) == ("电子普票", [("kind_mismatch", False)])


def test_a_list_of_items_that_is_missing_is_told():
    facts = LegacyFacts(lines=[make.compute_line(name=f"*信息技术服务*算力{n}") for n in range(20)])
    parts = legacy_parts(facts, "")
    pages = '<ofd:Page ID="62" BaseLoc="Pages/Page_1/Content.xml"/>'
    parts[make.DOCUMENT] = make.changed(parts[make.DOCUMENT], pages, "")

    assert [code for code, _ in doubts(make.zipped(parts))] == ["lines_elsewhere"]


@pytest.mark.parametrize("path", ["Doc_0/Attachs/original_invoice.xml", "Doc_0/Attachs/inv_ord_issuer_1.xml"])
@pytest.mark.parametrize("content", ["", "<eInvoice", "<!DOCTYPE a><eInvoice/>", "<eInvoice/>", "<xbrl/>"])
def test_a_data_file_that_is_damaged_or_empty_is_refused_by_name(path, content):
    assert code_of(make.zipped({**PARTS, path: content})) in {"xml_damaged", "xml_unsafe", "not_an_invoice"}


def test_a_box_stands_around_every_field_the_page_shows():
    invoice = read(make.zipped(PARTS))

    boxes = {box.field: box for box in invoice.boxes}
    assert set(boxes) >= {"number", "code", "check_code", "date", "buyer_name", "seller_id", "total", "lines.1.amount"}
    for box in invoice.boxes:
        assert 0 <= box.left < box.right <= 1, box
        assert 0 <= box.top < box.bottom <= 1, box
    number = boxes["number"]
    assert (number.page, number.left) == (0, pytest.approx(164 / 210, abs=0.01))
    assert number.top < 15.79 / 140 < number.bottom


def test_the_tags_of_other_issuers_are_compared_with_the_page():
    facts = make.Facts()
    parts = with_other_tags(make.ofd_parts(facts))
    hidden = make.Part(9000)
    hidden.text(30, 137, "某某有限公司")
    page = make.changed(parts[make.PAGE], "</ofd:Layer>", hidden.objects[0] + "</ofd:Layer>")
    start = parts[make.TAGS].index("<ofd:SellerName>")
    tags = (
        parts[make.TAGS][:start]
        + '<ofd:SellerName><ofd:ObjectRef PageRef="61">9000</ofd:ObjectRef>'
        + (parts[make.TAGS][start + len("<ofd:SellerName>") :].partition("</ofd:ObjectRef>")[2])
    )

    invoice = read(make.zipped({**parts, make.PAGE: page, make.TAGS: tags}))

    assert [warning.code for warning in invoice.warnings] == ["two_truths"]
    assert "销售方名称" in invoice.warnings[0].message


def test_an_older_form_without_the_seal_it_was_issued_with_is_told():
    without, sealed = make.zipped(PARTS), make_seal.sealed(PARTS)

    assert [warning.code for warning in read(without).warnings] == ["seal_missing"]
    assert read(sealed) == replace(FACTS.invoice("ofd"), seals=read(sealed).seals)
