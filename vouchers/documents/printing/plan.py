"""How a roster is laid out: which columns, how wide, how large the letters, which rows on which page.

Widths are half squares (see `grid`), heights points.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vouchers.documents.printing.grid import clean, halves, wrap
from vouchers.documents.printing.press import PrintingError
from vouchers.documents.printing.sheets import RosterRow, RosterSheet
from vouchers.money import grouped

PAGE_HEIGHT, PAGE_WIDTH = 595.28, 841.89
TABLE_WIDTH = 772.0
TOP, BOTTOM = 34.0, 24.0
# 六号 is 7.5 points; smaller than 6.5 nobody reads. A long roster begins with 六号, which saves a page in six.
SIZES = (8.0, 7.5, 7.0, 6.5)
LONG_ROSTER = 500
GAP = 2
# Rows that move with the totals when these need a page of their own, so that nobody signs a page without rows.
CARRIED_ROWS = 3

# In half squares: 17 characters a line at least for a payee, so that 40 take three lines at most.
LEAST_PAYEE, LEAST_BANK, REMARK, EMPTY_REMARK = 34, 24, 14, 8
WIDEST_ACCOUNT, WIDEST_CLAIM, LEAST_MONEY = 36, 24, 12


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its two-line heading and its width; `right` for figures."""

    names: tuple[str, str]
    width: int
    right: bool = False


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


@dataclass(frozen=True, slots=True)
class Rooms:
    """Heights for rows: on the first page and on others; what a sum takes, and what follows the last row."""

    first: float
    other: float
    subtotal: float
    ending: float


def lay_out(sheet: RosterSheet) -> Layout:
    """The largest letters with which every column has room. Raises PrintingError where none has."""
    for size in SIZES[len(sheet.rows) > LONG_ROSTER :]:
        columns = _columns(sheet, int(TABLE_WIDTH / (size / 2)))
        if columns:
            return Layout(size, columns)
    raise PrintingError("表中的金额或账号过长，一页纸的宽度放不下。请核对数据后重新生成。")


def cells(row: RosterRow, layout: Layout) -> list[list[str]]:
    """What stands in each column of a row, as lines."""
    width = [column.width for column in layout.columns]
    amounts = (row.local_cost_fen, row.external_cost_fen, row.computed_fen, row.obtained_fen, row.amount_fen)
    return [
        [str(row.number)],
        [*wrap(clean(row.payee), width[1]), *wrap(clean(row.uscc), width[1])],
        [*wrap(clean(row.claim_number), width[2]), *wrap(clean(row.district), width[2])],
        *([grouped(fen)] for fen in amounts),
        [*wrap(clean(row.bank), width[8]), *wrap(clean(row.account), width[8])],
        wrap(clean(row.remark), width[9]),
    ]


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


def _columns(sheet: RosterSheet, available: int) -> tuple[Column, ...]:
    """The ten columns, or none where they do not fit."""
    rows = sheet.rows
    number = max(4, len(str(max(row.number for row in rows))))
    claim = _widest((text for row in rows for text in (row.claim_number, row.district)), 12, WIDEST_CLAIM)
    money = (
        _money_width([row.local_cost_fen for row in rows]),
        _money_width([row.external_cost_fen for row in rows]),
        _money_width([row.computed_fen for row in rows]),
        _money_width([row.obtained_fen for row in rows]),
        _money_width([row.amount_fen for row in rows]),
    )
    remark = REMARK if any(row.remark for row in rows) else EMPTY_REMARK
    least_bank = _widest((row.account for row in rows), LEAST_BANK, WIDEST_ACCOUNT)
    shared = available - (number + claim + sum(money) + remark + 9 * GAP)
    if shared < LEAST_PAYEE + least_bank:
        return ()
    payee = _payee_width(rows, shared, least_bank)
    return (
        Column(("序号", ""), number),
        Column(("收款单位全称", "统一社会信用代码"), payee),
        Column(("兑付申请编号", "所属区"), claim),
        Column(("核定费用", "本市"), money[0], right=True),
        Column(("核定费用", "外地"), money[1], right=True),
        Column(("测算额", ""), money[2], right=True),
        Column(("年度已补", ""), money[3], right=True),
        Column(("核拨金额", ""), money[4], right=True),
        Column(("开户银行", "账号"), shared - payee),
        Column(("备注", ""), remark),
    )


def _payee_width(rows: Sequence[RosterRow], shared: int, least_bank: int) -> int:
    """The payee's share of what it shares with the bank: the one with the fewest lines, the wider among equals."""
    widths = Counter((halves(clean(row.payee)), halves(clean(row.bank))) for row in rows)

    def lines(payee: int) -> int:
        bank = shared - payee
        return sum(count * max(-(-name // payee), -(-at // bank)) for (name, at), count in widths.items())

    return min(range(shared - least_bank, LEAST_PAYEE - 1, -1), key=lines)


def _widest(texts: Iterable[str], least: int, most: int) -> int:
    return min(most, max(least, *(halves(clean(text)) for text in texts)))


def _money_width(amounts: list[int]) -> int:
    """Room for each amount and for their sum."""
    return max(LEAST_MONEY, *(len(grouped(fen)) for fen in (*amounts, sum(amounts))))
