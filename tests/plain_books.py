"""The books recomputed by plain SQL and plain Python from the raw rows: nothing of vouchers.ledger is imported.

The design alone is used: money moves by transfers of a positive amount, accounts outside (`treasury`, `statute`) are
never above zero and all others never below, at no moment; what a claim holds leaves it once.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

OUTSIDE = {"treasury", "statute"}


def problems_of_the_books(connection: Any) -> list[str]:
    """Everything that contradicts the design, in short English sentences. `connection` is any DB-API connection."""
    transfers = _rows(
        connection,
        "SELECT link.seq, t.id, t.key, t.kind, t.source, t.target, t.amount_fen, t.original FROM ledger_transfer t"
        " LEFT JOIN audit_chainlink link ON link.entry_id = t.entry_id ORDER BY link.seq, t.id",
    )
    stored = dict(_rows(connection, "SELECT key, balance_fen FROM ledger_account"))
    return [
        *_unchained(transfers),
        *_repeated(transfers),
        *_of_balances(transfers, stored),
        *_overdrawn_at_some_moment(transfers),
        *_resolved_twice(transfers),
        *_in_sql(connection),
    ]


def _rows(connection: Any, sql: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def _unchained(transfers: list[tuple]) -> list[str]:
    return [f"{key} stands in no entry of the chain" for seq, _, key, *_ in transfers if seq is None]


def _repeated(transfers: list[tuple]) -> list[str]:
    seen: set[str] = set()
    again = []
    for _, _, key, *_ in transfers:
        if key in seen:
            again.append(f"{key} moved money twice")
        seen.add(key)
    return again


def _of_balances(transfers: list[tuple], stored: dict[str, int]) -> list[str]:
    sums: dict[str, int] = defaultdict(int)
    for _, _, _, _, source, target, fen, _ in transfers:
        sums[source] -= fen
        sums[target] += fen
    found = [f"{key} should have {sums[key]}, has {fen}" for key, fen in stored.items() if sums[key] != fen]
    return found + [f"{key} moved and does not exist" for key in sums.keys() - stored.keys()]


def _overdrawn_at_some_moment(transfers: list[tuple]) -> list[str]:
    """Movements in the order of the chain, which is the order in which they took effect, each as a whole."""
    balances: dict[str, int] = defaultdict(int)
    found = []
    for place, (seq, _, _, _, source, target, fen, _) in enumerate(transfers):
        balances[source] -= fen
        balances[target] += fen
        if place + 1 < len(transfers) and transfers[place + 1][0] == seq:
            continue
        for key in (source, target):
            if (balances[key] > 0) if key in OUTSIDE else (balances[key] < 0):
                found.append(f"{key} stood at {balances[key]} after number {seq} of the chain")
    return found


def _resolved_twice(transfers: list[tuple]) -> list[str]:
    """What left a claim's hold, by payment or release, against what came; what came back of a payment, against it."""
    held: dict[str, int] = defaultdict(int)
    paid: dict[str, int] = {}
    back: dict[str, int] = defaultdict(int)
    for _, _, key, kind, source, target, fen, original in transfers:
        if target.startswith("held:"):
            held[target] += fen
        if source.startswith("held:"):
            held[source] -= fen
        if kind == "pay":
            paid[key] = fen
        if original is not None and source.startswith("paid:"):
            back[original] += fen
    found = [f"{key} was resolved beyond what it held by {-fen}" for key, fen in held.items() if fen < 0]
    return found + [f"{key} came back beyond what was paid" for key, fen in back.items() if fen > paid.get(key, 0)]


def _in_sql(connection: Any) -> list[str]:
    """The same balances by one query, and the two sums that never move."""
    differing = _rows(
        connection,
        """
        WITH legs AS (SELECT source AS key, -amount_fen AS fen FROM ledger_transfer
                      UNION ALL SELECT target, amount_fen FROM ledger_transfer)
        SELECT coalesce(a.key, s.key), a.balance_fen, s.fen FROM ledger_account a
        FULL JOIN (SELECT key, sum(fen) AS fen FROM legs GROUP BY key) s ON s.key = a.key
        WHERE coalesce(a.balance_fen, 0) <> coalesce(s.fen, 0) ORDER BY 1""",
    )
    found = [f"SQL: {key} has {has}, its transfers sum to {should}" for key, has, should in differing]
    money, room = _rows(
        connection,
        """
        SELECT coalesce(sum(balance_fen) FILTER (WHERE split_part(key, ':', 1) NOT IN ('statute', 'cap', 'capused')), 0),
               coalesce(sum(balance_fen) FILTER (WHERE split_part(key, ':', 1) IN ('statute', 'cap', 'capused')), 0)
        FROM ledger_account""",
    )[0]
    return found + [f"SQL: {what} sums to {fen}" for what, fen in (("money", money), ("room", room)) if fen]
