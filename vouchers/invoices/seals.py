"""Seals and signatures verified offline: strong evidence of tampering, no answer to whether an invoice is genuine.

An OFD seal (SES version 4) signs a list of members with their SM3 digests. Changing a member leaves the SM2
signature valid, so every reference is recomputed; members that the list does not name are told as well. The file
holds no chain of trust, so who signed is shown, and test authorities of the tax system are told by name.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from lxml import etree

from vouchers.invoices import sm2
from vouchers.invoices.invoice import Seal, Warning
from vouchers.invoices.safe_xml import parse
from vouchers.invoices.safe_zip import Package, resolve
from vouchers.invoices.ses import SealData, read_picture, read_seal
from vouchers.invoices.text import tidy

# Warnings with these codes mean that the file must not be relied on, whatever it says.
BLOCKING = frozenset({"seal_test_issuer", "seal_broken", "seal_invalid"})

_SM3 = "1.2.156.10197.1.401"
_MAX_SEALS = 10
_TEST = ("测试CA", "测试ＣＡ")
_TAX_AUTHORITY = "税务电子证书管理中心"
# Written after or by the signing itself, so that it cannot vouch for them.
_UNSIGNED = "OFD.xml"


@dataclass(slots=True)
class _Extent:
    """What a seal vouches for: the members it names, those of them that are changed or gone, and those left out."""

    named: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def ofd_seals(package: Package) -> tuple[tuple[Seal, ...], list[Warning]]:
    """Every seal of the package, verified, and a warning for every doubt. Raises UnreadableInvoice only for a
    package whose locations lead outside it."""
    seals: list[Seal] = []
    warnings: list[Warning] = []
    folders = _signatures(package)
    for location in folders[:_MAX_SEALS]:
        seal, doubts = _verify(package, location, _folder(folders))
        seals.append(seal)
        warnings += doubts
    return tuple(seals), warnings


class Stamp(NamedTuple):
    """Where a seal's picture is shown: the page's id, its boundary in mm as written, the picture's kind and bytes."""

    page: str
    boundary: str
    kind: str
    picture: bytes


def stamps(package: Package) -> Iterator[Stamp]:
    """The pictures of every seal that can be read; nothing is verified. Raises UnreadableInvoice as ofd_seals()."""
    for location in _signatures(package)[:_MAX_SEALS]:
        if location not in package.paths:
            continue
        root = package.xml(location)
        value = tidy(root.findtext("{*}SignedValue") or "")
        path = resolve(location, value) if value else ""
        try:
            kind, picture = read_picture(package.content(path)) if path in package.paths else ("", b"")
        except ValueError:
            continue
        for shown in root.findall("{*}SignedInfo/{*}StampAnnot")[:_MAX_SEALS] if picture else ():
            yield Stamp(shown.get("PageRef", ""), shown.get("Boundary", ""), kind, picture)


def seal_doubts(seals: tuple[Seal, ...]) -> list[Warning]:
    """A warning for every seal that is not intact, for readers that know no more than the seals."""
    return [Warning("seal_broken", seal.message, blocks=True) for seal in seals if not seal.intact]


def _signatures(package: Package) -> list[str]:
    """The paths of every Signature.xml that the package lists."""
    found = []
    for body in package.xml("OFD.xml").iterfind("{*}DocBody"):
        location = tidy(body.findtext("{*}Signatures") or "")
        index = resolve("OFD.xml", location) if location else ""
        if index in package.paths:
            listed = package.xml(index).iterfind("{*}Signature")
            found += [resolve(index, tidy(each.get("BaseLoc") or "?")) for each in listed]
    return found


def _folder(locations: list[str]) -> tuple[str, ...]:
    """The folders in which signing keeps its own parts."""
    return tuple({location.rpartition("/")[0].rpartition("/")[0] + "/" for location in locations})


def _verify(package: Package, location: str, own: tuple[str, ...]) -> tuple[Seal, list[Warning]]:
    if location not in package.paths:
        return _unread("签章文件缺失")
    content = package.content(location)
    root = parse(content)
    value = tidy(root.findtext("{*}SignedValue") or "")
    path = resolve(location, value) if value else ""
    if path not in package.paths:
        return _unread("签章数据缺失")
    try:
        data = read_seal(package.content(path))
        extent = _extent(package, root, location, own)
    except ValueError:
        return _unread("签章不是国家标准的电子签章格式（GB/T 38540），或已损坏")
    return _judged(data, extent, sm2.sm3(content) == data.data_hash)


def _extent(package: Package, root: etree._Element, location: str, own: tuple[str, ...]) -> _Extent:
    """Recompute the digest of every member named. Raises ValueError where the list is none."""
    references = root.find("{*}SignedInfo/{*}References")
    if references is None or references.get("CheckMethod") != _SM3:
        raise ValueError("no list of SM3 references")
    extent = _Extent()
    for reference in references.iterfind("{*}Reference"):
        path = resolve(location, reference.get("FileRef") or "?")
        extent.named.append(path)
        try:
            stated = base64.b64decode(tidy(reference.findtext("{*}CheckValue") or ""), validate=True)
        except binascii.Error as error:
            raise ValueError("no digest") from error
        if path not in package.paths or sm2.sm3(package.content(path)) != stated:
            extent.changed.append(path)
    if not extent.named:
        raise ValueError("nothing is signed")
    extent.left_out = [path for path in package.paths if path not in extent.named and not path.startswith(own)]
    return extent


def _judged(data: SealData, extent: _Extent, bound: bool) -> tuple[Seal, list[Warning]]:
    """The seal in words, and its doubts."""
    signer = data.signer or data.name
    who = f"“{signer}”的电子签章（{data.signed_at:%Y-%m-%d} 加盖）"
    valid = data.signature_valid and data.seal_valid and bound
    doubts = {**_issuer_doubts(data), **_content_doubts(extent, valid)}
    if not data.in_time:
        doubts["seal_date"] = "加盖时间不在印章或证书的有效期内，请核实。"
    intact = valid and not extent.changed
    words = [f"签名有效，保护的 {len(extent.named)} 个文件都没有改动。"] if intact else []
    message = f"{who}：{''.join([*words, *doubts.values()])}证书真伪无法离线核验，以税务平台查验为准。"
    return Seal("ofd", signer, intact, message), [
        Warning(code, f"{who}：{text}", blocks=code in BLOCKING) for code, text in doubts.items()
    ]


def _issuer_doubts(data: SealData) -> dict[str, str]:
    """The file has no chain of trust; the issuer's name alone tells test seals and strangers."""
    if tests := [issuer for issuer in data.issuers if any(word in issuer for word in _TEST)]:
        return {
            "seal_test_issuer": f"证书由测试机构“{tests[0]}”签发，这是一张测试发票，不能用于申报。请上传正式开具的发票。"
        }
    if data.issuers[0].startswith(_TAX_AUTHORITY):
        return {}
    issuer = data.issuers[0] or "不明机构"
    return {"seal_issuer_unknown": f"证书由“{issuer}”签发，不是税务电子证书管理中心，请到税务平台查验这张发票。"}


def _content_doubts(extent: _Extent, valid: bool) -> dict[str, str]:
    doubts = {}
    if not valid:
        doubts["seal_invalid"] = "签章无效，签名与签章数据不符。请从税务平台重新下载原文件。"
    if extent.changed:
        doubts["seal_broken"] = (
            f"加盖之后文件被改动过：{_listed(extent.changed)}。请从税务平台重新下载原文件，不要用其他软件改存。"
        )
    if material := [path for path in extent.left_out if path != _UNSIGNED]:
        doubts["seal_uncovered"] = f"签章没有保护文件中的{_listed(material)}，这些内容可能是后来加入的，请核实。"
    return doubts


def _unread(why: str) -> tuple[Seal, list[Warning]]:
    message = f"{why}，无法核验签章。请到税务平台查验这张发票。"
    return Seal("ofd", "", False, message), [Warning("seal_unread", message)]


def _listed(paths: list[str]) -> str:
    more = f"等 {len(paths)} 处" if len(paths) > 3 else ""
    return "、".join(f"“{path[:80]}”" for path in paths[:3]) + more
