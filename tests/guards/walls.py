"""The walls that the database keeps around the money, read from its catalog, and probes that feel each of them.

A guard is a CHECK, a unique key or index, a foreign key, a trigger, or a privilege that the runtime role does not have. A
probe is one SQL statement whose outcome differs when that guard alone is taken away. Everything happens in transactions
of a superuser on a private database, and is rolled back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import psycopg2
from django.conf import settings

# Tables that hold no money, no claim to it and no proof of it.
ELSEWHERE = {"vouchers_message", "vouchers_holiday", "vouchers_halftyped"}
NUMBERS = ("integer", "bigint", "smallint")
WRITING = ("INSERT", "UPDATE", "DELETE", "TRUNCATE")


@dataclass(frozen=True, order=True)
class Guard:
    """One guard: its kind, its table (or function) and its name."""

    kind: str
    table: str
    name: str

    def remove(self) -> str:
        """SQL that takes it away."""
        if self.kind == "index":
            return f"DROP INDEX {self.name}"
        if self.kind == "trigger":
            return f"ALTER TABLE {self.table} DISABLE TRIGGER {self.name}"
        if self.kind == "privilege":
            return f"GRANT {self.name} ON {self.table} TO {settings.RUNTIME_ROLE}"
        return f"ALTER TABLE {self.table} DROP CONSTRAINT {self.name} CASCADE"


@dataclass(frozen=True)
class Probe:
    """A statement, as whom it is tried, and whether the table's other guards are off while it is."""

    sql: str
    role: str  # "runtime" or "owner"; "posting" is the owner while the ledger posts
    alone: bool = False


class Walls:
    """The walls of one database, on one connection of a superuser."""

    def __init__(self, host: Any, database: str):
        self.connection = psycopg2.connect(host=str(host), user="postgres", dbname=database)
        self.cursor = self.connection.cursor()
        self._baseline: dict[tuple[str, str], list[tuple[Probe, str]]] = {}
        self.tables = [name for (name,) in self.rows(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
            " AND relname ~ '^(ledger|audit|vouchers)_' AND relname !~ '_historical' ORDER BY 1")
            if name not in ELSEWHERE]  # fmt: skip

        # What has been written since has a later transaction number.
        self.began = int(self.rows("SELECT pg_current_xact_id()::text")[0][0])

    def rows(self, sql: str, *parameters: Any) -> list[tuple]:
        """The rows of a query."""
        self.cursor.execute(sql, parameters or None)
        return self.cursor.fetchall()

    @cached_property
    def guards(self) -> list[Guard]:
        """Every guard there was when first asked."""
        found = []
        kinds = {"c": "check", "u": "unique", "p": "primary", "f": "foreign", "x": "exclusion"}
        for kind, table, name in self.rows(
            "SELECT contype::text, conrelid::regclass::text, conname FROM pg_constraint"
            " WHERE conrelid::regclass::text = ANY (%s) AND contype IN ('c', 'u', 'p', 'f', 'x')", self.tables,
        ):  # fmt: skip
            found.append(Guard(kinds[kind], table, name))
        for table, name in self.rows(
            "SELECT indrelid::regclass::text, indexrelid::regclass::text FROM pg_index"
            " WHERE indisunique AND indrelid::regclass::text = ANY (%s)"
            " AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)", self.tables,
        ):  # fmt: skip
            found.append(Guard("index", table, name))
        for table, name in self.rows(
            "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal"
            " AND tgrelid::regclass::text = ANY (%s)", self.tables,
        ):  # fmt: skip
            found.append(Guard("trigger", table, name))
        for table in self.tables:
            for right in WRITING:
                if not self.rows("SELECT has_table_privilege(%s, %s, %s)", settings.RUNTIME_ROLE, table, right)[0][0]:
                    found.append(Guard("privilege", table, right))
        for (function,) in self.rows(
            "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
            " AND proname ~ '^(ledger|audit|vouchers)_' AND prorettype <> 'trigger'::regtype"
            " AND NOT has_function_privilege(%s, oid, 'EXECUTE')", settings.RUNTIME_ROLE,
        ):  # fmt: skip
            found.append(Guard("privilege", f"FUNCTION {function}", "EXECUTE"))
        return sorted(found)

    def outcome(self, probe: Probe, *, in_full: bool = False) -> str:
        """What the probe comes to: the refusal and who refused, or "done", `in_full` with what the tables then hold."""
        role = settings.RUNTIME_ROLE if probe.role == "runtime" else settings.DATABASES["owner"]["USER"]
        posting = "on" if probe.role == "posting" else "off"
        try:
            self.cursor.execute(
                f"SAVEPOINT probe; SET LOCAL ledger.posting = '{posting}'; SET LOCAL ROLE {role};"
                f"{probe.sql.replace('%', '%%')}; SET CONSTRAINTS ALL IMMEDIATE; RESET ROLE", [],
            )  # fmt: skip
            return "done " + (self._digest() if in_full else "")
        except psycopg2.Error as error:
            function = re.findall(r"function (?:public\.)?(\w+)", error.diag.context or "")[:1]
            by = error.diag.constraint_name or "".join(function)
            return f"refused {error.pgcode} {by or re.sub('[0-9]+', 'N', error.diag.message_primary or '')[:60]}"
        finally:
            self.cursor.execute("ROLLBACK TO SAVEPOINT probe")

    def _digest(self) -> str:
        """What the probe wrote, without numbers that come from sequences, hashes and the time of day; and every count."""
        self.cursor.execute(" UNION ALL ".join(
            f"SELECT '{table}' || (to_jsonb(t) - '{{id,hash,prev_hash}}'::text[])::text FROM {table} t"
            f" WHERE t.xmin::text::bigint >= {self.began} UNION ALL SELECT '{table}' || count(*) FROM {table}"
            for table in self.tables
        ))  # fmt: skip
        return " ".join(sorted(re.sub(r"T\d\d:\d\d:[\d.:+]+", "", text) for (text,) in self.cursor.fetchall()))

    def others_off(self, guard: Guard) -> None:
        """Take away what else stands on the guard's table, so that this guard is felt alone."""
        for other in self.guards_of(guard.table):
            if other != guard and not (guard.kind == "foreign" and other.kind in ("primary", "unique")):
                self.cursor.execute(other.remove())
        self.cursor.execute(f"GRANT ALL ON {guard.table} TO {settings.RUNTIME_ROLE}")

    def guards_of(self, table: str) -> list[Guard]:
        """The guards of one table that can be taken away without taking others with them."""
        return [each for each in self.guards if each.table == table and each.kind not in ("primary", "privilege")]

    def felt(self, guard: Guard, probe: Probe) -> tuple[str, str]:
        """What the probe comes to with the guard and without it."""
        self.cursor.execute("SAVEPOINT felt")
        try:
            if probe.alone:
                self.others_off(guard)
            in_full = guard.kind == "trigger"
            with_it = self.outcome(probe, in_full=in_full)
            self.cursor.execute(guard.remove())
            return with_it, self.outcome(probe, in_full=in_full)
        finally:
            self.cursor.execute("ROLLBACK TO SAVEPOINT felt")

    def feels(self, guard: Guard, probe: Probe) -> bool:
        """Whether the probe tells the guard's presence from its absence."""
        with_it, without = self.felt(guard, probe)
        return with_it != without

    def find(self, guard: Guard) -> Probe | None:
        """A probe that feels the guard: among the others at best, else alone."""
        if guard.kind == "privilege":
            probe = Probe(self._trespass(guard), "runtime")
            return probe if self.feels(guard, probe) else None
        roles = ("runtime", "owner", "posting") if guard.table.startswith("ledger") else ("runtime", "owner")
        return next((found for role in roles if (found := self._find_among_others(guard, role))), None) or next(
            (found for role in roles if (found := self._find_alone(guard, role))), None
        )

    def _find_among_others(self, guard: Guard, role: str) -> Probe | None:
        """Among all probes of the table, one that comes to something else when this guard alone is gone."""
        known = self._baseline.get((guard.table, role))
        if known is None:
            probes = [Probe(sql, role) for sql in candidates(self, guard.table)]
            known = self._baseline[guard.table, role] = [(probe, self.outcome(probe)) for probe in probes]
        name = self._speaks_as(guard)
        likely = [probe for probe, came in known if came.endswith(f" {name}")][:20]
        if guard.kind == "trigger" and not likely:  # it may compute instead of refusing
            likely = [probe for probe, came in known if came.startswith("done")][:40]
        return next((probe for probe in likely if self.feels(guard, probe)), None)

    def _find_alone(self, guard: Guard, role: str) -> Probe | None:
        """The same with the table's other guards off."""
        name = self._speaks_as(guard)
        probes = [Probe(sql, role, alone=True) for sql in candidates(self, guard.table)]
        self.cursor.execute("SAVEPOINT search")
        self.others_off(guard)
        came = ((probe, self.outcome(probe)) for probe in probes)
        blamed = next((probe for probe, what in came if what.endswith(f" {name}")), None)
        self.cursor.execute("ROLLBACK TO SAVEPOINT search")
        return blamed if blamed and self.feels(guard, blamed) else None

    def _trespass(self, guard: Guard) -> str:
        """A statement for which the right is needed."""
        if guard.name == "EXECUTE":
            name, _, types = guard.table.removeprefix("FUNCTION ").partition("(")
            given = ", ".join(f"NULL::{each.strip()}" for each in types.rstrip(")").split(",") if each.strip())
            return f"SELECT {name}({given})"
        (column,) = self.rows(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum = 1", guard.table
        )[0]
        return {
            "INSERT": f"INSERT INTO {guard.table} SELECT * FROM {guard.table} WHERE false",
            "UPDATE": f"UPDATE {guard.table} SET {column} = {column} WHERE false",
            "DELETE": f"DELETE FROM {guard.table} WHERE false",
            "TRUNCATE": f"TRUNCATE {guard.table} CASCADE",
        }[guard.name]

    def _speaks_as(self, guard: Guard) -> str:
        """Whom a refusal of the guard names."""
        if guard.kind != "trigger":
            return guard.name
        return self.rows(
            "SELECT proname FROM pg_trigger JOIN pg_proc p ON p.oid = tgfoid"
            " WHERE tgname = %s AND tgrelid = %s::regclass", guard.name, guard.table,
        )[0][0]  # fmt: skip


def candidates(walls: Walls, table: str) -> Iterator[str]:
    """Statements that somebody might try on the table: remove rows, change each column, add copies."""
    columns = walls.rows(
        "SELECT attname, format_type(atttypid, NULL), attnotnull FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum", table,
    )  # fmt: skip
    key = walls.rows(
        "SELECT attname FROM pg_index JOIN pg_attribute a ON attrelid = indrelid AND a.attnum = indkey[0]"
        " WHERE indrelid = %s::regclass AND indisprimary", table,
    )[0][0]  # fmt: skip
    others = {
        column: [json.dumps(value, ensure_ascii=False) for (value,) in walls.rows(
            f"SELECT to_jsonb({column}) FROM {table} GROUP BY {column} ORDER BY count(*) DESC, {column}::text LIMIT 6")]
        for column, _, _ in columns
    }  # fmt: skip
    for place, where in enumerate(_samples(walls, table, key, [name for name, _, _ in columns])):
        yield f"DELETE FROM {table} WHERE {where}"
        yield f"INSERT INTO {table} SELECT * FROM {table} WHERE {where}"
        for column, kind, required in columns:
            for value in _values(table, column, kind, required, others[column]):
                yield f"UPDATE {table} SET {column} = {value} WHERE {where}"
        fresh = _fresh(table, key, columns[0][1] in NUMBERS)
        for column, kind, required in [("", "", True), *columns][: None if place < 2 else 1]:
            for value in [""] if not column else _values(table, column, kind, required, others[column]):
                change = {"": "'{}'"}.get(column) or f"jsonb_build_object('{column}', {value})"
                yield (
                    f"INSERT INTO {table} SELECT (jsonb_populate_record(t, jsonb_build_object('{key}', {fresh}) || {change})).*"
                    f" FROM {table} t WHERE {where}"
                )


def _samples(walls: Walls, table: str, key: str, columns: list[str]) -> list[str]:
    """Conditions that each find one row: the last of each state or kind. No numbers, so that a probe outlives other rows."""
    apart = next((name for name in ("state", "kind", "verb", "duty") if name in columns), None)
    live = next((name for name in ("live", "bound_at", "original", "frozen_at") if name in columns), None)
    ways = [f"{apart}"] if apart else []
    ways += [live if live == "live" else f"({live} IS NULL)"] if live else []
    if not ways:
        return [f"{key} = (SELECT {which}({key}) FROM {table})" for which in ("max", "min")]
    listed = ", ".join(ways)
    found = walls.rows(f"SELECT {listed} FROM {table} GROUP BY {listed} ORDER BY max({key}) DESC LIMIT 8")
    conditions = [
        " AND ".join(f"{way} = {_quoted(value)}" for way, value in zip(ways, row, strict=True)) for row in found
    ]
    return [f"{key} = (SELECT max({key}) FROM {table} WHERE {condition})" for condition in conditions]


def _values(table: str, column: str, kind: str, required: bool, others: list[str]) -> Iterator[str]:
    if not required:
        yield "NULL"
    if kind in NUMBERS:
        yield from (f"{column} + 1", f"{column} - 1", "-1", "0", "30000")
        yield from (f"(SELECT {which}({column}) FROM {table})" for which in ("min", "max"))
        yield from others[:3]
    elif kind == "numeric":
        yield from (f"-{column}", "0", "9")
    elif kind == "boolean":
        yield f"NOT {column}"
    elif kind in ("character varying", "text"):
        yield from ("'zzz'", "''")
        yield from (f"(SELECT {which}({column}) FROM {table})" for which in ("min", "max"))
        yield from (_quoted(json.loads(other)) for other in others if other != "null")
    elif kind.startswith("timestamp") or kind == "date":
        yield from ("'1999-01-01'", "'2099-01-01'")
        yield from (f"(SELECT {which}({column}) FROM {table})" for which in ("min", "max"))
    elif kind == "bytea":
        yield "'\\x00'"
    elif kind == "jsonb":
        yield "'{}'"


def _quoted(value: Any) -> str:
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


def _fresh(table: str, key: str, counted: bool) -> str:
    """A key that no row has."""
    if counted:
        return f"(SELECT max({key}) + 1000 FROM {table})"
    return "'held:999999'" if table == "ledger_account" else "'fresh'"
