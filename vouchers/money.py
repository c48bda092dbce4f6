"""Money is an int of fen. This module reads it, writes it, shares it out, and alone rounds it.

Yuan exist only as text, at the edges. Nothing here knows floats, and nothing elsewhere divides money.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

FEN_IN_A_YUAN = 100
# 9,999,999,999,999.99 yuan: far above any budget of a city, far below the database's bigint.
MAX_FEN = 10**15 - 1
# in_words() stops before this many yuan: beyond 仟万亿 there is no customary word.
_MAX_WORDS_YUAN = 10**16

_EXACT = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]{2}")
_LOOSE = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]{1,2})?")
_RATE = re.compile(r"(?:0\.[0-9]{2,4}|1\.0{2,4})")
# Rates are whole ten-thousandths (万分之一): what a document can state, and what two to four decimals can show.
RATE_UNIT = 10_000

_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("仟", "佰", "拾", "")

RoundingMode = Literal["down", "half_up", "up"]


class MoneyError(ValueError):
    """An amount that cannot be read, written or shared. Its text is Chinese, for whoever entered it."""


def parse_yuan(text: str, *, exact: bool = True) -> int:
    """Fen from yuan written in ASCII digits, such as "1234.50" or "-0.33".

    With `exact` there must be two decimals; without it none, one or two will do. No sign but a minus, no
    blanks, no separators, no leading zeros, no exponent. Raises MoneyError, also beyond MAX_FEN.
    """
    pattern = _EXACT if exact else _LOOSE
    if not isinstance(text, str) or not pattern.fullmatch(text):
        wanted = "须恰好两位小数" if exact else "最多两位小数"
        raise MoneyError(f"金额“{_shown(text)}”写法不对：以元为单位，只用数字和小数点，{wanted}，例如 1234.50。")
    whole, _, decimals = text.lstrip("-").partition(".")
    # The length is judged first, so that a text of a million digits costs nothing.
    fen = int(whole + decimals.ljust(2, "0")) if len(whole) <= len(str(MAX_FEN)) else MAX_FEN + 1
    if fen > MAX_FEN:
        raise MoneyError(f"金额“{_shown(text)}”过大：最多 {grouped(MAX_FEN)} 元。")
    return -fen if text.startswith("-") else fen


def yuan(fen: int) -> str:
    """`fen` as plain yuan with two decimals: 123450 is "1234.50". What parse_yuan reads back."""
    sign = "-" if fen < 0 else ""
    whole, rest = divmod(abs(fen), FEN_IN_A_YUAN)
    return f"{sign}{whole}.{rest:02d}"


def grouped(fen: int) -> str:
    """`fen` as yuan for people, with thousands separated: 123450 is "1,234.50"."""
    if fen < 0:
        return "-" + grouped(-fen)
    return f"{fen // FEN_IN_A_YUAN:,}.{fen % FEN_IN_A_YUAN:02d}"


def in_words(fen: int) -> str:
    """`fen` in capital numerals (大写), without the leading 人民币: 140950 is "壹仟肆佰零玖元伍角整".

    整 stands after 元 and after 角, never after 分 (会计基础工作规范 第五十二条). One 零 stands for zeros between
    digits, and between 元 and 角 when the digit of 元 is zero (支付结算办法 附一).
    """
    whole, rest = divmod(abs(fen), FEN_IN_A_YUAN)
    if whole >= _MAX_WORDS_YUAN:
        raise MoneyError(f"金额 {grouped(fen)} 元过大，无法写成大写。")
    jiao, single = divmod(rest, 10)
    parts = ["负"] if fen < 0 else []
    if whole or not rest:
        parts.append((_whole_words(whole) or "零") + "元")
    if not rest:
        return "".join([*parts, "整"])
    if whole and (jiao == 0 or whole % 10 == 0):
        parts.append("零")
    if jiao:
        parts.append(_DIGITS[jiao] + "角")
    parts.append(_DIGITS[single] + "分" if single else "整")
    return "".join(parts)


def portion(fen: int, rate: Fraction) -> int:
    """`fen` × `rate`, rounded down to the fen. `rate` is exact: a float is refused."""
    if not isinstance(rate, Fraction):
        raise TypeError("a rate is a Fraction")
    return fen * rate.numerator // rate.denominator


def parse_rate(text: str) -> Fraction:
    """A rate from 0 to 1 written with two to four decimals: "0.30" is 3/10. Raises MoneyError."""
    if not isinstance(text, str) or not _RATE.fullmatch(text):
        raise MoneyError(f"比例“{_shown(text)}”写法不对：写成两至四位小数，不大于 1，例如 0.30。")
    return Fraction(text)


def rate_text(rate: Fraction) -> str:
    """`rate` with two decimals, or up to four where it needs them: 3/10 is "0.30". What parse_rate reads back."""
    whole, rest = divmod(rate.numerator * RATE_UNIT // rate.denominator, RATE_UNIT)
    decimals = f"{rest:04d}"
    return f"{whole}.{decimals[:2]}{decimals[2:].rstrip('0')}"


def percent(rate: Fraction) -> str:
    """`rate` for people: 3/10 is "30%", 1/8 is "12.5%"."""
    whole, rest = divmod(rate.numerator * RATE_UNIT // rate.denominator, 100)
    return f"{whole}.{rest:02d}".rstrip("0").rstrip(".") + "%"


def rounded(amount: Fraction | int, unit_fen: int = 1, mode: RoundingMode = "down") -> int:
    """An exact `amount` of fen as a whole multiple of `unit_fen` (1 is 分 and 0.0001 万元 is 100: 元).

    `down` drops the remainder, `half_up` is 四舍五入, `up` completes it; all by magnitude, so that a negative
    amount is the mirror of the positive one.
    """
    if not isinstance(amount, (Fraction, int)) or unit_fen < 1:
        raise TypeError("an exact amount and a positive unit are needed")
    units, rest = divmod(abs(Fraction(amount)), unit_fen)
    if (mode == "up" and rest > 0) or (mode == "half_up" and rest * 2 >= unit_fen):
        units += 1
    return units * unit_fen if amount >= 0 else -units * unit_fen


def share(total_fen: int, weights: Sequence[int]) -> list[int]:
    """`total_fen` spread over `weights` (≥ 0) in proportion; the parts sum to it exactly.

    Every part is first rounded down; the fen left over go one each to the largest remainders, the earlier first.
    So no part exceeds its weight when the total does not exceed their sum. Raises MoneyError when there is
    something to share and nobody to have it.
    """
    weight_sum = sum(weights)
    if any(weight < 0 for weight in weights) or (total_fen and not weight_sum):
        raise MoneyError("没有可以分摊的对象：各项权重须不小于零，且不能全为零。")
    if total_fen < 0:
        return [-part for part in share(-total_fen, weights)]
    if not total_fen:
        return [0] * len(weights)
    parts, remainders = [], []
    for weight in weights:
        part, remainder = divmod(total_fen * weight, weight_sum)
        parts.append(part)
        remainders.append(remainder)
    left = total_fen - sum(parts)
    for index in sorted(range(len(parts)), key=lambda i: -remainders[i])[:left]:
        parts[index] += 1
    return parts


def _whole_words(number: int) -> str:
    """The whole `number` in capital numerals, empty for zero; 亿 and 万 nest, so 10**12 is 壹万亿."""
    for size, unit in ((10**8, "亿"), (10**4, "万")):
        if number >= size:
            high, low = divmod(number, size)
            gap = "零" if 0 < low < size // 10 else ""
            return _whole_words(high) + unit + gap + _whole_words(low)
    words, zero_waits = "", False
    for digit, place in zip(f"{number:04d}", _PLACES, strict=True):
        if digit == "0":
            zero_waits = bool(words)
            continue
        words += ("零" if zero_waits else "") + _DIGITS[int(digit)] + place
        zero_waits = False
    return words


def _shown(text: object) -> str:
    """What was entered, short enough for a message."""
    shown = str(text)
    return shown if len(shown) <= 40 else shown[:40] + "…"
