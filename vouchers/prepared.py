"""SQL that the database plans once for each connection instead of once for each call.

For the few large queries of a step, whose planning costs more than their work. Connections are kept for a while
(`CONN_MAX_AGE`) and not shared through a pooler; a statement lives as long as its connection, whatever becomes of the
transaction that first asked for it.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from django.db import connection

_known: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()


class Prepared:
    """One statement with placeholders $1, $2 …, whose `types` are PostgreSQL's. `name` is unique in the programme.

    `after` is another one that is executed first, in the same round trip, with the first of the values.
    """

    def __init__(self, name: str, types: tuple[str, ...], sql: str, after: Prepared | None = None):
        self.name = name
        self._prepare = f"PREPARE {name} ({', '.join(types)}) AS {sql}"
        self._execute = f"EXECUTE {name} ({', '.join('%s' for _ in types)})"
        self._statements = (self,) if after is None else (after, self)
        if after is not None:
            self._execute = f"{after._execute}; {self._execute}"

    def one(self, *values: Any) -> tuple | None:
        """The first row of the answer, or None."""
        with connection.cursor() as cursor:
            known = _known.setdefault(connection.connection, set())
            for statement in self._statements:
                if statement.name not in known:
                    # Past Django's cursor: not one of the queries that a page is counted by.
                    with connection.wrap_database_errors, connection.connection.cursor() as plain:
                        plain.execute(statement._prepare)
                    known.add(statement.name)
            cursor.execute(self._execute, values if len(self._statements) == 1 else (values[0], *values))
            return cursor.fetchone()
