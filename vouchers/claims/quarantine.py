"""Files that nobody may read until the virus scanner has answered: asked again by the sweep, then let in or condemned."""

from __future__ import annotations

import logging
import uuid

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.errors import Refused
from audit.services import record
from vouchers.claims.intake import ClaimError
from vouchers.claims.papers import Attachment
from vouchers.claims.scans import request_scan
from vouchers.claims.services import enter_kept_file
from vouchers.claims.uploads import require_harmless
from vouchers.documents.clamd import ScannerDown, virus_in
from vouchers.documents.storage import INFECTED, QUARANTINE, FileDamaged, copy_from_quarantine, load_held, path_of
from vouchers.invoices import UnreadableInvoice

_AT_ONCE = 20
_log = logging.getLogger(__name__)


def release_held() -> int:
    """Ask the scanner about files in quarantine, the oldest first. Returns how many it has answered about.

    Without a scanner configured nothing is let out: whoever has switched it off decides what becomes of them.
    """
    if not settings.CLAMD:
        return 0
    held = Attachment.objects.filter(stored_name__startswith=QUARANTINE).exclude(stored_name__startswith=INFECTED)
    answered = 0
    for attachment in held.select_related("claim__organisation", "uploaded_by").order_by("pk")[:_AT_ONCE]:
        try:
            content = load_held(attachment.stored_name, attachment.sha256)
            found = virus_in(content, settings.CLAMD) or _harm_in(attachment, content)
        except ScannerDown as down:
            _log.warning("files stay in quarantine: %s", down)
            break
        except FileDamaged as damaged:
            _log.error("%s", damaged)
            continue
        answered += 1
        if found:
            _condemn(attachment, found)
        else:
            _let_in(attachment)
    return answered


def _harm_in(attachment: Attachment, content: bytes) -> str:
    """What an upload would have been refused for at once, had it been opened then."""
    try:
        require_harmless(attachment.original_name, content)
    except ClaimError as refusal:
        return str(refusal)
    return ""


def _condemn(attachment: Attachment, found: str) -> None:
    """The bytes go; the row says so until the clerk removes it."""
    if _renamed(attachment, f"{INFECTED}{uuid.uuid4().hex}", "claim.file_infected", found=found[:100]):
        _log.warning("a file of claim %s was condemned: %s", attachment.claim_id, found)


def _let_in(attachment: Attachment) -> None:
    """Among the others, and read as it would have been at once."""
    name = copy_from_quarantine(attachment.stored_name, "uploads")
    if not _renamed(attachment, name, "claim.file_cleared"):
        path_of(name).unlink(missing_ok=True)
        return
    if attachment.kind == "invoice":
        try:
            enter_kept_file(attachment)
        except UnreadableInvoice as unread:
            request_scan(attachment, unread)
        except Refused as refusal:
            _log.info("an invoice file of claim %s waits to be typed in: %s", attachment.claim_id, refusal)


def _renamed(attachment: Attachment, name: str, action: str, **detail) -> bool:
    """Whether the row says `name` now; then the file in quarantine is gone. The row of a claim that is no draft any
    more stays as it is."""
    was = attachment.stored_name
    subject = f"claim:{attachment.claim_id}"
    try:
        with transaction.atomic():
            if not Attachment.objects.filter(pk=attachment.pk, stored_name=was).update(stored_name=name):
                return False
            detail |= {"sha256": attachment.sha256}
            record(actor="system", action=action, subject=subject, at=settings.CLOCK.now(), detail=detail)
    except IntegrityError as error:
        _log.warning("a file in quarantine stays: %s", error)
        return False
    attachment.stored_name = name
    path_of(was).unlink(missing_ok=True)
    return True
