"""Keeping a file that may be kept: its bytes under a name of ours, its row, and how many pages of it can be shown."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction

from vouchers.claims.papers import Attachment
from vouchers.claims.pictures import pages_of
from vouchers.claims.uploads import require_room
from vouchers.documents.storage import keep, path_of


def store_file(
    organisation_id: int,
    claim_id: int | None,
    *,
    kind: str,
    name: str,
    content: bytes,
    user,
    folder: str = "uploads",
) -> Attachment:
    """Keep the bytes and make the row, within what the organisation may keep. The caller has judged the rest.

    Raises `ClaimError` when there is no room.
    """
    require_room(claim_id, organisation_id, len(content))
    # Only what stands beside its fields is looked at here, and nothing that waits for the virus scanner.
    pages = pages_of(content) if kind == "invoice" and folder == "uploads" else 0
    stored = keep(content, folder, "")
    try:
        with transaction.atomic():
            return Attachment.objects.create(
                organisation_id=organisation_id,
                claim_id=claim_id,
                kind=kind,
                original_name=name.replace("\0", "")[-255:],
                stored_name=stored.name,
                sha256=stored.sha256,
                size=stored.size,
                pages=pages,
                uploaded_by=user,
                uploaded_at=settings.CLOCK.now(),
            )
    except Exception:
        path_of(stored.name).unlink(missing_ok=True)
        raise
