"""Files made to hurt: each is refused with a named code before it costs anything."""

import zipfile

import pytest

from vouchers.invoices import MAX_BYTES, UnreadableInvoice, read
from vouchers.invoices.safe_zip import MAX_ENTRIES

from . import make
from .hostile import DECLARATION, FACTS, OFD, PARTS, XML, members, ofd_with, patched, zipped
from .test_xml import code_of

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (b"\0" * (MAX_BYTES + 1), "too_large"),
        (b"hello", "not_an_invoice"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "not_an_invoice"),
        (b"%PDF-1.7\n", "pdf_damaged"),
        (b"\n%PDF-1.7\n", "pdf_damaged"),
        (PNG, "image_damaged"),
        (b"\xff\xd8\xff\xe0", "image_damaged"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image_damaged"),
        (zipped([("a.txt", b"a")]), "not_an_invoice"),
        (b"PK\x03\x04 no zip at all", "ofd_damaged"),
        (OFD[:-30], "ofd_damaged"),
        (OFD[: len(OFD) // 2], "ofd_damaged"),
    ],
)
def test_what_is_no_invoice_file_is_refused_by_name(content, code):
    assert code_of(content) == code


def test_sixty_megabytes_are_refused_before_they_are_looked_at():
    class Untouchable(bytes):
        def startswith(self, *_):
            raise AssertionError("looked at")

    with pytest.raises(UnreadableInvoice) as refusal:
        read(Untouchable(60 * 2**20))

    assert refusal.value.code == "too_large"
    assert "60 MB" in refusal.value.message


@pytest.mark.parametrize(
    "text",
    [
        f"{DECLARATION}<!DOCTYPE EInvoice>{XML}",
        f'{DECLARATION}<!DOCTYPE EInvoice [<!ENTITY a "1">]>{XML.replace("示例智算", "&a;")}',
        f'{DECLARATION}<!DOCTYPE EInvoice SYSTEM "file:///etc/passwd">{XML}',
        "<EInvoice>" + "<a>" * 100_001 + "</a>" * 100_001 + "</EInvoice>",
        "<EInvoice>" + "<a/>" * 200_001 + "</EInvoice>",
        "<EInvoice>" + "".join(f"<n{i}/>" for i in range(2_100)) + "</EInvoice>",
        "<EInvoice " + " ".join(f'n{i}="1"' for i in range(2_100)) + "/>",
        "<EInvoice " + " ".join(f'xmlns:n{i}="u{i}"' for i in range(200)) + "/>",
        "<EInvoice>" + "<a/>" * 2_100 + f"<{'n' * 300}/></EInvoice>",
        f"<EInvoice><{'n' * 300} a='{'1' * 400_000}'/></EInvoice>",
        "<EInvoice>" + " " * (8 * 2**20) + "</EInvoice>",
    ],
)
def test_xml_beyond_its_bounds_is_refused_unparsed(text):
    assert code_of(text.encode()) == "xml_unsafe"


@pytest.mark.parametrize(
    "text",
    [
        "<EInvoice>" + "<a>" * 300 + "</a>" * 300 + "</EInvoice>",
        XML[:-5],
        XML.replace("示例智算", "&undefined;"),
        XML + XML,
        XML.replace("示例智算", "\x01"),
    ],
)
def test_xml_that_is_not_well_formed_is_refused(text):
    assert code_of(text.encode()) == "xml_damaged"


@pytest.mark.parametrize(
    "content",
    [
        XML.encode("utf-16"),
        b"\xfe\xff" + XML.encode("utf-16-be"),
        XML.encode("utf-32-le"),
        "<EInvoice/>".encode("utf-16-le"),
        f'<?xml version="1.0" encoding="UTF-7"?>{XML}'.encode(),
        f'<?xml version="1.0" encoding="ISO-8859-1"?>{XML}'.encode(),
        XML.encode("gbk"),
        f'<?xml version="1.0" encoding="GBK"?>{XML}'.encode() + b"\xff",
        b"\xef\xbb\xbf" + f'<?xml version="1.0" encoding="GBK"?>{XML}'.encode("gbk"),
    ],
)
def test_only_utf_8_and_gbk_that_say_so_are_read(content):
    assert code_of(content) == "encoding_not_supported"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (OFD + b"\0", "ofd_unsafe"),
        (OFD + b"%PDF-1.7 a second file", "ofd_unsafe"),
        (OFD + OFD, "ofd_unsafe"),
        (zipped([("a", b"a")]) + OFD, "ofd_unsafe"),
        (zipped([*members(), ("OFD.xml", b"<a/>")]), "ofd_unsafe"),
        (zipped([*members(), ("ofd.XML", b"<a/>")]), "ofd_unsafe"),
        (zipped([*members(), ("./OFD.xml", b"<a/>")]), "ofd_unsafe"),
        (zipped([*members(), ("../evil", b"a")]), "ofd_unsafe"),
        (zipped([*members(), ("/etc/evil", b"a")]), "ofd_unsafe"),
        (zipped([*members(), *((f"f{n}", b"") for n in range(MAX_ENTRIES))]), "ofd_unsafe"),
        (zipped([*members(), *((f"f{n}", b"\0" * 2**23) for n in range(8))]), "ofd_unsafe"),
        (zipped([("OFD.xml", b" " * (2**23 + 1))]), "ofd_unsafe"),
        (zipped(members(), compress_type=zipfile.ZIP_BZIP2), "ofd_damaged"),
        (patched(OFD, b"PK\1\2", 8, "<H", 1), "ofd_encrypted"),
        (patched(OFD, b"PK\3\4", 22, "<L", 7), "ofd_unsafe"),
        (patched(OFD, b"PK\1\2", 42, "<L", 7), "ofd_unsafe"),
        (patched(OFD, b"PK\1\2", 16, "<L", 7), "ofd_unsafe"),
        (patched(patched(OFD, b"PK\1\2", 16, "<L", 7), b"PK\3\4", 14, "<L", 7), "ofd_damaged"),
        (patched(OFD, b"PK\5\6", 10, "<H", 1), "ofd_damaged"),
        (patched(OFD, b"PK\5\6", 16, "<L", 1), "ofd_unsafe"),
        (patched(OFD, b"PK\5\6", 20, "<H", 1), "ofd_unsafe"),
    ],
)
def test_an_archive_that_could_be_read_two_ways_or_costs_too_much_is_refused(content, code):
    assert code_of(content) == code


@pytest.mark.parametrize("lie", [-9, 9])
def test_a_member_that_unpacks_to_another_size_than_it_declares_is_refused(lie):
    declared = len(PARTS["OFD.xml"].encode()) + lie
    assert next(iter(PARTS)) == "OFD.xml"
    lying = patched(patched(OFD, b"PK\3\4", 22, "<L", declared), b"PK\1\2", 24, "<L", declared)

    assert code_of(lying) == "ofd_damaged"


@pytest.mark.parametrize(
    "location", ["../../etc/passwd", "../OFD.xml/../../x", "..", "Tpls\\Tpl_0\\Content.xml", "", "/../x"]
)
def test_a_location_outside_the_package_is_refused(location):
    document = make.changed(PARTS[make.DOCUMENT], "Tpls/Tpl_0/Content.xml", location)

    assert code_of(ofd_with(**{make.DOCUMENT: document})) == "ofd_unsafe"


def test_a_location_of_nothing_is_a_damaged_file():
    document = make.changed(PARTS[make.DOCUMENT], "Tpls/Tpl_0/Content.xml", "Tpls/Tpl_9/Content.xml")

    assert code_of(ofd_with(**{make.DOCUMENT: document})) == "ofd_damaged"


def test_a_location_from_the_root_of_the_package_is_followed():
    document = make.changed(PARTS[make.DOCUMENT], "Tpls/Tpl_0/Content.xml", "/Doc_0/./Tpls/Tpl_0/Content.xml")

    assert read(ofd_with(**{make.DOCUMENT: document})) == FACTS.invoice("ofd")


@pytest.mark.parametrize("path", list(PARTS))
def test_a_doctype_in_any_part_is_refused(path):
    head, _, body = PARTS[path].rpartition("?>")
    head += "?>" if head else ""

    assert code_of(ofd_with(**{path: f"{head}<!DOCTYPE a>{body}"})) == "xml_unsafe"


@pytest.mark.parametrize(
    ("path", "old", "new", "code"),
    [
        ("OFD.xml", "</ofd:DocBody>", "</ofd:DocBody><ofd:DocBody/>", "several_documents"),
        ("OFD.xml", "</ofd:DocBody>", "<ofd:Versions/></ofd:DocBody>", "several_documents"),
        (make.DOCUMENT, "</ofd:Pages>", '<ofd:Page ID="99" BaseLoc="Pages/Page_0/Content.xml"/></ofd:Pages>', "ofd_unsafe"),
        (make.DOCUMENT, "<ofd:Pages>", "<ofd:Pages>" + '<ofd:Page ID="9" BaseLoc="x"/>' * 300, "ofd_unsafe"),
        (make.PAGE, '<ofd:Template TemplateID="1" ZOrder="Background"/>', '<ofd:Template TemplateID="1"/>' * 50, "ofd_unsafe"),
        (make.PAGE, 'TemplateID="1"', 'TemplateID="2"', "ofd_unsafe"),
        (make.PAGE, "0 0 210 140", "0 0 nan 140", "ofd_unsafe"),
        (make.PAGE, "0 0 210 140", "0 0 210", "ofd_unsafe"),
        (make.TAGS, 'version="1.0"><', 'version="1.0">' + "<ofd:ObjectRef>1</ofd:ObjectRef>" * 60_000 + "<", ""),
        ("Doc_0/Tags/CustomTags.xml", "<ofd:CustomTag ", "<ofd:CustomTag><ofd:FileLoc>x</ofd:FileLoc></ofd:CustomTag>" * 40 + "<ofd:CustomTag ", "ofd_unsafe"),
    ],
)  # fmt: skip
def test_structures_no_invoice_has_are_refused_or_cost_nothing(path, old, new, code):
    content = make.changed_ofd(FACTS, path, old, new)

    if code:
        assert code_of(content) == code
    else:
        assert read(content) == FACTS.invoice("ofd")


@pytest.mark.parametrize(
    "attributes",
    [
        'Boundary="1e999 0 1 1"', 'Boundary="a b c d"', 'Boundary="0 0 1"', 'Boundary="0 0 1 1" CTM="nan 0 0 1 0 0"',
        'Boundary="0 0 1 1" Size="inf"', 'Boundary="0 0 1 1" Size=""',
    ],
)  # fmt: skip
def test_places_that_are_none_are_refused(attributes):
    strange = f'<ofd:TextObject ID="9" {attributes}><ofd:TextCode X="0" Y="0">x</ofd:TextCode></ofd:TextObject>'

    assert code_of(make.changed_ofd(FACTS, make.PAGE, "</ofd:Layer>", strange + "</ofd:Layer>")) == "ofd_unsafe"


@pytest.mark.parametrize(
    ("delta", "refused"),
    [
        ("g", True),
        ("g 3", True),
        ("g x 1", True),
        ("nan", True),
        ("g nan 1", True),
        ("g 99999999999 1", False),
        ("g 999 1", False),
        ("g -5 1", False),
    ],
)
def test_distances_that_are_none_are_refused_or_harmless(delta, refused):
    strange = (
        '<ofd:TextObject ID="9" Boundary="0 130 1 1" Size="3"><ofd:TextCode X="0" Y="0" '
        f'DeltaX="{delta}">&#12288;&#12288;&#12288;</ofd:TextCode></ofd:TextObject>'
    )
    content = make.changed_ofd(FACTS, make.PAGE, "</ofd:Layer>", strange + "</ofd:Layer>")

    if refused:
        assert code_of(content) == "ofd_unsafe"
    else:
        assert read(content) == FACTS.invoice("ofd")


def test_more_pieces_of_text_than_any_invoice_has_are_refused():
    piece = '<ofd:TextObject Boundary="1 1 1 1"><ofd:TextCode X="0" Y="0" DeltaX="g 9999 -1">' + "x" * 9999
    flood = (piece + "</ofd:TextCode></ofd:TextObject>") * 8

    assert code_of(make.changed_ofd(FACTS, make.PAGE, "</ofd:Layer>", flood + "</ofd:Layer>")) == "ofd_unsafe"


def test_the_text_of_all_pages_together_is_bounded(monkeypatch):
    facts = make.Facts(lines=[make.compute_line() for _ in range(20)])
    assert read(make.ofd(facts)) == facts.invoice("ofd")

    monkeypatch.setattr("vouchers.invoices.ofd_document.MAX_TOKENS", 100)

    assert code_of(make.ofd(facts)) == "ofd_unsafe"


def test_a_flood_of_labels_and_headings_is_refused_or_read_without_a_flood_of_work():
    label = '<ofd:TextObject Boundary="1 60 1 1"><ofd:TextCode X="0" Y="0">合</ofd:TextCode></ofd:TextObject>'
    content = make.changed_ofd(FACTS, make.PAGE, "</ofd:Layer>", label * 5_000 + "</ofd:Layer>")

    with pytest.raises(UnreadableInvoice) as refusal:
        read(content)

    assert refusal.value.code != "reader_failed"


def test_too_many_lines_and_too_long_fields_are_refused():
    many = make.Facts(lines=[make.compute_line(name="*a*b", spec="", unit="") for _ in range(3_001)])

    assert code_of(make.xml(many)) == "too_many_lines"
    assert code_of(make.xml(make.Facts(buyer_name="长" * 201))) == "field_too_long"
    assert code_of(make.xml(make.Facts(remark="长" * 5_001))) == "field_too_long"
