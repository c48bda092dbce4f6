"""Handing out a stored file to somebody who was found entitled to it."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpResponse
from django.utils.http import content_disposition_header

from vouchers.documents.storage import load

# Nothing inside a downloaded file may run, load or be framed, even when a browser shows it.
SANDBOX = "sandbox; default-src 'none'"


def attachment(stored_name: str, sha256: str, file_name: str) -> HttpResponse:
    """The stored file, checked against its sha256, as an attachment called `file_name`.

    Its type is never guessed from its content or name. With `PROTECTED_FILES_URL` set the reverse proxy reads the
    file itself (X-Accel-Redirect) after we have checked it. Raises `FileDamaged`.
    """
    content = load(stored_name, sha256)
    if settings.PROTECTED_FILES_URL:
        response = HttpResponse()
        response["X-Accel-Redirect"] = settings.PROTECTED_FILES_URL + stored_name
    else:
        response = HttpResponse(content)
    response["Content-Type"] = "application/octet-stream"
    response["Content-Disposition"] = content_disposition_header(True, file_name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = SANDBOX
    response["Cache-Control"] = "private, no-store"
    return response


def picture(content: bytes | None) -> HttpResponse:
    """A picture that the portal drew itself, for an `<img>` of our own pages; 404 without one. Never kept by others."""
    if content is None:
        raise Http404
    response = HttpResponse(content, content_type="image/png")
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = SANDBOX
    response["Cache-Control"] = "private, no-store"
    return response
