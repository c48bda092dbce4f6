"""“算一算能补多少”: the figures of the rules, explained, and bad input kept."""

import re
from decimal import Decimal

import pytest

from tests import factories
from vouchers.portal.public import calculator

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_files(settings):
    """Leave out what only serves files: each new client would list them all."""
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "whitenoise" not in each]


def ask(client, **figures):
    return client.get("/", {"category": "digital_enterprise", "local": "", "external": "", "used": ""} | figures)


def text_of(answer) -> str:
    """What a person reads, without blanks."""
    assert answer.status_code == 200
    return re.sub(r"\s+", "", re.sub(r"<[^>]+>", "", answer.content.decode()))


def test_it_counts_as_the_rules_do_and_says_why(client):
    factories.call()
    page = text_of(ask(client, local="5,800,000", external="２６０００００", used=""))
    assert "①本市智能算力5,800,000.00×30%〔二（三）7〕1,740,000.00" in page
    assert "②外地智能算力2,600,000.00×15%〔二（三）7〕390,000.00" in page
    assert "③两项合计2,130,000.00" in page
    assert "④超过年度上限的部分上限2,000,000.00，今年已获0.00〔二（三）7〕−130,000.00" in page
    assert "预计补助¥2,000,000.00" in page
    assert "费用再多补助也不会增加" in page


def test_what_was_obtained_this_year_takes_room(client):
    factories.call()
    assert "预计补助¥500,000.00" in text_of(ask(client, local="5800000", used="1500000"))
    assert "预计补助¥0.00" in text_of(ask(client, local="5800000", used="9000000"))


def test_rates_are_those_of_the_call_and_a_fen_is_dropped(client):
    factories.call(local_rate=Decimal("0.2"), external_rate=Decimal("0.1"))
    page = text_of(ask(client, local="0.09", external="100.19"))
    assert "0.09×20%〔二（三）7〕0.01" in page
    assert "预计补助¥10.02" in page


def test_a_body_outside_the_scope_gets_nothing_and_reads_why(client):
    factories.call()
    page = text_of(ask(client, category="other", local="100"))
    assert "预计补助¥0.00" in page
    assert "不在支持范围" in page


def test_under_a_waiting_list_the_pool_cuts_nothing_but_is_mentioned(client):
    factories.call(pool_fen=1_000_000)
    page = text_of(ask(client, local="1000000"))
    assert "预计补助¥300,000.00" in page
    assert "资金池现在可用10,000.00元，不够全额安排" in page


def test_first_come_is_cut_to_what_the_pool_has(client):
    factories.call(pool_fen=1_000_000, shortage="first_come")
    page = text_of(ask(client, local="1000000"))
    assert "超过资金池余额的部分资金池可用10,000.00〔二（三）7〕−290,000.00" in page
    assert "预计补助¥10,000.00" in page


@pytest.mark.parametrize("basis", ["paid", "incl_tax", "excl_tax"])
def test_the_amount_typed_is_the_base_whatever_the_tax_basis(client, basis):
    factories.call(tax_basis=basis)
    assert "1,000,000.00×30%" in text_of(ask(client, local="1000000"))
    assert calculator._BASES[basis] in text_of(client.get("/"))


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({}, "至少填一项"),
        ({"local": "很多"}, "写法不对"),
        ({"local": "-5"}, "不能小于"),
        ({"local": "1e9"}, "写法不对"),
        ({"local": "9" * 20}, "过大"),
        ({"local": "5", "category": "nobody"}, "选择"),
    ],
)
def test_bad_figures_are_named_and_kept(client, typed, words):
    factories.call()
    answer = ask(client, **typed)
    page = answer.content.decode()
    assert words in text_of(answer)
    assert "还没有算出来" in page
    if typed.get("local"):
        assert f'value="{typed["local"]}"' in page


def test_before_anybody_typed_an_example_stands_there_and_says_so(client):
    factories.call()
    page = text_of(client.get("/"))
    assert "举例：本市、外地各付100万元" in page
    assert "预计补助¥450,000.00" in page
