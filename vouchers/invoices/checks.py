"""Cross-checks of one invoice against itself (the sums, the words, the number), each a named warning.

None of them decides anything: they tell applicant and reviewer which field to look at again. Whether the date
lies in the future, whether the buyer is the applicant and whether the number is in use, the caller knows.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from vouchers.invoices.invoice import Invoice, Line, Warning
from vouchers.invoices.kinds import LEGACY
from vouchers.invoices.text import decimal, rate, tidy, words_agree
from vouchers.money import yuan

# 数电票 were first issued on this day (pilot in 广东, 内蒙古 and 上海).
_FIRST_DAY = datetime.date(2021, 12, 1)
_ID = re.compile(r"[0-9A-Z]{15,20}")
_NUMBER = re.compile(r"[0-9]{20}")
_OLD_CODE, _OLD_NUMBER = re.compile(r"[0-9]{10}|[0-9]{12}"), re.compile(r"[0-9]{8}")
_CHECK_CODE = re.compile(r"[0-9]{20}")
# Warnings after which no one should decide on the file before it is explained or replaced.
_BLOCKS = frozenset({"total_mismatch", "words_mismatch", "number_year", "code_unexpected", "same_party"})
# Toll invoices print the days of travel where others print quantity and price.
_TRAVEL_DAY = re.compile(r"20[0-9]{6}")
# Prices that do not come out even are printed with at least this many decimals.
_PRICE_DECIMALS = 6
# A class between two stars and what was bought, or a name without any class.
_NAME = re.compile(r"\*[^*]+\*.+|[^*].*", re.DOTALL)
_UNTAXED = ("免税", "不征税")


def check(invoice: Invoice, words: str, blue: bool | None) -> list[Warning]:
    """Every doubt about `invoice`; `words` is the total in capital numerals, `blue` the carrier's word on the letter."""
    return [
        Warning(code, message, blocks=code in _BLOCKS)
        for code, message in (
            *_identity(invoice),
            *_sums(invoice),
            *_words(invoice, words),
            *_letter(invoice, blue),
            *_lines(invoice.lines),
        )
    ]


def _identity(invoice: Invoice) -> Iterator[tuple[str, str]]:
    if invoice.code or invoice.kind in LEGACY:
        yield from _old_identity(invoice)
    elif not _NUMBER.fullmatch(invoice.number):
        yield "number_format", f"发票号码“{invoice.number}”不是 20 位数字，请对照原件核实。"
    elif int(invoice.number[:2]) != invoice.date.year % 100:
        yield (
            "number_year",
            f"发票号码前两位“{invoice.number[:2]}”与开票日期 {invoice.date} 的年份不符，请核实号码和日期。",
        )
    if invoice.date < _FIRST_DAY and not invoice.code and invoice.kind not in LEGACY:
        yield "date_early", f"开票日期 {invoice.date} 早于数电票开始启用的 {_FIRST_DAY}，请核实日期。"
    for side, value in (("购买方", invoice.buyer_id), ("销售方", invoice.seller_id)):
        if not value:
            yield "id_missing", f"没有读到{side}纳税人识别号，请对照原件填写。"
        elif not _ID.fullmatch(value):
            yield "id_format", f"{side}纳税人识别号“{value}”不是 15 至 20 位的数字和大写字母，请核实。"
    if invoice.buyer_id and invoice.buyer_id == invoice.seller_id or invoice.buyer_name == invoice.seller_name:
        yield "same_party", "购买方与销售方是同一个单位，请对照原件核实双方的名称和纳税人识别号。"


def _old_identity(invoice: Invoice) -> Iterator[tuple[str, str]]:
    """The forms before 数电票: a code of 10 or 12 digits, a number of 8, and a check code of 20 on 普票."""
    if len(invoice.number) == 20:
        yield "code_unexpected", f"20 位号码的数电票没有发票代码，却读到了“{invoice.code}”，请对照原件核实。"
        return
    if not _OLD_CODE.fullmatch(invoice.code):
        yield "code_format", f"发票代码“{invoice.code}”不是 10 位或 12 位数字，请对照原件核实。"
    if not _OLD_NUMBER.fullmatch(invoice.number):
        yield "number_format", f"发票号码“{invoice.number}”不是 8 位数字，请对照原件核实。"
    if invoice.check_code and not _CHECK_CODE.fullmatch(invoice.check_code):
        yield "check_code_format", f"校验码“{invoice.check_code}”不是 20 位数字，请对照原件核实。"
    elif not invoice.check_code and invoice.kind == "电子普票":
        yield "check_code_missing", "没有读到校验码，查验时要用到，请对照原件填写。"


def _sums(invoice: Invoice) -> Iterator[tuple[str, str]]:
    if invoice.amount_fen + invoice.tax_fen != invoice.total_fen:
        yield (
            "total_mismatch",
            f"合计金额 {yuan(invoice.amount_fen)} 加合计税额 {yuan(invoice.tax_fen)} 不等于价税合计"
            f" {yuan(invoice.total_fen)}，请对照原件核实这三项。",
        )
    if not invoice.lines:
        return
    for code, label, lines_fen, stated_fen in (
        ("lines_amount_mismatch", "金额", sum(line.amount_fen for line in invoice.lines), invoice.amount_fen),
        ("lines_tax_mismatch", "税额", sum(line.tax_fen for line in invoice.lines), invoice.tax_fen),
    ):
        if lines_fen != stated_fen:
            yield (
                code,
                f"各行{label}相加为 {yuan(lines_fen)}，与合计{label} {yuan(stated_fen)} 不一致："
                "明细可能没有读全或读错，请逐行核对。",
            )


def _words(invoice: Invoice, words: str) -> Iterator[tuple[str, str]]:
    if not tidy(words):
        yield "words_missing", "没有读到大写的价税合计，无法与小写金额互相核对，请对照原件核实价税合计。"
    elif not words_agree(words, invoice.total_fen):
        yield (
            "words_mismatch",
            f"大写金额“{tidy(words)[:60]}”与小写的价税合计 {yuan(invoice.total_fen)} 不一致，请对照原件核实。",
        )


def _letter(invoice: Invoice, blue: bool | None) -> Iterator[tuple[str, str]]:
    negative = min(invoice.amount_fen, invoice.total_fen) < 0
    if blue is not None and blue == negative:
        stated = "蓝字" if blue else "红字"
        yield "red_mismatch", f"文件标明是{stated}发票，但价税合计是 {yuan(invoice.total_fen)}，请核实是不是红字发票。"
    if invoice.red and not invoice.reverses:
        yield "reverses_missing", "这是红字发票，但没有读到它冲销的蓝字发票号码，请对照备注填写。"


def _lines(lines: Sequence[Line]) -> Iterator[tuple[str, str]]:
    for code, what, doubtful in (
        ("line_name", "的项目名称没有读全", (n for n, line in enumerate(lines, 1) if not _name_whole(line))),
        ("line_price", "数量乘单价与金额不符", (n for n, line in enumerate(lines, 1) if not _price_agrees(line))),
        ("line_half_priced", "只读到数量和单价中的一项", (n for n, line in enumerate(lines, 1) if _half_priced(line))),
        ("line_tax", "金额乘税率与税额相差超过一分", (n for n, line in enumerate(lines, 1) if not _tax_agrees(line))),
        ("line_rate", "税率无法识别", (n for n, line in enumerate(lines, 1) if not _rate_known(line))),
    ):
        if rows := _listed(doubtful):
            yield code, f"明细{rows}{what}，请核实。"


def _name_whole(line: Line) -> bool:
    """Whether there is a name, and its short class (*信息技术服务*) is whole where it has one."""
    return bool(_NAME.fullmatch(line.name))


def _half_priced(line: Line) -> bool:
    """Whether quantity or price is there without the other, or is no number: a column may have been read wrong."""
    return bool(line.quantity or line.unit_price) and None in (decimal(line.quantity), decimal(line.unit_price))


def _price_agrees(line: Line) -> bool:
    """Quantity × price is the amount within a fen, and within what the last digit of a long price may hide."""
    if _TRAVEL_DAY.fullmatch(line.quantity) and _TRAVEL_DAY.fullmatch(line.unit_price):
        return True
    quantity, price = decimal(line.quantity), decimal(line.unit_price)
    if quantity is None or price is None:
        return True
    last_digit = Decimal(1).scaleb(min(int(price.as_tuple().exponent), -_PRICE_DECIMALS))
    hidden = abs(quantity) * last_digit / 2
    return abs(quantity * price - Decimal(line.amount_fen) / 100) <= hidden + Decimal("0.01")


def _tax_agrees(line: Line) -> bool:
    """Amount × rate is the tax within a fen; untaxed rows bear none; `***` (差额征税) says nothing."""
    if line.tax_rate in _UNTAXED:
        return line.tax_fen == 0
    fraction = rate(line.tax_rate)
    return fraction is None or abs(line.amount_fen * fraction - line.tax_fen) <= 1


def _rate_known(line: Line) -> bool:
    """Whether the rate is one that invoices print."""
    return line.tax_rate in (*_UNTAXED, "***") or rate(line.tax_rate) is not None


def _listed(numbers: Iterable[int]) -> str:
    """The row numbers in words, the first five of them: 第 3、5 行."""
    rows = list(numbers)
    if not rows:
        return ""
    more = f"等 {len(rows)} 行" if len(rows) > 5 else "行"
    return f"第 {'、'.join(map(str, rows[:5]))} {more}"
