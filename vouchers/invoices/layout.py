"""Where a 数电票 prints what: labels found by their words, values by their place beside them.

The same for every carrier that has pages. The printed form's labels are fixed; all that is assumed besides is on
which side of its label a value stands. The item table is table.py's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import inf

from vouchers.invoices.table import Table, read_tables
from vouchers.invoices.text import compact
from vouchers.invoices.tokens import SAME_LINE, Token

# Between the buyer's block and the seller's 名称 stands the upright 销售方信息, this wide in mm.
_UPRIGHT = 8.0
# A name of two lines may begin this much above its label, and ends this much above the next one.
_NAME_ABOVE = 5.0
# A line of the remark that ends this near the right edge was wrapped, not ended.
_MARGIN = 4.0

_TITLE = re.compile(r"电子发票\((.+?)\)")
_NUMBER, _DATE = re.compile(r"发票号码:"), re.compile(r"开票日期:")
_NAME, _ID = re.compile(r"名称:"), re.compile(r"(?:统一社会信用代码/)?纳税人识别号:")
_WORDS, _TOTAL = re.compile(r"价税合计(?:\(大写\):?)?"), re.compile(r"\(小写\):?")
_REMARK, _DRAWER = re.compile(r"备注?$"), re.compile(r"开票人:")
_LEGACY = re.compile(r"(?:发票代码|机器编号):")


@dataclass(slots=True)
class Layout:
    """What the pages say: the title's brackets (普通发票), header fields as text, the item table.

    `legacy` is true for the forms before 数电票, which print labels of their own. `numbers` are the invoice numbers
    at the head of the pages: two of them are two invoices.
    """

    title: str = ""
    legacy: bool = False
    numbers: set[str] = field(default_factory=set)
    fields: dict[str, str] = field(default_factory=dict)
    table: Table = field(default_factory=Table)


def read_layout(pages: Sequence[list[Token]]) -> Layout:
    """Read all pages: the head from the first page that has it, the totals and the remark from the last."""
    layout = Layout(table=read_tables(pages))
    foot: dict[str, str] = {}
    for tokens in pages:
        page = _Page(tokens)
        layout.title = layout.title or page.title()
        layout.legacy = layout.legacy or page.legacy()
        head = page.head()
        layout.numbers.update(compact(text) for name, text in head.items() if name == "number")
        layout.fields = {**head, **layout.fields}
        foot |= page.foot()
    layout.fields |= foot | layout.table.totals
    return layout


def paragraph(tokens: Iterable[Token], right_edge: float = inf) -> str:
    """The lines of `tokens` as one text; a line that reaches `right_edge` goes on without a blank."""
    texts: list[str] = []
    wrapped = True
    for token in sorted(tokens, key=lambda token: (round(token.y), token.left)):
        texts += [token.text] if wrapped else [" ", token.text]
        wrapped = token.right > right_edge - _MARGIN
    return " ".join("".join(texts).split())


@dataclass(frozen=True, slots=True)
class _Label:
    """A label on the page and what its own token says after it."""

    token: Token
    rest: str


class _Page:
    """The tokens of one page, searched by label."""

    def __init__(self, tokens: list[Token]):
        self._tokens = sorted(tokens, key=lambda token: (token.y, token.left))

    def title(self) -> str:
        """What 电子发票 at the top of the page has in brackets."""
        number, name = self.find(_NUMBER), self.find(_NAME)
        right = number.token.left if number else inf
        bottom = name.token.y if name else inf
        above = (token.plain for token in self._tokens if token.right < right and token.y < bottom)
        match = _TITLE.search("".join(above))
        return match.group(1) if match else ""

    def legacy(self) -> bool:
        """Whether the head bears labels that 数电票 no longer have. (A remark may speak of another's 发票代码.)"""
        label, name = self.find(_LEGACY), self.find(_NAME)
        return label is not None and (name is None or label.token.y < name.token.y)

    def head(self) -> dict[str, str]:
        """Number, date and the two parties."""
        names, ids = self._find_all(_NAME), self._find_all(_ID)
        fields = {"number": self._beside(self.find(_NUMBER)), "date": self._beside(self.find(_DATE))}
        if len(names) == 2:
            until = names[1].token.left - _UPRIGHT
            bottom = min((label.token.y for label in ids), default=inf)
            fields["buyer_name"] = self._block(names[0], until, bottom)
            fields["seller_name"] = self._block(names[1], inf, bottom)
            if len(ids) == 2:
                fields["buyer_id"] = self._beside(ids[0], until)
                fields["seller_id"] = self._beside(ids[1])
        return _told(fields)

    def foot(self) -> dict[str, str]:
        """The total in words and figures, and the remark below them."""
        words, total, remark = self.find(_WORDS), self.find(_TOTAL), self.find(_REMARK)
        if total is None:
            return {}
        fields = {"total": self._beside(total), "words": self._beside(words, total.token.left)}
        if remark is not None:
            bottom = max((token.y - SAME_LINE for token in self._tokens if _DRAWER.match(token.plain)), default=inf)
            right_edge = max(token.right for token in self._tokens)
            inside = (
                token
                for token in self._tokens
                if token.left > remark.token.right - 1 and total.token.y + SAME_LINE < token.y < bottom
            )
            fields["remark"] = paragraph(inside, right_edge)
        return _told(fields)

    def find(self, pattern: re.Pattern[str]) -> _Label | None:
        """The first label that begins with `pattern`, from above and then from the left."""
        return next(iter(self._find_all(pattern)), None)

    def _find_all(self, pattern: re.Pattern[str]) -> list[_Label]:
        """The labels on the highest line that has any, from left to right: below, a remark may use the same words."""
        matches = ((token, pattern.match(token.plain)) for token in self._tokens)
        found = [_Label(token, match.string[match.end() :]) for token, match in matches if match]
        level = [label for label in found if label.token.y - found[0].token.y < SAME_LINE]
        return sorted(level, key=lambda label: label.token.left)

    def _beside(self, label: _Label | None, until: float = inf) -> str:
        """What stands right of `label` on its line, or in its own token."""
        if label is None or label.rest:
            return label.rest if label else ""
        near = (
            token
            for token in self._tokens
            if label.token.middle < token.left < until and abs(token.y - label.token.y) < SAME_LINE
        )
        return "".join(token.text for token in sorted(near, key=lambda token: token.left))

    def _block(self, label: _Label, until: float, bottom: float) -> str:
        """What stands right of `label` on its line and the lines around it, down to the label below."""
        top = label.token.y - _NAME_ABOVE
        near = (
            token
            for token in self._tokens
            if label.token.middle < token.left < until and top < token.y < bottom - SAME_LINE
        )
        return label.rest + "".join(token.text for token in near)


def _told(fields: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in fields.items() if text}
