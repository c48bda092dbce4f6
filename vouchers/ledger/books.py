"""Recomputes the books from their entries, in plain SQL that shares nothing with the functions that made them."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection, transaction

from audit.verify import Anchor, chain_length, verify_chain
from vouchers.ledger.kinds import ROUTES

# Problems of one kind that are told one by one.
MAX_PROBLEMS = 50


@dataclass(frozen=True, slots=True)
class Report:
    """How many accounts, transfers and audit entries were checked, and every problem found (Chinese)."""

    accounts: int
    transfers: int
    chain: int
    problems: list[str]


# What must not be found: a sentence, and the SQL that fills its places.
CHECKS = (
    (
        "账户“{}”的余额为 {} 分，按转账记录应为 {} 分。",
        """
        SELECT key, balance_fen, coalesce(fen, 0) FROM ledger_account
        LEFT JOIN (SELECT key, sum(fen) AS fen FROM (
            SELECT target AS key, amount_fen AS fen FROM ledger_transfer
            UNION ALL SELECT source, -amount_fen FROM ledger_transfer) AS ends GROUP BY key) AS sums USING (key)
        WHERE balance_fen <> coalesce(fen, 0)""",
    ),
    (
        "转账“{}”的账户“{}”不存在。",
        """
        SELECT transfer.key, account FROM ledger_transfer AS transfer, LATERAL (VALUES (source), (target)) AS ends (account)
        WHERE NOT EXISTS (SELECT FROM ledger_account WHERE key = account)""",
    ),
    (
        "账户“{}”的余额为 {} 分：财政和上限规定账户不得为正，其他账户不得为负。",
        """
        SELECT key, balance_fen FROM ledger_account
        WHERE CASE WHEN key IN ('treasury', 'statute') THEN balance_fen > 0 ELSE balance_fen < 0 END""",
    ),
    (
        "账户“{}”的类别登记为“{}”，与其编号不符。",
        """
        SELECT key, kind FROM ledger_account WHERE kind <> split_part(key, ':', 1)""",
    ),
    (
        "全部账户余额合计为 {} 分，应为 0。",
        """
        SELECT sum(balance_fen) FROM ledger_account HAVING sum(balance_fen) <> 0""",
    ),
    (
        "资金账户合计为 {} 分，应为 0：资金与年度上限发生了混同。",
        """
        SELECT sum(balance_fen) FROM ledger_account WHERE split_part(key, ':', 1) NOT IN ('statute', 'cap', 'capused')
        HAVING sum(balance_fen) <> 0""",
    ),
    (
        "转账“{}”：“{}”不得从“{}”转到“{}”。",
        """
        SELECT key, kind, source, target FROM ledger_transfer
        WHERE amount_fen <= 0 OR source = target OR NOT starts_with(key, kind || ':')
          OR kind || ' ' || split_part(source, ':', 1) || ' ' || split_part(target, ':', 1) <> ALL (%(routes)s)""",
    ),
    (
        "申请 {} 占用和释放的资金净额为 {} 分，占用年度上限的净额为 {} 分，两者应相等。",
        """
        SELECT claim, coalesce(money_fen, 0), coalesce(room_fen, 0) FROM (
          SELECT claim, sum(fen) FILTER (WHERE account = 'held') AS money_fen,
                 sum(fen) FILTER (WHERE account = 'capused') AS room_fen
          FROM (SELECT split_part(target, ':', 1) AS account, split_part(target, ':', 2) AS claim, amount_fen AS fen
                FROM ledger_transfer WHERE kind = 'hold'
                UNION ALL SELECT split_part(source, ':', 1), split_part(source, ':', 2), -amount_fen
                FROM ledger_transfer WHERE kind = 'release') AS moves
          GROUP BY claim) AS claims
        WHERE coalesce(money_fen, 0) <> coalesce(room_fen, 0)""",
    ),
    (
        "申请 {} 释放和拨付共 {} 分，多于占用和退票共 {} 分。",
        """
        SELECT split_part(key, ':', 2), went, came FROM (
          SELECT key, sum(went) AS went, sum(came) AS came FROM (
            SELECT source AS key, amount_fen AS went, 0 AS came FROM ledger_transfer WHERE kind IN ('release', 'pay')
            UNION ALL
            SELECT target, 0, amount_fen FROM ledger_transfer WHERE kind IN ('hold', 'bounce')) AS moves
          WHERE starts_with(key, 'held:') GROUP BY key) AS claims
        WHERE went > came""",
    ),
    (
        "从“{}”退回“{}”共 {} 分，多于当初来自该账户的 {} 分。",
        """
        SELECT back.source, back.target, back.fen, coalesce(came.fen, 0)
        FROM (SELECT source, target, sum(amount_fen) AS fen FROM ledger_transfer
              WHERE kind = 'release' OR starts_with(source, 'capused:') OR kind = 'lapse' AND starts_with(source, 'voucher:')
              GROUP BY source, target) AS back
        LEFT JOIN (SELECT source, target, sum(amount_fen) AS fen FROM ledger_transfer
                   WHERE kind IN ('hold', 'issue') GROUP BY source, target) AS came
          ON came.target = back.source AND came.source = back.target
        WHERE back.fen > coalesce(came.fen, 0)""",
    ),
    (
        "拨付“{}”退票和追回共 {} 分，多于原拨付的 {} 分，或原拨付不是该申请的。",
        """
        SELECT back.original, back.fen, coalesce(payment.amount_fen, 0)
        FROM (SELECT original, source, sum(amount_fen) AS fen FROM ledger_transfer
              WHERE kind IN ('bounce', 'recover') GROUP BY original, source) AS back
        LEFT JOIN ledger_transfer AS payment ON payment.key = back.original AND payment.kind = 'pay'
          AND split_part(payment.target, ':', 2) = split_part(back.source, ':', 2)
        WHERE payment.key IS NULL OR back.fen > payment.amount_fen""",
    ),
    (
        "转账“{}”与审计链中的记录不符。",
        """
        SELECT coalesce(moved.key, said.key) FROM ledger_transfer AS moved
        FULL JOIN (
          SELECT entry.id AS entry_id, entry.actor, entry.at, entry.recorded_at, leg.*
          FROM audit_auditentry AS entry, jsonb_to_recordset(entry.detail -> 'transfers') AS leg (
            kind text, source text, target text, amount_fen bigint, key text, subject text, reason text, note text,
            original text)
          WHERE entry.action = 'ledger.post') AS said ON said.key = moved.key
        WHERE (moved.kind, moved.source, moved.target, moved.amount_fen, moved.subject, moved.reason, moved.note,
               moved.original, moved.entry_id, moved.actor, moved.at, moved.recorded_at)
          IS DISTINCT FROM
              (said.kind, said.source, said.target, said.amount_fen, said.subject, said.reason, said.note,
               said.original, said.entry_id, said.actor, said.at, said.recorded_at)""",
    ),
)


def check(against: Anchor | None = None) -> Report:
    """Check everything: balances, signs, sums, routes, pool beside cap, bounds of what goes back, and the audit chain.

    `against` is an anchor of the chain kept elsewhere. Each check sees one moment; memory is bounded here and in the
    database, which sorts and hashes on disk what is too large.
    """
    problems: list[str] = []
    routes = [" ".join(route) for route in ROUTES]
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        # A look at years of entries may take longer than a page is allowed to.
        cursor.execute("SET LOCAL statement_timeout = 0")
        for sentence, sql in CHECKS:
            cursor.execute(f"{sql} LIMIT {MAX_PROBLEMS}", {"routes": routes})
            problems += [sentence.format(*row) for row in cursor.fetchall()]
        cursor.execute("SELECT (SELECT count(*) FROM ledger_account), (SELECT count(*) FROM ledger_transfer)")
        accounts, transfers = cursor.fetchone()
        problems += [str(problem) for problem in verify_chain(against)]
        return Report(accounts, transfers, chain_length(), problems)
