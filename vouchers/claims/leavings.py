"""Which stored files belong to a row."""

from __future__ import annotations

from vouchers.claims.papers import Attachment
from vouchers.documents.leavings import sweep_leavings
from vouchers.documents.models import Document

# Every folder that `documents.storage.keep` is given.
FOLDERS = ("uploads", "quarantine", "documents")


def sweep_files() -> int:
    """Put aside every stored file that neither an upload nor a printed document names. Returns how many."""
    return sweep_leavings(FOLDERS, _known)


def _known(names: list[str]) -> set[str]:
    uploads = Attachment.objects.filter(stored_name__in=names).values_list("stored_name", flat=True)
    return {*uploads, *Document.objects.filter(stored_name__in=names).values_list("stored_name", flat=True)}
