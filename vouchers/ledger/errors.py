"""Why the ledger refused. Each exception carries a Chinese message and what a program may want to know.

A refusal leaves nothing behind, but it ends the transaction: who expects one and wants to go on wraps the
call in its own `transaction.atomic()`.
"""

from __future__ import annotations

import json

import psycopg2
from django.db import Error

from accounts.errors import Refused
from vouchers.ledger import kinds
from vouchers.money import grouped

_SHORT = {
    "pool": "资金池余额不足：可用 {available} 元，需要 {wanted} 元。请按轮候规则等待资金释放，或先追加资金。",
    "cap": "该单位本年度可享受的补贴已接近上限：余量 {available} 元，需要 {wanted} 元。请按余量核定金额。",
    "held": "该申请占用的资金不足：占用 {available} 元，需要 {wanted} 元。请刷新后核对申请的核定金额。",
    "paid": "该申请已拨付的资金不足：已拨付 {available} 元，需要 {wanted} 元。请核对拨付和追回记录。",
}
_SHORT_ELSEWHERE = "账户“{account}”余额不足：可用 {available} 元，需要 {wanted} 元。请核对后重试。"


class LedgerError(Refused):
    """The ledger did not do it."""


class InsufficientFunds(LedgerError):
    """`account` has `available_fen` and would have to give `wanted_fen`."""

    def __init__(self, account: str, available_fen: int, wanted_fen: int):
        self.account, self.available_fen, self.wanted_fen = account, available_fen, wanted_fen
        text = _SHORT.get(kinds.kind_of(account), _SHORT_ELSEWHERE)
        super().__init__(text.format(account=account, available=grouped(available_fen), wanted=grouped(wanted_fen)))


class KeyClash(LedgerError):
    """`key` already stands for another movement."""

    def __init__(self, key: str):
        self.key = key
        super().__init__(f"同一业务（{key}）已按不同内容记账，本次未重复记账。请刷新页面，核对已有记录。")


class PoolAndCapApart(LedgerError):
    """Money of a claim and room under its applicant's cap would not move together, at the transfer `key`."""

    def __init__(self, key: str):
        self.key = key
        super().__init__(f"资金与年度上限须同时等额变动，“{key}”不符合，未记账。请联系系统管理员。")


class ExceedsOriginal(LedgerError):
    """Only `left_fen` of `original` (a payment, or the account money came from) can still go back from `account`."""

    def __init__(self, account: str, original: str, left_fen: int, wanted_fen: int):
        self.account, self.original, self.left_fen, self.wanted_fen = account, original, left_fen, wanted_fen
        super().__init__(
            f"退回或追回的金额超过原记录：“{original}”尚可退回 {grouped(left_fen)} 元，本次为 {grouped(wanted_fen)} 元。"
            "请核对原拨付记录后更正金额。"
        )


class CapDiffers(LedgerError):
    """The cap stands in the books with `open_fen`, and the caller reckons with `wanted_fen`."""

    def __init__(self, account: str, open_fen: int, wanted_fen: int):
        self.account, self.open_fen, self.wanted_fen = account, open_fen, wanted_fen
        super().__init__(
            f"该单位的年度上限在账上为 {grouped(open_fen)} 元，申报通知为 {grouped(wanted_fen)} 元，两者不一致。"
            "请先由财务人员办理“年度上限变更”调整。"
        )


class NotAllowed(LedgerError):
    """A transfer of `kind` does not move from `source` to `target`."""

    def __init__(self, kind: str, source: str, target: str):
        self.kind, self.source, self.target = kind, source, target
        label = kinds.TRANSFER_LABELS.get(kind, kind)
        super().__init__(f"不允许的资金变动：“{label}”不能从“{source}”转到“{target}”。请联系系统管理员。")


class YearClosed(LedgerError):
    """The books of `period` are closed: nothing of `kind` moves there any more."""

    def __init__(self, period: str, kind: str):
        self.period, self.kind = period, kind
        year, label = period.rpartition(":")[2], kinds.TRANSFER_LABELS.get(kind, kind)
        super().__init__(f"{year} 年度已经结账，不能再办理“{label}”。退票后的重新拨付和追回上缴财政不受影响。")


class Malformed(LedgerError):
    """A movement, transfer or account that the ledger cannot have: `what`."""

    def __init__(self, what: object):
        self.what = what
        super().__init__(f"记账要素不完整或不符合规定（{what}），未记账。请检查依据、原因和原拨付记录。")


class Busy(LedgerError):
    """Another transaction held the accounts too long, or both waited for each other. Trying again is safe."""

    def __init__(self):
        super().__init__("资金账户正忙，本次操作未生效。请稍后重试。")


_BY_SQLSTATE = {
    "LG001": InsufficientFunds,
    "LG002": KeyClash,
    "LG003": PoolAndCapApart,
    "LG004": ExceedsOriginal,
    "LG005": CapDiffers,
    "LG006": Malformed,
    "LG007": NotAllowed,
    "LG008": YearClosed,
}
# lock_not_available, deadlock_detected, serialization_failure, query_canceled
_BUSY = {"55P03", "40P01", "40001", "57014"}


def translated(error: Error) -> Exception:
    """What `error`, raised by the database while it posted, means; `error` itself if it means nothing here."""
    cause = error.__cause__
    if not isinstance(cause, psycopg2.Error):
        return error
    if cause.pgcode in _BUSY:
        return Busy()
    if cause.pgcode in _BY_SQLSTATE:
        return _BY_SQLSTATE[cause.pgcode](**json.loads(cause.diag.message_detail))
    if cause.diag.constraint_name == "ledger_transfer_once":
        # "Key (key)=(hold:event:7) already exists."
        return KeyClash(cause.diag.message_detail.partition("=(")[2].rpartition(")")[0])
    if cause.diag.constraint_name == "ledger_transfer_amount":
        return Malformed("金额")
    return error
