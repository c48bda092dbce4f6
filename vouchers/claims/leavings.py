"""Which stored files belong to a row."""

from __future__ import annotations

from vouchers.claims.papers import Attachment
from vouchers.claims.verification import Verification
from vouchers.documents.leavings import sweep_leavings
from vouchers.documents.models import Document

# Every folder that `documents.storage.keep` is given.
FOLDERS = ("uploads", "quarantine", "documents", "checks")


def sweep_files() -> int:
    """Put aside every stored file that neither an upload nor a printed document names. Returns how many."""
    return sweep_leavings(FOLDERS, _known)


def _known(names: list[str]) -> set[str]:
    uploads = Attachment.objects.filter(stored_name__in=names).values_list("stored_name", flat=True)
    checks = Verification.objects.filter(picture_stored__in=names).values_list("picture_stored", flat=True)
    return {*uploads, *checks, *Document.objects.filter(stored_name__in=names).values_list("stored_name", flat=True)}
