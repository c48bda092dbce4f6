"""Where an invoice prints what: labels found by their words, values by their place beside them.

The same for every carrier that has pages and for both forms: 数电票 with buyer and seller side by side, and the forms
before it with the buyer above the items and the seller below. The labels are fixed by the forms; all that is assumed
besides is on which side of its label a value stands. The item table is table.py's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import inf
from operator import attrgetter

from vouchers.invoices.invoice import Box
from vouchers.invoices.page import Found, Page, joined, reading_order
from vouchers.invoices.table import Table, read_tables
from vouchers.invoices.text import compact
from vouchers.invoices.tokens import SAME_LINE, Token

# A name of two lines may begin this much above its label, in mm or in shares of the step to the label below.
_NAME_ABOVE, _NAME_STEP = 5.0, 0.5
# A line of the remark that fills this share of the width to the right edge was wrapped, not ended.
_FULL = 0.62
# On one line, pieces nearer than this share of their size were set as one.
_NEAR = 0.35
# Type of a title is at least this high.
_TITLE_SIZE = 4.4

_TITLE = re.compile(r"电子发票\((.+?)\)")
_OLD_TITLE = re.compile(r"增值税(?:电子)?(?:专用|普通)发票")
_HEAD = {
    "code": re.compile(r"发票代码:?"),
    "number": re.compile(r"发票号码:?"),
    "date": re.compile(r"开票日期:?"),
    "check_code": re.compile(r"校验码:?"),
}
_NAME, _ID = re.compile(r"名称:"), re.compile(r"(?:统一社会信用代码/?)?纳税人识别号:?")
_SIDES = (re.compile(r"购买方|购方|买方"), re.compile(r"销售方|销方|卖方"))
_OTHER_SIDE = {
    f"{a}_{what}": f"{b}_{what}" for what in ("name", "id") for a, b in (("buyer", "seller"), ("seller", "buyer"))
}
_NEXT = re.compile(r"地址[、,]?(?:电话)?:?|(?:统一社会信用代码/?)?纳税人识别号:?")
_WORDS, _TOTAL = re.compile(r"价税合计(?:\(大写\):?)?"), re.compile(r"\(小写\):?")
_REMARK, _DRAWER = re.compile(r"备注:?"), re.compile(r"开票人:")
_SMALL = re.compile(r"[(（]小写")
_MACHINE = re.compile(r"机器编号:?")
_LEADING_DIGITS = re.compile(r"[0-9]+")


@dataclass(slots=True)
class Layout:
    """What the pages say: the title, header fields as text, the item table, and where each of them stands.

    `title` is what 电子发票 has in brackets (普通发票), or the older forms' own (增值税电子普通发票). `legacy` is true for
    the forms before 数电票. `numbers` are the invoice numbers at the head of the pages: two of them are two invoices.
    """

    title: str = ""
    legacy: bool = False
    numbers: set[str] = field(default_factory=set)
    fields: dict[str, str] = field(default_factory=dict)
    table: Table = field(default_factory=Table)
    places: dict[str, list[tuple[int, Token]]] = field(default_factory=dict)

    def boxes(self, sizes: Sequence[tuple[float, float]]) -> tuple[Box, ...]:
        """A box for every field read, on pages of these `sizes` (width and height in mm)."""
        return tuple(
            box
            for field, places in (*self.places.items(), *self.table.places())
            for box in boxes_of(field, places, sizes)
        )


def read_layout(pages: Sequence[list[Token]]) -> Layout:
    """Read all pages: the head from the first page that has it, the totals and the remark from the last."""
    searched = [Page(tokens) for tokens in pages]
    layout = Layout(table=read_tables([page.tokens for page in searched]))
    foot: dict[str, list[tuple[int, Token]]] = {}
    for number, page in enumerate(searched):
        form = _Form(page)
        layout.title = layout.title or form.title()
        layout.legacy = layout.legacy or form.legacy
        head = form.head()
        if "number" in head:
            layout.numbers.add(_text("number", head["number"], inf))
        for name, tokens in head.items():
            layout.places.setdefault(name, [(number, token) for token in tokens])
        foot |= {name: [(number, token) for token in tokens] for name, tokens in form.foot().items()}
    layout.places |= foot | layout.table.totals
    edge = max((token.right for page in searched for token in page.tokens), default=inf)
    layout.fields = {name: _text(name, [token for _, token in places], edge) for name, places in layout.places.items()}
    return layout


def paragraph(tokens: Iterable[Token], right_edge: float = inf) -> str:
    """The lines of `tokens` as one text; a line that comes near `right_edge` goes on without a blank."""
    texts: list[str] = []
    before: Token | None = None
    tokens = reading_order(tokens)
    start = min((token.left for token in tokens), default=0.0)
    full = start + _FULL * (right_edge - start)
    for token in tokens:
        if before is not None:
            same = abs(token.y - before.y) < SAME_LINE
            near = token.left - before.right < _NEAR * token.size if same else before.right > full
            texts += [] if near else [" "]
        texts.append(token.text)
        before = token
    return " ".join("".join(texts).split())


class _Form:
    """One page as a form: its title, its head and its foot, each field as the tokens it stands in."""

    def __init__(self, page: Page):
        self._page = page
        self._names = page.find_all(_NAME)
        codes = page.find(_HEAD["code"]) or page.find(_MACHINE)
        # A remark may speak of another invoice's 发票代码; the form's own stands above the parties.
        self.legacy = codes is not None and (not self._names or codes.y < self._names[0].y)
        self._total = self._find_total()

    def title(self) -> str:
        """What 电子发票 at the top of the page has in brackets, or the title of the older forms."""
        number = self._page.find(_HEAD["number"])
        right = number.left if number else inf
        bottom = self._names[0].y if self._names else inf
        above = [token for token in self._page.tokens if token.left < right and token.y < bottom]
        large = [token for token in above if token.size >= _TITLE_SIZE]
        for tokens in (large, above):
            text = "".join(token.plain for token in reading_order(tokens))
            if match := _TITLE.search(text) or _OLD_TITLE.search(text):
                return match.group(match.lastindex or 0)
        return ""

    def head(self) -> dict[str, list[Token]]:
        """Number, date and the two parties."""
        page = self._page
        bottom = self._names[0].y if self._names else inf
        labels = {name: page.find(pattern) for name, pattern in _HEAD.items()}
        fields = {
            name: page.beside(label)
            for name, label in labels.items()
            if label and (label.y < bottom or name in ("number", "date"))
        }
        if len(self._names) == 2:
            fields |= self._side_by_side(*self._names)
        elif len(self._names) == 1:
            fields |= self._one_above_other(self._names[0])
        return _told(fields)

    def _side_by_side(self, buyer: Found, seller: Found) -> dict[str, list[Token]]:
        page = self._page
        ids = page.find_all(_ID)
        top, below = buyer.y - 2 * _NAME_ABOVE, min((label.y for label in ids), default=buyer.y + 2 * _NAME_ABOVE)
        until = page.wall(buyer.right, seller.left - 0.5, top, below + _NAME_ABOVE)
        fields = {"buyer_name": self._name(buyer, until, below), "seller_name": self._name(seller, inf, below)}
        if len(ids) == 2:
            fields |= {"buyer_id": page.beside(ids[0], until), "seller_id": page.beside(ids[1])}
        return (
            {_OTHER_SIDE[name]: tokens for name, tokens in fields.items()} if self._seller_first(top, below) else fields
        )

    def _seller_first(self, top: float, below: float) -> bool:
        """Whether the words over or in the blocks say that the seller's is the left one. Most forms print them upright,
        in the order that `_side_by_side` takes for granted."""
        words = [token for token in self._page.uprights if top <= token.y <= below]
        buyer, seller = ([token.left for token in words if side.match(token.plain)] for side in _SIDES)
        return bool(buyer and seller) and min(seller) < min(buyer)

    def _one_above_other(self, buyer: Found) -> dict[str, list[Token]]:
        """The older forms: the seller's block stands below the total. Right of each block are upright words."""
        fields = self._party("buyer", buyer)
        if self._total:
            seller = self._page.find(_NAME, below=self._total.y)
            if seller:
                fields |= self._party("seller", seller)
        return fields

    def _party(self, side: str, label: Found) -> dict[str, list[Token]]:
        number = self._page.find(_ID, below=label.y)
        below = self._page.find(_NEXT, below=label.y)
        bottom = below.y if below else label.y + _NAME_ABOVE
        until = self._page.wall(label.right, inf, label.y - _NAME_ABOVE, bottom + 2 * _NAME_ABOVE)
        fields = {f"{side}_name": self._name(label, until, bottom)}
        if number and (number.y - label.y < 3 * _NAME_ABOVE):
            fields[f"{side}_id"] = self._page.beside(number, until)
        return fields

    def _name(self, label: Found, until: float, below: float) -> list[Token]:
        """A name of one line or more, down to the label `below`."""
        step = below - label.y
        top = label.y - max(SAME_LINE, min(_NAME_ABOVE, _NAME_STEP * step))
        bottom = max(below - max(SAME_LINE, (1 - _NAME_STEP) * step - SAME_LINE), label.y + SAME_LINE / 2)
        return self._page.block(label, until, top, bottom)

    def _find_total(self) -> Found | None:
        """The label 小写, on the line of 价税合计."""
        words = self._page.find(_WORDS)
        return self._page.find(_TOTAL, below=words.y - SAME_LINE if words else -inf, inside=True)

    def foot(self) -> dict[str, list[Token]]:
        """The total in words and figures, and the remark below them."""
        page, total = self._page, self._total
        if total is None:
            return {}
        words = page.find(_WORDS)
        fields = {"total": page.beside(total), "words": page.beside(words, total.left)}
        drawer = page.lowest(_DRAWER)
        bottom = drawer.y - SAME_LINE if drawer and drawer.y > total.y else inf
        # A form that prints its number and date at the foot: they end the remark.
        ends = (page.find(_HEAD[name]) for name in ("number", "date"))
        bottom = min([bottom, *(end.y - SAME_LINE / 2 for end in ends if end and end.y > total.y + SAME_LINE)])
        letters = [token for token in page.uprights if token.plain in ("备", "备注") and token.y > total.y - SAME_LINE]
        if letters:
            inside = min(token.right for token in letters) - 1
            fields["remark"] = reading_order(
                token for token in page.tokens if token.left > inside and total.y + SAME_LINE < token.y < bottom
            )
        elif label := page.find(_REMARK, below=total.y):
            fields["remark"] = page.block(label, inf, label.y - SAME_LINE, bottom)
        return _told(fields)


def _text(name: str, tokens: Sequence[Token], right_edge: float) -> str:
    """The text of a field; a number ends where its digits do."""
    if name == "remark":
        return paragraph(tokens, right_edge)
    text = joined(tokens)
    if name == "words":
        return _SMALL.split(text)[0]
    if name == "number" and (digits := _LEADING_DIGITS.match(compact(text))):
        return digits.group()
    return text


def boxes_of(field: str, places: Sequence[tuple[int, Token]], sizes: Sequence[tuple[float, float]]) -> Iterable[Box]:
    """One box a page around all `places` of a field; nothing where the page has no size."""
    pages: dict[int, list[Token]] = {}
    for number, token in places:
        pages.setdefault(number, []).append(token)
    for number, tokens in pages.items():
        width, height = sizes[number] if number < len(sizes) else (0.0, 0.0)
        if 0 < width < inf and 0 < height < inf:
            lefts, tops, rights, bottoms = zip(*map(_edges, tokens), strict=True)
            yield Box(
                field,
                number,
                _share(min(lefts), width),
                _share(min(tops), height),
                _share(max(rights), width),
                _share(max(bottoms), height),
            )


_edges = attrgetter("left", "top", "right", "bottom")


def _share(place: float, whole: float) -> float:
    return min(1.0, max(0.0, place / whole))


def _told(fields: dict[str, list[Token]]) -> dict[str, list[Token]]:
    return {name: tokens for name, tokens in fields.items() if any(token.plain for token in tokens)}
