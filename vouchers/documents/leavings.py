"""Files that no row knows: left by a process that was killed between file and row, or in the middle of an upload.

A whole file is set aside first and deleted a month later, so that a database restored from an older copy does not
lose what it will need again. Half files and half uploads are deleted after a day.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from django.conf import settings

from vouchers.documents.storage import path_of

ASIDE = "aside"
_DAY = 24 * 60 * 60
_ASIDE_FOR = 30 * _DAY
_AT_ONCE = 500
_log = logging.getLogger(__name__)


def sweep_leavings(folders: Iterable[str], known: Callable[[list[str]], set[str]]) -> int:
    """Tidy `folders` of MEDIA_ROOT and the folder of half uploads. Returns how many files were moved or deleted.

    `known` gets stored names and gives back those that some row has. Files of the last day are left alone: their
    row may be about to be written.
    """
    gone = 0
    for folder in folders:
        for names in _in_pieces(_old_files(path_of(folder), _DAY)):
            stored = {str(path.relative_to(settings.MEDIA_ROOT)): path for path in names}
            for name in stored.keys() - known(list(stored)):
                _put_aside(stored[name])
                gone += 1
    for place, age in ((Path(settings.FILE_UPLOAD_TEMP_DIR), _DAY), (path_of(ASIDE), _ASIDE_FOR)):
        for path in _old_files(place, age):
            path.unlink(missing_ok=True)
            gone += 1
    if gone:
        _log.warning("%d files that no row knows were put aside or deleted", gone)
    return gone


def _put_aside(path: Path) -> None:
    if path.suffix == ".part":
        path.unlink(missing_ok=True)
        return
    target = path_of(ASIDE) / path.name
    target.parent.mkdir(parents=True, exist_ok=True)
    path.rename(target)
    os.utime(target)  # its month begins now


def _old_files(folder: Path, age: float) -> Iterator[Path]:
    """The files in `folder` that nobody has written to for `age` seconds, by the machine's clock."""
    limit = time.time() - age
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_file() and path.stat().st_mtime < limit:
            yield path


def _in_pieces(paths: Iterable[Path]) -> Iterator[list[Path]]:
    piece: list[Path] = []
    for path in paths:
        piece.append(path)
        if len(piece) == _AT_ONCE:
            yield piece
            piece = []
    if piece:
        yield piece
