"""Pictures of OFD pages: text, lines and pictures where the file puts them, within a budget whatever it asks for."""

import io

import pytest
from PIL import Image, ImageDraw

from vouchers.invoices import UnreadableInvoice, ofd_drawing, read
from vouchers.invoices.pages import render

from . import make, make_seal
from .make_legacy import LegacyFacts, legacy_parts

FACTS = make.Facts(lines=[make.compute_line(), make.discount_line()])
PARTS = make.ofd_parts(FACTS)
NS = make.OFD_NS


def page_with(objects: str, size: str = "0 0 100 50", resources: dict[str, str | bytes] | None = None) -> bytes:
    """An OFD of one page that holds `objects`."""
    return make.zipped(
        {
            "OFD.xml": f'<ofd:OFD xmlns:ofd="{NS}"><ofd:DocBody><ofd:DocRoot>D/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>',
            "D/Document.xml": f'<ofd:Document xmlns:ofd="{NS}"><ofd:CommonData><ofd:PageArea><ofd:PhysicalBox>{size}'
            "</ofd:PhysicalBox></ofd:PageArea><ofd:PublicRes>Res.xml</ofd:PublicRes></ofd:CommonData>"
            '<ofd:Pages><ofd:Page ID="1" BaseLoc="P.xml"/></ofd:Pages></ofd:Document>',
            "D/P.xml": f'<ofd:Page xmlns:ofd="{NS}"><ofd:Content><ofd:Layer>{objects}</ofd:Layer></ofd:Content></ofd:Page>',
            **(resources or {}),
        }
    )


def dark(image: Image.Image, box: tuple[int, int, int, int]) -> int:
    """How many pixels of `box` are not white."""
    return sum(image.crop(box).convert("L").point(lambda value: value < 200).convert("L").histogram()[1:])


def line(data: str, attributes: str = "", inner: str = "") -> str:
    return (
        f'<ofd:PathObject Boundary="10 10 80 30" LineWidth="1" {attributes}>{inner}'
        f"<ofd:AbbreviatedData>{data}</ofd:AbbreviatedData></ofd:PathObject>"
    )


def refusal_of(content: bytes, width: int = 400) -> str:
    with pytest.raises(UnreadableInvoice) as refusal:
        ofd_drawing.draw(content, 0, width)
    return refusal.value.code


def test_every_box_of_a_read_field_has_ink_in_the_picture_and_the_margin_has_none():
    content = make.zipped(PARTS)
    image = ofd_drawing.draw(content, 0, 1200)

    assert image.size == (1200, 800)
    for box in read(content).boxes:
        place = (int(box.left * 1200), int(box.top * 800), int(box.right * 1200) + 1, int(box.bottom * 800) + 1)
        assert dark(image, place) > 5, box
    assert dark(image, (0, 770, 1200, 800)) == 0


def test_every_page_is_drawn_and_no_other():
    content = make.zipped(legacy_parts(LegacyFacts(lines=[make.compute_line()] * 40)))

    assert Image.open(io.BytesIO(render(content, 2, 600))).size == (600, 400)
    for page in (3, -1):
        with pytest.raises(UnreadableInvoice) as refusal:
            render(content, page, 600)
        assert refusal.value.code == "page_missing"


def test_lines_are_stroked_and_outlines_filled_only_with_a_colour():
    square = "M 0 0 L 20 0 L 20 20 L 0 20 C"
    red = '<ofd:FillColor Value="255 0 0"/>'
    plain, filled, nothing = (
        ofd_drawing.draw(page_with(line(square, attributes, inner)), 0, 400)
        for attributes, inner in (('Fill="true"', ""), ('Fill="true"', red), ('Stroke="false"', ""))
    )

    assert plain.getpixel((80, 80)) == (255, 255, 255)
    assert dark(plain, (36, 36, 125, 125)) > 300
    assert filled.getpixel((80, 80)) == (255, 0, 0)
    assert dark(nothing, (0, 0, 400, 200)) == 0


def test_curves_and_parameters_that_build_on_others_are_drawn():
    resources = {
        "D/Res.xml": f'<ofd:Res xmlns:ofd="{NS}"><ofd:DrawParams><ofd:DrawParam ID="1" LineWidth="4"><ofd:StrokeColor '
        'Value="0 0 255"/></ofd:DrawParam><ofd:DrawParam ID="2" Relative="1"/></ofd:DrawParams></ofd:Res>'
    }
    drawn = '<ofd:PathObject Boundary="10 10 80 30" DrawParam="2"><ofd:AbbreviatedData>'
    curve = f"{drawn}M 0 0 Q 20 0 20 20 B 20 30 40 30 60 20 L 80 20</ofd:AbbreviatedData></ofd:PathObject>"

    image = ofd_drawing.draw(page_with(curve, resources=resources), 0, 400)

    assert image.getpixel((340, 120)) == (0, 0, 255)
    assert image.getpixel((340, 126)) == (0, 0, 255)


def test_a_picture_is_pasted_where_its_matrix_puts_it():
    buffer = io.BytesIO()
    picture = Image.new("RGBA", (10, 10), (0, 0, 0, 0))
    ImageDraw.Draw(picture).rectangle((0, 0, 4, 9), fill=(0, 128, 0, 255))
    picture.save(buffer, "PNG")
    resources = {
        "D/Res.xml": f'<ofd:Res xmlns:ofd="{NS}" BaseLoc="Pics"><ofd:MultiMedias><ofd:MultiMedia ID="7" Type="Image">'
        "<ofd:MediaFile>a.png</ofd:MediaFile></ofd:MultiMedia></ofd:MultiMedias></ofd:Res>",
        "D/Pics/a.png": buffer.getvalue(),
    }
    placed = '<ofd:ImageObject ResourceID="7" CTM="20 0 0 20 0 0" Boundary="30 10 20 20"/>'

    image = ofd_drawing.draw(page_with(placed, resources=resources), 0, 400)

    assert image.getpixel((130, 80)) == (0, 128, 0)
    assert image.getpixel((190, 80)) == (255, 255, 255)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 50])
def test_a_picture_that_is_none_is_left_out(content):
    resources = {
        "D/Res.xml": f'<ofd:Res xmlns:ofd="{NS}"><ofd:MultiMedias><ofd:MultiMedia ID="7"><ofd:MediaFile>a.png</ofd:MediaFile>'
        "</ofd:MultiMedia></ofd:MultiMedias></ofd:Res>",
        "D/a.png": content,
    }
    placed = '<ofd:ImageObject ResourceID="7" CTM="20 0 0 20 0 0" Boundary="30 10 20 20"/>'

    assert dark(ofd_drawing.draw(page_with(placed, resources=resources), 0, 400), (0, 0, 400, 200)) == 0


def test_a_stamp_of_an_annotation_is_drawn():
    parts = dict(PARTS)
    parts[make.DOCUMENT] = make.changed(
        parts[make.DOCUMENT], "</ofd:Document>", "<ofd:Annotations>Annots/A.xml</ofd:Annotations></ofd:Document>"
    )
    parts["Doc_0/Annots/A.xml"] = (
        f'<ofd:Annotations xmlns:ofd="{NS}"><ofd:Page PageID="61"><ofd:FileLoc>P.xml</ofd:FileLoc></ofd:Page></ofd:Annotations>'
    )
    parts["Doc_0/Annots/P.xml"] = (
        f'<ofd:PageAnnot xmlns:ofd="{NS}"><ofd:Annot><ofd:Appearance Boundary="180 130 20 8"><ofd:PathObject '
        'Boundary="0 0 20 8" Fill="true"><ofd:FillColor Value="255 0 0"/><ofd:AbbreviatedData>M 0 0 L 20 0 L 20 8 L 0 8 C'
        "</ofd:AbbreviatedData></ofd:PathObject></ofd:Appearance></ofd:Annot></ofd:PageAnnot>"
    )

    assert ofd_drawing.draw(make.zipped(parts), 0, 1050).getpixel((950, 670)) == (255, 0, 0)


def png(colour: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (30, 20), colour).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("picture", [("png", png("red")), ("ofd", page_with(line("M 0 0 L 80 0 L 80 30 L 0 30 C", 'Fill="true"', '<ofd:FillColor Value="255 0 0"/>').replace("10 10", "0 0"), "0 0 80 30"))])  # fmt: skip
def test_a_seals_picture_is_pressed_on_the_page_it_names(picture):
    content = make_seal.sealed(PARTS, picture=picture)

    assert ofd_drawing.draw(content, 0, 1050).getpixel((520, 120)) == (255, 0, 0)
    assert ofd_drawing.draw(make.zipped(PARTS), 0, 1050).getpixel((520, 120)) == (255, 255, 255)


@pytest.mark.parametrize(
    "picture", [("ofd", b"PK"), ("ofd", page_with(line("X"))), ("png", b"none"), ("ofd", page_with("", "0 0 0 0"))]
)
def test_a_seals_picture_that_is_none_is_left_out(picture):
    image = ofd_drawing.draw(make_seal.sealed(PARTS, picture=picture), 0, 1050)

    assert image.tobytes() == ofd_drawing.draw(make.zipped(PARTS), 0, 1050).tobytes()


@pytest.mark.parametrize(
    "objects",
    [
        line("M 0"), line("X 0 0"), line("M nan 0 L 1 1"), line("M 0 0 L"), line("M 0 0 L 1 1", 'CTM="1 0"'),
        line("M 0 0 " + "B 1 1 2 2 3 3 " * 9_000), line("M 0 0 L 1 1", 'LineWidth="x"').replace('LineWidth="1" ', ""),
        "<ofd:PageBlock>" * 12 + "<ofd:PathObject/>" + "</ofd:PageBlock>" * 12,
        '<ofd:PathObject Boundary="0 0 1 1"/>' * 20_001,
        '<ofd:TextObject Boundary="0 0 1 1"><ofd:TextCode X="0" Y="1">' + "字" * 60_001 + "</ofd:TextCode></ofd:TextObject>",
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_or_costs_too_much_is_refused(objects):
    assert refusal_of(page_with(objects)) == "ofd_unsafe"


@pytest.mark.parametrize(
    "objects",
    [
        line("M 0 0 L 90 0 L 90 90 L 0 90 C", 'Fill="true"', '<ofd:FillColor Value="1 2 3"/>') * 200,
        '<ofd:TextObject Boundary="0 0 1 1" Size="50"><ofd:TextCode X="0" Y="50">' + "字" * 3_000 + "</ofd:TextCode></ofd:TextObject>",
    ],
)  # fmt: skip
def test_a_page_painted_over_and_over_is_refused(objects):
    assert refusal_of(page_with(objects)) == "ofd_unsafe"


@pytest.mark.parametrize("size", ["0 0 0 10", "0 0 10 -5", "0 0 10 nan", "0 0 10", "0 0 1 99999", "0 0 99999 1"])
def test_a_page_of_no_or_endless_size_is_refused(size):
    assert refusal_of(page_with("", size)) == "ofd_unsafe"


def test_the_width_is_kept_within_bounds():
    assert ofd_drawing.draw(page_with(""), 0, 1).width == 200
    assert ofd_drawing.draw(page_with(""), 0, 10**9).width == 3_000


def test_text_no_reader_paints_is_not_drawn_and_without_a_font_something_is(monkeypatch):
    text = '<ofd:TextObject {} Boundary="10 10 80 10" Size="8"><ofd:TextCode X="0" Y="8">ABC</ofd:TextCode></ofd:TextObject>'
    assert dark(ofd_drawing.draw(page_with(text.format('Visible="false"')), 0, 400), (0, 0, 400, 200)) == 0

    monkeypatch.setattr(ofd_drawing, "_FONTS", ())
    ofd_drawing._font.cache_clear()
    assert dark(ofd_drawing.draw(page_with(text.format("")), 0, 400), (0, 0, 400, 200)) > 20
    ofd_drawing._font.cache_clear()
