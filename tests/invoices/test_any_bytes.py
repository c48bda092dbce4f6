"""Any bytes give an Invoice or an UnreadableInvoice with a name of its own: never another exception."""

import zipfile
from io import BytesIO

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vouchers.invoices import Invoice, Line, UnreadableInvoice, guard, pages, read
from vouchers.money import yuan

from . import make
from .hostile import CORPUS, pdf, picture

RED = make.red_letter(make.Facts(lines=[make.compute_line(), make.discount_line()]))
LONG = make.Facts(lines=[make.compute_line(name="*信息技术服务*" + "智能算力服务" * 5) for _ in range(9)])
PICTURES = [pdf(), picture("PNG"), picture("JPEG"), picture("WEBP")]
FILES = [*PICTURES, make.xml(RED), make.xml(make.Facts(), encoding="GBK"), make.ofd(RED), make.ofd(LONG)]
MAGICS = [
    b"",
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff\xe0",
    b"GIF89a",
    b"BM",
    b"II*\0",
    b"RIFF\x40\0\0\0WEBP",
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"<",
    b"<?xml",
    b"<EInvoice>",
    b"\xef\xbb\xbf<",
    b"%PDF-",
    b"\xff\xfe<\0",
]
# Hostile files that cost little: cheap enough to break a hundred times.
SMALL = ["cut pdf", "pdf with a script", "pages in a ring", "form that draws itself", "attachment that is a program",
    "cut png", "gif", "tiff in a ring", "cut ofd", "symlink", "bzip2", "nested bomb"]  # fmt: skip
# What breaks parsers: extremes, other types, the ends of things.
SHARDS = [
    "", " ", "0", "-1", "nan", "inf", "1e999", "9" * 400, "¥", "***", "&#0;", "&#x10FFFF;", "\ufffe", "\u202e", "𝟙", "½",
    "<x/>", "<![CDATA[", "]]>", "<!--", "-->", "g 3", "61", "\\", "../", "二〇二六年", "2026-02-30", "（负数）", "合计",
]  # fmt: skip
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def outcome(content: bytes, reader=read) -> Invoice | str:
    """The invoice, or the code of its refusal; anything else raised is the failure looked for."""
    try:
        return reader(content)
    except UnreadableInvoice as caught:
        refusal = caught
    assert refusal.code != "reader_failed", refusal.__cause__
    assert refusal.message
    return refusal.code


@PATIENT
@given(st.sampled_from(MAGICS), st.binary(max_size=400))
def test_random_bytes_are_refused_by_name(magic, tail):
    assert isinstance(outcome(magic + tail), str)


@PATIENT
@given(st.sampled_from(FILES), st.data())
def test_files_with_bytes_flipped_cut_or_doubled_are_read_or_refused(content, data):
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content) - 1))
        end = data.draw(st.integers(start, min(len(content), start + 40)))
        middle = data.draw(st.one_of(st.binary(max_size=6), st.just(content[start:end] * 2)))
        content = content[:start] + middle + content[end:] or b"x"
    outcome(content)


@st.composite
def broken(draw) -> bytes:
    """A file of any carrier, the hostile ones among them, with pieces flipped, cut or doubled."""
    content = draw(st.sampled_from([*FILES, *(CORPUS[name]() for name in SMALL)]))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(content) - 1))
        end = draw(st.integers(start, min(len(content), start + 40)))
        content = content[:start] + draw(st.binary(max_size=6)) + content[end:] or b"x"
    return content


@PATIENT
@given(broken())
def test_the_guarded_child_reads_or_refuses_any_bytes(content):
    for task in (guard.read, guard.page_count, lambda bytes_: guard.render(bytes_, 0, 300)):
        outcome(content, task)


@PATIENT
@given(st.sampled_from(PICTURES), st.data())
def test_broken_pictures_and_pdf_pages_are_drawn_or_refused(content, data):
    start = data.draw(st.integers(0, len(content) - 1))
    content = content[:start] + data.draw(st.binary(max_size=8)) + content[start + data.draw(st.integers(0, 8)) :]
    outcome(content or b"x", lambda bytes_: pages.render(bytes_, 0, 200))


@st.composite
def mutilated(draw, text: str) -> str:
    """`text` with some values, tags or attributes replaced by what breaks parsers."""
    for _ in range(draw(st.integers(1, 3))):
        borders = [index for index, char in enumerate(text) if char in '<>"']
        start = draw(st.sampled_from(borders)) + draw(st.integers(0, 1))
        end = next((index for index in borders if index >= start), len(text))
        shard = draw(st.one_of(st.sampled_from(SHARDS), st.text(max_size=8)))
        text = text[:start] + shard + text[end:]
    return text


@PATIENT
@given(mutilated(make.xml_text(RED)))
def test_xml_with_strange_values_is_read_or_refused(text):
    outcome(text.encode("utf-8", "replace"))


@PATIENT
@given(st.sampled_from([RED, LONG]), st.data())
def test_an_ofd_whose_parts_hold_strange_values_is_read_or_refused(facts, data):
    parts = make.ofd_parts(facts)
    path = data.draw(st.sampled_from(sorted(parts)))
    parts[path] = data.draw(mutilated(parts[path])).encode("utf-8", "replace")
    outcome(make.zipped(parts))


@PATIENT
@given(st.data())
def test_an_ofd_with_members_missing_or_swapped_is_read_or_refused(data):
    parts = make.ofd_parts(LONG)
    names = sorted(parts)
    for _ in range(data.draw(st.integers(1, 3))):
        parts[data.draw(st.sampled_from(names))] = parts.pop(data.draw(st.sampled_from(sorted(parts))))
    content = make.zipped(parts)
    assert zipfile.is_zipfile(BytesIO(content))
    outcome(content)


# Money of any size the books can hold, with a sum of three lines that still fits.
FEN = st.integers(1, 10**12)
PRINTABLE = st.characters(codec="utf-8", categories=("L", "N", "P", "S"), exclude_characters="*¥\ufdfa")
WORDS = st.text(PRINTABLE, min_size=1, max_size=30)


@st.composite
def honest_lines(draw) -> list[Line]:
    """Rows whose tax follows from their rate; at least one is positive enough for the sum to be so."""
    lines = []
    for _ in range(draw(st.integers(1, 12))):
        amount = draw(FEN)
        percent = draw(st.sampled_from([0, 1, 3, 6, 9, 13]))
        name = f"*信息技术服务*{draw(WORDS)}"
        lines.append(Line(name, "", "", "", "", amount, f"{percent}%", amount * percent // 100))
        if draw(st.booleans()):
            cut = draw(st.integers(1, amount))
            lines.append(Line(name, "", "", "", "", -cut, f"{percent}%", -(cut * percent // 100)))
    return lines


@PATIENT
@given(honest_lines())
def test_the_money_of_an_honest_file_is_read_to_the_fen_from_either_carrier(lines):
    facts = make.Facts(lines=lines)
    expected = [(line.amount_fen, line.tax_rate, line.tax_fen) for line in lines]

    for carrier, content in (("xml", make.xml(facts, rate="percent")), ("ofd", make.ofd(facts))):
        invoice = read(content)
        assert [(line.amount_fen, line.tax_rate, line.tax_fen) for line in invoice.lines] == expected, carrier
        assert (invoice.amount_fen, invoice.tax_fen) == (facts.amount_fen, facts.tax_fen), carrier
        assert invoice.total_fen == facts.total_fen, yuan(facts.total_fen)
