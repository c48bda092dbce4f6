"""财政部's instances as files: the issuer's is read, the buyer's is told, every other voucher is refused by name."""

import pytest

from vouchers.invoices import UnreadableInvoice, read

from . import make
from .make_legacy import LegacyFacts, data_b, facts_of, xbrl
from .test_xml import code_of

FACTS = LegacyFacts(lines=[make.compute_line(), make.discount_line()])
BOOKED = {
    "InvoiceNumber": "26322000000000000017",
    "RequestTime": "2026-05-08 09:47:14",
    "SellerName": "示例智算科技（无锡）有限公司",
    "SellerIdNum": "91320214MA00000010",
    "TotalAmWithoutTax": "108000.00",
    "TotalTaxAm": "6480.00",
    "TotalTax-includedAmount": "114480.00",
    "WhetherEinvoiceIsRedEinvoice": "否",
    "WhetherEinvoiceHasBeenBooked": "是",
    "WhetherEinvoiceHasBeenPaid": "是",
    "NumberOfBankElectronicReceipt": "202605080001",
    "UnifiedSocialCreditCodeOfAccountingEntity": "91320214MA00000028",
    "NameOfAccountingEntity": "无锡示例人工智能有限公司",
}


def codes(content: str) -> set[str]:
    return {warning.code for warning in read(content.encode()).warnings}


@pytest.mark.parametrize("date", ["2021-09-30", "2021-11-30", "2023-05-15", "2023-12-31"])
def test_the_issuers_instance_is_read_whatever_its_namespaces_date(date):
    invoice = read(data_b(FACTS, date=date).encode())

    assert (invoice.kind, invoice.code, invoice.number) == ("电子普票", FACTS.code, FACTS.number)
    assert (invoice.amount_fen, invoice.tax_fen, invoice.total_fen) == (10_800_000, 648_000, 11_448_000)
    assert invoice.lines == tuple(FACTS.lines)
    assert [warning.code for warning in invoice.warnings] == ["data_file_only"]


@pytest.mark.parametrize(("schema", "kind"), [("einv_spcl_receiver", "数电专票"), ("einv_ord_receiver", "数电普票")])
def test_the_buyers_booking_file_is_a_declaration_and_says_so(schema, kind):
    content = xbrl(facts_of("einv", **BOOKED), "einv", date="2023-12-31", schema=schema)

    invoice = read(content.encode())

    assert (invoice.kind, invoice.number, invoice.total_fen) == (kind, "26322000000000000017", 11_448_000)
    assert (invoice.buyer_name, invoice.seller_id) == ("无锡示例人工智能有限公司", "91320214MA00000010")
    assert codes(content) >= {"buyer_declaration", "data_file_only", "lines_unread"}
    assert any(warning.blocks for warning in invoice.warnings if warning.code == "buyer_declaration")


def test_a_receivers_file_of_an_older_form_is_a_declaration_too():
    assert "buyer_declaration" in codes(data_b(FACTS, schema="inv_ord_receiver"))
    assert "buyer_declaration" not in codes(data_b(FACTS))


@pytest.mark.parametrize(
    ("prefix", "names"),
    [
        ("rai", "铁路"),
        ("atr", "航空"),
        ("bkrs", "对账单"),
        ("ntrev", "非税"),
        ("efi", "财政"),
        ("ctp", "国库"),
        ("inv_tlf", "通行费"),
    ],
)
def test_other_vouchers_are_refused_by_name(prefix, names):
    with pytest.raises(UnreadableInvoice) as refusal:
        read(xbrl(facts_of(prefix, Number="1"), prefix).encode())

    assert refusal.value.code == "kind_not_supported"
    assert names in refusal.value.message


def test_a_bank_receipt_is_sent_to_the_place_for_receipts():
    assert code_of(xbrl(facts_of("bker", Number="1"), "bker").encode()) == "bank_receipt"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (xbrl("", "inv"), "not_an_invoice"),
        (xbrl(facts_of("cas", Assets="1"), "cas"), "not_an_invoice"),
        (data_b(FACTS).replace("xbrl.mof.gov.cn", "xbrl.example.invalid"), "not_an_invoice"),
        (data_b(FACTS).replace("iso4217:CNY", "iso4217:USD"), "currency_not_supported"),
        (data_b(FACTS).replace("</xbrl>", '<inv:NumberOfInvoice contextRef="c1">12345678</inv:NumberOfInvoice></xbrl>'), "xml_ambiguous"),
        (data_b(FACTS).replace(f"CDATA[{FACTS.code}{FACTS.number}]", f"CDATA[{FACTS.code}12345679]"), "number_conflict"),
        (data_b(FACTS).replace("[108000.00]", "[108000.001]"), "field_invalid"),
    ],
)  # fmt: skip
def test_an_instance_that_is_none_or_contradicts_itself_is_refused(content, code):
    assert code_of(content.encode()) == code
