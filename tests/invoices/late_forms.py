"""Forms that no rule of the readers was tuned on: other words, orders and shapes, printed by WeasyPrint."""

from __future__ import annotations

import html
from dataclasses import dataclass, replace

from vouchers.invoices import Line
from vouchers.money import grouped, yuan

from .facts import Facts, compute_line, discount_line

COLUMNS = ("name", "spec", "unit", "quantity", "unit_price", "amount", "tax_rate", "tax")
USUAL = dict(zip(COLUMNS, ("项目名称", "规格型号", "单位", "数量", "单价", "金额", "税率/征收率", "税额"), strict=True))
STYLE = """@page {{ size: {size}; margin: 12mm }} body {{ font-family: 'Noto Sans CJK SC'; font-size: {type}pt }}
h1 {{ font-size: 15pt; text-align: {title}; margin: 0 0 4mm }} table {{ width: 100%; border-collapse: collapse }}
td, th {{ padding: 1mm 2mm; text-align: {cells}; vertical-align: top; font-weight: normal }}
.grid td, .grid th {{ border: {grid} solid #a33 }} .two td {{ width: 50% }}"""


@dataclass(frozen=True)
class Look:
    """How a form looks; all that differs from the usual one."""

    size: str = "A4 landscape"
    type: int = 9
    title: str = "center"
    cells: str = "left"
    grid: str = "0.2mm"
    order: tuple[str, ...] = COLUMNS
    words: tuple[tuple[str, str], ...] = ()
    colon: str = "："
    day: str = "%Y年%m月%d日"
    money: str = "plain"
    swapped: bool = False
    stacked: bool = False
    sums_apart: bool = False
    header_last: bool = False
    english: bool = False


THREE = [compute_line(), discount_line(), compute_line(name="*信息技术服务*云主机租赁及运行维护服务费", spec="", unit="项",
                                                        quantity="1", unit_price="5000", amount_fen=500_000, tax_fen=30_000)]  # fmt: skip
LONG = [compute_line(name="*信息技术服务*面向工业视觉大模型训练的智能算力集群租赁服务费（含高速网络与并行存储）")]
BARE = [Line("*信息技术服务*算力服务费", "", "", "", "", 9_433_962, "6%", 566_038)]
LOOKS: dict[str, tuple[Look, list[Line]]] = {
    "english words beside": (Look(english=True), THREE),
    "tax before amount": (Look(order=("name", "spec", "unit", "quantity", "unit_price", "tax_rate", "tax", "amount")), THREE),
    "no grid, right cells": (Look(grid="0", cells="right"), THREE),
    "portrait, small type": (Look(size="A4", type=7), LONG),
    "grouped thousands": (Look(money="grouped"), THREE),
    "yen in every cell": (Look(money="yen"), THREE),
    "seller before buyer": (Look(swapped=True), THREE),
    "buyer above seller": (Look(stacked=True, colon=":"), LONG),
    "dashes in the day": (Look(day="%Y-%m-%d", sums_apart=True), THREE),
    "older words of columns": (Look(words=(("name", "货物或应税劳务、服务名称"), ("tax_rate", "税率"))), THREE),
    "number at the end": (Look(header_last=True), BARE),
    "price before quantity": (Look(order=("name", "spec", "unit", "unit_price", "quantity", "amount", "tax_rate", "tax")), THREE),
}  # fmt: skip


def facts_of(name: str) -> Facts:
    """What the form states."""
    return replace(Facts(), lines=LOOKS[name][1], number=f"263220000000000{100 + list(LOOKS).index(name):05}")


def printed(name: str) -> bytes:
    """The form as a PDF."""
    from weasyprint import HTML

    return HTML(string=page(LOOKS[name][0], facts_of(name))).write_pdf()


def page(look: Look, facts: Facts) -> str:
    """The form as HTML."""
    style = STYLE.format(size=look.size, type=look.type, title=look.title, cells=look.cells, grid=look.grid)
    english = (lambda words, other: f"{words} {other}") if look.english else (lambda words, _: words)
    colon = look.colon
    head = (
        f"<p>{english('发票号码', 'Invoice No.')}{colon}{facts.number}<br>"
        f"{english('开票日期', 'Date')}{colon}{facts.day.strftime(look.day)}</p>"
    )
    buyer, seller = (
        f"<b>{side}信息</b><br>名称{colon}{name}<br>统一社会信用代码/纳税人识别号{colon}{code}"
        for side, name, code in (
            ("购买方", facts.buyer_name, facts.buyer_id), ("销售方", facts.seller_name, facts.seller_id),
        )
    )  # fmt: skip
    sides = (seller, buyer) if look.swapped else (buyer, seller)
    parties = "".join(f"<tr><td>{s}</td></tr>" for s in sides) if look.stacked else "<tr>" + "".join(
        f"<td>{s}</td>" for s in sides) + "</tr>"  # fmt: skip
    parts = [
        "" if look.header_last else head,
        f"<table class='grid {'' if look.stacked else 'two'}'>{parties}</table>",
        items(look, facts),
        f"<p>价税合计（大写）　{facts.words}　　（小写）¥{yuan(facts.total_fen)}</p><p>备注{colon}{facts.remark}</p>",
        head if look.header_last else "",
        "<p>开票人：张三</p>",
    ]
    title = "电子发票（增值税专用发票）"
    return f"<html lang=zh><style>{style}</style><h1>{title}</h1>{''.join(parts)}</html>"


def items(look: Look, facts: Facts) -> str:
    """The table of lines with its sums."""
    money = {"plain": yuan, "grouped": grouped, "yen": lambda fen: f"¥{yuan(fen)}"}[look.money]
    words = USUAL | dict(look.words)
    rows = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell(line, column, money))}</td>" for column in look.order) + "</tr>"
        for line in facts.lines
    )
    head = "".join(f"<th>{words[column]}</th>" for column in look.order)
    sums = {"name": "合　　计", "amount": f"¥{yuan(facts.amount_fen)}", "tax": f"¥{yuan(facts.tax_fen)}"}
    last = "".join(f"<td>{sums.get(column, '')}</td>" for column in look.order)
    if look.sums_apart:
        rest = f"<p>合计　金额 {sums['amount']}　税额 {sums['tax']}</p>"
        return f"<table class=grid><tr>{head}</tr>{rows}</table>{rest}"
    return f"<table class=grid><tr>{head}</tr>{rows}<tr>{last}</tr></table>"


def cell(line: Line, column: str, money) -> str:
    """What stands in a cell."""
    if column in ("amount", "tax"):
        return money(getattr(line, f"{column}_fen"))
    return str(getattr(line, column))
