"""Printed text made comparable: names, numbers, dates, amounts and rates, all exact."""

from __future__ import annotations

import datetime
import re
import unicodedata
from decimal import Decimal

from vouchers.money import in_words, parse_yuan

# Converted files write radicals where characters belong. Unicode decomposes the Kangxi block; of the
# supplement, whose characters do not decompose, these are the simplified forms met in Chinese fonts.
# 户 is the one simplified character whose Kangxi radical decomposes to the traditional form.
_SUPPLEMENT = {
    0x2EA0: "民", 0x2EC1: "虎", 0x2EC4: "西", 0x2EC5: "见", 0x2EC6: "角", 0x2EC9: "贝", 0x2ECB: "车",
    0x2ED3: "长", 0x2ED4: "门", 0x2ED8: "青", 0x2ED9: "韦", 0x2EDA: "页", 0x2EDB: "风", 0x2EDC: "飞",
    0x2EDD: "食", 0x2EE2: "马", 0x2EE3: "骨", 0x2EE4: "鬼", 0x2EE5: "鱼", 0x2EE6: "鸟", 0x2EE7: "卤",
    0x2EE8: "麦", 0x2EE9: "黄", 0x2EEC: "齐", 0x2EEE: "齿", 0x2EF0: "龙",
}  # fmt: skip
_RADICALS = {
    **{point: unicodedata.normalize("NFKC", chr(point)) for point in range(0x2E80, 0x2FE0)},
    **_SUPPLEMENT,
    0x2F3E: "户",
}
_ODD = re.compile(r"[^\x20-\x7e\u3001-\u9fff\uff01-\uff9f]|  ")
_WIDE_TO_ASCII = {0xFF01 + offset: chr(0x21 + offset) for offset in range(94)} | {0xFFE5: "¥", 0x2212: "-"}

_MONEY = re.compile(r"(-?)¥?(-?)([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,15})(?:\.([0-9]{1,20}))?")
_DATE = re.compile(
    r"([0-9]{4})(?:-([0-9]{1,2})-([0-9]{1,2})|/([0-9]{1,2})/([0-9]{1,2})|年([0-9]{1,2})月([0-9]{1,2})日"
    r"|([0-9]{2})([0-9]{2}))(?:[T ]?[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?)?"
)
_DECIMAL = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,20})?")


def tidy(text: str) -> str:
    """`text` in one line: radicals made characters, invisible signs removed, blanks collapsed, ends stripped."""
    if not _ODD.search(text):
        return text.strip()
    text = text.translate(_RADICALS)
    text = "".join(" " if char.isspace() else char for char in text if not _invisible(char))
    return " ".join(text.split())


def compact(text: str) -> str:
    """`text` without any blank, its full-width letters and digits made ASCII: for numbers, ids and amounts."""
    return unspaced(tidy(text))


def unspaced(tidied: str) -> str:
    """compact() of a text that is tidy already."""
    return tidied.translate(_WIDE_TO_ASCII).replace(" ", "")


def latin(char: str) -> bool:
    """Whether `char` is a Latin letter without accents, or a digit."""
    return char.isascii() and char.isalnum()


def fen(text: str) -> int:
    """Fen of an amount as files print it: `6.2`, `108000`, `¥-1,234.50`.

    Decimals past the second must be zeros. Raises ValueError otherwise (MoneyError is one).
    """
    match = _MONEY.fullmatch(compact(text))
    if match is None:
        raise ValueError("not an amount")
    before, after, whole, decimals = match.groups(default="")
    if (before and after) or decimals[2:].strip("0"):
        raise ValueError("not an amount in fen")
    whole = whole.replace(",", "").lstrip("0") or "0"
    return parse_yuan(f"{before or after}{whole}.{decimals[:2].ljust(2, '0')}")


def tax_fen(text: str) -> int:
    """Fen of a total of tax; an invoice without any prints `***`. Raises ValueError."""
    return 0 if compact(text).strip("¥") == "***" else fen(text)


def day(text: str) -> datetime.date:
    """The day of `2026-05-08`, `2026/5/8`, `20260508` or `2026年05月08日`, a time of day ignored. Raises ValueError."""
    text = tidy(text).translate(_WIDE_TO_ASCII)
    # The older forms set the figures of the day into blanks between 年, 月 and 日.
    match = _DATE.fullmatch(text) or _DATE.fullmatch(text.replace(" ", ""))
    if match is None:
        raise ValueError("not a date")
    year, month, date = (int(group) for group in match.groups() if group)
    return datetime.date(year, month, date)


def decimal(text: str) -> Decimal | None:
    """An exact plain number such as a quantity, or None where there is none."""
    text = compact(text).replace(",", "")
    return Decimal(text) if _DECIMAL.fullmatch(text) else None


def shown_rate(text: str) -> str:
    """A rate as invoices print it: `0.06`, `0.060000` and `6%` are `6%`; 免税 and `***` stay."""
    text = compact(text)
    value = decimal(text)
    if value is None or not 0 <= value < 1:
        return text
    return f"{(value * 100).normalize():f}%"


def rate(text: str) -> Decimal | None:
    """The fraction that a shown rate stands for, or None for 免税, 不征税, `***` and anything else unsaid."""
    value = decimal(text[:-1]) if text.endswith("%") else None
    return value / 100 if value is not None else None


def words_agree(words: str, total_fen: int) -> bool:
    """Whether capital numerals (大写) state `total_fen`; 圆/元, 整/正 and filling 零 are written variously."""
    sign = "负" if total_fen < 0 else ""
    return plain_words(words) == sign + plain_words(in_words(abs(total_fen)))


def plain_words(words: str) -> str:
    """Capital numerals without what is written variously; the units left make the number unambiguous."""
    said = compact(words).replace("人民币", "")
    sign = "负" if "负" in said else ""
    # A circled cross (⊗, ⓧ) is printed before the first numeral.
    said = re.sub(r"^[^\u4e00-\u9fff]+", "", re.sub(r"\(负数\)|负", "", said))
    said = said.replace("圆", "元").translate({ord(char): None for char in "整正零"})
    return sign + re.sub(r"^拾", "壹拾", said.removeprefix("元"))


def _invisible(char: str) -> bool:
    """Zero-width, direction and control signs: no one sees them, and they would make equal names differ."""
    return not char.isspace() and unicodedata.category(char) in ("Cc", "Cf")
