"""Every member of the corpus is read whole: each header field, each row, money to the fen, without a false doubt."""

from dataclasses import replace

import pytest

from vouchers.invoices import read

from .corpus_marked import corpus

CORPUS = list(corpus())
# Cut out of its invoice, a data file has no page to compare; original_invoice.xml never states the words. The older
# forms are made up without the seal they are issued with.
EXPECTED = {"xml": {"data_file_only", "words_missing"}, "ofd": {"seal_missing"}}


def test_the_corpus_is_as_large_as_promised():
    assert len(CORPUS) >= 80
    assert len({name for name, _, _ in CORPUS}) == len(CORPUS)


@pytest.mark.parametrize(("content", "expected"), [pytest.param(*rest, id=name) for name, *rest in CORPUS])
def test_a_member_of_the_corpus_is_read_whole(content, expected):
    invoice = read(content)

    warnings = {warning.code for warning in invoice.warnings}
    assert replace(invoice, warnings=()) == expected
    assert warnings <= (EXPECTED[expected.carrier] if expected.code else set())
