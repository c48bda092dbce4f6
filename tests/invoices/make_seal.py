"""Seals of our own making: an SM2 key, a certificate and an SES version 4 seal over the members of an OFD."""

from __future__ import annotations

import base64
import datetime
import hashlib

from asn1crypto import algos, core, keys, x509
from gmssl import sm2

from .make_ofd import OFD_NS, zipped

# Keys as good as any other number below the order; these files prove nothing but the arithmetic.
PRIVATE = 0x128B2FA8BD433C6C068C8D803DFF79792A519A55171B1B650C23661D15897263
TAX_AUTHORITY = "税务电子证书管理中心(SM2)"
SM2_WITH_SM3 = "1.2.156.10197.1.501"
SIGNED_AT = datetime.datetime(2026, 5, 8, 9, 0, tzinfo=datetime.UTC)
SIGNATURE = "Doc_0/Signs/Sign_0/Signature.xml"
SIGNED_VALUE = "Doc_0/Signs/Sign_0/SignedValue.dat"


def engine(private: int = PRIVATE) -> sm2.CryptSM2:
    """The independent implementation with a key pair."""
    machine = sm2.CryptSM2(f"{private:064x}", "")
    machine.public_key = machine._kg(private, sm2.default_ecc_table["g"])
    return machine


def public(private: int = PRIVATE) -> bytes:
    return b"\4" + bytes.fromhex(engine(private).public_key)


def sign(message: bytes, private: int = PRIVATE) -> bytes:
    """The DER signature of `message` with SM3 and the usual name."""
    table = sm2.default_ecc_table
    name = b"1234567812345678"
    head = (8 * len(name)).to_bytes(2, "big") + name
    head += bytes.fromhex(table["a"] + table["b"] + table["g"]) + public(private)[1:]
    digest = hashlib.new("sm3", hashlib.new("sm3", head).digest() + message).digest()
    nonce = hashlib.sha256(message).hexdigest()
    signed = engine(private).sign(digest, nonce)
    return sequence(core.Integer(int(signed[:64], 16)), core.Integer(int(signed[64:], 16)))


def sequence(*parts: core.Asn1Value | bytes) -> bytes:
    """A DER sequence of parts that are values or DER already."""
    body = b"".join(part if isinstance(part, bytes) else part.dump() for part in parts)
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return b"\x30" + (bytes([len(body)]) if len(body) < 128 else bytes([0x80 | len(size)]) + size) + body


def certificate(subject: str, issuer: str, private: int = PRIVATE) -> bytes:
    """A certificate of `subject` under the name of `issuer`; its own signature is never looked at."""
    algorithm = algos.SignedDigestAlgorithm({"algorithm": SM2_WITH_SM3})
    curve = keys.ECDomainParameters(name="named", value=keys.NamedCurve("1.2.156.10197.1.301"))
    key = keys.PublicKeyInfo(
        {
            "algorithm": keys.PublicKeyAlgorithm({"algorithm": "ec", "parameters": curve}),
            "public_key": keys.ECPointBitString(public(private)),
        }
    )
    years = [x509.Time({"utc_time": datetime.datetime(year, 1, 1, tzinfo=datetime.UTC)}) for year in (2024, 2034)]
    told = x509.TbsCertificate(
        {
            "version": "v3",
            "serial_number": 1,
            "signature": algorithm,
            "issuer": x509.Name.build({"common_name": issuer, "country_name": "CN"}),
            "validity": x509.Validity({"not_before": years[0], "not_after": years[1]}),
            "subject": x509.Name.build({"common_name": subject, "country_name": "CN"}),
            "subject_public_key_info": key,
        }
    )
    whole = x509.Certificate(
        {"tbs_certificate": told, "signature_algorithm": algorithm, "signature_value": b"unlooked at"}
    )
    return whole.dump()


def seal(
    content: bytes,
    *,
    issuer: str = TAX_AUTHORITY,
    signed_at: datetime.datetime = SIGNED_AT,
    private: int = PRIVATE,
    key_of: int = PRIVATE,
    version: int = 4,
    picture: tuple[str, bytes] = ("ofd", b"no picture"),
) -> bytes:
    """The SES signature over the Signature.xml `content`."""
    signer = core.OctetString(certificate("国家税务总局示例省税务局", issuer, key_of))
    maker = core.OctetString(certificate("示例制章系统", issuer))
    times = [core.GeneralizedTime(datetime.datetime(year, 1, 1, tzinfo=datetime.UTC)) for year in (2025, 2025, 2028)]
    detail = sequence(core.Integer(3), core.UTF8String("全国统一发票监制章"), core.Integer(1), sequence(signer), *times)
    header = sequence(core.IA5String("ES"), core.Integer(version), core.IA5String("EXAMPLE"))
    shown = sequence(core.IA5String(picture[0]), core.OctetString(picture[1]), core.Integer(30), core.Integer(20))
    info = sequence(header, core.IA5String("32000000000001"), detail, shown)
    algorithm = core.ObjectIdentifier(SM2_WITH_SM3)
    stamp = sequence(info, maker, algorithm, core.OctetBitString(sign(info)))
    told = sequence(
        core.Integer(version),
        stamp,
        core.GeneralizedTime(signed_at),
        core.OctetBitString(hashlib.new("sm3", content).digest()),
        core.IA5String(f"/{SIGNATURE}"),
    )
    return sequence(told, signer, algorithm, core.OctetBitString(sign(told, private)))


def sealed_parts(parts: dict[str, str | bytes], *, leave_out: tuple[str, ...] = ("OFD.xml",), **shape) -> dict:
    """`parts` with a seal over all of them but `leave_out`."""
    parts = {path: part.encode() if isinstance(part, str) else part for path, part in parts.items()}
    ofd = parts["OFD.xml"].replace(
        b"</ofd:DocBody>", b"<ofd:Signatures>/Doc_0/Signs/Signatures.xml</ofd:Signatures></ofd:DocBody>"
    )
    parts["OFD.xml"] = ofd
    references = "".join(
        f'<ofd:Reference FileRef="/{path}"><ofd:CheckValue>'
        f"{base64.b64encode(hashlib.new('sm3', part).digest()).decode()}</ofd:CheckValue></ofd:Reference>"
        for path, part in parts.items()
        if path not in leave_out
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><ofd:Signature xmlns:ofd="{OFD_NS}"><ofd:SignedInfo>'
        f'<ofd:Provider ProviderName="example"/><ofd:SignatureMethod>{SM2_WITH_SM3}</ofd:SignatureMethod>'
        f'<ofd:References CheckMethod="1.2.156.10197.1.401">{references}</ofd:References>'
        '<ofd:StampAnnot ID="1" PageRef="61" Boundary="90 8 30 20"/></ofd:SignedInfo>'
        f"<ofd:SignedValue>/{SIGNED_VALUE}</ofd:SignedValue></ofd:Signature>"
    ).encode()
    listing = (
        f'<ofd:Signatures xmlns:ofd="{OFD_NS}"><ofd:Signature ID="1" BaseLoc="Sign_0/Signature.xml"/></ofd:Signatures>'
    )
    return {
        **parts,
        "Doc_0/Signs/Signatures.xml": listing,
        SIGNATURE: content,
        SIGNED_VALUE: seal(content, **shape),
    }


def sealed(parts: dict[str, str | bytes], **shape) -> bytes:
    """The sealed OFD as a file."""
    return zipped(sealed_parts(parts, **shape))
