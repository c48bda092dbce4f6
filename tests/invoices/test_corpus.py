"""Two hundred made-up PDFs of nine makers: what the money, the heads and the tables of each must come to."""

import datetime

import pypdfium2 as pdfium
import pytest

from vouchers.invoices import Invoice, UnreadableInvoice, read

from .corpus import build, fonts

pytestmark = pytest.mark.skipif(not fonts.NOTO.exists(), reason="made with the Noto CJK fonts of the system")

MONEY = ("amount_fen", "tax_fen", "total_fen")
HEAD = (
    "kind", "number", "code", "check_code", "date", "buyer_name", "buyer_id", "seller_name", "seller_id", "red",
    "reverses", "remark",
)  # fmt: skip


def differing(found: Invoice, wanted: Invoice, fields: tuple[str, ...]) -> list[tuple[str, object, object]]:
    pairs = ((field, getattr(found, field), getattr(wanted, field)) for field in fields)
    return [(field, one, other) for field, one, other in pairs if one != other]


@pytest.mark.parametrize("form", build.FORMS)
def test_the_money_is_right_and_so_is_every_head_and_table_of_a_form(form):
    heads, tables, moneys = [], [], []
    for seed in range(build.EACH):
        made = build.made(form, seed)
        wanted = made.facts.invoice("pdf")
        found = read(made.content)
        moneys += [(seed, *wrong) for wrong in differing(found, wanted, MONEY)]
        heads += [(seed, *wrong) for wrong in differing(found, wanted, HEAD)]
        tables += [seed] if found.lines != wanted.lines else []

    assert moneys == []
    assert heads == []
    assert tables == []


def test_the_corpus_has_what_it_is_for():
    facts = [build.made(form, seed).facts for form in ("tax", "aisino") for seed in range(build.EACH)]

    assert len(build.FORMS) * build.EACH >= 200
    assert {fact.kind for fact in facts} == {"数电专票", "数电普票", "电子普票", "电子专票"}
    assert any(fact.reverses for fact in facts)
    assert any(line.amount_fen < 0 and not fact.reverses for fact in facts for line in fact.lines)
    assert {line.tax_rate for fact in facts for line in fact.lines} >= {"6%", "13%", "免税", "***"}
    assert {len(fact.lines) for fact in facts} >= {1, 3, 300}
    assert any("䶮" in fact.seller_name or "𬭚" in fact.seller_name for fact in facts)


@pytest.mark.parametrize("form", build.FORMS)
def test_a_box_holds_what_was_read_in_it(form):
    made = build.made(form, 4)
    invoice = read(made.content)
    document = pdfium.PdfDocument(made.content)
    boxes = {box.field: box for box in invoice.boxes}

    assert {"number", "date", "buyer_name", "seller_name", "amount", "tax", "total", "words"} <= set(boxes)
    assert {f"lines.{index}.amount" for index in range(len(invoice.lines))} <= set(boxes)
    for box in invoice.boxes:
        assert 0 <= box.left < box.right <= 1
        assert 0 <= box.top < box.bottom <= 1
    if document[0].get_rotation() or form in ("narrow", "office", "grocer"):
        return  # PDFium's own words for a place are doubled, or parted, on these.
    for field, said in (
        ("number", invoice.number),
        ("buyer_id", invoice.buyer_id),
        ("seller_name", invoice.seller_name),
    ):
        box = boxes[field]
        page = document[box.page]
        width, height = page.get_size()
        inside = page.get_textpage().get_text_bounded(
            box.left * width - 1, (1 - box.bottom) * height - 1, box.right * width + 1, (1 - box.top) * height + 1
        )
        assert "".join(said.split()) in "".join(inside.split())


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("number", {"number": "25320000000000000001"}),
        ("date", {"day": datetime.date(2025, 12, 31)}),
        ("total", {"amount": "0.01"}),
    ],
)
def test_a_qr_code_that_says_otherwise_blocks_and_names_the_field(field, change):
    made = build.made("portal", 0)
    content = build.drawn("portal", made.facts, qr=build.payload(made.facts, **change))

    [warning] = [warning for warning in read(content).warnings if warning.code == "qr_mismatch"]

    assert warning.blocks
    labels = {"number": "发票号码", "date": "开票日期", "total": "价税合计"}
    assert labels[field] in warning.message


def test_a_title_that_cannot_be_read_is_told_by_the_qr_code():
    facts = build.made("tax", 0).facts
    titled = build.drawn("tax", facts, title="")
    with_qr = build.drawn("tax", facts, title="", qr=build.payload(facts))

    assert [warning.code for warning in read(titled).warnings] == ["kind_unknown"]
    assert (read(with_qr).kind, read(with_qr).warnings) == (facts.kind, ())


def test_two_invoices_in_one_file_are_refused():
    first, second = (build.made("tax", seed).facts for seed in (1, 2))

    with pytest.raises(UnreadableInvoice) as refusal:
        read(build.bound([("tax", first), ("tax", second)]))

    assert refusal.value.code == "several_documents"
