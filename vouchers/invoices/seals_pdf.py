"""Signatures in PDF verified offline: is every byte still the one that was signed?

A signature stays mathematically intact when bytes are appended to the file, so only one that covers the whole file
counts. Whose certificate it is cannot be decided offline; the name is shown.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from vouchers.invoices.invoice import Seal

_MAX_SIGNATURES = 10
_MARK = b"/ByteRange"
_TRUST = "签名人身份无法离线核验，以税务平台查验为准。"

if TYPE_CHECKING:
    from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

# The library logs every oddity of a stranger's file with its trace; the seal's message says what matters.
logging.getLogger("pyhanko").setLevel(logging.CRITICAL)

_Result = TypeVar("_Result")
_log = logging.getLogger(__name__)


def pdf_seals(content: bytes) -> tuple[Seal, ...]:
    """Every signature of a PDF, verified; none where it has none. Never raises: what cannot be verified is a seal
    that is not intact, and says so. `seals.seal_doubts` makes warnings of them."""
    if _MARK not in content:
        return ()
    # Imported late: half a second that files without a signature need not pay.
    from pyhanko.pdf_utils.reader import PdfFileReader

    try:
        reader = PdfFileReader(io.BytesIO(content), strict=False)
        return tuple(_verified(signature) for signature in reader.embedded_signatures[:_MAX_SIGNATURES])
    except Exception as error:  # a stranger's file through a large parser: whatever fails, it is not verified
        _log.info("a PDF signature could not be verified: %r", error)
        return (Seal("pdf", "", False, "文件带有数字签名，但签名已损坏或格式无法识别，无法核验。请到税务平台查验。"),)


def _verified(signature: EmbeddedPdfSignature) -> Seal:
    from pyhanko.sign.validation import async_validate_pdf_signature
    from pyhanko.sign.validation.status import SignatureCoverageLevel
    from pyhanko_certvalidator.context import ValidationContext

    offline = ValidationContext(trust_roots=[], allow_fetching=False)
    status = _at_once(async_validate_pdf_signature(signature, offline))
    name = signature.signer_cert.subject.native if signature.signer_cert is not None else {}
    signer = name.get("common_name") or name.get("organization_name") or "不明"
    whole = status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    if not status.intact:
        told = "文件内容在签名之后被改动过，请从税务平台重新下载原文件。"
    elif not status.valid:
        told = "签名无效，请从税务平台重新下载原文件。"
    elif not whole:
        told = "签名之后又追加了内容，追加的部分不受签名保护，请从税务平台重新下载原文件。"
    else:
        told = "签名有效，文件自签名以来没有改动。"
    return Seal("pdf", str(signer), status.intact and status.valid and whole, f"“{signer}”的数字签名：{told}{_TRUST}")


def _at_once(work: Coroutine[Any, Any, _Result]) -> _Result:
    """The result of a coroutine that, offline, has nothing to wait for. An event loop would open sockets, which a
    process that reads strangers' files may not."""
    try:
        work.send(None)
    except StopIteration as done:
        result: _Result = done.value
        return result
    finally:
        work.close()
    raise RuntimeError("offline validation waited for something")
