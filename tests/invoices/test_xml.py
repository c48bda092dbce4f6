"""The 数电票 as XML: every version and spelling comes out as the same invoice, to the fen."""

import datetime

import pytest

from vouchers.invoices import UnreadableInvoice, read

from . import make


def code_of(content: bytes) -> str:
    """The code with which reading `content` is refused."""
    with pytest.raises(UnreadableInvoice) as refusal:
        read(content)
    return refusal.value.code


@pytest.mark.parametrize("version", ["0.2", "0.32"])
@pytest.mark.parametrize("rate", ["fraction", "long", "percent"])
@pytest.mark.parametrize("kind", ["数电专票", "数电普票"])
def test_both_versions_give_every_field_and_line(version, rate, kind):
    facts = make.Facts(kind=kind, lines=[make.compute_line(), make.discount_line()])

    assert read(make.xml(facts, version=version, rate=rate)) == facts.invoice("xml")


@pytest.mark.parametrize("time", ["", " 09:47:14", "T09:47:14"])
def test_the_time_of_issue_may_follow_its_date_and_the_time_of_request_is_not_taken_for_it(time):
    assert read(make.xml(make.Facts(), time=time)).date == datetime.date(2026, 5, 8)


@pytest.mark.parametrize("encoding", ["UTF-8", "utf-8", "GBK", "gb2312", "GB18030"])
def test_utf_8_and_gbk_are_read(encoding):
    facts = make.Facts()

    assert read(make.xml(facts, encoding=encoding)) == facts.invoice("xml")


def test_a_byte_order_mark_is_skipped():
    facts = make.Facts()

    assert read(b"\xef\xbb\xbf" + make.xml(facts)) == facts.invoice("xml")


def test_rare_characters_and_long_names_stay_whole():
    facts = make.Facts(seller_name="𬭚㐂䶮镕（无锡）算力有限公司", buyer_name="无锡" + "示例" * 40 + "股份有限公司")

    assert read(make.xml(facts)) == facts.invoice("xml")


def test_three_hundred_lines_are_read_in_order():
    facts = make.Facts(lines=[make.compute_line(name=f"*信息技术服务*算力服务费{n}", spec="") for n in range(300)])

    assert read(make.xml(facts)) == facts.invoice("xml")


def test_a_red_letter_is_red_and_names_the_blue_invoice():
    red = make.red_letter(make.Facts())

    invoice = read(make.xml(red))

    assert invoice == red.invoice("xml")
    assert (invoice.red, invoice.reverses) == (True, "26322000000000000017")
    assert invoice.total_fen == -12_720_000


def test_the_remark_names_the_blue_invoice_where_the_red_block_is_missing():
    red = make.red_letter(make.Facts())
    block = f"<RedEInvoice><OriginalInvoiceCode>{red.reverses}</OriginalInvoiceCode></RedEInvoice>"

    invoice = read(make.changed_xml(red, block, ""))

    assert invoice == red.invoice("xml")


def test_values_written_as_cdata_with_line_breaks_around_are_the_values():
    facts = make.Facts()
    padded = f"<BuyerName>\n  <![CDATA[{facts.buyer_name}]]>\n</BuyerName>"

    assert read(make.changed_xml(facts, f"<BuyerName>{facts.buyer_name}</BuyerName>", padded)) == facts.invoice("xml")


@pytest.mark.parametrize(
    ("written", "fen"),
    [
        ("6.2", 620),
        ("108000", 10_800_000),
        ("108,000.00", 10_800_000),
        ("0.10", 10),
        ("7.100000", 710),
        ("￥5.05", 505),
    ],
)
def test_amounts_written_otherwise_are_the_same_fen(written, fen):
    content = make.changed_xml(
        make.Facts(),
        "<TotalAmWithoutTax>120000.00</TotalAmWithoutTax>",
        f"<TotalAmWithoutTax>{written}</TotalAmWithoutTax>",
    )

    assert read(content).amount_fen == fen


@pytest.mark.parametrize(
    "written", ["1.005", "1e5", "12,34.00", "--5", "１０a", "0x10", "1 000 00.0.0", "9" * 17, "NaN"]
)
def test_a_total_that_is_no_amount_of_fen_is_refused(written):
    content = make.changed_xml(
        make.Facts(),
        "<TotalAmWithoutTax>120000.00</TotalAmWithoutTax>",
        f"<TotalAmWithoutTax>{written}</TotalAmWithoutTax>",
    )

    assert code_of(content) == "field_invalid"


@pytest.mark.parametrize("rate", ["免税", "不征税", "***", "0%"])
def test_a_tax_printed_as_stars_is_zero_and_the_rate_stays(rate):
    line = make.compute_line(tax_rate=rate, tax_fen=0)
    facts = make.Facts(lines=[line])
    text = make.xml_text(facts, rate="percent")
    text = make.changed(text, "<ComTaxAm>0.00</ComTaxAm>", "<ComTaxAm>***</ComTaxAm>")
    text = make.changed(text, "<TotalTaxAm>0.00</TotalTaxAm>", "<TotalTaxAm>***</TotalTaxAm>")

    assert read(text.encode()) == facts.invoice("xml")


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        ("InvoiceNumber", "26322000000000000017"),
        ("IssueTime", "2026-05-08"),
        ("BuyerName", "无锡示例人工智能有限公司"),
        ("SellerName", "示例智算科技（无锡）有限公司"),
        ("TotalAmWithoutTax", "120000.00"),
        ("TotalTaxAm", "7200.00"),
        ("TotalTax-includedAmount", "127200.00"),
    ],
)
def test_a_missing_field_is_refused_by_name(tag, value):
    text = make.changed(make.xml_text(make.Facts()), f"<{tag}>{value}</{tag}>", f"<{tag}></{tag}>")
    if tag == "InvoiceNumber":
        text = make.changed(text, f"<EIid>{value}</EIid>", "")

    assert code_of(text.encode()) == "field_missing"


def test_an_element_is_found_on_its_path_and_not_by_its_name_elsewhere():
    facts = make.Facts()
    decoy = "<EInvoiceData><Extension><TotalTaxAm>1.00</TotalTaxAm><BuyerName>别家</BuyerName></Extension>"

    assert read(make.changed_xml(facts, "<EInvoiceData>", decoy)) == facts.invoice("xml")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<TotalTaxAm>7200.00</TotalTaxAm>", "<TotalTaxAm>7200.00</TotalTaxAm><TotalTaxAm>7200.00</TotalTaxAm>"),
        ("<BasicInformation>", "<BasicInformation></BasicInformation><BasicInformation>"),
        ("<TotalTaxAm>7200.00</TotalTaxAm>", "<TotalTaxAm>72<b/>00.00</TotalTaxAm>"),
        ("<Quantity>12000</Quantity>", "<Quantity>12000</Quantity><Quantity>1</Quantity>"),
    ],
)
def test_an_element_that_stands_twice_or_holds_others_is_refused(old, new):
    assert code_of(make.changed_xml(make.Facts(), old, new)) == "xml_ambiguous"


def test_two_numbers_in_one_file_are_refused():
    content = make.changed_xml(make.Facts(), "<EIid>26322000000000000017</EIid>", "<EIid>26322000000000000018</EIid>")

    assert code_of(content) == "number_conflict"


@pytest.mark.parametrize("number", ["2632200000000000001X", "1234567", "263220000000000000170"])
def test_a_number_that_no_invoice_can_have_is_refused(number):
    text = make.xml_text(make.Facts(number=number))

    assert code_of(text.encode()) == "field_invalid"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<Amount>120000.00</Amount>", "<Amount>120000.005</Amount>"),
        ("<Amount>120000.00</Amount>", "<Amount></Amount>"),
        ("<ComTaxAm>7200.00</ComTaxAm>", "<ComTaxAm></ComTaxAm>"),
        ("<ComTaxAm>7200.00</ComTaxAm>", "<ComTaxAm>***</ComTaxAm>"),
    ],
)
def test_one_line_whose_money_cannot_be_read_leaves_no_lines_and_a_warning(old, new):
    facts = make.Facts(lines=[make.compute_line(), make.discount_line()])

    invoice = read(make.changed_xml(facts, old, new))

    assert invoice.lines == ()
    assert [warning.code for warning in invoice.warnings] == ["lines_unread"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"<html><body>hello</body></html>", "not_an_invoice"),
        (b'<eInvoice xmlns="http://example.invalid/2019"/>', "not_an_invoice"),
        (b'<xbrl xmlns="http://example.invalid/instance"/>', "not_an_invoice"),
        (b"<EInvoice/>", "field_missing"),
    ],
)
def test_other_documents_are_told_apart(content, code):
    assert code_of(content) == code


def test_a_ticket_in_the_same_format_is_refused_by_name():
    content = make.changed_xml(make.Facts(), "电子发票</LabelName>", "电子发票（铁路电子客票）</LabelName>")

    assert code_of(content) == "kind_not_supported"


def test_a_line_whose_total_contradicts_its_parts_is_told():
    content = make.changed_xml(make.Facts(), "<TotaltaxIncludedAmount>127200.00<", "<TotaltaxIncludedAmount>127200.01<")

    assert [warning.code for warning in read(content).warnings] == ["line_total"]
