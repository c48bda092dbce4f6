"""A bank receipt as its pages print it: 户名, 金额, 日期 and 流水号 beside their labels, in the words that banks use.

Banks print payer and payee side by side or one above the other, under labels of their own (付款人户名) or under 户名
in a block headed 付款人. Nothing is guessed: where the labels do not tell payer from payee, both stay empty.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from math import inf

from vouchers.invoices.invoice import UnreadableInvoice, Warning
from vouchers.invoices.layout import boxes_of
from vouchers.invoices.page import Found, Page, joined
from vouchers.invoices.payment import RECEIPT_NAMES, Receipt
from vouchers.invoices.text import compact, day, fen, tidy, words_agree
from vouchers.invoices.tokens import SAME_LINE, Token, rows_of
from vouchers.money import yuan

_WHO = r"(?:人|方|单位|账户|帐户|户)?"
_NAMED = r"(?:账户名称|帐户名称|账户名|帐户名|户名|名称|全称|姓名)"
_PAYER = re.compile(rf"(?:付款|汇款|付){_WHO}{_NAMED}:?|(?:付款|汇款)(?:人|方|单位):?(?!账|帐|开|户|名|全)")
_PAYEE = re.compile(rf"(?:收款|收){_WHO}{_NAMED}:?|收款(?:人|方|单位):?(?!账|帐|开|户|名|全)")
_NAME = re.compile(rf"{_NAMED}:?")
_PAYS, _GETS = re.compile(r"付款(?:人|方|单位)|汇款(?:人|方)|付"), re.compile(r"收款(?:人|方|单位)|收")
_AMOUNT = re.compile(
    r"(?:交易|转账|付款|汇款|发生|收付款)?(?:小写)?金额(?:\(小写\)|小写)?:?|(?:金额)?\(?小写\)?(?:金额)?:?|小写:?"
)
_WORDS = re.compile(r"(?:交易|转账|付款|汇款)?(?:大写)?金额(?:\(大写\)|大写):?|大写金额:?|\(?大写\)?:?")
_DATE = re.compile(r"(?:记账|入账|交易|转账|付款|汇款|业务|回单)?(?:日期|时间)(?!戳)(?:时间)?:?|记账日:?|交易日:?")
_SERIAL = re.compile(
    r"(?:交易|业务|核心|柜员|银行|全局)?流水(?:号码|号)?:?|(?:电子)?回单(?:编号|号码|号):?|交易序号:?|日志号:?|凭证号码?:?"
)
# What stands beside a value and is none: every label above, and those of other fields.
_OTHERS = re.compile(
    r"(?:开户|账号|帐号|银行账号|卡号|摘要|用途|附言|币种|手续费|交易机构|网点|柜员|打印|验证码|备注|状态|渠道|开户银行|开户行|行名)[^:]{0,6}:?"
)
_ANY = re.compile(r"[\u4e00-\u9fff()/]{2,12}:")
_LABELS = (_PAYER, _PAYEE, _NAME, _AMOUNT, _WORDS, _DATE, _SERIAL, _OTHERS, _PAYS, _GETS)
_MONEY = re.compile(r"(?<![0-9.,])([¥-]{0,2}[0-9][0-9,]*(?:\.[0-9]{1,2})?)(?![0-9.,])")
_DAY = re.compile(
    r"20[0-9]{2}(?:年[0-9]{1,2}月[0-9]{1,2}日|-[0-9]{1,2}-[0-9]{1,2}|/[0-9]{1,2}/[0-9]{1,2}|\.?[0-9]{2}\.?[0-9]{2})"
)
_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z\-]{5,49}")
_NUMERALS = re.compile(r"[零壹贰叁肆伍陆柒捌玖拾佰仟万亿圆元角分整正]{2,}")
# The word 付款人 stands at most this far, in mm, above or below its 户名.
_BLOCK = 22.0
_MAX_NAME = 100
# No receipt has as many labels of one sort.
_MAX_LABELS = 60


@dataclass(slots=True)
class _Read:
    """What one page says, field by field, and where."""

    texts: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, list[Token]] = field(default_factory=dict)


def from_pages(pages: Sequence[list[Token]], sizes: Sequence[tuple[float, float]]) -> Receipt:
    """The payment that the first page with an amount and a party shows. Raises UnreadableInvoice: `receipt_unreadable`
    where none does, `several_documents` where more than one does with different numbers."""
    read = [(number, _page(tokens)) for number, tokens in enumerate(pages)]
    found = [(number, page) for number, page in read if "amount" in page.texts and {"payer", "payee"} & set(page.texts)]
    if not found:
        raise UnreadableInvoice(
            "receipt_unreadable", "没有从这个文件里读到付款信息。请确认是银行回单；如是，请对照回单手工填写。"
        )
    if len({page.texts.get("serial", "") for _, page in found}) > 1:
        raise UnreadableInvoice(
            "several_documents", "这个文件里有多份银行回单，无法确定以哪一份为准。请逐份下载后分别上传。"
        )
    number, page = found[0]
    boxes = [
        box for name, tokens in page.tokens.items() for box in boxes_of(name, [(number, t) for t in tokens], sizes)
    ]
    texts = page.texts
    return Receipt(
        payer=texts.get("payer", ""),
        payee=texts.get("payee", ""),
        amount_fen=fen(texts["amount"]),
        date=_date(texts.get("date", "")),
        serial=texts.get("serial", ""),
        boxes=tuple(boxes),
        warnings=tuple(_doubts(texts)),
    )


def _doubts(texts: dict[str, str]) -> list[Warning]:
    """A warning for each field that was not read, and where the amount in words says another."""
    warnings = [
        Warning("receipt_field_missing", f"没有读到回单的“{label}”，请对照回单填写。")
        for name, label in RECEIPT_NAMES.items()
        if not texts.get(name)
    ]
    amount_fen, words = fen(texts["amount"]), texts.get("words", "")
    if words and not words_agree(words, abs(amount_fen)):
        warnings.append(
            Warning(
                "words_mismatch",
                f"回单的大写金额“{words[:60]}”与小写金额 {yuan(amount_fen)} 不一致，请对照回单核实。",
                blocks=True,
            )
        )
    return [*warnings, Warning("receipt_to_confirm", "回单内容是从版面文字读出的，请对照回单逐项确认。")]


def _page(tokens: list[Token]) -> _Read:
    page = Page(tokens)
    read = _Read()
    for side, beside in _parties(page).items():
        _keep(read, side, beside, _name(beside))
    for label, beside in _beside_all(page, _AMOUNT):
        money = _MONEY.search(compact(joined(beside)))
        if money and "大写" not in label and _is_money(money.group(1)):
            _keep(read, "amount", [t for t in beside if any(c.isdigit() for c in t.plain)], money.group(1))
    for _, beside in _beside_all(page, _WORDS):
        if words := _NUMERALS.search(compact(joined(beside))):
            _keep(read, "words", beside, words.group())
    # The day of booking first, the day of printing never.
    dates = sorted(_beside_all(page, _DATE), key=lambda found: not found[0].startswith(("记账", "入账", "交易")))
    for _, beside in dates:
        if on := _DAY.search(compact(joined(beside))):
            _keep(read, "date", beside, on.group())
    for _, beside in _beside_all(page, _SERIAL):
        if code := _CODE.search(compact(joined(beside))):
            _keep(read, "serial", beside, code.group())
    read.tokens.pop("words", None)
    return read


def _keep(read: _Read, name: str, tokens: list[Token], text: str) -> None:
    if text and name not in read.texts:
        read.texts[name] = text
        read.tokens[name] = tokens


def _parties(page: Page) -> dict[str, list[Token]]:
    """The tokens of payer and payee: by labels that say which, else by 户名 in the block headed 付款人 or 收款人."""
    sides = {}
    for side, pattern in (("payer", _PAYER), ("payee", _PAYEE)):
        for _, beside in _beside_all(page, pattern):
            if side not in sides and _name(beside):
                sides[side] = beside
    if len(sides) == 2:
        return sides
    names = [(label, beside) for label, beside in _found_beside(page, _NAME) if _name(beside)]
    if len(names) != 2:
        return sides
    heads = {"payer": _all(page, _PAYS), "payee": _all(page, _GETS)}
    chosen = [_side(label, heads) for label, _ in names]
    if set(chosen) == {"payer", "payee"}:
        return {side: beside for side, (_, beside) in zip(chosen, names, strict=True)}
    return sides


def _side(label: Found, heads: dict[str, list[Found]]) -> str:
    """Whose block `label` stands in: that of the nearest head on its left, or above it; nothing where it is a draw."""
    distances = {
        side: min(
            (
                abs(head.y - label.y) + max(0.0, label.left - head.right)
                for head in found
                if head.left <= label.left + 1 and abs(head.y - label.y) < _BLOCK
            ),
            default=inf,
        )
        for side, found in heads.items()
    }
    nearest = min(distances, key=distances.__getitem__)
    return nearest if distances["payer"] != distances["payee"] else ""


def _all(page: Page, pattern: re.Pattern[str]) -> list[Found]:
    return list(islice((label for row in page.rows for label in page.labels(row, pattern)), _MAX_LABELS))


def _beside_all(page: Page, pattern: re.Pattern[str]) -> list[tuple[str, list[Token]]]:
    """The words of each label and what stands beside it, from above."""
    return [(label.text, beside) for label, beside in _found_beside(page, pattern)]


def _found_beside(page: Page, pattern: re.Pattern[str]) -> list[tuple[Found, list[Token]]]:
    found = []
    for label in _all(page, pattern):
        rows = [row for row in page.rows if abs(row.y - label.y) < SAME_LINE]
        starts = [other.left for row in rows for known in _LABELS for other in page.labels(row, known)]
        starts += [token.left for row in rows for token in row.tokens if _ANY.match(token.plain)]
        until = min((start for start in starts if start > label.right - 1), default=inf)
        found.append((label, page.beside(label, until)))
    return found


def _name(tokens: list[Token]) -> str:
    """A name, or nothing where these are no words of one."""
    rows = list(rows_of(tokens))
    text = tidy("".join(joined(row.tokens) for row in rows)).strip(":： ")
    letters = any(char > "\u2e7f" or char.isalpha() for char in text)
    return text if letters and len(text) <= _MAX_NAME else ""


def _is_money(text: str) -> bool:
    try:
        fen(text)
    except ValueError:
        return False
    return True


def _date(text: str) -> datetime.date | None:
    try:
        return day(text.replace(".", "-") if text.count(".") == 2 else text)
    except ValueError:
        return None
