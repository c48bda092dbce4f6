"""Law files are read whole or refused, and no law means NoLawInForce."""

import datetime as dt
import shutil
from fractions import Fraction
from pathlib import Path

import pytest
import yaml

from vouchers import policy
from vouchers.policy.loader import arrange
from vouchers.policy.reading import read_law_file

FOLDER = Path(policy.__file__).parent
TEXT = "wuxi-compute-opinions-draft.txt"


@pytest.fixture
def law_file(tmp_path):
    """Writes a law file beside the official text: the real one, with one string replaced."""
    shutil.copy(FOLDER / TEXT, tmp_path)

    def write(old: str = "", new: str = "", count: int = 1) -> Path:
        source = (FOLDER / "wuxi_compute.yaml").read_text(encoding="utf-8")
        assert not old or old in source
        path = tmp_path / "law.yaml"
        path.write_text(source.replace(old, new, count) if old else source, encoding="utf-8")
        return path

    return write


def test_the_law_of_wuxi_says_what_the_city_said():
    law = policy.law_for("compute_voucher", 2025)
    assert (law.id, law.status, law.scheme_title) == ("wuxi-2024", "征求意见稿", "算力券")
    assert (law.local_rate.value, law.external_rate.value) == (Fraction(30, 100), Fraction(15, 100))
    assert (law.annual_cap.value, law.pool.value) == (200_000_000, 5_000_000_000)
    assert law.local_rate.citation == law.annual_cap.citation == "二（三）7"
    assert law.spend_window() == policy.Window(dt.date(2025, 1, 1), dt.date(2025, 12, 31))


def test_the_case_by_case_schemes_have_their_ceilings():
    construction = policy.agreement_for("intelligent_construction", 2024)
    negotiated = policy.agreement_for("negotiated_compute", 2025)
    assert (construction.rate_ceiling.value, construction.grant_ceiling.value) == (Fraction(15, 100), 3_000_000_000)
    assert (negotiated.rate_ceiling.value, negotiated.grant_ceiling.value) == (Fraction(60, 100), 1_000_000_000)
    assert (construction.rate_ceiling.citation, negotiated.rate_ceiling.citation) == ("二（一）3", "二（五）14")
    assert (construction.in_principle.value, negotiated.in_principle.value) == (False, True)


@pytest.mark.parametrize("year", [2023, 2026, 1, 9999, 0, -1])
def test_a_year_without_law_is_refused_and_never_zero(year):
    with pytest.raises(policy.NoLawInForce, match="没有"):
        policy.law_for("compute_voucher", year)


@pytest.mark.parametrize("scheme", ["negotiated_compute", "unknown", ""])
def test_only_voucher_schemes_have_a_voucher_law(scheme):
    with pytest.raises(policy.NoLawInForce):
        policy.law_for(scheme, 2025)
    assert scheme not in policy.voucher_schemes()


def test_an_agreement_needs_its_law_too():
    for scheme, year in (("compute_voucher", 2025), ("negotiated_compute", 2026)):
        with pytest.raises(policy.NoLawInForce):
            policy.agreement_for(scheme, year)


@pytest.mark.parametrize(
    ("day", "in_force"),
    [("2023-12-31", False), ("2024-01-01", True), ("2025-12-31", True), ("2026-01-01", False)],
)
def test_a_day_has_a_law_only_while_it_is_in_force(day, in_force):
    day = dt.date.fromisoformat(day)
    if in_force:
        assert policy.law_on("compute_voucher", day).fiscal_year == day.year
    else:
        with pytest.raises(policy.NoLawInForce):
            policy.law_on("compute_voucher", day)


def test_a_day_before_the_law_began_in_its_first_year_has_none(law_file, monkeypatch):
    late = law_file("  from: 2024-01-01\n  until", "  from: 2024-03-01\n  until")
    late.write_text(late.read_text(encoding="utf-8").replace("- from: 2024-01-01", "- from: 2024-03-01"), "utf-8")
    shelf = arrange(read_law_file(late))
    monkeypatch.setattr("vouchers.policy.loader._shelf", lambda: shelf)
    assert policy.law_for("compute_voucher", 2024).spend_window().first == dt.date(2024, 3, 1)
    with pytest.raises(policy.NoLawInForce):
        policy.law_on("compute_voucher", dt.date(2024, 2, 29))


def test_the_real_file_reads_as_it_stands(law_file):
    assert [text.scheme for text in read_law_file(law_file())] == [
        "compute_voucher",
        "intelligent_construction",
        "negotiated_compute",
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('value: "0.30"', "value: 0.30", "应为文字"),
        ('value: "0.30"', 'value: "0.3"', "比例"),
        ('value: "0.30"', 'value: "30%"', "比例"),
        ('value: "2000000.00"', "value: 2000000", "应为文字"),
        ('value: "2000000.00"', "value: 2000000.00", "应为文字"),
        ('value: "2000000.00"', 'value: "2,000,000.00"', "金额"),
        ('value: "2000000.00"', 'value: "0.00"', "大于零"),
        ("value: intelligent", "value: inteligent", "之一"),
        ("value: paid", "value: payed", "之一"),
        ("value: false", 'value: "false"', "true 或 false"),
        ("status: 征求意见稿", "status: 征求意见稿\nstate: x", "不认识的键"),
        ("status: 征求意见稿\n", "", "缺少的键"),
        ("status: 征求意见稿", "status: 征求意见稿\nstatus: 正式", "重复"),
        ("      local_rate:", "      local_rat:", "不认识的键"),
        ("          citation: 二（三）7\n", "", "缺少的键"),
        ("          citation: 二（三）7\n", '          citation: ""\n', "出处"),
        ("最高不超过 200 万元", "最高不超过 300 万元", "不一致"),
        ("universit", "college: 大专\n            universit", "不在所引原文中"),
        ("kind: voucher", "kind: coupon", "之一"),
        ("  until: 2025-12-31", "  until: 2023-12-31", "晚于"),
        ("  until: 2025-12-31", '  until: "2025-12-31"', "日期"),
        ("  until: 2025-12-31", "  until: 2025-12-31 10:00:00", "日期"),
        ("- from: 2024-01-01", "- from: 2024-02-01", "其间没有规定"),
        ("- from: 2024-01-01", "- from: 2023-01-01", "其间没有规定"),
        (TEXT, "absent.txt", "absent.txt"),
        ("id: wuxi-2024", "id: [", "law.yaml"),
    ],
)
def test_a_file_that_is_not_whole_is_refused(law_file, old, new, message):
    with pytest.raises(policy.LawFileError, match=message):
        read_law_file(law_file(old, new))


@pytest.mark.parametrize("categories", [{}, [], None, {"university": 1}, {1: "高校"}])
def test_a_law_without_categories_in_words_is_refused(law_file, categories):
    path = law_file()
    body = yaml.safe_load(path.read_text(encoding="utf-8"))
    body["schemes"]["compute_voucher"]["values"]["scope_categories"][0]["value"] = categories
    path.write_text(yaml.safe_dump(body, allow_unicode=True), encoding="utf-8")
    with pytest.raises(policy.LawFileError, match="scope_categories"):
        read_law_file(path)


@pytest.mark.parametrize("schemes", [[], {}, None, "compute_voucher"])
def test_a_law_without_schemes_is_refused(law_file, schemes):
    path = law_file()
    body = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({**body, "schemes": schemes}, allow_unicode=True), encoding="utf-8")
    with pytest.raises(policy.LawFileError, match="至少写一个"):
        read_law_file(path)


def test_a_law_of_a_single_day_is_a_law(law_file):
    [text, *_] = read_law_file(law_file("  until: 2025-12-31", "  until: 2024-01-01"))
    assert list(text.years()) == [2024]


@pytest.mark.parametrize("whole", ["", "[]", "null", "schemes: {}"])
def test_a_file_that_is_something_else_is_refused(law_file, whole):
    path = law_file()
    path.write_text(whole, encoding="utf-8")
    with pytest.raises(policy.LawFileError):
        read_law_file(path)


def with_second_cap(path: Path, start: dt.date) -> Path:
    """The law file with another annual cap from `start` on."""
    body = yaml.safe_load(path.read_text(encoding="utf-8"))
    history = body["schemes"]["compute_voucher"]["values"]["annual_cap"]
    history.append({**history[0], "from": start, "value": "1000000.00"})
    path.write_text(yaml.safe_dump(body, allow_unicode=True), encoding="utf-8")
    return path


def test_a_later_value_holds_from_its_own_year_on(law_file):
    laws = arrange(read_law_file(with_second_cap(law_file(), dt.date(2025, 1, 1))))
    assert laws["compute_voucher", 2024].annual_cap.value == 200_000_000
    assert laws["compute_voucher", 2025].annual_cap.value == 100_000_000


@pytest.mark.parametrize(
    ("start", "message"),
    [("2024-01-01", "晚于前一个值"), ("2025-07-01", "1 月 1 日"), ("2026-01-01", "有效期之外")],
)
def test_values_that_overlap_or_split_a_year_are_refused(law_file, start, message):
    with pytest.raises(policy.LawFileError, match=message):
        read_law_file(with_second_cap(law_file(), dt.date.fromisoformat(start)))


def test_two_laws_for_one_year_are_refused(law_file):
    texts = read_law_file(law_file())
    with pytest.raises(policy.LawFileError, match="两份政策"):
        arrange([*texts, texts[0]])


def test_there_is_exactly_one_law_for_every_day_it_covers():
    day = dt.date(2024, 1, 1)
    while day <= dt.date(2025, 12, 31):
        assert day in policy.law_on("compute_voucher", day).in_force.value
        day += dt.timedelta(days=1)
