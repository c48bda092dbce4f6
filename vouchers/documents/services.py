"""Keeping what was printed."""

import secrets

from django.conf import settings
from django.db import IntegrityError, transaction

from audit.services import record
from vouchers.documents.models import Document
from vouchers.documents.storage import keep, load, path_of

# Letters and digits that cannot be mistaken for one another on paper.
_CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


def new_short_code() -> str:
    """Twelve characters that a reader types to check a document."""
    return "".join(secrets.choice(_CODE_ALPHABET) for _ in range(12))


def find(kind: str, subject: str) -> Document | None:
    """The document of this kind on this subject if its file is whole; a damaged file raises `FileDamaged`."""
    document = Document.objects.filter(kind=kind, subject=subject).first()
    if document is not None:
        load(document.stored_name, document.sha256)
    return document


def file_document(*, kind: str, subject: str, title: str, file_name: str, short_code: str, content: bytes) -> Document:
    """Store `content` as the one document of this kind on this subject, and its sha256 in the audit trail.

    The trail is chained: whether a paper is the one that was printed can be told years later. When another worker filed it first, theirs is returned and ours is dropped: one subject has one result.
    """
    stored = keep(content, "documents", "." + file_name.rsplit(".", 1)[-1])
    try:
        with transaction.atomic():
            document = Document.objects.create(
                kind=kind,
                subject=subject,
                title=title,
                file_name=file_name,
                stored_name=stored.name,
                sha256=stored.sha256,
                size=stored.size,
                short_code=short_code,
                made_at=settings.CLOCK.now(),
            )
            kept = {name: getattr(document, name) for name in ("kind", "file_name", "sha256", "size", "short_code")}
            record(actor="system", action="document.file", subject=subject, at=document.made_at, detail=kept)
            return document
    except IntegrityError:
        path_of(stored.name).unlink()
        return Document.objects.get(kind=kind, subject=subject)
