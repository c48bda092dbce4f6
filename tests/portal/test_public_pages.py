"""What anybody reads: the offer, the pool, the publicity list, the law, a document's check."""

import datetime as dt
import re
from decimal import Decimal

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests import factories
from vouchers import workflow
from vouchers.documents.services import file_document
from vouchers.portal.public import notices

pytestmark = pytest.mark.django_db

PAGES = ["/", "/publicity/", "/policy/", "/help/", "/verify/"]


@pytest.fixture(autouse=True)
def _no_files(settings):
    """Leave out what only serves files: each new client would list them all."""
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "whitenoise" not in each]


def text_of(answer) -> str:
    """What a person reads, without the blanks between tags."""
    assert answer.status_code == 200
    return re.sub(r"\s+", "", re.sub(r"<[^>]+>", "", answer.content.decode()))


def publicised(number, office, call, product=None):
    """A publicised claim of the firm `number`."""
    firm = factories.firm(number, call, reviewer=office.reviewer)
    claim = factories.ready(firm, product or factories.product(), number, gross_fen=10_600_000 + number)
    return firm, factories.drive(claim, "publicised", firm, office)


@pytest.mark.parametrize("path", PAGES)
def test_a_stranger_may_read_it_before_any_call_exists(client, path):
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("path", PAGES)
def test_its_policy_is_strict_and_its_code_is_in_files(client, path):
    factories.call()
    page = client.get(path).content.decode()
    assert not re.search(r"<style|\sstyle\s*=|\son\w+\s*=|javascript:", page)
    assert not re.search(r"<script(?![^>]*\ssrc=)", page)


def test_without_a_call_home_says_so_and_invents_nothing(client):
    page = text_of(client.get("/"))
    assert "尚未发布申报通知" in page
    assert "算一算" not in page
    assert "万元可用" not in page
    assert "现在没有正在公示的项目" in page


def test_rates_and_cap_are_those_of_the_call(client):
    factories.call(local_rate=Decimal("0.25"), external_rate=Decimal("0.125"), annual_cap_fen=150_000_000)
    page = text_of(client.get("/"))
    assert "用本市算力25%用外地算力12.5%每家每年最高150万元" in page


@pytest.mark.parametrize(
    ("starts", "ends", "words"),
    [(-1, 9, "还有9天"), (-1, 0, "今天是最后一天"), (3, 9, "年度即将申报"), (-9, -1, "年度申报已截止")],
)
def test_home_says_whether_one_may_file_and_how_long(client, starts, ends, words):
    today = settings.CLOCK.today()
    factories.call(filing_from=today + dt.timedelta(starts), filing_until=today + dt.timedelta(ends))
    assert words in text_of(client.get("/"))


def test_an_open_call_is_shown_before_one_that_closed_and_one_to_come():
    today = settings.CLOCK.today()
    closed = factories.call(year=2024, filing_from=today - dt.timedelta(9), filing_until=today - dt.timedelta(1))
    assert notices.call_to_show() == closed
    opened = factories.call(year=2025)
    assert notices.call_to_show() == opened
    assert notices.open_calls() == [opened]


def test_only_the_version_in_force_of_a_year_is_shown():
    factories.call(version=1)
    second = factories.call(version=2)
    assert notices.published_calls() == [second]


def test_the_pool_is_told_as_the_ledger_has_it():
    office, call = factories.office(), factories.call(pool_fen=1_000_000_000)
    amounts = {}
    for number, state in enumerate(["paid", "payable", "submitted", "draft", "rejected"], start=1):
        firm = factories.firm(number, call, reviewer=office.reviewer)
        claim = factories.ready(firm, factories.product(), number)
        amounts[state] = factories.drive(claim, state, firm, office).granted_fen
    pool = notices.pool_of(call)
    fen = {part.name: part.fen for part in pool.parts}
    assert fen["paid"] == amounts["paid"] > 0
    assert fen["approved"] == amounts["payable"] > 0
    assert fen["reserved"] == amounts["submitted"] > 0
    assert sum(fen.values()) == pool.total_fen == 1_000_000_000


def test_every_state_that_holds_money_is_in_one_part_of_the_bar():
    assert {*notices._APPROVED, *notices._UNDER_WAY} == set(workflow.AWAITING_MONEY)
    assert not set(notices._APPROVED) & set(notices._UNDER_WAY)


@pytest.mark.parametrize("total_fen", [1, 999_999, 1_000_000, 7_000_000, 123_456_789, 5_000_000_000, 10**13])
def test_the_bar_and_its_scale_are_whole_whatever_the_pool(total_fen):
    call = factories.call(pool_fen=min(total_fen, 5_000_000_000))
    pool = notices.pool_of(call)
    assert pool.total_fen == min(total_fen, 5_000_000_000)
    assert round(sum(float(part.width.rstrip("%")) for part in pool.parts), 2) == 100
    assert len(notices._ticks(total_fen)) <= 12


def test_the_publicity_list_shows_its_columns_and_nothing_of_a_person(client):
    office, call = factories.office(), factories.call()
    firm, claim = publicised(1, office, call)
    page = text_of(client.get("/publicity/"))
    wan = f"{claim.granted_fen // 1_000_000}.{claim.granted_fen % 1_000_000 // 100:04d}"
    assert f"1{firm.name}滨湖区2025本市" in page
    assert wan in page
    assert f"{claim.publicised_until.day}日" in page
    for secret in (firm.organisation.uscc, "13800000000", "62000000", claim.number, "法人", "经办"):
        assert secret not in page
    home = text_of(client.get("/"))
    assert f"{firm.name}滨湖区本市{wan}" in home


def test_a_claim_leaves_the_list_when_its_publicity_is_over(client):
    office, call = factories.office(), factories.call()
    firm, claim = publicised(1, office, call)
    factories.take(claim, "clear", firm, office)
    assert firm.name not in text_of(client.get("/publicity/"))


def test_the_publicity_list_asks_as_often_for_fifty_claims_as_for_one(client):
    office, call = factories.office(), factories.call()
    publicised(1, office, call)

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert client.get("/publicity/").status_code == 200
        return len(asked)

    for_one = queries()
    product = factories.product()
    for number in range(2, 51):
        publicised(number, office, call, product)
    assert text_of(client.get("/publicity/")).count("2025本市") == 50
    assert queries() == for_one


def test_the_policy_page_quotes_every_clause_verbatim(client):
    page = text_of(client.get("/policy/"))
    for law in notices.law_texts():
        for clause in law.clauses:
            assert re.sub(r"\s+", "", clause.text) in page
            assert clause.citation in page
    assert "征求意见稿" in page


def test_every_clause_of_every_law_is_on_the_page_or_within_a_longer_one():
    shown = [clause.text for text in notices.law_texts() for clause in text.clauses]
    for law in notices.all_laws():
        for value in law.values().values():
            assert any(value.clause in words for words in shown)


def test_a_document_is_verified_by_its_code_however_it_is_typed(client):
    document = file_document(
        kind="letter",
        subject="payment:1",
        title="拨款通知书 无锡示范1科技有限公司",
        file_name="机密.pdf",
        short_code="ABCD2345EFGH",
        content=b"%PDF-1.7",
    )
    for typed in ("ABCD2345EFGH", "abcd-2345-efgh", " abcd 2345 efgh "):
        page = text_of(client.get("/verify/", {"code": typed}))
        assert "是本系统出具的文书" in page
        assert document.sha256 in page
        assert "拨款通知书无锡示范1科技有限公司" in page
        assert "机密" not in page
        assert document.stored_name not in page


@pytest.mark.parametrize("code", ["NOSUCHCODE22", "<script>alert(1)</script>", "\x00A", "码" * 300, "%"])
def test_an_unknown_code_is_refused_whatever_was_typed(client, code):
    answer = client.get("/verify/", {"code": code})
    assert "没有查到这个查验码" in text_of(answer)
    assert "<script>alert" not in answer.content.decode()


def test_who_sees_which_way_in():
    office, call = factories.office(), factories.call()
    firm = factories.firm(1, call)
    for person, there, missing in [
        (None, "开始申报", "本单位"),
        (firm.clerk, "本单位", "工作台"),
        (factories.user("bare"), "登记单位", "我的申报"),
        (office.reviewer.user, "工作台", "我的申报"),
    ]:
        client = Client()
        if person:
            client.force_login(person)
        page = text_of(client.get("/"))
        assert there in page
        assert missing not in page
