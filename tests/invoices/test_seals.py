"""Seals are verified to the last byte: what changed, what was added, who issued it."""

import datetime
import io
from concurrent.futures import ThreadPoolExecutor

import pytest
from asn1crypto import core, keys, x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from gmssl import sm2 as independent
from pyhanko.pdf_utils import generic, writer
from pyhanko.sign import signers
from pyhanko_certvalidator.registry import SimpleCertificateStore

from vouchers.invoices import read, sm2
from vouchers.invoices.seals import BLOCKING, seal_doubts
from vouchers.invoices.seals_pdf import pdf_seals

from . import make, make_seal

FACTS = make.Facts()
PARTS = make.ofd_parts(FACTS)
SEALED = make_seal.sealed_parts(PARTS)
OTHER_KEY = 0x3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8


def seal_codes(content: bytes) -> set[str]:
    return {warning.code for warning in read(content).warnings if warning.code.startswith("seal_")}


def test_an_intact_seal_is_shown_and_doubts_nothing():
    invoice = read(make.zipped(SEALED))

    [seal] = invoice.seals
    assert (seal.kind, seal.signer, seal.intact) == ("ofd", "国家税务总局示例省税务局", True)
    assert "保护的 5 个文件都没有改动" in seal.message
    assert "以税务平台查验为准" in seal.message
    assert invoice.warnings == ()


@pytest.mark.parametrize("path", [make.PAGE, make.DOCUMENT, make.TAGS, make.TEMPLATE])
def test_one_changed_byte_in_any_member_breaks_the_seal_and_names_the_member(path):
    changed = SEALED[path].replace(b"</ofd:", b" </ofd:", 1)
    assert len(changed) == len(SEALED[path]) + 1

    invoice = read(make.zipped({**SEALED, path: changed}))

    [warning] = [each for each in invoice.warnings if each.code.startswith("seal_")]
    assert (warning.code, path in warning.message) == ("seal_broken", True)
    assert not invoice.seals[0].intact
    assert warning.code in BLOCKING


def test_a_member_that_was_taken_away_breaks_the_seal():
    parts = make_seal.sealed_parts({**PARTS, "Doc_0/Res/stamp.png": b"picture"})
    del parts["Doc_0/Res/stamp.png"]

    assert seal_codes(make.zipped(parts)) == {"seal_broken"}


def test_a_member_that_the_seal_does_not_name_is_told():
    content = make.zipped({**SEALED, "Doc_0/Res/added.png": b"added"})

    invoice = read(content)

    assert seal_codes(content) == {"seal_uncovered"}
    assert "Doc_0/Res/added.png" in invoice.seals[0].message


def test_a_list_of_members_that_is_not_the_signed_one_is_invalid():
    signature = SEALED[make_seal.SIGNATURE].replace(b"example", b"another")

    assert seal_codes(make.zipped({**SEALED, make_seal.SIGNATURE: signature})) == {"seal_invalid"}


def test_a_signature_by_another_key_than_the_certificates_is_invalid():
    assert seal_codes(make_seal.sealed(PARTS, private=OTHER_KEY)) == {"seal_invalid"}
    assert seal_codes(make_seal.sealed(PARTS, private=OTHER_KEY, key_of=OTHER_KEY)) == set()


def test_the_test_authorities_of_the_tax_system_are_told_and_block():
    invoice = read(make_seal.sealed(PARTS, issuer="税务测试CA2(SM2)"))

    [warning] = invoice.warnings
    assert (warning.code, "测试发票" in warning.message) == ("seal_test_issuer", True)
    assert warning.code in BLOCKING


def test_an_issuer_nobody_knows_is_told():
    assert seal_codes(make_seal.sealed(PARTS, issuer="某某证书中心")) == {"seal_issuer_unknown"}


def test_a_seal_put_on_outside_its_years_is_told():
    late = datetime.datetime(2029, 1, 1, tzinfo=datetime.UTC)

    assert seal_codes(make_seal.sealed(PARTS, signed_at=late)) == {"seal_date"}


@pytest.mark.parametrize(
    "change",
    [
        {make_seal.SIGNED_VALUE: b""},
        {make_seal.SIGNED_VALUE: b"\x30\x82"},
        {make_seal.SIGNED_VALUE: SEALED[make_seal.SIGNED_VALUE][:-9]},
        {make_seal.SIGNED_VALUE: SEALED[make_seal.SIGNED_VALUE] + b"\0"},
        {make_seal.SIGNED_VALUE: make_seal.seal(SEALED[make_seal.SIGNATURE], version=1)},
        {make_seal.SIGNATURE: SEALED[make_seal.SIGNATURE].replace(b"10197.1.401", b"10197.1.999")},
        {make_seal.SIGNATURE: SEALED[make_seal.SIGNATURE].replace(b"<ofd:CheckValue>", b"<ofd:CheckValue>!")},
        {make_seal.SIGNATURE: SEALED[make_seal.SIGNATURE].replace(b"SignedValue.dat", b"Missing.dat")},
    ],
)
def test_what_is_no_seal_that_can_be_verified_says_so_and_the_invoice_is_still_read(change):
    invoice = read(make.zipped({**SEALED, **change}))

    assert [warning.code for warning in invoice.warnings] == ["seal_unread"]
    assert not invoice.seals[0].intact
    assert invoice.total_fen == FACTS.total_fen


def test_an_invoice_without_a_seal_has_none():
    assert read(make.zipped(PARTS)).seals == ()


@pytest.mark.parametrize("private", [make_seal.PRIVATE, OTHER_KEY, 1, 2, 0x0404])
def test_sm2_agrees_with_an_independent_implementation(private):
    message = f"message {private}".encode()
    key = make_seal.public(private)
    order = int(independent.default_ecc_table["n"], 16)
    signed = core.Sequence.load(make_seal.sign(message, private))
    r, s = signed[0].native, signed[1].native

    assert sm2.verified(key, message, r, s)
    assert not sm2.verified(key, message + b".", r, s)
    assert not sm2.verified(key, message, r, s ^ 1)
    assert not sm2.verified(key, message, r, order - r)
    assert not sm2.verified(key, message, 0, s)
    assert not sm2.verified(key, message, r, 0)
    assert not sm2.verified(key, message, r, s + order)


@pytest.mark.parametrize("key", [b"", b"\4" * 65, b"\2" + b"\1" * 64, make_seal.public()[:-1], b"\4" + b"\xff" * 64])
def test_a_key_that_is_no_point_is_refused(key):
    with pytest.raises(ValueError, match="SM2 key|curve"):
        sm2.verified(key, b"", 1, 1)


@pytest.fixture(scope="module")
def signed_pdf() -> bytes:
    """A small PDF signed with a key of its own."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = keys.PrivateKeyInfo.load(
        key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    public = keys.PublicKeyInfo.load(
        key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    name = x509.Name.build({"common_name": "示例智算科技有限公司"})
    algorithm = {"algorithm": "sha256_rsa"}
    years = [x509.Time({"utc_time": datetime.datetime(year, 1, 1, tzinfo=datetime.UTC)}) for year in (2024, 2034)]
    told = x509.TbsCertificate(
        {
            "version": "v3", "serial_number": 1, "signature": algorithm, "issuer": name, "subject": name,
            "validity": {"not_before": years[0], "not_after": years[1]}, "subject_public_key_info": public,
        }
    )  # fmt: skip
    own = x509.Certificate({"tbs_certificate": told, "signature_algorithm": algorithm, "signature_value": b""})
    signer = signers.SimpleSigner(signing_cert=own, signing_key=private, cert_registry=SimpleCertificateStore())
    blank = writer.PdfFileWriter()
    page = writer.PageObject(
        contents=blank.add_object(generic.StreamObject(stream_data=b"q Q % 123456.00")), media_box=(0, 0, 595, 397)
    )
    blank.insert_page(page)
    plain = io.BytesIO()
    blank.write(plain)
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

    metadata = signers.PdfSignatureMetadata(field_name="S")
    # In a thread of its own: it wants an event loop, and a test with a browser may have left one running in this.
    with ThreadPoolExecutor(1) as aside:
        signed = aside.submit(signers.sign_pdf, IncrementalPdfFileWriter(plain), metadata, signer=signer)
        return signed.result().getvalue()


def test_a_signed_pdf_is_whole(signed_pdf):
    [seal] = pdf_seals(signed_pdf)

    assert (seal.kind, seal.signer, seal.intact) == ("pdf", "示例智算科技有限公司", True)
    assert seal_doubts((seal,)) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda content: content.replace(b"123456.00", b"923456.00"), "改动过"),
        (lambda content: content + b"\n% appended", "追加"),
    ],
)
def test_a_changed_or_lengthened_pdf_is_told(signed_pdf, change, says):
    [seal] = pdf_seals(change(signed_pdf))

    [warning] = seal_doubts((seal,))
    assert (warning.code, says in warning.message) == ("seal_broken", True)


def test_a_pdf_without_or_with_a_ruined_signature_raises_nothing(signed_pdf):
    assert pdf_seals(b"%PDF-1.7\n") == ()
    [seal] = pdf_seals(b"%PDF-1.7 /ByteRange [0 1 2")
    assert not seal.intact
    start = signed_pdf.index(b"/Contents <") + 40
    ruined = signed_pdf[:start] + b"00" * 200 + signed_pdf[start + 400 :]
    assert not any(seal.intact for seal in pdf_seals(ruined))
