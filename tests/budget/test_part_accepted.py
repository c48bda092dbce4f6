"""The head of the queue may accept what there is; nobody else may, nobody is passed, and the rest is gone for good."""

import pytest

from tests import factories
from tests.at_once import at_once
from vouchers.budget.checks import check_budget
from vouchers.budget.services import promote, promote_all
from vouchers.ledger.selectors import held_fen, pool_available_fen
from vouchers.review.errors import ReviewRefused
from vouchers.review.funding import offer_of
from vouchers.review.part import accept_part
from vouchers.review.replay import check_review
from vouchers.review.services import fire

SUBSIDY = 3_180_000
LEFT = 1_000_000
pytestmark = pytest.mark.django_db


def made_queue(office, count=3):
    """A claim that is served, and others that wait; LEFT lies in the pool."""
    call = factories.call(pool_fen=SUBSIDY + LEFT)
    product = factories.product()
    firms = [factories.firm(n, call, reviewer=office.reviewer) for n in range(1, count + 1)]
    return firms, [factories.submitted(firm, product, n) for n, firm in enumerate(firms, start=1)], product


@pytest.fixture
def queue(office):
    return made_queue(office)


def fresh(claim):
    claim.refresh_from_db()
    return claim


def pool():
    return pool_available_fen("compute_voucher", 2025)


def test_the_head_accepts_what_the_pool_has_and_the_rest_is_waived(office, queue):
    firms, (served, head, behind), _ = queue
    assert offer_of(head) == (LEFT, SUBSIDY)
    event = accept_part(head, LEFT, actor=firms[1].actor)
    assert (fresh(head).granted_fen, head.waiting, held_fen(head.pk), head.state) == (LEFT, False, LEFT, "submitted")
    assert "10,000.00 元" in event.reason
    assert "31,800.00 元" in event.reason
    decision = head.decisions.latest("pk")
    assert (decision.binding, decision.computed_fen) == ("part", SUBSIDY)
    assert "其余放弃" in [s for s in decision.result["decision"]["trace"] if s["rule"] == "allotment"][0]["outcome"]
    assert pool() == 0
    assert [*check_budget(), *check_review()[1]] == []
    # Money that comes later is the next one's, not the rest of the one who waived it.
    fire(served, "withdraw", actor=firms[0].actor)
    assert promote_all() == 1
    assert (held_fen(head.pk), held_fen(behind.pk)) == (LEFT, SUBSIDY)


def test_what_was_waived_stays_waived_through_correction_and_review(office, queue):
    firms, (served, head, behind), product = queue
    accept_part(head, LEFT, actor=firms[1].actor)
    for claim, firm in ((served, firms[0]), (behind, firms[2])):
        fire(claim, "withdraw", actor=firm.actor)
    factories.take(head, "return", firms[1], office)
    factories.add_invoice(head, firms[1], product, 9)
    for verb in ("resubmit", "accept", "review"):
        factories.take(head, verb, firms[1], office)
    assert fresh(head).granted_fen == held_fen(head.pk) == LEFT
    assert head.computed_fen == 2 * SUBSIDY
    assert factories.take(head, "approve", firms[1], office).target == "approved"
    assert [*check_budget(), *check_review()[1]] == []


def test_an_appeal_starts_anew(office, queue):
    firms, (served, head, behind), _ = queue
    accept_part(head, LEFT, actor=firms[1].actor)
    factories.take(head, "reject", firms[1], office)
    for claim, firm in ((served, firms[0]), (behind, firms[2])):
        fire(claim, "withdraw", actor=firm.actor)
    factories.take(head, "appeal", firms[1], office)
    assert fresh(head).granted_fen == SUBSIDY


def test_a_reviewed_claim_goes_back_to_its_reviewer_for_the_new_amount(office, queue):
    firms, (_, head, _), _ = queue
    for verb in ("accept", "review"):
        factories.take(head, verb, firms[1], office)
    assert accept_part(head, LEFT, actor=firms[1].actor).target == "accepted"
    factories.take(head, "review", firms[1], office)
    factories.take(head, "approve", firms[1], office)
    assert fresh(head).granted_fen == held_fen(head.pk) == LEFT


def test_only_the_head_only_what_there_is_and_only_its_applicant(office, queue):
    firms, (served, head, behind), _ = queue
    for claim, firm, fen, said in (
        (behind, firms[2], LEFT, "第 1 位"),
        (served, firms[0], LEFT, "第 1 位"),
        (head, firms[1], LEFT - 1, "余额刚刚变为 10,000.00"),
        (head, firms[1], LEFT + 1, "余额刚刚变为 10,000.00"),
        (head, firms[1], None, "余额刚刚变为"),
    ):
        with pytest.raises(ReviewRefused, match=said):
            accept_part(claim, fen, actor=firm.actor)
    for stranger in (firms[2].actor, office.reviewer):
        with pytest.raises(ReviewRefused, match="只能由"):
            accept_part(head, LEFT, actor=stranger)
    assert (pool(), fresh(head).waiting) == (LEFT, True)


def test_with_an_empty_pool_there_is_no_offer(office):
    call = factories.call(pool_fen=SUBSIDY)
    product = factories.product()
    firms = [factories.firm(n, call, reviewer=office.reviewer) for n in (1, 2)]
    head = [factories.submitted(firm, product, n) for n, firm in enumerate(firms, start=1)][1]
    assert offer_of(head) is None


@pytest.mark.django_db(transaction=True)
def test_to_accept_part_and_to_be_served_at_the_same_instant_gives_one_of_both():
    office = factories.office()
    firms, (served, head, behind), _ = made_queue(office)
    actor = firms[1].actor
    accept = [lambda: accept_part(head, LEFT, actor=actor)] * 3
    at_once([*accept, lambda: fire(served, "withdraw", actor=firms[0].actor), promote_all])
    promote_all()
    held = held_fen(head.pk)
    assert held in (LEFT, SUBSIDY)
    assert head.events.filter(verb="accept_part").count() == (held == LEFT)
    assert held + held_fen(behind.pk) + pool() == SUBSIDY + LEFT
    assert [*check_budget(), *check_review()[1]] == []


@pytest.mark.django_db(transaction=True)
def test_money_released_promotes_at_once_without_the_sweep():
    office = factories.office()
    firms, (served, head, _), _ = made_queue(office)
    fire(served, "withdraw", actor=firms[0].actor)
    assert held_fen(head.pk) == SUBSIDY


@pytest.mark.django_db(transaction=True)
def test_a_queue_that_cannot_be_served_never_undoes_the_step_that_released(monkeypatch):
    office = factories.office()
    firms, (served, head, _), _ = made_queue(office)

    def refuse(*year, **most):
        raise ReviewRefused("测试故障")

    monkeypatch.setattr("vouchers.review.promotion.promote", refuse)
    fire(served, "withdraw", actor=firms[0].actor)
    monkeypatch.undo()
    assert fresh(served).state == "withdrawn"
    assert (held_fen(head.pk), promote("compute_voucher", 2025)) == (0, 1)


@pytest.mark.django_db(transaction=True)
def test_first_come_at_once_cuts_one_and_closes_the_filing():
    office, product = factories.office(), factories.product()
    call = factories.call(pool_fen=2 * SUBSIDY + LEFT, shortage="first_come")
    firms = [factories.firm(n, call, reviewer=office.reviewer) for n in range(1, 7)]
    ready = [factories.ready(firm, product, n) for n, firm in enumerate(firms, start=1)]
    answers = at_once([lambda c=c, f=f: fire(c, "submit", actor=f.actor) for c, f in zip(ready, firms, strict=True)])
    assert sorted(held_fen(claim.pk) for claim in ready) == [0, 0, 0, LEFT, SUBSIDY, SUBSIDY]
    refused = [answer for answer in answers if isinstance(answer, Exception)]
    assert len(refused) == 3
    assert all("资金已经用完" in str(answer) for answer in refused)
    # What is given back later opens the filing for nobody; but an appeal is no new filing.
    winner = next(c for c in ready if held_fen(c.pk) == SUBSIDY)
    firm = firms[ready.index(winner)]
    factories.take(winner, "reject", firm, office)
    loser = next(c for c in ready if fresh(c).state == "draft")
    with pytest.raises(Exception, match="资金已经用完"):
        fire(loser, "submit", actor=firms[ready.index(loser)].actor)
    factories.take(winner, "appeal", firm, office)
    assert held_fen(winner.pk) == SUBSIDY
    assert [*check_budget(), *check_review()[1]] == []
