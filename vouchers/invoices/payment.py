"""What a bank receipt says, whatever carrier it came in. Plain data."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from vouchers.invoices.invoice import Box, Warning


@dataclass(frozen=True, slots=True)
class Receipt:
    """One payment as the bank's receipt states it; a person always confirms it.

    `amount_fen` in fen; `serial` the receipt's own number. Fields of `boxes` are the names of these fields. What
    was not read is empty, None for the date and the amount, and named in a warning.
    """

    payer: str
    payee: str
    amount_fen: int | None
    date: datetime.date | None
    serial: str
    boxes: tuple[Box, ...] = ()
    warnings: tuple[Warning, ...] = ()


RECEIPT_NAMES = {
    "payer": "付款人户名",
    "payee": "收款人户名",
    "amount": "金额",
    "date": "记账日期",
    "serial": "回单编号",
}
