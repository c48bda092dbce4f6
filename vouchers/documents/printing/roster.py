"""拨付汇总表: the roster of a batch, A4 landscape, as finance officers sign it.

The columns join the 汇总表 and the 资金拨付表 of practice (财政直接支付申请书). Pages are filled here, not by WeasyPrint:
row heights are known, so each page states its number and the number of pages as plain text, and the press refuses
the result when its count differs.
"""

from __future__ import annotations

import datetime as dt
import html
import itertools
from collections.abc import Sequence
from pathlib import Path
from string import Template

from vouchers.documents.printing import plan
from vouchers.documents.printing.grid import clean, halves, padded, wrap
from vouchers.documents.printing.press import Paper, PrintingError, press
from vouchers.documents.printing.sheets import RosterRow, RosterSheet, Signature
from vouchers.money import grouped, in_words, yuan

FONT = "Noto Sans Mono CJK SC"
_CSS = Template(Path(__file__).with_name("roster.css").read_text(encoding="utf-8"))
# What payees had before has no sum: it is no amount of this batch, and a payee may stand here twice.
_SUMMED = ("local_cost_fen", "external_cost_fen", "computed_fen", "amount_fen")
_BETWEEN = " " * plan.GAP
_UNIT = "单位：元"

# Heights in points; roster.css takes them from here.
_TITLE, _RUNNING, _FOOT = 40.0, 18.0, 14.0
_FACTS_SIZE, _FACTS_LINE, _FACTS_GAP = 9.0, 13.0, 6.0
_SIGN, _SIGN_GAP, _SIGN_PADDING, _CHECK_ABOVE = 66.0, 8.0, 10.0, 6.0


def roster_pdf(sheet: RosterSheet) -> bytes:
    """The roster as PDF/A-3u with its data embedded as roster.json; the same bytes for the same sheet.

    Raises PrintingError when it has no rows or does not fit its paper, GlyphMissing when a character has no glyph.
    """
    if not sheet.rows:
        raise PrintingError("批次中没有可以打印的拨付明细。")
    composed = _Roster(sheet)
    return press(
        Paper(
            title=f"{sheet.title}（{sheet.batch_number}）",
            author=sheet.bureau,
            description=f"{sheet.fiscal_year}年度{sheet.scheme}，{len(sheet.rows)}笔，合计{grouped(sheet.total_fen)}元",
            made_on=sheet.made_on,
            css=composed.css(),
            body=composed.body(),
            data_name="roster.json",
            data=_data(sheet),
            fonts=(FONT,),
            pages=len(composed.pages),
        )
    )


class _Roster:
    """One sheet laid out: columns, the text of every row, and rows on pages."""

    def __init__(self, sheet: RosterSheet) -> None:
        self.sheet = sheet
        self.layout = layout = plan.lay_out(sheet)
        self.rows = [self._lines(plan.cells(row, layout)) for row in sheet.rows]
        self.heights = [round(len(lines) * layout.line + layout.row_padding, 2) for lines in self.rows]
        self.facts = self._facts()
        self.checks = self._checks()
        self.names_height = round(2 * layout.line + 9, 2)
        self.sum_height = round(layout.line + 7, 2)
        self.opening_height = _TITLE + len(self.facts) * _FACTS_LINE + _FACTS_GAP
        self.ending_height = 2 * self.sum_height + _SIGN_GAP + _SIGN + _CHECK_ABOVE + len(self.checks) * layout.line
        inside = layout.height - self.names_height - _FOOT
        self.pages = plan.paginate(
            self.heights,
            plan.Rooms(inside - self.opening_height, inside - _RUNNING, self.sum_height, self.ending_height),
        )

    def css(self) -> str:
        layout = self.layout
        half_gap = plan.GAP / 2 * layout.half
        measures = {
            "paper_width": plan.PAGE_WIDTH,
            "paper_height": plan.PAGE_HEIGHT,
            "top": plan.TOP,
            "side": (plan.PAGE_WIDTH - plan.TABLE_WIDTH) / 2,
            "bottom": plan.BOTTOM,
            "size": layout.size,
            "line": layout.line,
            "title": _TITLE,
            "title_size": min(20.0, plan.TABLE_WIDTH / max(1, len(self.sheet.title))),
            "running": _RUNNING,
            "facts_line": _FACTS_LINE,
            "facts_gap": _FACTS_GAP,
            "names": self.names_height,
            "row_above": layout.row_padding / 2,
            "row_below": layout.row_padding / 2 - 0.5,
            "sum": self.sum_height,
            "paid_left": layout.left_of("amount_fen") - half_gap,
            "paid_width": layout.width_of("amount_fen") + 2 * half_gap,
            "sign": _SIGN,
            "sign_gap": _SIGN_GAP,
            "sign_width": (plan.TABLE_WIDTH - 2) / (len(self.sheet.signatures) + 1) - 2 * _SIGN_PADDING - 0.5,
            "sign_padding": _SIGN_PADDING,
            "check_above": _CHECK_ABOVE,
            "foot": _FOOT,
        }
        return _CSS.substitute({name: f"{value:.2f}pt" for name, value in measures.items()})

    def body(self) -> str:
        return f"<body>{''.join(self._page(number) for number in range(1, len(self.pages) + 1))}</body></html>"

    def _page(self, number: int) -> str:
        shown, is_last = self.pages[number - 1], number == len(self.pages)
        has_subtotal = len(self.pages) > 1
        table_height = sum(self.heights[row] for row in shown) + (has_subtotal + is_last) * self.sum_height
        parts = [self._opening() if number == 1 else self._running(), self._names()]
        # The strip behind the amounts paid takes no room of its own.
        parts.append(
            f'<div class="paid" style="height:{table_height:.2f}pt;margin-bottom:-{table_height:.2f}pt"></div>'
        )
        parts += [f'<p class="row">{_joined(self.rows[row])}</p>' for row in shown[:-1]]
        parts.append(f'<p class="row close">{_joined(self.rows[shown[-1]])}</p>')
        if has_subtotal:
            rows = self.sheet.rows[shown.start : shown.stop]
            parts.append(self._sum("sum" if is_last else "sum turn", "本页小计", rows))
        if is_last:
            parts.append(self._ending())
        used = (self.opening_height if number == 1 else _RUNNING) + self.names_height + table_height
        used += is_last * (self.ending_height - self.sum_height) + _FOOT
        parts.append(self._foot(number, self.layout.height - used))
        return f"<section>{''.join(parts)}</section>"

    def _opening(self) -> str:
        return f'<h1>{html.escape(clean(self.sheet.title))}</h1><p class="facts">{_joined(self.facts)}</p>'

    def _running(self) -> str:
        title = padded(clean(self.sheet.title) + "（续）", self.layout.total_halves - halves(_UNIT))
        return f'<p class="running">{title}{_UNIT}</p>'

    def _facts(self) -> list[str]:
        """What the batch is, in two columns; then its basis, its sum and the unit."""
        sheet, width = self.sheet, int(plan.TABLE_WIDTH / (_FACTS_SIZE / 2))
        half = width // 2
        pairs = (
            (f"编制单位：{sheet.bureau}", f"批次号：{sheet.batch_number}"),
            (f"批复文号：{sheet.approval}", f"券种年度：{sheet.scheme}，{sheet.fiscal_year}年度"),
            (f"资金来源：{sheet.funding}", f"编制日期：{_day(sheet.made_on)}"),
        )
        lines = []
        for pair in pairs:
            left, right = (wrap(clean(text), half - 2) for text in pair)
            sides = itertools.zip_longest(left, right, fillvalue="")
            lines += [padded(one, half) + padded(other, half) for one, other in sides]
        total = f"本批合计：{len(sheet.rows)}笔，{grouped(sheet.total_fen)}元，人民币{in_words(sheet.total_fen)}"
        texts = wrap(clean(f"政策依据：{sheet.basis}"), width) + wrap(total, width - halves(_UNIT) - 2)
        lines += [padded(text, 0) for text in texts[:-1]]
        return [*lines, padded(texts[-1], width - halves(_UNIT)) + _UNIT]

    def _names(self) -> str:
        lines = self._lines([column.heading for column in self.layout.columns])
        return f'<p class="names">{_joined(lines)}</p>'

    def _sum(self, css_class: str, label: str, rows: Sequence[RosterRow]) -> str:
        """A line of sums over `rows`."""
        texts = {field: grouped(sum(getattr(row, field) for row in rows)) for field in _SUMMED}
        texts["payee"] = f"{label}（{len(rows)}笔）"
        line = self._lines([[texts.get(column.fields[0], "")] for column in self.layout.columns])
        return f'<p class="{css_class}">{_joined(line)}</p>'

    def _ending(self) -> str:
        words = f"核拨金额合计（大写）：人民币{in_words(self.sheet.total_fen)}"
        total = self._sum("sum total", "合计", self.sheet.rows)
        return f'{total}<p class="words">{words}</p>{self._signing()}<p class="check">{_joined(self.checks)}</p>'

    def _signing(self) -> str:
        places = [_signature(signature) for signature in self.sheet.signatures]
        places.append(f'<p class="seal">{html.escape(clean(self.sheet.bureau))}（公章）</p>')
        boxes = "".join(f"<div>{place}</div>" for place in places)
        return f'<div class="sign">{boxes}</div>'

    def _checks(self) -> list[str]:
        sheet = self.sheet
        texts = [
            f"查验码 {sheet.short_code}，在{sheet.verify_at}核对本表。“年度已补”是本次拨付前本年度已获得的补助，不求和。"
        ]
        if sheet.digest:
            texts.append(f"批次封存校验值（SHA-256）{sheet.digest}，签批即对所封存的收款人、账号和金额负责。")
        return [padded(line, 0) for text in texts for line in wrap(clean(text), self.layout.total_halves)]

    def _foot(self, number: int, above: float) -> str:
        """The last line of a page, `above` points below what stands over it."""
        left = clean(f"批次号 {self.sheet.batch_number}　查验码 {self.sheet.short_code}")
        right = f"第 {number} 页　共 {len(self.pages)} 页"
        line = padded(left, self.layout.total_halves - halves(right)) + right
        return f'<p class="foot" style="margin-top:{above:.2f}pt">{line}</p>'

    def _lines(self, texts: list[list[str]]) -> list[str]:
        """The lines of one row as HTML: every cell's k-th line side by side."""
        columns = self.layout.columns
        return [
            "".join(
                padded(text, column.width, right=column.right) + _BETWEEN
                for text, column in zip(line, columns, strict=True)
            ).rstrip()
            for line in itertools.zip_longest(*texts, fillvalue="")
        ]


def _signature(signature: Signature) -> str:
    day = _day(signature.day) if signature.day else "　　年　　月　　日"
    name = html.escape(clean(signature.name))
    return f"<p>{html.escape(clean(signature.role))}</p><b>{name or ' '}</b><p>{day}</p>"


def _day(day: dt.date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _joined(lines: Sequence[str]) -> str:
    return "\n".join(lines)


def _data(sheet: RosterSheet) -> dict[str, object]:
    """The roster for machines: amounts in yuan as text, days as ISO."""
    return {
        "title": sheet.title,
        "bureau": sheet.bureau,
        "batch_number": sheet.batch_number,
        "approval": sheet.approval,
        "basis": sheet.basis,
        "scheme": sheet.scheme,
        "fiscal_year": sheet.fiscal_year,
        "funding": sheet.funding,
        "made_on": sheet.made_on.isoformat(),
        "short_code": sheet.short_code,
        "digest": sheet.digest,
        "unit": "元",
        "count": len(sheet.rows),
        "total": yuan(sheet.total_fen),
        "rows": [
            {
                "number": row.number,
                "district": row.district,
                "payee": row.payee,
                "uscc": row.uscc,
                "claim_number": row.claim_number,
                "local_cost": yuan(row.local_cost_fen),
                "external_cost": yuan(row.external_cost_fen),
                "computed": yuan(row.computed_fen),
                "obtained": yuan(row.obtained_fen),
                "amount": yuan(row.amount_fen),
                "bank": row.bank,
                "account": row.account,
                "remark": row.remark,
            }
            for row in sheet.rows
        ],
    }
