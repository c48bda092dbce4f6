"""`manage.py simulate` on cases of its own: money that comes during the year serves who waited for it."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from .builders import LAW


def ask(tmp_path, **question):
    file = tmp_path / "question.json"
    file.write_text(json.dumps({"scheme": LAW.scheme, "fiscal_year": 2025} | question), encoding="utf-8")
    out = StringIO()
    call_command("simulate", str(file), stdout=out)
    return json.loads(out.getvalue())


def case(name, filed_on):
    line = {
        "ref": "L1", "service": "intelligent", "location": "local", "invoice_date": "2025-03-01", "amount": "100000.00",
        "tax": "6000.00", "paid": "106000.00", "paid_on": "2025-03-15", "seller_related": False,
        "subsidised_elsewhere": False,
    }  # fmt: skip
    applicant = {"uscc": "91320214MA1XPQ3F0P", "category": "cluster_enterprise", "city": "无锡市"}
    return {
        "case": name, "scheme": LAW.scheme, "fiscal_year": 2025, "applicant": applicant, "cap_used": "0.00",
        "pool_available": "0.00", "filed_on": filed_on, "lines": [line],
    }  # fmt: skip


CASES = [case("A", "2025-04-01"), case("B", "2025-05-01")]
SMALL = {"appropriation": "31800.00"}


def test_a_top_up_is_there_from_its_day(tmp_path):
    without = ask(tmp_path, cases=CASES, call=SMALL)["after"]
    assert (without["given"], without["top_ups"], without["exhausted_on"]) == ("31800.00", "0.00", "2025-05-01")
    for day, exhausted_on in (("2025-04-30", None), ("2025-06-01", "2025-05-01")):
        answer = ask(tmp_path, cases=CASES, call=SMALL, top_ups=[{"on": day, "amount": "31800.00"}])["after"]
        assert (answer["given"], answer["unmet"], answer["top_ups"]) == ("63600.00", "0.00", "31800.00")
        assert answer["exhausted_on"] == exhausted_on


@pytest.mark.parametrize(
    "wrong", [{"top_ups": [{"on": "x", "amount": "1.00"}]}, {"top_ups": [{"on": "2025-06-01"}]}, {"top_ups": 5}]
)
def test_top_ups_that_are_none_are_refused(tmp_path, wrong):
    with pytest.raises(CommandError, match="top_ups"):
        ask(tmp_path, cases=CASES, **wrong)


@pytest.mark.parametrize("extra", [{"top_ups": []}])
def test_real_claims_take_theirs_from_the_books(tmp_path, extra):
    with pytest.raises(CommandError, match="只和 cases"):
        ask(tmp_path, **extra)
