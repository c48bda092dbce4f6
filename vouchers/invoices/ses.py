"""The seal's own structure (SES version 4, GB/T 38540-2020), as far as verifying it needs.

    SES_Signature ::= SEQUENCE { toSign, cert, signatureAlgID, signature, [0] timeStamp OPTIONAL }
    toSign        ::= SEQUENCE { version, eseal, timeInfo, dataHash, propertyInfo, [0] extDatas OPTIONAL }
    eseal         ::= SEQUENCE { eSealInfo, cert, signAlgID, signedValue }

What is signed are the bytes as they stand in the file, never a re-encoding of them.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from functools import lru_cache

from asn1crypto import core, x509

from vouchers.invoices import sm2

_VERSION = 4
_SM2_WITH_SM3 = "1.2.156.10197.1.501"
_NOT_ASN1 = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError)


class _Header(core.Sequence):  # type: ignore[misc]
    _fields = [("ID", core.IA5String), ("version", core.Integer), ("Vid", core.IA5String)]


class _Property(core.Sequence):  # type: ignore[misc]
    _fields = [
        ("type", core.Integer),
        ("name", core.UTF8String),
        ("certListType", core.Integer),
        ("certList", core.Any),
        ("createDate", core.GeneralizedTime),
        ("validStart", core.GeneralizedTime),
        ("validEnd", core.GeneralizedTime),
    ]


class _Picture(core.Sequence):  # type: ignore[misc]
    _fields = [("type", core.IA5String), ("data", core.OctetString), ("width", core.Integer), ("height", core.Integer)]


class _SealInfo(core.Sequence):  # type: ignore[misc]
    _fields = [
        ("header", _Header),
        ("esID", core.IA5String),
        ("property", _Property),
        ("picture", _Picture),
        ("extDatas", core.Any, {"optional": True}),
    ]


class _Seal(core.Sequence):  # type: ignore[misc]
    _fields = [
        ("eSealInfo", _SealInfo),
        ("cert", core.OctetString),
        ("signAlgID", core.ObjectIdentifier),
        ("signedValue", core.OctetBitString),
    ]


class _ToSign(core.Sequence):  # type: ignore[misc]
    _fields = [
        ("version", core.Integer),
        ("eseal", _Seal),
        ("timeInfo", core.GeneralizedTime),
        ("dataHash", core.OctetBitString),
        ("propertyInfo", core.IA5String),
        ("extDatas", core.Any, {"explicit": 0, "optional": True}),
    ]


class _Signature(core.Sequence):  # type: ignore[misc]
    _fields = [
        ("toSign", _ToSign),
        ("cert", core.OctetString),
        ("signatureAlgID", core.ObjectIdentifier),
        ("signature", core.OctetBitString),
        ("timeStamp", core.Any, {"explicit": 0, "optional": True}),
    ]


class _Numbers(core.Sequence):  # type: ignore[misc]
    _fields = [("r", core.Integer), ("s", core.Integer)]


@dataclass(frozen=True, slots=True)
class SealData:
    """One seal as read: whose it is, what it was put on, and whether its two signatures (the signer's on the
    document, the maker's on the seal itself) hold. Whether its certificates can be trusted is not said here."""

    name: str
    signer: str
    issuers: tuple[str, ...]
    signed_at: datetime.datetime
    in_time: bool
    data_hash: bytes
    signature_valid: bool
    seal_valid: bool


def read_seal(content: bytes) -> SealData:
    """The seal in a SignedValue. Raises ValueError for anything but a whole SES version 4 signature with SM2."""
    try:
        return _read(content)
    except _NOT_ASN1 as error:
        raise ValueError("no SES version 4 signature") from error


def read_picture(content: bytes) -> tuple[str, bytes]:
    """The kind (`ofd`, `png` …) and bytes of the seal's picture. Raises ValueError, as read_seal() does."""
    try:
        picture = _Signature.load(content, strict=True)["toSign"]["eseal"]["eSealInfo"]["picture"]
        return picture["type"].native.lower(), picture["data"].native
    except _NOT_ASN1 as error:
        raise ValueError("no SES version 4 signature") from error


def _read(content: bytes) -> SealData:
    whole = _Signature.load(content, strict=True)
    told = whole["toSign"]
    if told["version"].native != _VERSION or told["eseal"]["eSealInfo"]["header"]["ID"].native != "ES":
        raise ValueError("another version")
    seal = told["eseal"]
    for algorithm in (whole["signatureAlgID"], seal["signAlgID"]):
        if algorithm.dotted != _SM2_WITH_SM3:
            raise ValueError("another algorithm")
    signer, maker = (x509.Certificate.load(part["cert"].native, strict=True) for part in (whole, seal))
    detail = seal["eSealInfo"]["property"]
    signed_at = told["timeInfo"].native
    spans = [
        (detail["validStart"].native, detail["validEnd"].native),
        (signer.not_valid_before, signer.not_valid_after),
    ]
    # A seal is bound to the certificates (or digests of them) that may use it.
    listed = (
        whole["cert"].native in detail["certList"].dump() or sm2.sm3(whole["cert"].native) in detail["certList"].dump()
    )
    return SealData(
        name=detail["name"].native,
        signer=_name(signer.subject),
        issuers=(_name(signer.issuer), _name(maker.issuer)),
        signed_at=signed_at,
        in_time=all(start <= signed_at <= end for start, end in spans),
        data_hash=told["dataHash"].native,
        signature_valid=listed and _signs(signer, told.dump(), whole["signature"].native),
        seal_valid=_made(seal["cert"].native, seal["eSealInfo"].dump(), seal["signedValue"].native),
    )


@lru_cache(maxsize=64)
def _made(certificate: bytes, info: bytes, signature: bytes) -> bool:
    """Whether the maker signed the seal. Remembered: a province has few seals, and each is on all its invoices."""
    return _signs(x509.Certificate.load(certificate, strict=True), info, signature)


def _signs(certificate: x509.Certificate, message: bytes, signature: bytes) -> bool:
    key = certificate["tbs_certificate"]["subject_public_key_info"]["public_key"].contents[1:]
    numbers = _Numbers.load(signature, strict=True)
    return sm2.verified(key, message, numbers["r"].native, numbers["s"].native)


def _name(name: x509.Name) -> str:
    """The common name, or else the organisation's."""
    told = name.native
    said = told.get("common_name") or told.get("organization_name") or ""
    return said if isinstance(said, str) else "、".join(said)
