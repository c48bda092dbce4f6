"""`manage.py read_invoice FILE…`: what each invoice file states, as JSON. Its shape is fixed; see the help text."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from vouchers.invoices import MAX_BYTES, Invoice, Line, UnreadableInvoice, guard, refuse_size
from vouchers.invoices.ocr import PICTURES, available
from vouchers.money import yuan


class Command(BaseCommand):
    """Prints a JSON array, one item a file in the order given; touches no database."""

    help = "读取发票文件，按给出的顺序逐个输出内容（JSON 数组）。读不了的文件带 error 说明原因。不访问数据库。"
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument(
            "files", metavar="FILE", nargs="+", help="发票文件（数电票或旧版电子发票的 XML、OFD、PDF），可以给出多个"
        )

    def handle(self, *args, **options):
        items = [json.dumps(item_of(name), ensure_ascii=False) for name in options["files"]]
        answer = "[\n" + ",\n".join(items) + "\n]"
        stream = getattr(self.stdout, "buffer", None)
        if stream is None:
            self.stdout.write(answer)
        else:
            # UTF-8 whatever the terminal's locale says.
            stream.write(answer.encode() + b"\n")
            stream.flush()


def item_of(name: str) -> dict[str, Any]:
    """What is printed for the file `name`: the invoice, or its error."""
    # A name that is no UTF-8 reaches us with surrogates, which JSON could not carry.
    shown = os.fsencode(name).decode("utf-8", "replace")
    try:
        return {"file": shown, **invoice_item(_read(_content(name)))}
    except UnreadableInvoice as problem:
        return {"file": shown, "error": {"code": problem.code, "message": problem.message}}


def _read(content: bytes) -> Invoice:
    """The file read; a picture by OCR, where that is installed."""
    try:
        return guard.read(content)
    except UnreadableInvoice as unread:
        if unread.code != PICTURES or not available():
            raise
        return guard.read_scan(content)


def invoice_item(invoice: Invoice) -> dict[str, Any]:
    """`invoice` in the contract's keys, amounts in yuan with two decimals."""
    return {
        "carrier": invoice.carrier,
        "kind": invoice.kind,
        "number": invoice.number,
        "code": invoice.code,
        "check_code": invoice.check_code,
        "date": invoice.date.isoformat(),
        "buyer_name": invoice.buyer_name,
        "buyer_id": invoice.buyer_id,
        "seller_name": invoice.seller_name,
        "seller_id": invoice.seller_id,
        "amount": yuan(invoice.amount_fen),
        "tax": yuan(invoice.tax_fen),
        "total": yuan(invoice.total_fen),
        "red": invoice.red,
        "remark": invoice.remark,
        "lines": [_line_item(line) for line in invoice.lines],
        "warnings": [{"code": warning.code, "message": warning.message} for warning in invoice.warnings],
    }


def _line_item(line: Line) -> dict[str, str]:
    return {
        "name": line.name,
        "spec": line.spec,
        "unit": line.unit,
        "quantity": line.quantity,
        "unit_price": line.unit_price,
        "amount": yuan(line.amount_fen),
        "tax_rate": line.tax_rate,
        "tax": yuan(line.tax_fen),
    }


def _content(name: str) -> bytes:
    """The bytes of a regular file, judged by its size before any is read. Raises UnreadableInvoice."""
    try:
        path = Path(name)
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableInvoice("file_unreadable", "这不是普通文件。请给出发票文件本身的路径，不要给文件夹。")
        refuse_size(status.st_size)
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise UnreadableInvoice("file_missing", "没有这个文件，请检查路径和文件名。") from error
    except (OSError, ValueError) as error:
        raise UnreadableInvoice("file_unreadable", "打不开这个文件，请检查路径和权限。") from error
