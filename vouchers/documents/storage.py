"""Files outside the web root under names the server makes. A row never points to a short file."""

import hashlib
import os
import uuid
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

# Files here wait for the virus scanner: nobody may read them, whatever a row says.
QUARANTINE = "quarantine/"
# What a scanner has condemned; only the name is left, as a mark in its row.
INFECTED = QUARANTINE + "infected/"


class FileDamaged(Exception):
    """A stored file is missing or differs from what was stored."""


class FileHeld(FileDamaged):
    """The file may not be read: no virus scanner has cleared it yet, or one has condemned it."""


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
    """The bytes of a stored file, checked. Raises `FileDamaged`, of which `FileHeld` is one."""
    if stored_name.startswith(QUARANTINE):
        raise FileHeld(f"文件还没有通过病毒检查：{stored_name}")
    return _checked(stored_name, sha256)


def load_held(stored_name: str, sha256: str) -> bytes:
    """The same of a file in quarantine, for the scanner's eyes only."""
    return _checked(stored_name, sha256)


def copy_from_quarantine(stored_name: str, folder: str) -> str:
    """A second name, in `folder`, for a file that was cleared. The first stays until its row no longer says it."""
    name = f"{folder}/{uuid.uuid4().hex}"
    path_of(name).parent.mkdir(parents=True, exist_ok=True)
    os.link(path_of(stored_name), path_of(name))
    return name


def _checked(stored_name: str, sha256: str) -> bytes:
    try:
        content = path_of(stored_name).read_bytes()
    except FileNotFoundError as error:
        raise FileDamaged(f"文件已丢失：{stored_name}") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise FileDamaged(f"文件内容与登记的校验值不符：{stored_name}")
    return content
