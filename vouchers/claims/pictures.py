"""The pages of an uploaded file as pictures, drawn by the guarded child and kept beside the file."""

from __future__ import annotations

import logging
import os
import uuid
from pathlib import Path

from vouchers.claims.papers import Attachment
from vouchers.claims.uploads import format_of
from vouchers.documents.storage import load, path_of
from vouchers.invoices import UnreadableInvoice, guard

log = logging.getLogger(__name__)

# Wide enough to read the smallest print of an invoice at twice the width of its place on the page.
WIDTH = 1_400
# More pages than that are looked at in the file itself.
MOST_PAGES = 5


def pages_of(content: bytes) -> int:
    """How many pages of the file can be shown, at most `MOST_PAGES`; none for what has no pages or cannot be drawn."""
    if format_of(content) == "xml":
        return 0
    try:
        return min(guard.page_count(content), MOST_PAGES)
    except UnreadableInvoice as unread:
        log.info("no pages to show: %s", unread.code)
        return 0


def picture_of(attachment: Attachment, page: int) -> bytes | None:
    """Page `page` (from 0) of the file as a PNG; None where it has no such page, or nobody can draw it."""
    if not 0 <= page < attachment.pages:
        return None
    kept = _place(attachment.stored_name, page)
    try:
        return kept.read_bytes()
    except FileNotFoundError:
        pass
    try:
        picture = guard.render(load(attachment.stored_name, attachment.sha256), page, WIDTH)
    except UnreadableInvoice as unread:
        log.info("page %s of file %s was not drawn: %s", page, attachment.pk, unread.code)
        return None
    _keep(kept, picture)
    return picture


def forget_pictures(stored_name: str) -> None:
    """Remove the pictures of a file that is removed."""
    for page in range(MOST_PAGES):
        _place(stored_name, page).unlink(missing_ok=True)


def _place(stored_name: str, page: int) -> Path:
    return path_of(f"pages/{Path(stored_name).name}-{page}-{WIDTH}.png")


def _keep(place: Path, picture: bytes) -> None:
    """A picture is drawn again when it is lost: it need not be flushed, but must never be half there."""
    place.parent.mkdir(parents=True, exist_ok=True)
    unfinished = place.with_name(f"{place.name}.{uuid.uuid4().hex}.part")
    unfinished.write_bytes(picture)
    os.replace(unfinished, place)
