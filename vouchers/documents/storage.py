"""Files outside the web root under names the server makes. A row never points to a short file."""

import hashlib
import os
import uuid
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings


class FileDamaged(Exception):
    """A stored file is missing or differs from what was stored."""


@dataclass(frozen=True)
class StoredFile:
    """Where a file lies (relative to MEDIA_ROOT), its sha256 and its size in bytes."""

    name: str
    sha256: str
    size: int


def path_of(stored_name: str) -> Path:
    """The place of a stored file on this machine."""
    return Path(settings.MEDIA_ROOT) / stored_name


def keep(content: bytes, folder: str, suffix: str) -> StoredFile:
    """Write `content` durably under a new name in `folder`, with `suffix` such as ".pdf".

    The bytes are flushed to disk and renamed into place before this returns, so that whoever then writes the row
    never names a file that a crash cut short. A crash between file and row leaves a file that nobody knows.
    """
    name = f"{folder}/{uuid.uuid4().hex}{suffix}"
    target = path_of(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_suffix(".part")
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(target)
    handle = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    return StoredFile(name, hashlib.sha256(content).hexdigest(), len(content))


def load(stored_name: str, sha256: str) -> bytes:
    """The bytes of a stored file, checked. Raises `FileDamaged`."""
    try:
        content = path_of(stored_name).read_bytes()
    except FileNotFoundError as error:
        raise FileDamaged(f"文件已丢失：{stored_name}") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise FileDamaged(f"文件内容与登记的校验值不符：{stored_name}")
    return content
