"""The 数电票 as OFD: tags, page and properties make one invoice; the page alone knows the rows."""

import pytest

from vouchers.invoices import UnreadableInvoice, read

from . import make
from .test_xml import code_of

LONG = "*信息技术服务*面向大模型训练与推理场景的智能算力租赁及配套调度运维技术服务费（二〇二六年五月）"


def warning_codes(content: bytes) -> list[str]:
    return [warning.code for warning in read(content).warnings]


@pytest.mark.parametrize("style", ["plain", "cdata", "padded"])
@pytest.mark.parametrize("kind", ["数电专票", "数电普票"])
def test_every_field_and_line_is_read_however_the_text_is_written(style, kind):
    facts = make.Facts(kind=kind, lines=[make.compute_line(), make.discount_line()])

    assert read(make.ofd(facts, style=style)) == facts.invoice("ofd")


@pytest.mark.parametrize("centre_rows", [False, True])
def test_wrapped_names_and_specifications_come_back_whole(centre_rows):
    facts = make.Facts(
        lines=[
            make.compute_line(name=LONG, spec="NVIDIA A800-80G SXM 8卡/台 含RDMA网络"),
            make.discount_line(),
            make.compute_line(name="*信息技术服务*GPU Cloud Bare Metal Server Rental"),
        ]
    )

    assert read(make.ofd(facts, centre_rows=centre_rows)) == facts.invoice("ofd")


@pytest.mark.parametrize("count", [1, 7, 8, 50, 300])
def test_rows_go_on_over_the_pages_and_subtotals_are_no_rows(count):
    facts = make.Facts(
        lines=[
            make.compute_line(
                name=f"*信息技术服务*智能算力服务费第{n}期",
                quantity="",
                unit_price="",
                amount_fen=12_000_000 + 100 * n,
                tax_fen=720_000 + 6 * n,
            )
            for n in range(count)
        ]
    )

    assert read(make.ofd(facts)) == facts.invoice("ofd")


def test_a_name_that_wraps_to_the_words_of_the_closing_line_ends_no_table():
    name = "*信息技术服务*算力费用小计"
    assert make.wrapped(name, make.NAME_MM)[-1] == "小计"
    facts = make.Facts(lines=[make.compute_line(name=name), make.compute_line()])

    assert read(make.ofd(facts)) == facts.invoice("ofd")


def test_a_red_letter_is_red_by_its_amounts_and_names_the_blue_invoice_in_its_remark():
    red = make.red_letter(make.Facts(lines=[make.compute_line(), make.discount_line()]))

    assert read(make.ofd(red)) == red.invoice("ofd")


def test_long_party_names_and_rare_characters_stay_whole():
    facts = make.Facts(seller_name="𬭚㐂䶮镕（无锡）算力有限公司", buyer_name="无锡" + "示例" * 20 + "股份有限公司")

    assert read(make.ofd(facts)) == facts.invoice("ofd")


def test_a_remark_over_two_lines_goes_on_without_a_break():
    facts = make.Facts(remark="合同编号：SL-2026-0001；" + "服务期自二〇二六年四月一日起至二〇二六年四月三十日止；" * 4)

    assert read(make.ofd(facts)) == facts.invoice("ofd")


@pytest.mark.parametrize(
    "start", ["发票号码：26322000000000009999", "发票代码：032002200111", "名称：某某", "开票人：某某"]
)
def test_a_remark_that_speaks_in_the_labels_of_the_form_changes_no_field(start):
    facts = make.Facts(remark=f"{start} 为原合同项下的补开发票")

    assert read(make.ofd(facts)) == facts.invoice("ofd")


def test_radicals_of_converted_files_become_characters():
    facts = make.Facts(buyer_name="无锡长风车户方人工智能有限公司")
    parts = make.ofd_parts(facts)
    radicals = str.maketrans("长风车户方人工", "⻓⻛⻋⼾⽅⼈⼯")

    invoice = read(make.zipped({**parts, make.PAGE: parts[make.PAGE].translate(radicals)}))

    assert invoice == facts.invoice("ofd")


def test_without_tags_the_page_gives_everything():
    facts = make.Facts(lines=[make.compute_line(name=LONG), make.discount_line()])
    tags = "<ofd:CustomTags>Tags/CustomTags.xml</ofd:CustomTags>"

    assert read(make.changed_ofd(facts, make.DOCUMENT, tags, "")) == facts.invoice("ofd")


def test_without_labels_the_tags_give_everything_but_what_only_the_form_says():
    facts = make.Facts(lines=[make.compute_line(spec="", unit=""), make.discount_line()])
    parts = make.ofd_parts(facts)
    blank = make.Part(3).page(template=True)

    invoice = read(make.zipped({**parts, make.TEMPLATE: blank}))

    assert invoice.lines == tuple(facts.lines)
    assert (invoice.number, invoice.total_fen, invoice.seller_name) == (
        facts.number,
        facts.total_fen,
        facts.seller_name,
    )
    assert {box.field for box in invoice.boxes} >= {"number", "seller_name", "total"}
    assert invoice.kind == "数电发票"
    assert [warning.code for warning in invoice.warnings] == ["kind_unknown", "words_missing"]


def test_an_untaxed_line_keeps_its_rate_and_has_no_tax():
    facts = make.Facts(kind="数电普票", lines=[make.compute_line(tax_rate="免税", tax_fen=0)])
    parts = make.ofd_parts(facts)
    page = parts[make.PAGE].replace(">0.00<", ">***<")
    hints = make.changed(parts["OFD.xml"], ">0.00<", ">***<")

    assert read(make.zipped({**parts, make.PAGE: page, "OFD.xml": hints})) == facts.invoice("ofd")


def test_columns_are_known_by_their_headings_whatever_they_are_called():
    facts = make.Facts(lines=[make.compute_line(spec="无锡市新吴区", unit="")])
    expected = make.Facts(lines=[make.compute_line(spec="", unit="")])

    invoice = read(make.changed_ofd(facts, make.TEMPLATE, ">规格型号<", ">服务发生地<"))

    assert invoice == expected.invoice("ofd")


@pytest.mark.parametrize(
    ("path", "old", "new", "names"),
    [
        ("OFD.xml", ">120000.00<", ">120000.01<", "合计金额"),
        ("OFD.xml", ">7200.00<", ">7200.01<", "合计税额"),
        ("OFD.xml", "2026年05月08日", "2026年05月09日", "开票日期"),
        ("OFD.xml", ">91320214MA00000028<", ">91320214MA00000029<", "购买方纳税人识别号"),
    ],
)
def test_properties_that_contradict_the_page_are_a_warning_that_names_the_field(path, old, new, names):
    [warning] = read(make.changed_ofd(make.Facts(), path, old, new)).warnings

    assert warning.code == "two_truths"
    assert names in warning.message


def test_tags_that_point_at_other_text_than_the_page_shows_are_a_warning():
    facts = make.Facts()
    parts = make.ofd_parts(facts)
    hidden = make.Part(9000)
    hidden.text(30, 137, "1127200.00")
    page = make.changed(parts[make.PAGE], "</ofd:Layer>", hidden.objects[0] + "</ofd:Layer>")
    reference = parts[make.TAGS].split("<ofd:TaxInclusiveTotalAmount>")[1].split("</ofd:TaxInclusiveTotalAmount>")[0]
    tags = make.changed(parts[make.TAGS], reference, '<ofd:ObjectRef PageRef="61">9000</ofd:ObjectRef>')

    assert "two_truths" in warning_codes(make.zipped({**parts, make.PAGE: page, make.TAGS: tags}))


def test_a_tag_that_yields_only_the_sign_of_yuan_says_nothing():
    facts = make.Facts()
    parts = make.ofd_parts(facts)
    references = parts[make.TAGS].split("<ofd:TaxInclusiveTotalAmount>")[1].split("</ofd:TaxInclusiveTotalAmount>")[0]
    only_sign = references.split("</ofd:ObjectRef>")[0] + "</ofd:ObjectRef>"
    tags = make.changed(parts[make.TAGS], references, only_sign)

    assert read(make.zipped({**parts, make.TAGS: tags})) == facts.invoice("ofd")


def test_a_column_in_which_the_tags_and_the_page_differ_is_a_warning():
    facts = make.Facts(lines=[make.compute_line(), make.discount_line()])
    parts = make.ofd_parts(facts)
    references = parts[make.TAGS].split("<ofd:Amount>")[1].split("</ofd:Amount>")[0]
    first = references.split("</ofd:ObjectRef>")[0] + "</ofd:ObjectRef>"
    tags = make.changed(parts[make.TAGS], f"<ofd:Amount>{references}", f"<ofd:Amount>{first}")

    [warning] = read(make.zipped({**parts, make.TAGS: tags})).warnings

    assert (warning.code, "“金额”" in warning.message) == ("two_truths", True)


@pytest.mark.parametrize("attribute", ['Visible="false"', 'Alpha="0"'])
def test_text_that_no_one_sees_is_not_read(attribute):
    facts = make.Facts()
    decoy = make.Part(9000)
    decoy.text(190, 13.94, "99999999")
    unseen = decoy.objects[0].replace("<ofd:TextObject ", f"<ofd:TextObject {attribute} ")

    content = make.changed_ofd(facts, make.PAGE, "</ofd:Layer>", unseen + "</ofd:Layer>")

    assert read(content) == facts.invoice("ofd")
    assert code_of(make.changed_ofd(facts, make.PAGE, "</ofd:Layer>", decoy.objects[0] + "</ofd:Layer>"))


@pytest.mark.parametrize("path", ["OFD.xml", make.PAGE])
def test_two_numbers_in_one_file_are_refused(path):
    content = make.changed_ofd(make.Facts(), path, "26322000000000000017", "26322000000000000018")

    assert code_of(content) == "number_conflict"


def decoy(left: float, baseline: float, text: str, name: int = 9000) -> str:
    """One more text object, to stand on the page beside the honest ones."""
    part = make.Part(name)
    part.text(left, baseline, text)
    return part.objects[0] + "</ofd:Layer>"


def test_text_outside_the_page_is_not_read():
    facts = make.Facts()

    for left, baseline in ((250, 13.94), (190, 154), (-40, 13.94)):
        content = make.changed_ofd(facts, make.PAGE, "</ofd:Layer>", decoy(left, baseline, "99999999"))
        assert read(content) == facts.invoice("ofd")


def test_a_tag_whose_object_stands_twice_says_nothing():
    facts = make.Facts()
    parts = make.ofd_parts(facts)
    reference = parts[make.TAGS].split("<ofd:InvoiceNo>")[1].partition("</ofd:ObjectRef>")[0]
    name = int(reference.rpartition(">")[2])

    content = make.changed_ofd(facts, make.PAGE, "</ofd:Layer>", decoy(30, 137, "26322000000000009999", name))

    assert read(content) == facts.invoice("ofd")


def test_an_object_that_a_tag_names_twice_is_said_once():
    facts = make.Facts()
    references = make.ofd_parts(facts)[make.TAGS].split("<ofd:Note>")[1].split("</ofd:Note>")[0]

    assert read(make.changed_ofd(facts, make.TAGS, references, references * 3)) == facts.invoice("ofd")


def test_names_that_may_belong_to_another_row_are_a_warning():
    facts = make.Facts(lines=[make.compute_line(), make.compute_line(name="没有类别的名称")])

    invoice = read(make.ofd(facts))

    assert invoice.lines == tuple(facts.lines)
    assert [warning.code for warning in invoice.warnings] == ["lines_doubtful"]


def test_names_that_all_lack_a_category_are_names():
    facts = make.Facts(lines=[make.compute_line(name="智能算力服务费"), make.compute_line(name="存储服务费")])

    assert read(make.ofd(facts)) == facts.invoice("ofd")


def test_words_of_the_closing_line_within_the_rows_hide_no_money():
    facts = make.Facts()
    words = "".join(decoy(30, 62 + number / 3, "合").removesuffix("</ofd:Layer>") for number in range(60))

    invoice = read(make.changed_ofd(facts, make.PAGE, "</ofd:Layer>", words + "</ofd:Layer>"))

    assert [line.amount_fen for line in invoice.lines] == [facts.amount_fen]
    assert (invoice.amount_fen, invoice.tax_fen) == (facts.amount_fen, facts.tax_fen)


def test_a_heading_line_of_too_many_cells_is_no_heading_and_the_tags_give_the_rows():
    facts = make.Facts(lines=[make.compute_line(spec="", unit=""), make.discount_line()])
    cells = "".join(decoy(10 + number, 56, "列").removesuffix("</ofd:Layer>") for number in range(60))

    invoice = read(make.changed_ofd(facts, make.TEMPLATE, "</ofd:Layer>", cells + "</ofd:Layer>"))

    assert invoice == facts.invoice("ofd")


def test_pages_of_two_invoices_in_one_file_are_refused():
    lines = [make.compute_line() for _ in range(20)]
    parts = make.ofd_parts(make.Facts(lines=lines))
    second = "Doc_0/Pages/Page_1/Content.xml"
    assert read(make.zipped(parts)).number == "26322000000000000017"

    content = make.zipped(
        {**parts, second: make.changed(parts[second], "26322000000000000017", "26322000000000000018")}
    )

    assert code_of(content) == "several_documents"


def test_an_attachment_that_was_not_compared_is_a_warning():
    parts = make.ofd_parts(make.Facts())
    listing = f'<ofd:Attachments xmlns:ofd="{make.OFD_NS}"><ofd:Attachment Name="issuer.xml"/></ofd:Attachments>'
    document = make.changed(
        parts[make.DOCUMENT], "</ofd:Document>", "<ofd:Attachments>/Doc_0/A.xml</ofd:Attachments></ofd:Document>"
    )

    content = make.zipped({**parts, make.DOCUMENT: document, "Doc_0/A.xml": listing})

    assert warning_codes(content) == ["attachment_unread"]


def test_another_kind_of_electronic_invoice_is_refused_by_its_title():
    content = make.changed_ofd(make.Facts(), make.TEMPLATE, "电子发票（增值税专用发票）", "电子发票（铁路电子客票）")

    with pytest.raises(UnreadableInvoice) as refusal:
        read(content)

    assert refusal.value.code == "kind_not_supported"
    assert "铁路电子客票" in refusal.value.message


def test_an_ofd_that_is_no_invoice_is_refused():
    blank = make.Part(3)
    blank.text(30, 30, "会议纪要")
    parts = make.ofd_parts(make.Facts())
    document = parts[make.DOCUMENT].replace("<ofd:CustomTags>Tags/CustomTags.xml</ofd:CustomTags>", "")
    plain = f'<ofd:OFD xmlns:ofd="{make.OFD_NS}"><ofd:DocBody><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>'

    content = make.zipped(
        {"OFD.xml": plain, make.DOCUMENT: document, make.PAGE: blank.page(template=True), make.TEMPLATE: ""}
    )

    assert code_of(content) == "not_an_invoice"
