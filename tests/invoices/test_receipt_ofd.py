"""Bank receipts that a machine can read: what the instance says, and a doubt wherever the page shows another thing."""

import datetime

import pytest

from vouchers.invoices import UnreadableInvoice
from vouchers.invoices.receipt_ofd import read

from . import make
from .make_legacy import facts_of, xbrl

FACTS = {
    "NumberOfBankElectronicReceipt": "202605080001",
    "DateOfBookkeeping": "2026-05-08",
    "AccountNameOfPayer": "无锡示例人工智能有限公司",
    "AccountNumberOfPayer": "110000000001",
    "AccountNameOfPayee": "示例智算科技（无锡）有限公司",
    "TransactionAmountInFigures": "114480.00",
    "TransactionAmountInWords": "壹拾壹万肆仟肆佰捌拾元整",
    "Currency": "CNY",
    "BusinessSerialNumber": "S1",
}
SHOWN = ("202605080001", "2026-05-08", "无锡示例人工智能有限公司", "示例智算科技（无锡）有限公司", "CNY 114,480.00")


def instance(date: str = "2023-05-15", **changes: str) -> str:
    facts = {name: text for name, text in {**FACTS, **changes}.items() if text}
    return xbrl(facts_of("bker", **facts), "bker", date=date, schema="bker_issuer")


def ofd(data: str, shown: tuple[str, ...] = SHOWN) -> bytes:
    page = make.Part(100)
    for row, text in enumerate(shown):
        page.text(20, 20 + 8 * row, text)
    ns = make.OFD_NS
    return make.zipped(
        {
            "OFD.xml": f'<ofd:OFD xmlns:ofd="{ns}"><ofd:DocBody><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>',
            "Doc_0/Document.xml": f'<ofd:Document xmlns:ofd="{ns}"><ofd:Pages><ofd:Page ID="1" BaseLoc="Pages/P.xml"/></ofd:Pages>'
            "<ofd:Attachments>Attachs/Attachments.xml</ofd:Attachments></ofd:Document>",
            "Doc_0/Pages/P.xml": page.page(template=True),
            "Doc_0/Attachs/Attachments.xml": f'<ofd:Attachments xmlns:ofd="{ns}"><ofd:Attachment Name="bker" Format="xbrl">'
            "<ofd:FileLoc>bker_issuer_1.xml</ofd:FileLoc></ofd:Attachment></ofd:Attachments>",
            "Doc_0/Attachs/bker_issuer_1.xml": data,
        }
    )


@pytest.mark.parametrize("date", ["2021-11-30", "2023-05-15", "2023-12-31"])
@pytest.mark.parametrize("carrier", [str.encode, ofd])
def test_the_payment_is_read_from_the_instance_in_an_ofd_or_alone(carrier, date):
    receipt = read(carrier(instance(date)))

    assert (receipt.payer, receipt.payee) == ("无锡示例人工智能有限公司", "示例智算科技（无锡）有限公司")
    assert (receipt.amount_fen, receipt.date) == (11_448_000, datetime.date(2026, 5, 8))
    assert (receipt.serial, receipt.warnings) == ("202605080001", ())


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"TransactionAmountInFigures": "914480.00", "TransactionAmountInWords": ""}, "two_truths"),
        ({"AccountNameOfPayee": "另一家有限公司"}, "two_truths"),
        ({"TransactionAmountInWords": "玖拾壹万肆仟肆佰捌拾元整"}, "words_mismatch"),
        ({"Currency": "USD"}, "receipt_currency"),
        ({"AccountNameOfPayer": ""}, "receipt_field_missing"),
        ({"TransactionAmountInFigures": "many"}, "receipt_field_missing"),
        ({"DateOfBookkeeping": "2026-02-30"}, "receipt_field_missing"),
    ],
)
def test_what_is_missing_or_contradicts_the_page_is_told(changes, code):
    assert [warning.code for warning in read(ofd(instance(**changes))).warnings] == [code]


def test_a_box_stands_around_every_field_the_page_shows():
    boxes = {box.field: box for box in read(ofd(instance())).boxes}

    assert set(boxes) == {"payer", "payee", "amount", "date", "serial"}
    # The third piece of text begins at 20 mm of 210, on the line at 36 mm of 140.
    payer = boxes["payer"]
    assert payer.left == pytest.approx(20 / 210)
    assert payer.top < 36 / 140 < payer.bottom
    assert read(ofd(instance(), ())).boxes == ()


def test_another_currency_is_no_amount():
    assert read(ofd(instance(Currency="USD"))).amount_fen is None


def test_a_page_without_text_cannot_contradict():
    assert read(ofd(instance(), ())).warnings == ()


def test_the_serial_of_the_business_stands_in_for_the_receipts_own():
    assert read(instance(NumberOfBankElectronicReceipt="").encode()).serial == "S1"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (make.ofd(make.Facts()), "receipt_unreadable"),
        (b"<a/>", "receipt_unreadable"),
        (make.zipped({"a": "b"}), "receipt_unreadable"),
        (b"PK\x03\x04", "ofd_damaged"),
        (b"%PDF-1.7", "xml_damaged"),
        (b"<!DOCTYPE a><xbrl/>", "xml_unsafe"),
        (instance().replace("</xbrl>", facts_of("bker", Currency="CNY") + "</xbrl>").encode(), "xml_ambiguous"),
        (instance(AccountNameOfPayer="长" * 300).encode(), "receipt_unreadable"),
    ],
)
def test_what_holds_no_receipt_is_refused_by_name(content, code):
    with pytest.raises(UnreadableInvoice) as refusal:
        read(content)

    assert refusal.value.code == code


def test_two_receipts_in_one_file_are_refused():
    content = ofd(instance())
    parts = {"Doc_0/Attachs/bker_2.xml": instance(NumberOfBankElectronicReceipt="2")}
    import io
    import zipfile

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts |= {name: archive.read(name) for name in archive.namelist()}

    with pytest.raises(UnreadableInvoice) as refusal:
        read(make.zipped(parts))

    assert refusal.value.code == "several_documents"
