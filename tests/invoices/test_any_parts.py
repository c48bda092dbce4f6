"""Data files, seals, receipts and pictures of strangers: read or refused by name, whatever stands in their parts."""

from hypothesis import given
from hypothesis import strategies as st

from vouchers.invoices import UnreadableInvoice, ofd_drawing, receipt_ofd

from . import make, make_seal
from .make_legacy import LegacyFacts, data_a, data_b, facts_of, legacy_parts, xbrl
from .make_tags import with_other_tags
from .test_any_bytes import PATIENT, mutilated, outcome

FACTS = LegacyFacts(lines=[make.compute_line(), make.discount_line()])
SEALED = make_seal.sealed_parts(legacy_parts(FACTS))
OTHER = with_other_tags(make.ofd_parts(make.Facts()))
BKER = xbrl(
    facts_of(
        "bker", AccountNameOfPayer="甲", AccountNameOfPayee="乙", TransactionAmountInFigures="1.00", Currency="CNY"
    ),
    "bker",
)
VALUE = SEALED[make_seal.SIGNED_VALUE]


def refused_or(work) -> None:
    """`work` gives something or an UnreadableInvoice with a message."""
    try:
        work()
    except UnreadableInvoice as refusal:
        assert refusal.message  # noqa: PT017 - either is right; a refusal must say what to do


@PATIENT
@given(st.sampled_from([SEALED, OTHER]), st.data())
def test_an_ofd_with_data_files_tags_or_seals_of_strange_values_is_read_or_refused(parts, data):
    path = data.draw(st.sampled_from(sorted(path for path in parts if path.endswith(".xml"))))
    text = parts[path]
    text = text.decode() if isinstance(text, bytes) else text
    content = make.zipped({**parts, path: data.draw(mutilated(text)).encode("utf-8", "replace")})

    outcome(content)
    refused_or(lambda: ofd_drawing.draw(content, 0, 300))


@PATIENT
@given(st.integers(0, len(VALUE) - 1), st.integers(1, 9), st.binary(max_size=9))
def test_a_seal_with_other_bytes_breaks_nothing_and_is_never_intact(start, length, middle):
    value = VALUE[:start] + middle + VALUE[start + length :]
    if value == VALUE:
        return

    invoice = outcome(make.zipped({**SEALED, make_seal.SIGNED_VALUE: value}))

    assert not isinstance(invoice, str)
    # Bytes that no signature covers are few: what names the outer algorithm is checked, the rest is signed.
    assert not invoice.seals[0].intact, start


@PATIENT
@given(mutilated(data_a(FACTS)))
def test_a_legacy_data_file_of_strange_values_is_read_or_refused(text):
    outcome(text.encode("utf-8", "replace"))


@PATIENT
@given(mutilated(data_b(FACTS)))
def test_an_instance_of_strange_values_is_read_or_refused(text):
    outcome(text.encode("utf-8", "replace"))


@PATIENT
@given(mutilated(BKER))
def test_a_receipt_of_strange_values_is_read_or_refused(text):
    refused_or(lambda: receipt_ofd.read(text.encode("utf-8", "replace")))


@PATIENT
@given(st.binary(max_size=300))
def test_random_bytes_are_no_receipt_and_no_picture(content):
    for head in (b"", b"PK\x03\x04", b"<"):
        refused_or(lambda start=head: receipt_ofd.read(start + content))
        refused_or(lambda start=head: ofd_drawing.draw(start + content, 0, 300))
