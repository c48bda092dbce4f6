"""What the chain hashes, and how it begins. The database computes the same in `audit_link` (migration 0002).

An entry's digest is the hash of its fields, each written as its length in bytes, a colon and its UTF-8
text, so that no two different entries have the same bytes. Times are whole microseconds since 1970 in
UTC: they do not depend on any session's settings.
"""

import hashlib

from django.db import connections

ALGORITHM = "sha256"
FORMAT = "audit-entry/1"
# What stands before the first entry.
GENESIS = bytes(32)


def digest(fields: list[str]) -> bytes:
    """The hash of the length-prefixed UTF-8 texts `fields`, in their order."""
    parts = []
    for field in fields:
        raw = field.encode()
        parts.append(b"%d:%b" % (len(raw), raw))
    return hashlib.sha256(b"".join(parts)).digest()


def begin_chain(using: str, **kwargs) -> None:
    """Put the chain's head where it belongs in an empty database. Follows every migration, as the owner.

    A head that is missing beside links is left missing: that is tampering, and `verify_chain` says so.
    """
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT to_regclass('audit_chainhead') IS NOT NULL")
        if cursor.fetchone()[0]:
            cursor.execute(
                "INSERT INTO audit_chainhead (id, seq, prev_hash, hash) SELECT 1, 0, %s, %s"
                " WHERE NOT EXISTS (SELECT FROM audit_chainlink) ON CONFLICT DO NOTHING",
                [GENESIS, GENESIS],
            )
