"""The books and the audit trail as auditors see them."""

import csv
import io

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import AuditEntry
from audit.services import record
from tests import factories
from tests.finance.conftest import latest_job, run, signed_in
from vouchers.admin.finance.books import harmless
from vouchers.admin.finance.trail import details_of
from vouchers.disbursement.books_check import latest_finding
from vouchers.jobs.models import Job
from vouchers.ledger import kinds

pytestmark = pytest.mark.django_db


def text(answer):
    return answer.content.decode()


def note(number, **changes):
    given = {"actor": "user:7 王五", "action": "batch.open", "subject": f"batch:{number}", "detail": {"number": "P1"}}
    record(at=settings.CLOCK.now(), **given | changes)


def test_the_years_pool_adds_up(batch_in, auditor):
    batch_in("open", 2)
    pool = auditor.get("/admin/books/").context["pool"]
    assert pool["agrees"]
    assert (pool["appropriated_fen"], pool["held_fen"], pool["paid_fen"]) == (5_000_000_000, 6_360_000, 0)
    assert pool["free_fen"] == 5_000_000_000 - 6_360_000


def test_an_account_is_found_by_the_claim_and_shows_its_transfers(payable, auditor):
    _, (claim,) = payable(1)
    page = auditor.get("/admin/books/", {"q": claim.number})
    names = [row["name"] for row in page.context["page"].object_list]
    assert f"申请占用，{claim.number}，无锡示范1科技有限公司" in names
    found = text(auditor.get("/admin/books/account/", {"key": kinds.held(claim.pk)}))
    assert "31,800.00" in found
    assert "资金池" in found
    assert auditor.get("/admin/books/account/", {"key": "held:999999"}).status_code == 404


def test_transfers_come_fifty_at_a_time_and_none_twice(office, auditor):
    call = factories.call()
    key = kinds.pool(call.scheme, call.fiscal_year)
    page = auditor.get("/admin/books/account/", {"key": key})
    assert page.context["more"] is None
    first = page.context["rows"][0]
    assert auditor.get("/admin/books/account/", {"key": key, "before": first["row"].pk}).context["rows"] == []


def test_the_ledger_of_a_year_is_sent_as_harmless_csv(payable, desk):
    payable(1)
    year = settings.CLOCK.today().year
    answer = desk.get("/admin/books/ledger/", {"year": year})
    lines = list(csv.reader(io.StringIO(b"".join(answer).decode("utf-8-sig"))))
    kinds_ = {line[2] for line in lines[1:]}
    assert lines[0][:3] == ["序号", "发生时间", "类型"]
    assert kinds_ <= {"拨入", "占用"}
    assert "31800.00" in {line[5] for line in lines}
    assert harmless("=1+1") == "'=1+1"
    assert harmless("无锡") == "无锡"
    for wrong in ("", "x", "1"):
        assert desk.get("/admin/books/ledger/", {"year": wrong}).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_the_check_runs_in_the_background_and_its_result_is_kept(payable, auditor):
    payable(1)
    assert "还没有核对过" in text(auditor.get("/admin/trail/"))
    assert auditor.post("/admin/books/check/", {"back": "/admin/trail/"}).url == "/admin/trail/"
    assert "不会重复开始" in text(auditor.post("/admin/books/check/", {"back": "/admin/trail/"}, follow=True))
    assert Job.objects.count() == 1
    assert 'hx-trigger="every 2s"' in text(auditor.get("/admin/books/check/progress/"))
    run(latest_job())
    assert auditor.get("/admin/books/check/progress/")["HX-Refresh"] == "true"
    _, finding = latest_finding()
    assert finding.ok
    assert finding.transfers > 0
    assert "账目、核定结论和审计链相符" in text(auditor.get("/admin/books/"))


@pytest.mark.django_db(transaction=True)
def test_the_next_check_compares_the_chain_with_the_last(payable, auditor):
    payable(1)
    auditor.post("/admin/books/check/", {})
    run(latest_job())
    auditor.post("/admin/books/check/", {})
    run(latest_job())
    _, finding = latest_finding()
    assert finding.against > 0
    assert finding.seq > finding.against


def test_the_way_back_from_the_check_leads_nowhere_else(auditor):
    assert auditor.post("/admin/books/check/", {"back": "https://evil.example/"}).url == "/admin/"


def test_the_trail_is_sifted_by_actor_action_subject_and_day(auditor):
    note(1)
    note(2, actor="user:8 赵六", action="payment.reveal_account", subject="payment:3", ok=False)
    today = settings.CLOCK.today()

    def subjects(**asked):
        return [row["entry"].subject for row in auditor.get("/admin/trail/", asked).context["rows"]]

    assert subjects(actor="赵六") == ["payment:3"]
    assert subjects(action="batch.open") == ["batch:1"]
    assert subjects(subject="batch:") == ["batch:1"]
    assert "payment:3" in subjects(failed="1")
    assert subjects(first="2001-01-01", last="2001-01-02") == []
    assert set(subjects(first=today, last=today)) >= {"batch:1", "payment:3"}
    assert "没有采用" in text(auditor.get("/admin/trail/", {"first": "yesterday"}))


def test_the_trail_pages_by_number_and_asks_as_often_for_fifty_as_for_one(auditor):
    note(0)
    auditor.get("/admin/trail/")
    with CaptureQueriesContext(connection) as few:
        auditor.get("/admin/trail/", {"subject": "batch:0"})
    for number in range(1, 60):
        note(number)
    with CaptureQueriesContext(connection) as many:
        page = auditor.get("/admin/trail/", {"subject": "batch:"})
    assert len(page.context["rows"]) == 50
    assert len(few) == len(many)
    rest = auditor.get("/admin/trail/", {"subject": "batch:", "before": page.context["more"]})
    assert len(rest.context["rows"]) == 10


def test_details_are_words_not_json(auditor):
    said = dict(details_of({"from": "submitted", "to": "accepted", "amount_fen": 123450, "reason": "", "ok": True}))
    assert said == {"原状态": ["已提交"], "新状态": ["已受理"], "金额": ["1,234.50 元"], "成功": ["是"]}
    (moved,) = dict(details_of({"transfers": [{"kind": "hold", "source": "pool:s:2025", "amount_fen": 100}]}))["转账"]
    assert moved == "类型 占用，转出 资金池（pool:s:2025），金额 1.00 元"
    assert details_of(["x"]) == [("内容", ["['x']"])]


def test_markup_in_an_entry_stays_text(auditor):
    note(1, detail={"reason": "<script>alert(1)</script>"})
    assert "<script>alert" not in text(auditor.get("/admin/trail/", {"subject": "batch:1"}))


ALLOWED = {
    "/admin/batches/": {"finance", "auditor"},
    "/admin/books/": {"finance", "auditor", "approver"},
    "/admin/books/account/?key=treasury": {"finance", "auditor", "approver"},
    "/admin/books/ledger/?year=2026": {"finance", "auditor"},
    "/admin/books/check/progress/": {"finance", "auditor", "approver", "audit_admin"},
    "/admin/trail/": {"auditor", "audit_admin"},
}


@pytest.mark.parametrize("role", ["reviewer", "approver", "finance", "auditor", "audit_admin", "system_admin"])
def test_each_role_opens_only_what_is_its_business(role):
    factories.call()
    client = signed_in(factories.user("somebody", role))
    for path, roles in ALLOWED.items():
        assert client.get(path).status_code == (200 if role in roles else 403), (role, path)
    assert client.post("/admin/books/check/", {}).status_code == (
        302 if role in ("finance", "auditor", "approver", "audit_admin") else 403
    )
    assert AuditEntry.objects.filter(action="books.check").count() == 0
