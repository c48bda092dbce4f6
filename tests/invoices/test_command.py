"""`manage.py read_invoice`: the fixed shape, one item a file, and no database anywhere (no test here may use one)."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from . import make

ROOT = Path(__file__).parents[2]
FACTS = make.Facts(lines=[make.compute_line(), make.discount_line()])


def run(*names: object) -> list[dict]:
    """The items printed for the files of these names."""
    out = io.StringIO()
    call_command("read_invoice", *map(str, names), stdout=out)
    return json.loads(out.getvalue())


def written(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_an_invoice_is_printed_in_the_keys_of_the_contract(tmp_path):
    path = written(tmp_path, "a.ofd", make.ofd(FACTS))

    assert run(path) == [
        {
            "file": str(path),
            "carrier": "ofd",
            "kind": "数电专票",
            "number": "26322000000000000017",
            "code": "",
            "check_code": "",
            "date": "2026-05-08",
            "buyer_name": "无锡示例人工智能有限公司",
            "buyer_id": "91320214MA00000028",
            "seller_name": "示例智算科技（无锡）有限公司",
            "seller_id": "91320214MA00000010",
            "amount": "108000.00",
            "tax": "6480.00",
            "total": "114480.00",
            "red": False,
            "remark": "合同编号：SL-2026-0001",
            "lines": [
                {
                    "name": "*信息技术服务*智能算力服务费",
                    "spec": "A800 8卡",
                    "unit": "卡时",
                    "quantity": "12000",
                    "unit_price": "10",
                    "amount": "120000.00",
                    "tax_rate": "6%",
                    "tax": "7200.00",
                },
                {
                    "name": "*信息技术服务*智能算力服务费",
                    "spec": "",
                    "unit": "",
                    "quantity": "",
                    "unit_price": "",
                    "amount": "-12000.00",
                    "tax_rate": "6%",
                    "tax": "-720.00",
                },
            ],
            "warnings": [],
        }
    ]


def test_a_bad_file_hides_no_other_and_the_order_is_kept(tmp_path):
    good = written(tmp_path, "good.xml", make.xml(FACTS))
    doubtful = written(
        tmp_path, "doubtful.xml", make.changed_xml(FACTS, "<TotalTaxAm>6480.00<", "<TotalTaxAm>6480.01<")
    )
    empty = written(tmp_path, "empty.xml", b"")
    scan = written(tmp_path, "scan.pdf", b"%PDF-1.7")

    items = run(empty, good, tmp_path / "missing.ofd", scan, tmp_path, doubtful, good)

    assert [Path(item["file"]).name for item in items[:4]] == ["empty.xml", "good.xml", "missing.ofd", "scan.pdf"]
    assert [item["error"]["code"] if "error" in item else item["number"] for item in items] == [
        "empty_file",
        FACTS.number,
        "file_missing",
        "pdf_damaged",
        "file_unreadable",
        FACTS.number,
        FACTS.number,
    ]
    assert all(item["error"].keys() == {"code", "message"} for item in items if "error" in item)
    assert {warning["code"] for warning in items[5]["warnings"]} == {"total_mismatch", "lines_tax_mismatch"}


def test_a_file_of_sixty_megabytes_is_refused_by_its_size_alone(tmp_path):
    path = tmp_path / "big.ofd"
    with path.open("wb") as file:
        file.truncate(60 * 2**20)

    [item] = run(path)

    assert item["error"]["code"] == "too_large"


def test_no_file_at_all_is_bad_usage():
    with pytest.raises(CommandError):
        run()


def shell(*arguments: object, **environment: str) -> subprocess.CompletedProcess:
    """The command as scripts run it, on a database that does not exist."""
    return subprocess.run(
        [sys.executable, "manage.py", "read_invoice", *map(os.fspath, arguments)],
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=300,
        env={**os.environ, "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", **environment},
    )


def test_from_a_shell_it_prints_utf_8_whatever_the_locale_and_needs_no_database(tmp_path):
    path = written(tmp_path, "发票.xml", make.xml(FACTS))

    done = shell(path, LC_ALL="C", PYTHONIOENCODING="latin-1", PYTHONUTF8="1")

    assert (done.returncode, done.stderr) == (0, b"")
    [item] = json.loads(done.stdout.decode("utf-8"))
    assert item["seller_name"] == FACTS.seller_name
    assert FACTS.seller_name.encode() in done.stdout


@pytest.mark.parametrize("arguments", [[], ["--unknown", "x.xml"]])
def test_from_a_shell_bad_usage_exits_with_2_and_prints_nothing(arguments):
    done = shell(*arguments)

    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr
