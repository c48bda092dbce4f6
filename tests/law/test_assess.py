"""`manage.py assess`: the fixed contract, case by case and as a command. No test here may touch the database."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from vouchers.management.cases import InputError, assess, assess_text

from .builders import USCC, changed, ordinary_case, ordinary_line

ROOT = Path(__file__).parents[2]
RED = {"ref": "R1", "reverses": "L1", "amount": "-50000.00", "tax": "-3000.00", "paid": "0.00"}


def test_the_example_of_the_contract_comes_out_as_printed():
    answer = assess(ordinary_case())
    trace = answer.pop("trace")
    assert answer == {
        "case": "A1",
        "law": "wuxi-2024",
        "eligible": True,
        "computed": "31800.00",
        "granted": "31800.00",
        "binding": "none",
        "lines": [{"ref": "L1", "base": "106000.00", "rate": "0.30", "subsidy": "31800.00", "reason": ""}],
        "findings": [],
        "citations": ["二（三）7"],
    }
    assert [step["rule"] for step in trace] == ["scope", "line", "computed", "annual_cap", "pool", "granted"]
    assert trace[1]["amount"] == "31800.00"
    assert "本市智能算力按 30% 补助" in trace[1]["text"]


@pytest.mark.parametrize(
    ("facts", "computed", "granted", "binding"),
    [
        pytest.param({}, "31800.00", "31800.00", "none", id="local, paid in full"),
        pytest.param(
            {"lines": [{"location": "external", "paid": "53000.00"}]},
            "7950.00",
            "7950.00",
            "none",
            id="external, part paid",
        ),
        pytest.param(
            {"lines": [{"location": "external", "amount": "0.33", "tax": "0.00", "paid": "0.33"}]},
            "0.04",
            "0.04",
            "none",
            id="odd fen",
        ),
        pytest.param(
            {"cap_used": "100000.00", "lines": [{"amount": "8000000.00", "tax": "0.00", "paid": "8000000.00"}]},
            "2400000.00",
            "1900000.00",
            "annual_cap",
            id="over the annual cap",
        ),
        pytest.param(
            {"pool_available": "12345.67", "lines": [{"amount": "1000000.00", "tax": "0.00", "paid": "1000000.00"}]},
            "300000.00",
            "12345.67",
            "pool",
            id="pool nearly dry",
        ),
        pytest.param(
            {"lines": [{}, {**RED, "amount": "-100000.00", "tax": "-6000.00"}]},
            "0.00",
            "0.00",
            "none",
            id="reversed in full, later",
        ),
        pytest.param(
            {
                "lines": [
                    {"paid": "53000.00"},
                    RED,
                    {"ref": "L2", "amount": "50000.00", "tax": "3000.00", "paid": "53000.00"},
                ]
            },
            "31800.00",
            "31800.00",
            "none",
            id="half paid, then half reversed, beside another",
        ),
    ],
)
def test_the_table_of_the_contract_comes_out(facts, computed, granted, binding):
    answer = assess(changed(ordinary_case(), facts))
    assert (answer["computed"], answer["granted"], answer["binding"]) == (computed, granted, binding)


def test_lines_come_back_in_the_order_given():
    rows = [RED, {}, {"ref": "L2", "service": "general"}, {**RED, "ref": "R2", "reverses": "L2"}]
    answer = assess(changed(ordinary_case(), {"lines": rows}))
    assert [(line["ref"], line["reason"]) for line in answer["lines"]] == [
        ("R1", "reverses"),
        ("L1", ""),
        ("L2", "not_intelligent"),
        ("R2", "reverses"),
    ]
    assert {(line["base"], line["rate"], line["subsidy"]) for line in answer["lines"] if line["reason"]} == {
        ("0.00", "0.00", "0.00")
    }


def test_an_applicant_out_of_scope_gets_zeros_and_the_finding():
    answer = assess(changed(ordinary_case(), {"applicant.city": "苏州市", "lines": [{}, RED]}))
    assert (answer["eligible"], answer["computed"], answer["granted"]) == (False, "0.00", "0.00")
    assert (answer["binding"], answer["findings"]) == ("none", ["not_in_scope"])
    assert {line["reason"] for line in answer["lines"]} == {"not_in_scope"}
    assert {line["rate"] for line in answer["lines"]} == {"0.00"}


def test_a_case_without_lines_is_worth_nothing():
    answer = assess(changed(ordinary_case(), {"lines": []}))
    assert (answer["eligible"], answer["granted"], answer["lines"]) == (True, "0.00", [])


def test_spend_of_2024_is_decided_under_its_own_year():
    answer = assess(
        changed(
            ordinary_case(),
            {"fiscal_year": 2024, "lines.0.paid_on": "2024-06-30", "lines.0.invoice_date": "2024-06-01"},
        )
    )
    assert answer["granted"] == "31800.00"


MALFORMED = [
    ("case", 1), ("case", None), ("case", ""), ("case", "x" * 201), ("case", "\ud800"),
    ("scheme", "coupon"), ("scheme", "negotiated_compute"), ("scheme", None), ("scheme", []),
    ("fiscal_year", "2025"), ("fiscal_year", True), ("fiscal_year", None),
    ("applicant", "无锡"), ("applicant", []), ("applicant.uscc", 91), ("applicant.city", ""), ("applicant.city", None),
    ("applicant.category", "enterprise"), ("applicant.category", True), ("applicant.category", {}),
    ("cap_used", 0), ("cap_used", "0"), ("cap_used", "-0.01"), ("cap_used", "1.0"), ("cap_used", None),
    ("pool_available", None), ("pool_available", "-0.01"), ("pool_available", "1e6"), ("pool_available", "10000000000000.00"),
    ("lines.0", None), ("lines.0", "L1"), ("lines.0", []),
    ("lines.0.ref", ""), ("lines.0.ref", 1), ("lines.0.service", "AI"), ("lines.0.location", "无锡"),
    ("lines.0.invoice_date", "2025-3-1"), ("lines.0.invoice_date", "20250301"), ("lines.0.invoice_date", None),
    ("lines.0.paid_on", "2025-02-29"), ("lines.0.paid_on", "2025-W10-1"), ("lines.0.paid_on", "２０２５-03-01"),
    ("lines.0.paid_on", "2025-03-01T00:00:00"), ("lines.0.amount", "-0.01"), ("lines.0.amount", "1,000.00"),
    ("lines.0.amount", "NaN"), ("lines.0.tax", "6%"), ("lines.0.tax", "-0.01"), ("lines.0.paid", "+1.00"),
    ("lines.0.paid", "-0.01"), ("lines.0.paid", 106000), ("lines.0.paid", "1060.005"), ("lines.0.seller_related", "false"),
    ("lines.0.seller_related", 0), ("lines.0.subsidised_elsewhere", None), ("lines.1.amount", "0.01"),
    ("lines.1.tax", "0.01"), ("lines.1.paid", "0.01"), ("lines.1.reverses", None), ("lines.1.reverses", ""),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value"), MALFORMED, ids=lambda v: ascii(v)[:30])
def test_a_malformed_value_is_an_error_of_its_case(path, value):
    case = changed(ordinary_case(), {"lines": [{}, RED]})
    answer = assess(changed(case, {path: value}))
    assert answer["error"]["code"] == "malformed_value"
    assert answer["error"]["message"].endswith("。")
    assert set(answer) == {"case", "error"}
    assert answer["case"] == ("A1" if path != "case" else {"\ud800": "?"}.get(value, value))


def test_lines_that_are_no_array_are_malformed():
    for lines in (None, {}, "L1", 1):
        assert assess({**ordinary_case(), "lines": lines})["error"]["code"] == "malformed_value"


@pytest.mark.parametrize(
    "path", ["case", "applicant", "lines", "cap_used", "applicant.city", "lines.0.paid", "lines.1.tax"]
)
def test_a_missing_key_is_named(path):
    case = changed(ordinary_case(), {"lines": [{}, RED]})
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    target = case
    for part in parents:
        target = target[part]
    del target[last]
    answer = assess(case)
    assert answer["error"]["code"] == "missing_key"
    assert last in answer["error"]["message"]


@pytest.mark.parametrize("path", ["rate", "applicant.name", "lines.0.note", "lines.1.service", "lines.1.invoice_date"])
def test_an_unknown_key_is_named(path):
    answer = assess(changed(changed(ordinary_case(), {"lines": [{}, RED]}), {path: "x"}))
    assert answer["error"]["code"] == "unknown_key"
    assert path.split(".")[-1] in answer["error"]["message"]


@pytest.mark.parametrize(
    ("rows", "ref"),
    [([{"ref": "L0"}, {}, {}], "L1"), ([{}, {**RED, "ref": "L1"}], "L1"), ([{}, RED, RED], "R1")],
)
def test_a_repeated_ref_is_an_error_that_names_it(rows, ref):
    error = assess(changed(ordinary_case(), {"lines": rows}))["error"]
    assert error["code"] == "repeated_ref"
    assert f"“{ref}”" in error["message"]


@pytest.mark.parametrize(
    "code",
    [
        USCC[:-1] + "Q",
        USCC.lower(),
        USCC[:-1],
        USCC + "0",
        " " + USCC,
        "913202140000000000",
        "I" + USCC[1:],
        "１" + USCC[1:],
    ],
)
def test_an_invalid_credit_code_is_an_error(code):
    assert assess(changed(ordinary_case(), {"applicant.uscc": code}))["error"]["code"] == "invalid_uscc"


def test_a_red_letter_needs_an_ordinary_line_of_its_own_case():
    stray = {**RED, "ref": "R2", "reverses": "L9"}
    of_red = {**RED, "ref": "R2", "reverses": "R1"}
    of_itself = {**RED, "reverses": "R1"}
    for rows in ([{}, stray], [{}, RED, of_red], [{}, of_itself], [RED]):
        answer = assess(changed(ordinary_case(), {"lines": rows}))
        assert answer["error"]["code"] == "reversal_without_original"


@pytest.mark.parametrize("year", [2023, 2026, 0, -1, 10**17])
def test_a_year_without_law_is_an_error_and_never_zero(year):
    answer = assess(changed(ordinary_case(), {"fiscal_year": year}))
    assert answer == {"case": "A1", "error": {"code": "no_law_in_force", "message": answer["error"]["message"]}}


@pytest.mark.parametrize("case", [None, 1, "A1", [], True, {}])
def test_a_case_that_is_no_case_has_no_name(case):
    answer = assess(case)
    assert answer["case"] is None
    assert answer["error"]["code"] in ("malformed_value", "missing_key")


def as_text(case: dict) -> str:
    return json.dumps(case, ensure_ascii=False)


def test_one_bad_case_never_hides_the_others():
    good = as_text(ordinary_case())
    bad = [
        "null",
        as_text({**ordinary_case(), "cap_used": "x"}),
        good.replace('"cap_used": "0.00"', '"cap_used": "0.00", "cap_used": "1.00"'),
        good.replace('"fiscal_year": 2025', '"fiscal_year": NaN'),
        good.replace('"fiscal_year": 2025', '"fiscal_year": 2025.0'),
        good.replace('"fiscal_year": 2025', '"fiscal_year": 1' + "0" * 5000),
        good.replace('"A1"', '"\\ud800"'),
        good.replace('"ref": "L1"', '"ref": "L1", "ref": "L1"'),
        good.replace('"city"', '"\\ud800": 1, "city"'),
    ]
    answers = json.loads(assess_text(f"[{good},{','.join(bad)},{good}]"))
    assert len(answers) == len(bad) + 2
    assert answers[0] == answers[-1] == assess(ordinary_case())
    assert [answer["error"]["code"] for answer in answers[1:-1]] == [
        "malformed_value",
        "malformed_value",
        "repeated_key",
        "malformed_value",
        "malformed_value",
        "malformed_value",
        "malformed_value",
        "repeated_key",
        "unknown_key",
    ]


def test_too_many_lines_are_refused():
    rows = [ordinary_line(ref=f"L{i}") for i in range(10_001)]
    assert assess({**ordinary_case(), "lines": rows})["error"]["code"] == "malformed_value"


@pytest.mark.parametrize("text", ["", "{}", "[", "null", "[1,]", '"A1"', "[" * 100_000, "[}", "[] []"])
def test_text_that_is_no_array_is_refused_whole(text):
    with pytest.raises(InputError):
        assess_text(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=5), children, max_size=4),
    max_leaves=8,
)
PATHS = ["case", "scheme", "fiscal_year", "applicant", "applicant.uscc", "applicant.category", "cap_used", "lines.0"]


@given(
    st.sampled_from([*PATHS, "lines.0.ref", "lines.0.paid", "lines.0.paid_on", "lines.1.reverses", "lines.1.tax"]), JSON
)
def test_no_value_anywhere_breaks_the_answer(path, value):
    case = changed(changed(ordinary_case(), {"lines": [{}, RED]}), {path: value})
    [answer] = json.loads(assess_text(json.dumps([case])).encode())
    assert ("error" in answer) != ("granted" in answer)


def run(*arguments: str) -> list:
    out = io.StringIO()
    call_command("assess", *arguments, stdout=out)
    return json.loads(out.getvalue())


def test_the_command_reads_a_file_and_prints_an_array(tmp_path):
    path = tmp_path / "cases.json"
    path.write_text(json.dumps([ordinary_case(), 1]), encoding="utf-8-sig")
    answers = run(str(path))
    assert [answers[0]["granted"], answers[1]["error"]["code"]] == ["31800.00", "malformed_value"]
    path.write_text("[]", encoding="utf-8")
    assert run(str(path)) == []


@pytest.mark.parametrize("content", [None, b"", b"{}", b"[", b"\xff\xfe[", "[“”]".encode("gb18030")])
def test_bad_usage_ends_with_2_and_a_chinese_message(tmp_path, content):
    path = tmp_path / "cases.json"
    if content is not None:
        path.write_bytes(content)
    out = io.StringIO()
    with pytest.raises(CommandError, match="无法测算") as refusal:
        call_command("assess", str(path), stdout=out)
    assert refusal.value.returncode == 2
    assert out.getvalue() == ""


def shell(arguments: list[str], text: str = "", **environment: str) -> subprocess.CompletedProcess:
    """`manage.py assess` in a process of its own, in a locale that is not UTF-8 and with no database to reach."""
    return subprocess.run(
        [sys.executable, "manage.py", "assess", *arguments],
        cwd=ROOT,
        input=text.encode(),
        capture_output=True,
        timeout=300,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "gb18030", "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"},
    )


def test_from_a_shell_standard_input_becomes_utf8_json_on_standard_output():
    done = shell(["-"], json.dumps([ordinary_case()]))
    assert (done.returncode, done.stderr) == (0, b"")
    [answer] = json.loads(done.stdout.decode("utf-8"))
    assert answer == assess(ordinary_case())
    assert "二（三）7".encode() in done.stdout


@pytest.mark.parametrize("arguments", [["-"], [], ["absent.json"], ["--surprise"]])
def test_from_a_shell_bad_usage_exits_with_2_and_prints_nothing(arguments):
    done = shell(arguments, "{not json")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr
