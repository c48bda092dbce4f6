"""Doubts about invoices: at their field, in words, and in the way of a submission until somebody explains them."""

import datetime as dt
from dataclasses import replace

import pytest
from django.db import IntegrityError, transaction

from tests import factories
from vouchers import invoices
from vouchers.claims import services as claims
from vouchers.claims.completeness import deficiencies_of
from vouchers.claims.doubts import Doubting, answer_doubt
from vouchers.claims.duplicates import alike
from vouchers.claims.intake import ClaimError
from vouchers.claims.papers import Attachment, DoubtAnswer, Invoice, InvoiceCopy
from vouchers.claims.receiving import receive_invoice, waiting_files
from vouchers.claims.removals import remove_file, remove_invoice
from vouchers.management.demo.papers import Item, Party, invoice_xml
from vouchers.review.services import fire

pytestmark = pytest.mark.django_db
ITEM = Item("*信息技术服务*智能算力服务费", "卡时", "1", "100000.00", 10_000_000)
SEAL = {"kind": "ofd", "signer": "", "intact": False, "message": "签章之后文件被改动过。"}


@pytest.fixture
def claim(firm):
    return factories.ready(firm, factories.product(), 1)


@pytest.fixture
def row(claim):
    return Invoice.objects.get()


def doubts(claim, row):
    row.refresh_from_db()
    return {doubt.code: doubt for doubt in Doubting.about(claim, [row]).of(row, list(row.lines.all()))}


def codes(claim):
    return {each.code for each in deficiencies_of(claim)}


def doubted(row, **changes):
    Invoice.objects.filter(pk=row.pk).update(**changes)
    row.refresh_from_db()


def test_an_invoice_without_a_flaw_raises_no_doubt(claim, row):
    assert doubts(claim, row) == {}
    assert codes(claim) == set()


@pytest.mark.parametrize(
    ("changes", "code", "field", "blocks"),
    [
        (
            {"warnings": [{"code": "two_truths", "message": "“销售方名称”在文件各处不一致。"}]},
            "two_truths",
            "seller_name",
            True,
        ),
        ({"warnings": [{"code": "words_mismatch", "message": "大写金额不一致。"}]}, "words_mismatch", "total", True),
        ({"warnings": [{"code": "id_format", "message": "购买方纳税人识别号不对。"}]}, "id_format", "buyer_id", False),
        ({"warnings": [{"code": "whatever", "message": "请看。", "blocks": True}]}, "whatever", "", True),
        ({"warnings": [{"code": "line_price", "message": "明细第 1 行不符。"}]}, "line_price", "lines", False),
        ({"seals": [SEAL]}, "seal_0", "", True),
        ({"kind": "航空运输电子客票行程单"}, "kind_not_allowed", "kind", True),
        ({"issued_on": dt.date(2019, 1, 1)}, "date_outside", "date", False),
        ({"seller_name": "无锡示范1科技有限公司"}, "same_name", "seller_name", True),
    ],
)
def test_each_doubt_stands_at_its_field(claim, row, changes, code, field, blocks):
    doubted(row, **changes)
    found = doubts(claim, row)
    assert (found[code].field, found[code].blocks, found[code].open) == (field, blocks, blocks)
    assert ("doubt_open" in codes(claim)) == (blocks and code != "same_name")


def test_what_blocks_is_explained_once_by_a_person_and_then_submits(office, firm, claim, row):
    doubted(row, warnings=[{"code": "words_mismatch", "message": "大写与小写不一致。"}])
    with pytest.raises(ClaimError, match="大写与小写不一致"):
        fire(claim, "submit", actor=firm.actor)
    with pytest.raises(ClaimError, match="写明情况"):
        answer_doubt(claim, row, "words_mismatch", "  ", user=firm.clerk)
    with pytest.raises(ClaimError, match="已经不在"):
        answer_doubt(claim, row, "seal_0", "没有问题", user=firm.clerk)
    with pytest.raises(ClaimError, match="经办人"):
        answer_doubt(claim, row, "words_mismatch", "没有问题", user=office.reviewer.user)
    answer_doubt(claim, row, "words_mismatch", "销售方确认大写打印错误，已附说明。", user=firm.clerk)
    assert doubts(claim, row)["words_mismatch"].answer.by == firm.clerk
    fire(claim, "submit", actor=firm.actor)
    for change in (DoubtAnswer.objects.all().delete, lambda: DoubtAnswer.objects.update(text="别的")):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


def xml(firm, product, number="25320000000000000001", price=10_000_000, name=ITEM.name, on=dt.date(2025, 6, 10)):
    seller = Party(product.provider.uscc, product.provider.name)
    item = Item(name, "卡时", "1", f"{price / 100:.2f}", price)
    return invoice_xml(number, on, seller, Party(firm.organisation.uscc, firm.name), [item])


def as_other_carrier(monkeypatch, content, carrier="ofd", **changes):
    """What the reader of another carrier makes of the same invoice."""
    read = replace(invoices.read(content), carrier=carrier, **changes)
    monkeypatch.setattr("vouchers.invoices.guard.read", lambda _: read)
    return b"<?xml version='1.0'?><other/>"


def test_the_same_invoice_in_another_carrier_is_recognised_and_agrees(firm, claim, row, monkeypatch):
    content = xml(firm, claim.lines.get().product)
    other = as_other_carrier(monkeypatch, content, remark="另一种备注", boxes=())
    got = receive_invoice(claim, name="发票.ofd", content=other, user=firm.clerk)
    assert (got.invoice, got.message) == (row, "与已登记的发票是同一张，两份文件各项一致。")
    assert receive_invoice(claim, name="再来.ofd", content=other, user=firm.clerk).message.startswith("与已登记")
    assert InvoiceCopy.objects.count() == 1
    assert list(waiting_files(claim)) == []
    assert doubts(claim, row) == {}


def test_two_carriers_that_say_two_things_are_told_and_block(firm, claim, row, monkeypatch):
    other = as_other_carrier(monkeypatch, xml(firm, claim.lines.get().product), seller_name="另一家公司")
    got = receive_invoice(claim, name="发票.ofd", content=other, user=firm.clerk)
    assert "1 处不一致" in got.message
    (doubt,) = doubts(claim, row).values()
    assert (doubt.field, doubt.open) == ("seller_name", True)
    assert "另一家公司" in doubt.message
    assert codes(claim) == {"doubt_open"}
    remove_file(Attachment.objects.get(copy__isnull=False), user=firm.clerk)
    assert codes(claim) == set()


def test_removing_an_invoice_takes_its_copies_and_answers_along(firm, claim, row, monkeypatch):
    other = as_other_carrier(monkeypatch, xml(firm, claim.lines.get().product), seller_name="另一家公司")
    receive_invoice(claim, name="发票.ofd", content=other, user=firm.clerk)
    answer_doubt(claim, row, f"copy_differs_{InvoiceCopy.objects.get().pk}", "原件为准", user=firm.clerk)
    assert remove_invoice(claim, row, user=firm.clerk)
    assert not Attachment.objects.filter(kind="invoice").exists()


def test_near_duplicates_are_told_apart_from_what_merely_looks_similar(office, firm, claim, row):
    product = claim.lines.get().product
    other = factories.firm(2, firm.call, reviewer=office.reviewer)
    twin = factories.submitted(other, product, 2)
    same_total = factories.submitted(
        factories.firm(3, firm.call, reviewer=office.reviewer), product, 3, issued_on=dt.date(2025, 6, 11)
    )
    found = alike([row])
    assert [each.organisation for each in found[row.pk]] == [twin.organisation]
    assert same_total.organisation not in {each.organisation for each in found[row.pk]}
    assert set(alike(Invoice.objects.filter(organisation=twin.organisation))) == set()


def test_a_vague_line_needs_the_receipt_of_each_payment(office, firm):
    claim, product = factories.draft(firm), factories.product()
    content = xml(firm, product, name="*信息技术服务*技术服务费")
    invoice = claims.add_invoice_file(claim, name="a.xml", content=content, user=firm.clerk)
    payment = factories.pay(claim, firm, invoice, "S1", invoice.total_fen)
    claims.declare_line(claim, invoice.lines.get(), product, user=firm.clerk)
    factories.complete(claim, firm)
    assert codes(claim) == {"review_receipt"}
    assert doubts(claim, invoice)["line_review_1"].field == "line1"
    payment.attachment = claim.attachments.get(kind="receipt")
    payment.save()
    assert codes(claim) == set()


def test_a_line_that_is_no_compute_is_told(firm):
    claim, product = factories.draft(firm), factories.product()
    content = xml(firm, product, name="*餐饮服务*餐费", number="25320000000000000009")
    invoice = claims.add_invoice_file(claim, name="a.xml", content=content, user=firm.clerk)
    assert "不像算力费用" in doubts(claim, invoice)["line_no_1"].message
