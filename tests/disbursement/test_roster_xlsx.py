"""The roster as a workbook: same columns as on paper, amounts as numbers, text that never computes."""

import io
import re
import zipfile
from xml.etree import ElementTree

import pytest

from tests.documents.builders import roster, row
from vouchers.disbursement.roster_xlsx import COLUMNS, roster_xlsx
from vouchers.documents.printing.plan import HEADINGS

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def parts(content):
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert archive.testzip() is None
    return {name: archive.read(name).decode() for name in archive.namelist()}


def cells(content):
    """Every cell by its address: (kind, value); kind is "s" for text and "n" for a number."""
    files = parts(content)
    texts = [
        "".join(t.text or "" for t in item.iter(f"{MAIN}t"))
        for item in ElementTree.fromstring(files["xl/sharedStrings.xml"])
    ]
    found = {}
    for cell in ElementTree.fromstring(files["xl/worksheets/sheet1.xml"]).iter(f"{MAIN}c"):
        value = cell.find(f"{MAIN}v")
        if value is not None:
            kind = cell.get("t", "n")
            found[cell.get("r")] = (kind, texts[int(value.text)] if kind == "s" else value.text)
    return found


def under(found, heading):
    """The cells of the column with this heading, from the first payment on."""
    at = next(address for address, (_, value) in found.items() if value == heading)
    letter, first = re.fullmatch(r"([A-Z]+)(\d+)", at).groups()
    return letter, int(first) + 1


def test_every_column_of_the_paper_is_there_in_its_order():
    found = cells(roster_xlsx(roster(3)))
    headings = ["\n".join(HEADINGS[field]) for field in COLUMNS]
    letters = [under(found, heading)[0] for heading in headings]
    assert letters == [chr(ord("A") + number) for number in range(len(COLUMNS))]


def test_amounts_are_numbers_that_add_up_to_the_batch():
    sheet = roster(40)
    found = cells(roster_xlsx(sheet))
    letter, first = under(found, "核拨金额")
    paid = [found[f"{letter}{first + number}"] for number in range(41)]
    assert {kind for kind, _ in paid} == {"n"}
    fen = [round(float(value) * 100) for _, value in paid]
    assert fen[:-1] == [row.amount_fen for row in sheet.rows]
    assert fen[-1] == sum(fen[:-1]) == sheet.total_fen


def test_the_largest_amount_keeps_its_last_fen():
    sheet = roster(1, rows=(row(amount_fen=10**15 - 1),))
    found = cells(roster_xlsx(sheet))
    letter, first = under(found, "核拨金额")
    assert found[f"{letter}{first}"] == ("n", "9999999999999.99")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", "＝", "'"])
def test_no_text_becomes_a_formula(start):
    name = start + 'HYPERLINK("http://evil.example","x")'
    content = roster_xlsx(roster(1, rows=(row(payee=name, bank=start + "1+1", remark=start + "cmd"),)))
    files, found = parts(content), cells(content)
    assert "<f>" not in files["xl/worksheets/sheet1.xml"]
    assert "hyperlink" not in files["xl/worksheets/sheet1.xml"].lower()
    letter, first = under(found, "收款单位全称")
    assert found[f"{letter}{first}"][0] == "s"
    assert 'quotePrefix="1"' in files["xl/styles.xml"]


def test_accounts_and_codes_stay_text_with_every_digit():
    account = "6222021103012345678"
    found = cells(roster_xlsx(roster(1, rows=(row(account=account),))))
    letter, first = under(found, "账号")
    assert found[f"{letter}{first}"] == ("s", account)


def test_it_prints_on_a4_across_with_its_head_on_every_page():
    files = parts(roster_xlsx(roster(60)))
    page = files["xl/worksheets/sheet1.xml"]
    setup = re.search(r"<pageSetup [^>]*>", page).group()
    assert 'paperSize="9"' in setup
    assert 'orientation="landscape"' in setup
    assert 'state="frozen"' in page
    assert "Print_Titles" in files["xl/workbook.xml"]


def test_the_same_sheet_gives_the_same_bytes():
    assert roster_xlsx(roster(5)) == roster_xlsx(roster(5))
