"""What comes in from outside is checked before a row is made of it."""

import datetime as dt
from dataclasses import replace

import pytest

from tests import factories
from vouchers import invoices
from vouchers.claims import services as claims
from vouchers.claims.amendments import correct_typed_invoice
from vouchers.claims.doubts import open_blocks
from vouchers.claims.intake import InvoiceRefused
from vouchers.claims.papers import Attachment, Invoice
from vouchers.documents.storage import path_of
from vouchers.management.demo.papers import Item, Party, credit_code, invoice_xml

pytestmark = pytest.mark.django_db
ITEM = Item("*信息技术服务*智能算力服务费", "卡时", "1", "1", 10_000_000)


@pytest.fixture
def claim(firm):
    return factories.draft(firm)


def xml(firm, number="25320000000000000007", items=(ITEM,)):
    seller = Party(credit_code(900_001), "示范算力1")
    buyer = Party(firm.organisation.uscc, firm.name)
    return invoice_xml(number, dt.date(2025, 6, 10), seller, buyer, list(items))


def typed(firm, **changes):
    return replace(invoices.read(xml(firm)), **changes)


def test_the_same_number_split_otherwise_is_the_same_invoice(claim, firm):
    claims.add_invoice_file(claim, name="a.xml", content=xml(firm, "25320000000012345678"), user=firm.clerk)
    again = typed(firm, code="253200000000", number="12345678")
    with pytest.raises(InvoiceRefused, match="登记过"):
        claims.add_typed_invoice(claim, again, attachment=None, user=firm.clerk)


@pytest.mark.parametrize(
    "number", ["", " 12 ", "２５３２００００００００００００００２１", "25320000000000000007 ", "abc", "1" * 21]
)
def test_a_number_that_no_tax_authority_gives_is_refused(claim, firm, number):
    with pytest.raises(InvoiceRefused, match="20 位数字"):
        claims.add_typed_invoice(claim, typed(firm, number=number), attachment=None, user=firm.clerk)


@pytest.mark.parametrize(
    "changes",
    [
        {"total_fen": 1},
        {"date": dt.date(2999, 1, 1)},
        {"date": dt.date(1, 1, 1)},
        {"seller_name": "长" * 201},
        {"red": True},
        {"lines": ()},
        {"amount_fen": 10**18, "total_fen": 10**18 + 600_000},
    ],
)
def test_an_invoice_that_cannot_be_is_refused_in_words(claim, firm, changes):
    with pytest.raises(InvoiceRefused):
        claims.add_typed_invoice(claim, typed(firm, **changes), attachment=None, user=firm.clerk)
    assert not Invoice.objects.exists()


def test_a_file_whose_invoice_is_refused_leaves_neither_row_nor_file(claim, firm, settings):
    content = xml(firm, items=[replace(ITEM, name="长" * 301)])
    with pytest.raises((InvoiceRefused, invoices.UnreadableInvoice)):
        claims.add_invoice_file(claim, name="a.xml", content=content, user=firm.clerk)
    assert not Attachment.objects.exists()
    assert [path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()] == []


def test_a_stranger_who_uploads_leaves_no_file(claim, firm, settings):
    with pytest.raises(claims.ClaimError):
        claims.upload(claim, kind="contract", name="a.pdf", content=b"%PDF", user=factories.user("stranger"))
    assert not settings.MEDIA_ROOT.exists() or not any(p.is_file() for p in settings.MEDIA_ROOT.rglob("*"))


def test_a_file_that_contradicts_what_was_typed_is_kept_beside_it_and_blocks_until_they_agree(claim, firm):
    line = replace(invoices.read(xml(firm)).lines[0], amount_fen=90_000_000, tax_fen=5_400_000)
    high = typed(firm, amount_fen=90_000_000, tax_fen=5_400_000, total_fen=95_400_000, lines=(line,))
    claims.add_typed_invoice(claim, high, attachment=None, user=firm.clerk)
    row = claims.add_invoice_file(claim, name="a.xml", content=xml(firm), user=firm.clerk)
    (copy,) = row.copies.all()
    assert {each["field"] for each in copy.differences} >= {"amount", "tax", "total", "lines.0.amount"}
    assert row.total_fen == 95_400_000
    ((_, doubt),) = open_blocks(claim, [row.pk])
    assert (doubt.code, doubt.blocks) == (f"copy_differs_{copy.pk}", True)
    correct_typed_invoice(claim, row, typed(firm), seen=None, user=firm.clerk)
    assert open_blocks(claim, [row.pk]) == []


def test_another_firms_paper_proves_nothing(claim, firm):
    other = factories.firm(2, firm.call, reviewer=factories.officer("shenhe3", "reviewer"))
    paper = claims.upload(factories.draft(other), kind="receipt", name="r.pdf", content=b"%PDF", user=other.clerk)
    with pytest.raises(claims.ClaimError, match="不属于本单位"):
        claims.record_payment(
            claim, serial_number="1", paid_on=factories.PAID_ON, payer_name="a", payee_name="b", amount_fen=1,
            attachment=paper, user=firm.clerk,
        )  # fmt: skip
    assert path_of(paper.stored_name).exists()


@pytest.mark.parametrize(
    "changes", [{"serial_number": "  "}, {"paid_on": dt.date(2999, 1, 1)}, {"payee_name": "长" * 201}]
)
def test_a_payment_that_cannot_be_is_refused_in_words(claim, firm, changes):
    fields = {
        "serial_number": "1", "paid_on": factories.PAID_ON, "payer_name": "a", "payee_name": "b", "amount_fen": 1,
        "attachment": None, "user": firm.clerk,
    }  # fmt: skip
    with pytest.raises(claims.ClaimError):
        claims.record_payment(claim, **(fields | changes))
