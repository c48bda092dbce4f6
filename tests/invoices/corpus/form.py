"""The two forms drawn from a description of where one issuer prints what: 数电票, and the 增值税电子发票 before it."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from vouchers.invoices import Line
from vouchers.money import yuan

from ..facts import Facts
from .canvas import Canvas, Manner
from .fonts import Font

TITLES = {
    "数电专票": "电子发票（增值税专用发票）",
    "数电普票": "电子发票（普通发票）",
    "电子普票": "江苏增值税电子普通发票",
    "电子专票": "江苏增值税电子专用发票",
}


@dataclass
class Column:
    """A column: its heading and where that is centred, and how its cells are set: `left`, `right` or `centre` at
    `edge`, wrapped at `width` mm."""

    heading: str
    middle: float
    align: str
    edge: float
    width: float = 0.0


@dataclass
class Party:
    """Where a party's block stands: its labels, the values' left edge, the upright word's middle."""

    left: float
    name_y: float
    id_y: float
    name_at: float
    id_at: float
    upright: float
    wrap: float = 84.0


@dataclass
class Form:
    """One issuer's form, in mm. `joined` writes a label and its value as one text."""

    columns: dict[str, Column]
    buyer: Party
    seller: Party
    width: float = 210.0
    height: float = 140.0
    title: tuple[float, float, float] = (103.0, 14.1, 7.0)
    title_gap: str = ""
    number: tuple[float, float, float] = (154.5, 14.0, 170.0)
    date: tuple[float, float, float] = (154.5, 20.0, 170.0)
    code: tuple[float, float, float] | None = None
    check_code: tuple[float, float, float] | None = None
    machine: tuple[float, float] | None = None
    password: tuple[float, float] | None = None
    page_of: tuple[float, float] | None = None
    heading_y: float = 56.0
    heading_gap: bool = True
    first_y: float = 59.5
    last_y: float = 91.0
    pitch: float = 4.5
    centred_rows: bool = False
    closing_y: float = 95.0
    closing: tuple[float, float] = (20.5, 36.5)
    closing_drop: float = 0.0
    yuan: str = "¥"
    yuan_apart: bool = False
    words: tuple[float, float, float] = (16.9, 62.9, 101.0)
    figures: tuple[float, float] = (143.5, 156.5)
    small: str = "（小写）"
    circled: bool = False
    remark: tuple[float, float, float] = (6.0, 11.1, 107.3)
    remark_steps: tuple[float, float] = (112.0, 118.0)
    remark_wrap: float = 193.0
    remark_word: bool = False
    drawer: tuple[float, float, float] = (19.5, 132.5, 32.0)
    labels: dict[str, str] = field(default_factory=dict)
    upright: str = "letters"
    joined: bool = False
    size: float = 3.175
    label_size: float = 3.175
    value_last: bool = True
    manner: Manner = field(default_factory=Manner)
    latin: int = 500
    lines: bool = True
    headings_repeat: bool = True
    margin_note: bool = False
    thousands: bool = False
    value_drop: float = 0.0


_LABELS = {
    "number": "发票号码：", "date": "开票日期：", "code": "发票代码：", "check_code": "校 验 码：", "name": "名称：",
    "id": "统一社会信用代码/纳税人识别号：", "words": "价税合计（大写）", "drawer": "开票人：", "machine": "机器编号：",
}  # fmt: skip


class Drawing:
    """One invoice drawn on one form."""

    def __init__(
        self,
        form: Form,
        facts: Facts,
        fonts: tuple[Font, Font],
        *,
        qr: str = "",
        seed: int = 0,
        title: str | None = None,
        hidden: str = "",
        embedded: dict[str, bytes] | None = None,
        altered: dict[str, str] | None = None,
    ):
        self._form, self._facts = form, facts
        self._title = TITLES[facts.kind] if title is None else title
        self._font, self._label_font = fonts
        self._qr = qr
        self._hidden = hidden
        self.canvas = Canvas(form.width, form.height, form.manner, seed)
        self.canvas.embedded |= embedded or {}
        self.canvas.altered |= altered or {}

    def pdf(self) -> bytes:
        """The file."""
        pages = self._paged()
        for number, rows in enumerate(pages):
            self.canvas.page()
            last = number == len(pages) - 1
            parts = [
                lambda first=number == 0: self._labels(first),
                lambda number=number: self._head(number + 1, len(pages)),
                lambda rows=rows: self._rows(rows),
                lambda rows=rows, last=last: self._closings(rows, len(pages), last),
            ]
            if last:
                parts.append(self._foot)
            for part in parts if self._form.value_last else reversed(parts):
                part()
        return self.canvas.finish()

    def _label(self, name: str) -> str:
        return self._form.labels.get(name, _LABELS[name])

    def _say(self, left: float, y: float, text: str, size: float = 0.0) -> None:
        self.canvas.text(left, y, text, self._label_font, size or self._form.label_size)

    def _value(self, left: float, y: float, text: str, size: float = 0.0) -> None:
        self.canvas.text(left, y + self._form.value_drop, text, self._font, size or self._form.size)

    def _yuan(self, fen: int) -> str:
        """An amount as this program writes it, with or without commas."""
        text = yuan(fen)
        return f"{Decimal(text):,.2f}" if self._form.thousands else text

    def _pair(self, name: str, label_at: float, y: float, value_at: float, text: str) -> None:
        """A label and its value, as one text or two."""
        if self._form.joined:
            self._say(label_at, y, self._label(name) + text)
        else:
            self._say(label_at, y, self._label(name))
            self._value(value_at, y, text)

    def _paged(self) -> list[list[tuple[float, Line]]]:
        """The rows of each page with the height at which each begins."""
        form = self._form
        pages: list[list[tuple[float, Line]]] = [[]]
        y = form.first_y
        for line in self._facts.lines:
            height = max(len(self._cell("name", line.name)), len(self._cell("spec", line.spec)), 1) * form.pitch
            if y + height > form.last_y + 0.01 and pages[-1]:
                pages.append([])
                y = form.first_y
            pages[-1].append((y, line))
            y += height
        return pages

    def _cell(self, name: str, text: str) -> list[str]:
        width = self._form.columns[name].width
        return self.canvas.wrapped(text, width, self._font, self._form.size) if width else [text] if text else []

    def _labels(self, first: bool) -> None:
        form = self._form
        middle, y, size = form.title
        self.canvas.centred(middle, y, form.title_gap.join(self._title), self._label_font, size)
        self._upright_words()
        if first or form.headings_repeat:
            self._headings()
        if form.lines:
            self.canvas.box(4, form.buyer.name_y - 6, form.width - 4, form.height - 12)
        if form.password:
            self._password(*form.password)
        if self._hidden:
            self.canvas.text(150, 8, self._hidden, self._font, form.size, hidden=True)
        if form.margin_note:
            for index, letter in enumerate("下载次数：1"):
                self._say(form.width - 3.4, 30 + 3.4 * index, letter)

    def _upright_words(self) -> None:
        form = self._form
        for party, word in ((form.buyer, "购买方"), (form.seller, "销售方")):
            if form.upright == "letters":
                letters = word if form.code else word + "信息"
                step = min(5.5, (party.id_y - party.name_y + 8) / len(letters))
                for index, letter in enumerate(letters):
                    self._say(party.upright, party.name_y - 2 + step * index, letter)
            elif form.upright == "word":
                self._say(party.upright, party.name_y - 5.5, word + "信息")

    def _headings(self) -> None:
        form = self._form
        for column in form.columns.values():
            text = " ".join(column.heading) if form.heading_gap and len(column.heading) == 2 else column.heading
            for index, part in enumerate(text.split("\n")):
                y = form.heading_y + index * 3.0
                self.canvas.centred(column.middle, y, part, self._label_font, form.label_size)

    def _password(self, left: float, top: float) -> None:
        for index, letter in enumerate("密码区"):
            self._say(left, top + 4 + 6.5 * index, letter)
        for index, row in enumerate(
            ["1/19/>/2374/2/6-6>>6830+95-", "07><305<2+<64654>0>///68745", ">/146910-+47/84035+/5</2*66"]
        ):
            self._value(left + 9, top + 2 + 5.2 * index, row, 4.2)

    def _head(self, number: int, count: int) -> None:
        form, facts = self._form, self._facts
        day = f"{facts.day.year}年{facts.day.month:02d}月{facts.day.day:02d}日"
        values = {"number": facts.number, "date": day, "code": facts.code}
        values["check_code"] = " ".join(facts.check_code[index : index + 5] for index in range(0, 20, 5))
        for name, text in values.items():
            place = getattr(form, name)
            if place and text.strip():
                label_at, y, value_at = place
                self._pair(name, label_at, y, value_at, text)
        if form.machine:
            left, y = form.machine
            self._say(left, y, self._label("machine"))
            self._value(left + 17, y, "499098892081")
        if form.page_of and count > 1:
            self._say(*form.page_of, f"共{count}页 第{number}页")
        if self._qr and number == 1:
            self.canvas.qr(9, 6, 20, self._qr)
        for party, name, number_text in (
            (form.buyer, facts.buyer_name, facts.buyer_id),
            (form.seller, facts.seller_name, facts.seller_id),
        ):
            self._party(party, name, number_text)

    def _party(self, party: Party, name: str, number: str) -> None:
        form = self._form
        if form.joined:
            self._pair("name", party.left, party.name_y, 0, name)
            self._pair("id", party.left, party.id_y, 0, number)
        else:
            self._say(party.left, party.name_y, self._label("name"))
            self._name(party, name)
            self._say(party.left, party.id_y, self._label("id"))
            ends = party.left + self.canvas.measure(self._label("id"), self._label_font, form.label_size)
            self._value(max(party.id_at, ends - 1.2), party.id_y, number, form.size * 1.2)
        if form.code:
            for index, text in enumerate(["地 址、电 话：", "开户行及账号："]):
                y = party.id_y + (party.id_y - party.name_y) * (index + 1)
                self._say(party.left, y, text)
                self._value(
                    party.id_at, y, "示例市示例路1号 0510-12345678" if not index else "示例银行 3200001234567890"
                )

    def _name(self, party: Party, name: str) -> None:
        """A long name takes two lines: below each other, or around the line in smaller type on the older forms."""
        form = self._form
        rows = self.canvas.wrapped(name, party.wrap, self._font, form.size)
        if form.code and len(rows) > 1:
            for index, row in enumerate(self.canvas.wrapped(name, party.wrap, self._font, form.size * 0.75)):
                self._value(party.name_at, party.name_y - 1.2 + 2.5 * index, row, form.size * 0.75)
            return
        for index, row in enumerate(rows):
            self._value(party.name_at, party.name_y + 3.6 * index, row)

    def _rows(self, rows: list[tuple[float, Line]]) -> None:
        for top, line in rows:
            self._row(top, line)

    def _row(self, top: float, line: Line) -> None:
        form = self._form
        names, specs = self._cell("name", line.name), self._cell("spec", line.spec)
        height = max(len(names), len(specs), 1)
        for column, texts in (("name", names), ("spec", specs)):
            offset = (height - len(texts)) / 2 * form.pitch if form.centred_rows else 0
            for index, text in enumerate(texts):
                self._set(column, top + offset + index * form.pitch, text)
        level = top + ((height - 1) / 2 * form.pitch if form.centred_rows else 0)
        cells = {
            "unit": line.unit,
            "quantity": line.quantity,
            "unit_price": line.unit_price,
            "amount": self._yuan(line.amount_fen),
            "tax_rate": line.tax_rate,
            "tax": "***" if line.tax_rate == "免税" and form.code else self._yuan(line.tax_fen),
        }
        for column, text in cells.items():
            self._set(column, level, text)

    def _set(self, name: str, y: float, text: str) -> None:
        column, size = self._form.columns[name], self._form.size
        if name == "unit_price" and len(text) > 12:
            size *= 0.85 if len(text) < 16 else 0.62
        if column.align == "left":
            self.canvas.text(column.edge, y, text, self._font, size)
        elif column.align == "right":
            self.canvas.right(column.edge, y, text, self._font, size)
        else:
            self.canvas.centred(column.edge, y, text, self._font, size)

    def _closings(self, rows: list[tuple[float, Line]], count: int, last: bool) -> None:
        form, facts = self._form, self._facts
        if count > 1:
            fen = sum(line.amount_fen for _, line in rows), sum(line.tax_fen for _, line in rows)
            self._closing("小", form.closing_y - (4.2 if last else 0), *fen)
        if last:
            self._closing("合", form.closing_y, facts.amount_fen, facts.tax_fen)

    def _closing(self, letter: str, y: float, amount_fen: int, tax_fen: int) -> None:
        form = self._form
        first, second = form.closing
        if second:
            self._say(first, y, letter)
            self._say(second, y, "计")
        else:
            self._say(first, y, letter + "计")
        for name, fen in (("amount", amount_fen), ("tax", tax_fen)):
            column = form.columns[name]
            untaxed = name == "tax" and form.code and all(line.tax_rate == "免税" for line in self._facts.lines)
            text = "***" if untaxed else self._yuan(fen)
            edge = column.edge if column.align == "right" else column.middle + 9
            at = edge - self.canvas.measure(text, self._font, form.size)
            if untaxed:
                self._value(at, y + form.closing_drop, text)
            elif form.yuan_apart:
                self._value(at, y + form.closing_drop, text)
                self._value(
                    at - self.canvas.measure(form.yuan, self._font, form.size), y + form.closing_drop, form.yuan
                )
            else:
                self.canvas.right(edge, y + form.closing_drop, form.yuan + text, self._font, form.size)

    def _foot(self) -> None:
        form, facts = self._form, self._facts
        label_at, words_at, y = form.words
        self._say(label_at, y, self._label("words"))
        small_at, figures_at = form.figures
        words = ("ⓧ" if form.circled else "") + facts.words
        room = (small_at - words_at - 1) / self.canvas.measure(words, self._font, 1)
        self._value(words_at, y, words, min(form.size, room))
        if form.joined:
            self._say(small_at, y, form.small + form.yuan + self._yuan(facts.total_fen))
        else:
            self._say(small_at, y, form.small)
            self._value(figures_at, y, form.yuan + self._yuan(facts.total_fen), form.size * 1.2)
        remark_x, remark_at, remark_y = form.remark
        if form.remark_word:
            self._say(remark_x, remark_y, "备注：")
        else:
            for letter, at in zip("备注", form.remark_steps, strict=True):
                self._say(remark_x, at, letter)
        for index, text in enumerate(self.canvas.wrapped(facts.remark, form.remark_wrap, self._font, form.size)):
            self._value(remark_at, remark_y + 3.6 * index, text)
        drawer_at, drawer_y, name_at = form.drawer
        self._say(drawer_at, drawer_y, self._label("drawer"))
        self._value(name_at, drawer_y, "示例")
        if form.code:
            self._say(drawer_at - 60, drawer_y, "收款人：")
            self._say(drawer_at - 30, drawer_y, "复核：")
            self._say(drawer_at + 45, drawer_y, "销售方：（章）")
