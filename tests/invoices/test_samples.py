"""Real public files, where they lie beside the project; they name real firms and are never part of it."""

import json
from pathlib import Path

import pytest

from vouchers.invoices import UnreadableInvoice, read
from vouchers.money import yuan

SAMPLES = Path(__file__).parents[3] / "shared" / "invoices"
pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the sample files are not beside the project")

HEADER = (
    "number",
    "code",
    "check",
    "date",
    "buyer",
    "buyer_id",
    "seller",
    "seller_id",
    "amount",
    "tax",
    "total",
    "kind",
)


# The truth has its own words for the older kinds, and keeps `***` where the contract has 0.00.
KINDS = {"普电": "电子普票"}


@pytest.mark.parametrize(
    ("name", "warnings"),
    [
        ("20240531141733.ofd", []),
        ("sd_25442000000127444519_rezipped.ofd", []),
        ("SignScaleError.ofd", []),
        ("999.ofd", ["id_missing", "seal_test_issuer"]),
        ("fptpl.ofd", ["id_missing", "lines_elsewhere", "seal_missing"]),
        ("发票示例.ofd", ["seal_broken", "seal_test_issuer"]),
        ("67536084.pdf", []),
        ("91420000722084584J_8cd62e109ec84973b3b39d166e52298c.pdf", []),
        ("didi.pdf", []),
        ("JD_book.pdf", ["id_missing"]),
        ("数电专票_25317000002228021821.pdf", []),
    ],
)
def test_every_header_field_and_line_of_the_samples_is_right(name, warnings):
    facts = json.loads((SAMPLES / "truth.json").read_text("utf-8").replace('"***"', '"0.00"'))
    truth = facts["999.ofd" if name == "fptpl.ofd" else name]
    kind = truth["kind"].partition("(")[0]
    truth["kind"] = KINDS.get(kind, kind)

    invoice = read((SAMPLES / name).read_bytes())

    assert {
        "number": invoice.number,
        "code": invoice.code,
        "check": invoice.check_code,
        "date": invoice.date.isoformat(),
        "buyer": invoice.buyer_name,
        "buyer_id": invoice.buyer_id,
        "seller": invoice.seller_name,
        "seller_id": invoice.seller_id,
        "amount": yuan(invoice.amount_fen),
        "tax": yuan(invoice.tax_fen),
        "total": yuan(invoice.total_fen),
        "kind": invoice.kind,
    } == {key: truth[key] for key in HEADER}
    lines = [
        {
            "name": line.name,
            "spec": line.spec,
            "unit": line.unit,
            "qty": line.quantity,
            "price": line.unit_price,
            "amount": yuan(line.amount_fen),
            "rate": line.tax_rate,
            "tax": yuan(line.tax_fen),
        }
        for line in invoice.lines
    ]
    assert lines == truth["lines"] or truth["lines"] is None
    assert sum(line.amount_fen for line in invoice.lines) == invoice.amount_fen
    assert sorted(warning.code for warning in invoice.warnings) == warnings
    assert {box.field for box in invoice.boxes} >= {"number", "date", "total", "lines.0.name", "lines.0.amount"}


@pytest.mark.parametrize(
    ("name", "total", "reverses", "warnings"),
    [
        ("synthetic_compute_26112000000000000017.xml", 11_448_000, "", []),
        ("synthetic_red_26112000000000000025.xml", -11_448_000, "26112000000000000017", []),
        ("einvoice_fictional_SWEI3200.xml", 113_000, "", ["number_year"]),
    ],
)
def test_the_xml_samples_are_read_with_the_doubts_they_deserve(name, total, reverses, warnings):
    invoice = read((SAMPLES / name).read_bytes())

    assert (invoice.total_fen, invoice.reverses) == (total, reverses)
    assert [warning.code for warning in invoice.warnings] == warnings


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        ("xbrl-001.pdf", "kind_not_supported"),
        ("*.png", "scan"),
        ("*.jpg", "scan"),
    ],
)
def test_other_carriers_are_refused_by_name(pattern, code):
    paths = list(SAMPLES.glob(pattern))

    assert paths
    for path in paths:
        with pytest.raises(UnreadableInvoice) as refusal:
            read(path.read_bytes())
        assert refusal.value.code == code
