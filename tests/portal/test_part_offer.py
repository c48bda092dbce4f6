"""What the applicant sees of the shortage: its place, the head's offer, the settlement to come, the filing that closed."""

import datetime as dt

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from tests import factories
from vouchers.ledger.selectors import held_fen
from vouchers.review.services import fire

SUBSIDY, LEFT = 3_180_000, 1_000_000
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_files(settings):
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "whitenoise" not in each]


def client_of(firm):
    client = Client()
    client.force_login(firm.clerk)
    return client


@pytest.fixture
def queue():
    office, product = factories.office(), factories.product()
    call = factories.call(pool_fen=SUBSIDY + LEFT)
    firms = [factories.firm(n, call, reviewer=office.reviewer) for n in (1, 2, 3)]
    return firms, [factories.submitted(firm, product, n) for n, firm in enumerate(firms, start=1)]


def text(client, name, claim):
    return client.get(reverse(name, args=[claim.number])).content.decode()


def accept(client, claim, **changes):
    typed = {"offered": LEFT, "version": claim.version, "agreed": "on"} | changes
    return client.post(reverse("claim_part", args=[claim.number]), typed)


def test_the_head_is_offered_what_there_is_and_the_others_their_place(queue):
    firms, (_, head, behind) = queue
    client = client_of(firms[1])
    page = text(client, "claim", head)
    assert "资金池现有10,000.00元，不够全额31,800.00元" in page
    assert reverse("claim_part", args=[head.number]) in page
    assert "轮候第2位，等待资金" in text(client_of(firms[2]), "claim", behind)
    assert "其余21,800.00元放弃" in text(client, "claim_part", head)
    # Nothing to choose from for who is not the head.
    answer = client_of(firms[2]).get(reverse("claim_part", args=[behind.number]))
    assert (answer.status_code, answer.url) == (302, reverse("claim", args=[behind.number]))


def test_it_accepts_exactly_what_it_was_shown_with_its_consent(queue):
    firms, (_, head, _) = queue
    client = client_of(firms[1])
    for changes, said in (
        ({"agreed": ""}, "请先勾选确认"),
        ({"offered": LEFT - 1}, "余额刚刚变为"),
        ({"version": 0}, "刚刚被他人处理过"),
    ):
        answer = accept(client, head, **changes)
        assert (answer.status_code, said in answer.content.decode()) == (409, True)
    assert held_fen(head.pk) == 0
    assert accept(client, head).status_code == 302
    assert held_fen(head.pk) == LEFT
    decision = text(client, "claim_decision", head)
    assert "接受先安排 10,000.00 元，其余放弃" in decision
    assert "接受部分安排，放弃的部分" in decision
    assert accept(client, head).status_code == 409


def test_anothers_claim_is_not_found_and_nothing_changes(queue):
    firms, (_, head, _) = queue
    assert accept(client_of(firms[2]), head).status_code == 404
    assert held_fen(head.pk) == 0


def test_who_waits_for_a_settlement_reads_when_it_comes():
    office = factories.office()
    until = settings.CLOCK.today() + dt.timedelta(days=5)
    call = factories.call(shortage="pro_rata", filing_until=until)
    firm = factories.firm(1, call, reviewer=office.reviewer)
    claim = factories.submitted(firm, factories.product(), 1)
    page = text(client_of(firm), "claim", claim)
    assert "等待申报期满后按比例结算" in page
    assert "轮候第" not in page


def test_when_first_come_is_spent_a_draft_reads_that_the_filing_closed():
    office, product = factories.office(), factories.product()
    call = factories.call(pool_fen=SUBSIDY, shortage="first_come")
    first, second = (factories.firm(n, call, reviewer=office.reviewer) for n in (1, 2))
    draft = factories.ready(second, product, 2)
    assert "申报提前截止" not in text(client_of(second), "claim", draft)
    factories.submitted(first, product, 1)
    assert "资金已经用完，申报提前截止" in text(client_of(second), "claim", draft)
    with pytest.raises(Exception, match="资金已经用完"):
        fire(draft, "submit", actor=second.actor)
