"""Money: reading, writing, words, and the only rounding."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouchers import money

FEN = st.integers(-money.MAX_FEN, money.MAX_FEN)
RATES = st.integers(0, money.RATE_UNIT).map(lambda units: Fraction(units, money.RATE_UNIT))


@pytest.mark.parametrize(
    ("text", "fen"),
    [("0.00", 0), ("-0.00", 0), ("0.01", 1), ("1234.50", 123450), ("-0.33", -33), ("9999999999999.99", money.MAX_FEN)],
)
def test_exact_yuan_are_read(text, fen):
    assert money.parse_yuan(text) == fen


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "1.5",
        "1.234",
        "+1.00",
        " 1.00",
        "1.00\n",
        "1,000.00",
        "1e3",
        "01.00",
        ".50",
        "1.",
        "--1.00",
        "１.００",
        "٣.٠٠",
    ]
    + ["NaN", "0x1.00", "1_0.00", "10000000000000.00", "9" * 100_000 + ".00"],
)
def test_anything_else_is_refused_in_chinese(text):
    with pytest.raises(money.MoneyError, match="金额“"):
        money.parse_yuan(text)


@pytest.mark.parametrize("value", [1, 1.5, None, True, b"1.00"])
def test_only_text_is_read(value):
    with pytest.raises(money.MoneyError):
        money.parse_yuan(value)


@pytest.mark.parametrize(("text", "fen"), [("12", 1200), ("12.3", 1230), ("-12.34", -1234), ("0", 0)])
def test_fewer_decimals_are_read_only_when_allowed(text, fen):
    assert money.parse_yuan(text, exact=False) == fen


@pytest.mark.parametrize("text", ["12.", "12.345", "1 2", "", "012"])
def test_allowing_fewer_decimals_allows_nothing_else(text):
    with pytest.raises(money.MoneyError):
        money.parse_yuan(text, exact=False)


@given(FEN)
def test_what_is_written_is_read_back(fen):
    assert money.parse_yuan(money.yuan(fen)) == fen
    assert money.grouped(fen).replace(",", "") == money.yuan(fen)


def test_thousands_are_separated_for_people():
    assert money.grouped(123456789) == "1,234,567.89"
    assert money.grouped(-100000) == "-1,000.00"
    assert money.grouped(99) == "0.99"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        # The examples of 支付结算办法 附一, each in the first of the forms it allows.
        ("1409.50", "壹仟肆佰零玖元伍角整"),
        ("6007.14", "陆仟零柒元壹角肆分"),
        ("1680.32", "壹仟陆佰捌拾元零叁角贰分"),
        ("107000.53", "壹拾万柒仟元零伍角叁分"),
        ("16409.02", "壹万陆仟肆佰零玖元零贰分"),
        ("325.04", "叁佰贰拾伍元零肆分"),
        ("0.00", "零元整"),
        ("0.04", "肆分"),
        ("0.40", "肆角整"),
        ("0.44", "肆角肆分"),
        ("10.00", "壹拾元整"),
        ("100.00", "壹佰元整"),
        ("1001.00", "壹仟零壹元整"),
        ("10001.00", "壹万零壹元整"),
        ("101000.00", "壹拾万壹仟元整"),
        ("1000001.00", "壹佰万零壹元整"),
        ("31800.00", "叁万壹仟捌佰元整"),
        ("2000000.00", "贰佰万元整"),
        ("50000000.00", "伍仟万元整"),
        ("100000000.00", "壹亿元整"),
        ("100000001.00", "壹亿零壹元整"),
        ("100010000.00", "壹亿零壹万元整"),
        ("110000000.00", "壹亿壹仟万元整"),
        ("1000000000000.00", "壹万亿元整"),
        ("9876543210987.65", "玖万捌仟柒佰陆拾伍亿肆仟叁佰贰拾壹万零玖佰捌拾柒元陆角伍分"),
        ("-1234.00", "负壹仟贰佰叁拾肆元整"),
        ("-0.05", "负伍分"),
    ],
)
def test_amounts_are_written_in_capital_numerals(text, words):
    assert money.in_words(money.parse_yuan(text)) == words


def test_words_end_before_ten_quadrillion_yuan():
    assert money.in_words(10**18 - 1).startswith("玖仟玖佰玖拾玖万玖仟玖佰玖拾玖亿")
    with pytest.raises(money.MoneyError, match="过大"):
        money.in_words(10**18)


def fen_of_words(words: str) -> int:
    """The fen of capital numerals, read by adding up: not the way they are written."""
    sign = -1 if words.startswith("负") else 1
    total = section = digit = 0
    for character in words.lstrip("负").rstrip("整"):
        if character in "零壹贰叁肆伍陆柒捌玖":
            digit = "零壹贰叁肆伍陆柒捌玖".index(character)
        elif character in "拾佰仟":
            section += digit * {"拾": 10, "佰": 100, "仟": 1000}[character]
            digit = 0
        elif character == "万":
            section = (section + digit) * 10**4
            digit = 0
        elif character == "亿":
            total = (total + section + digit) * 10**8
            section = digit = 0
        elif character == "元":
            total = (total + section + digit) * 100
            section = digit = 0
        else:
            total += digit * {"角": 10, "分": 1}[character]
            digit = 0
    return sign * total


@given(FEN)
def test_words_say_the_amount_with_single_zeros(fen):
    words = money.in_words(fen)
    assert fen_of_words(words) == fen
    assert "零零" not in words
    assert words.endswith("整") == (fen % 10 == 0)


@given(st.integers(0, money.MAX_FEN), RATES)
def test_a_portion_is_the_largest_whole_fen_not_above_it(fen, rate):
    part = money.portion(fen, rate)
    assert isinstance(part, int)
    assert part <= fen * rate < part + 1


def test_a_portion_takes_no_float():
    with pytest.raises(TypeError):
        money.portion(100, 0.3)


@pytest.mark.parametrize(
    ("amount", "unit", "mode", "result"),
    [
        # Nanning's published example: 305/729 × 200,000 yuan × 30 %, in 万元 with four decimals, cut off.
        (Fraction(305, 729) * 20_000_000 * Fraction(3, 10), 100, "down", 2_510_200),
        (150, 100, "down", 100),
        (150, 100, "half_up", 200),
        (149, 100, "half_up", 100),
        (101, 100, "up", 200),
        (200, 100, "up", 200),
        (Fraction(1, 2), 1, "half_up", 1),
        (-150, 100, "down", -100),
        (-150, 100, "half_up", -200),
        (-101, 100, "up", -200),
    ],
)
def test_amounts_are_rounded_to_a_unit(amount, unit, mode, result):
    assert money.rounded(amount, unit, mode) == result


def test_amounts_are_rounded_down_to_the_fen_unless_said_otherwise():
    assert money.rounded(Fraction(7, 2)) == 3


@pytest.mark.parametrize(("amount", "unit"), [(1.5, 1), (1, 0), ("1", 1)])
def test_rounding_takes_exact_amounts_and_positive_units(amount, unit):
    with pytest.raises(TypeError):
        money.rounded(amount, unit)


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (5, [3, 3, 1], [2, 2, 1]),
        (10, [1, 2], [3, 7]),
        (-5, [1, 1, 3], [-1, -1, -3]),
        (1, [0, 5, 5], [0, 1, 0]),
        (0, [0, 0], [0, 0]),
        (0, [], []),
    ],
)
def test_a_total_is_shared_by_largest_remainder(total, weights, parts):
    assert money.share(total, weights) == parts


@given(st.integers(-(10**13), 10**13), st.lists(st.integers(0, 10**12), min_size=1, max_size=20))
def test_shares_sum_exactly_and_stray_less_than_a_fen(total, weights):
    if not sum(weights):
        weights[0] = 1
    parts = money.share(total, weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(total * weight, sum(weights))) < 1


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=20), st.data())
def test_no_share_exceeds_its_weight_while_the_total_fits(weights, data):
    total = data.draw(st.integers(0, sum(weights)))
    assert all(part <= weight for part, weight in zip(money.share(total, weights), weights, strict=True))


@pytest.mark.parametrize(("total", "weights"), [(1, []), (1, [0, 0]), (-1, [0]), (10, [3, -1]), (0, [-1])])
def test_sharing_among_nobody_is_refused(total, weights):
    with pytest.raises(money.MoneyError):
        money.share(total, weights)


@pytest.mark.parametrize(
    ("text", "rate", "shown"),
    [("0.30", Fraction(3, 10), "30%"), ("0.125", Fraction(1, 8), "12.5%"), ("1.00", Fraction(1), "100%")]
    + [("0.00", Fraction(0), "0%"), ("0.0333", Fraction(333, 10_000), "3.33%")],
)
def test_rates_are_exact_text(text, rate, shown):
    assert money.parse_rate(text) == rate
    assert money.rate_text(rate) == text
    assert money.percent(rate) == shown


@pytest.mark.parametrize("text", ["0.3", "30%", "1.01", "-0.30", ".30", "0.30000", "3/10", 0.3, None, "1.0001"])
def test_other_rates_are_refused(text):
    with pytest.raises(money.MoneyError, match="比例"):
        money.parse_rate(text)


@given(RATES)
def test_every_rate_of_four_decimals_is_read_back(rate):
    assert money.parse_rate(money.rate_text(rate)) == rate


def test_a_message_shows_what_was_entered_and_no_more_than_forty_characters_of_it():
    for entered, shown in (("x" * 40, "x" * 40), ("x" * 41, "x" * 40 + "…"), ("abc", "abc")):
        for read in (money.parse_yuan, money.parse_rate):
            with pytest.raises(money.MoneyError) as told:
                read(entered)
            assert f"“{shown}”写法不对：" in str(told.value)


def test_what_cannot_be_shared_or_rounded_is_refused_in_words():
    with pytest.raises(money.MoneyError, match="^没有可以分摊的对象"):
        money.share(1, [])
    with pytest.raises(TypeError, match="^an exact amount and a positive unit"):
        money.rounded(Fraction(1), 0)
    with pytest.raises(TypeError, match="^a rate is a Fraction"):
        money.portion(1, 0.5)
