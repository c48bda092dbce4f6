"""How a roster is laid out: which columns, how wide, how large the letters, which rows on which page.

Widths are half squares (see `grid`), heights points.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from vouchers.documents.printing.grid import clean, halves, wrap
from vouchers.documents.printing.press import PrintingError
from vouchers.documents.printing.sheets import RosterRow, RosterSheet
from vouchers.money import grouped

PAGE_HEIGHT, PAGE_WIDTH = 595.28, 841.89
TABLE_WIDTH = 772.0
TOP, BOTTOM = 34.0, 24.0
GAP = 2
# Rows that move with the totals when these need a page of their own, so that nobody signs a page without rows.
CARRIED_ROWS = 3

MONEY = ("local_cost_fen", "external_cost_fen", "computed_fen", "obtained_fen", "amount_fen")
HEADINGS = {
    "number": ("序号",),
    "payee": ("收款单位全称",),
    "uscc": ("统一社会信用代码",),
    "claim_number": ("兑付申请编号",),
    "district": ("所属区",),
    "local_cost_fen": ("核定费用", "本市"),
    "external_cost_fen": ("核定费用", "外地"),
    "computed_fen": ("测算额",),
    "obtained_fen": ("年度已补",),
    "amount_fen": ("核拨金额",),
    "bank": ("开户银行",),
    "account": ("账号",),
    "remark": ("备注",),
}
_MONEY_COLUMNS = tuple((field,) for field in MONEY)
# Which fields share a column: stacked in large letters, or one line a row, which takes half the paper.
STACKED = (
    ("number",),
    ("payee", "uscc"),
    ("claim_number", "district"),
    *_MONEY_COLUMNS,
    ("bank", "account"),
    ("remark",),
)
ONE_LINE = (
    ("number",),
    ("payee",),
    ("uscc",),
    ("district",),
    ("claim_number",),
    *_MONEY_COLUMNS,
    ("bank",),
    ("account",),
    ("remark",),
)
# Arrangements in the order they are tried. 六号 is 7.5 points; smaller than 6.5 nobody reads.
_ORDINARY = ((STACKED, 8.0), (STACKED, 7.5), (STACKED, 7.0), (STACKED, 6.5))
_LONG = ((ONE_LINE, 7.0), *_ORDINARY[1:])
LONG_ROSTER = 200

# Widths in half squares. A field that is wider than its most is broken into lines.
_LEAST = {"number": 4, "uscc": 18, "claim_number": 12, "district": 6, "account": 12, "payee": 28, "bank": 20}
_MOST = {"uscc": 24, "claim_number": 24, "district": 12, "account": 36}
_LEAST_MONEY, _REMARK, _EMPTY_REMARK = 12, 10, 8


@dataclass(frozen=True, slots=True)
class Column:
    """A column: the fields of a row that stand in it one above the other, its width; `right` for figures."""

    fields: tuple[str, ...]
    width: int
    right: bool = False

    @property
    def heading(self) -> list[str]:
        return [line for field in self.fields for line in HEADINGS[field]]


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns and the size of letters that all rows fit into, and every height that follows from it."""

    size: float
    columns: tuple[Column, ...]

    @property
    def half(self) -> float:
        return self.size / 2

    @property
    def line(self) -> float:
        return round(self.size * 1.32, 2)

    @property
    def row_padding(self) -> float:
        return round(self.size * 0.6, 2)

    @property
    def total_halves(self) -> int:
        return int(TABLE_WIDTH / self.half)

    @property
    def height(self) -> float:
        """What a page holds between its margins; a point less, so that no rounding begins another page."""
        return PAGE_HEIGHT - TOP - BOTTOM - 1

    def left_of(self, field: str) -> float:
        """How far from the table's left edge the column with `field` begins, in points."""
        before = itertools.takewhile(lambda column: field not in column.fields, self.columns)
        return sum(column.width + GAP for column in before) * self.half

    def width_of(self, field: str) -> float:
        """The width of the column with `field`, in points."""
        return next(column.width for column in self.columns if field in column.fields) * self.half


@dataclass(frozen=True, slots=True)
class Rooms:
    """Heights for rows: on the first page and on others; what a sum takes, and what follows the last row."""

    first: float
    other: float
    subtotal: float
    ending: float


def lay_out(sheet: RosterSheet) -> Layout:
    """The first arrangement in which every column has room. Raises PrintingError where none has."""
    arrangements = _LONG if len(sheet.rows) > LONG_ROSTER else _ORDINARY
    for arrangement, size in arrangements:
        columns = _columns(sheet.rows, arrangement, int(TABLE_WIDTH / (size / 2)))
        if columns:
            return Layout(size, columns)
    raise PrintingError("表中的金额或账号过长，一页纸的宽度放不下。请核对数据后重新生成。")


def cells(row: RosterRow, layout: Layout) -> list[list[str]]:
    """What stands in each column of a row, as lines."""
    return [
        [line for field in column.fields for line in _field_lines(row, field, column.width)]
        for column in layout.columns
    ]


def _field_lines(row: RosterRow, field: str, width: int) -> list[str]:
    value = getattr(row, field)
    if field in MONEY:
        return [grouped(value)]
    return wrap(clean(value), width) if isinstance(value, str) else [str(value)]


def paginate(heights: Sequence[float], rooms: Rooms) -> list[range]:
    """Which rows stand on which page. Every page ends with its subtotal, the last one with `ending` besides.

    Raises PrintingError when a single row is higher than its page.
    """
    pages: list[range] = []
    start = 0
    while start < len(heights):
        stop = _filled(heights, start, (rooms.other if pages else rooms.first) - rooms.subtotal)
        if stop == start:
            raise _too_high(start)
        pages.append(range(start, stop))
        start = stop
    last = pages[-1]
    while not _ends_on(heights, last, rooms, is_first=len(pages) == 1):
        if len(last) == 1:
            raise _too_high(last.start)
        # The totals need a page of their own, and some rows go with them.
        split = last.stop - min(CARRIED_ROWS, len(last) - 1)
        pages[-1:] = [range(last.start, split), range(split, last.stop)]
        last = pages[-1]
    return pages


def _ends_on(heights: Sequence[float], rows: range, rooms: Rooms, *, is_first: bool) -> bool:
    """Whether the last `rows` leave room for what follows them."""
    room = (rooms.first if is_first else rooms.other) - rooms.subtotal - rooms.ending
    return sum(heights[rows.start : rows.stop]) <= room


def _too_high(index: int) -> PrintingError:
    return PrintingError(f"第 {index + 1} 行的文字过多，一页纸放不下。请缩短名称或备注后重新生成。")


def _filled(heights: Sequence[float], start: int, room: float) -> int:
    stop = start
    while stop < len(heights) and heights[stop] <= room:
        room -= heights[stop]
        stop += 1
    return stop


def _columns(rows: Sequence[RosterRow], arrangement: Sequence[tuple[str, ...]], available: int) -> tuple[Column, ...]:
    """The columns of an arrangement on `available` half squares, or none where they do not fit."""
    widths = {field: _width(rows, field) for field in HEADINGS if field not in ("payee", "bank")}
    fixed = [max(widths[field] for field in fields) for fields in arrangement if not {"payee", "bank"} & {*fields}]
    shared = available - sum(fixed) - GAP * (len(arrangement) - 1)
    # Payee and bank share what the others leave; in the same column as the account, the bank is at least as wide.
    least_bank = max(_LEAST["bank"], widths["account"]) if ("bank", "account") in arrangement else _LEAST["bank"]
    if shared < _LEAST["payee"] + least_bank:
        return ()
    widths["payee"] = _payee_width(rows, shared, least_bank)
    widths["bank"] = shared - widths["payee"]
    return tuple(Column(fields, max(widths[field] for field in fields), fields[0] in MONEY) for fields in arrangement)


def _width(rows: Sequence[RosterRow], field: str) -> int:
    """Room for the field in every row; for an amount also for the sum."""
    values = [getattr(row, field) for row in rows]
    if field in MONEY:
        return max(_LEAST_MONEY, *(len(grouped(fen)) for fen in (*values, sum(values))))
    if field == "remark":
        return _REMARK if any(values) else _EMPTY_REMARK
    widest = max(_LEAST[field], *(halves(clean(str(value))) for value in values))
    return min(widest, _MOST.get(field, widest))


def _payee_width(rows: Sequence[RosterRow], shared: int, least_bank: int) -> int:
    """The payee's share of what it shares with the bank: the one with the fewest lines, the wider among equals."""
    widths = Counter((halves(clean(row.payee)), halves(clean(row.bank))) for row in rows)

    def lines(payee: int) -> int:
        bank = shared - payee
        return sum(count * max(-(-name // payee), -(-at // bank)) for (name, at), count in widths.items())

    return min(range(shared - least_bank, _LEAST["payee"] - 1, -1), key=lines)
