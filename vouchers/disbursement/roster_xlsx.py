"""拨付汇总表 as a workbook: the columns of the printed roster, amounts as numbers, everything else as text.

No cell is a formula: what an enterprise called itself is never computed, and a signed sum never changes. Cells that
would turn into a formula when somebody edits them or saves the sheet as CSV bear the quote mark that keeps them text.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import xlsxwriter

from vouchers.documents.printing.grid import clean
from vouchers.documents.printing.plan import HEADINGS, MONEY
from vouchers.documents.printing.sheets import RosterRow, RosterSheet, Signature
from vouchers.money import grouped, in_words

# One column each, in the order of the printed roster.
COLUMNS = (
    "number",
    "payee",
    "uscc",
    "district",
    "claim_number",
    *MONEY,
    "bank",
    "account",
    "remark",
)
# What payees had before has no sum, as on paper.
SUMMED = ("local_cost_fen", "external_cost_fen", "computed_fen", "amount_fen")
_WIDTHS = {
    "number": 6,
    "payee": 34,
    "uscc": 21,
    "district": 9,
    "claim_number": 17,
    "bank": 26,
    "account": 25,
    "remark": 10,
}
_MONEY_WIDTH = 16
_A4 = 9
_FONT = {"font_name": "宋体", "font_size": 10, "valign": "vcenter"}
_LOOKS: dict[str, dict[str, Any]] = {
    "title": {"font_size": 16, "bold": True, "align": "center"},
    "fact": {},
    "head": {"bold": True, "text_wrap": True, "align": "center", "top": 2, "bottom": 1},
    "text": {"text_wrap": True, "num_format": "@", "bottom": 4},
    "kept": {"text_wrap": True, "num_format": "@", "bottom": 4, "quote_prefix": True},
    "count": {"align": "center", "bottom": 4},
    "money": {"num_format": "#,##0.00", "bottom": 4},
    "sum": {"bold": True, "num_format": "#,##0.00", "top": 1, "bottom": 6},
    "words": {"bold": True},
    "sign": {"text_wrap": True, "valign": "top"},
    "check": {"font_size": 8},
}
# What spreadsheets read as the beginning of a formula, or throw away before one.
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n", "'")


def roster_xlsx(sheet: RosterSheet) -> bytes:
    """The roster as an .xlsx of one page wide, A4 across; the same bytes for the same sheet."""
    file = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(file, options)
    made = dt.datetime.combine(sheet.made_on, dt.time())
    book.set_properties({"title": clean(sheet.title), "author": clean(sheet.bureau), "created": made})
    _Page(book, sheet).write()
    book.close()
    return file.getvalue()


class _Page:
    """The one worksheet, written from top to bottom."""

    def __init__(self, book: Any, sheet: RosterSheet) -> None:
        self.sheet, self.page, self.row = sheet, book.add_worksheet("拨付汇总表"), 0
        self.looks = {name: book.add_format(_FONT | look) for name, look in _LOOKS.items()}
        self.last = len(COLUMNS) - 1

    def write(self) -> None:
        self._opening()
        self._head()
        first = self.row
        for row in self.sheet.rows:
            self._payment(row)
        self._sums(self.sheet.rows)
        self._ending()
        self._paper(first)

    def _line(self, text: str, look: str, height: int = 18) -> None:
        """One text over the whole width."""
        self.page.set_row(self.row, height)
        self.page.merge_range(self.row, 0, self.row, self.last, "", self.looks[look])
        self.page.write_string(self.row, 0, clean(text), self.looks[look])
        self.row += 1

    def _opening(self) -> None:
        sheet = self.sheet
        self._line(sheet.title, "title", 32)
        for text in (
            f"编制单位：{sheet.bureau}　　批次号：{sheet.batch_number}　　批复文号：{sheet.approval}",
            f"券种年度：{sheet.scheme}，{sheet.fiscal_year}年度　　资金来源：{sheet.funding}　　编制日期：{_day(sheet.made_on)}",
            f"政策依据：{sheet.basis}",
            f"本批合计：{len(sheet.rows)}笔，{grouped(sheet.total_fen)}元，人民币{in_words(sheet.total_fen)}　　单位：元",
        ):
            self._line(text, "fact")

    def _head(self) -> None:
        self.page.set_row(self.row, 30)
        for column, field in enumerate(COLUMNS):
            self.page.write_string(self.row, column, "\n".join(HEADINGS[field]), self.looks["head"])
        self.row += 1

    def _payment(self, row: RosterRow) -> None:
        for column, field in enumerate(COLUMNS):
            value = getattr(row, field)
            if field in MONEY:
                self.page.write_number(self.row, column, _yuan(value), self.looks["money"])
            elif field == "number":
                self.page.write_number(self.row, column, value, self.looks["count"])
            else:
                self._text(column, value)
        self.row += 1

    def _text(self, column: int, value: str) -> None:
        look = "kept" if value.startswith(_FORMULA) else "text"
        self.page.write_string(self.row, column, clean(value).strip(), self.looks[look])

    def _sums(self, rows: Sequence[RosterRow]) -> None:
        self.page.set_row(self.row, 20)
        for column, field in enumerate(COLUMNS):
            if field in SUMMED:
                total = sum(getattr(row, field) for row in rows)
                self.page.write_number(self.row, column, _yuan(total), self.looks["sum"])
            else:
                words = f"合计（{len(rows)}笔）" if field == "payee" else ""
                self.page.write_string(self.row, column, words, self.looks["sum"])
        self.row += 1

    def _ending(self) -> None:
        sheet = self.sheet
        self._line(f"核拨金额合计（大写）：人民币{in_words(sheet.total_fen)}", "words", 22)
        self._line("　　　　".join(_signature(signature) for signature in sheet.signatures), "sign", 30)
        self._line(f"查验码 {sheet.short_code}，在{sheet.verify_at}核对本表。“年度已补”不求和。", "check")
        if sheet.digest:
            self._line(f"批次封存校验值（SHA-256）{sheet.digest}", "check")

    def _paper(self, first: int) -> None:
        """Widths, what stays in sight, and how it prints."""
        for column, field in enumerate(COLUMNS):
            self.page.set_column(column, column, _WIDTHS.get(field, _MONEY_WIDTH))
        self.page.freeze_panes(first, 2)
        self.page.set_landscape()
        self.page.set_paper(_A4)
        self.page.fit_to_pages(1, 0)
        self.page.repeat_rows(first - 1)
        self.page.center_horizontally()
        self.page.set_footer("&R第 &P 页　共 &N 页")


def _yuan(fen: int) -> Decimal:
    """Exact: a spreadsheet's numbers hold fifteen digits, `money.MAX_FEN` has as many."""
    return Decimal(fen).scaleb(-2)


def _signature(signature: Signature) -> str:
    day = _day(signature.day) if signature.day else "　　年　　月　　日"
    return f"{signature.role}：{signature.name or '　　　　　'}　{day}"


def _day(day: dt.date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"
