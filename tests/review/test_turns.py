"""A decision is made before its claim's turn in the filing queue, and holds only if the books still say the same then."""

from dataclasses import replace

import pytest

from tests import factories
from vouchers.claims import services as claims
from vouchers.claims.models import FilingQueue
from vouchers.ledger.selectors import held_fen, pool_and_room_fen
from vouchers.review import funding, steps

pytestmark = pytest.mark.django_db

BIG = {"gross_fen": 500_000_000}  # 1.5 million yuan of subsidy, of a yearly cap of 2 million


@pytest.fixture
def answers(monkeypatch):
    """What the books answered; the first `stale` answers are given instead of the truth."""
    given, stale = [], []

    def answer(truth):
        given.append(stale.pop(0) if stale else truth)
        return given[-1]

    def read_with_claim(*args):
        reading = read(*args)
        in_turn = reading.balances_fen and reading.claim.call.shortage == "waitlist"
        return replace(reading, balances_fen=answer(reading.balances_fen)) if in_turn else reading

    read = steps.read
    monkeypatch.setattr(steps, "read", read_with_claim)
    monkeypatch.setattr(funding, "pool_and_room_fen", lambda *key: answer(pool_and_room_fen(*key)))
    return given, stale


@pytest.mark.parametrize("shortage", ["waitlist", "first_come"])
def test_what_changed_before_the_turn_is_decided_again_under_the_lock(answers, shortage):
    given, stale = answers
    firm = factories.firm(1, factories.call(shortage=shortage), reviewer=factories.officer("shenhe", "reviewer"))
    product = factories.product()
    factories.submitted(firm, product, 1, **BIG)
    given.clear()
    stale.append((10**12, 200_000_000))  # as if the first claim had held nothing yet
    claim = factories.submitted(firm, product, 2, **BIG)
    claim.refresh_from_db()
    assert len(given) == 2
    assert (claim.granted_fen, held_fen(claim.pk), claim.queue_number) == (50_000_000, 50_000_000, 2)
    assert claim.decisions.get().binding == "annual_cap"
    assert FilingQueue.objects.get().last_number == 2


def test_the_pool_may_change_before_a_turn_that_it_does_not_cut(answers):
    given, stale = answers
    firm = factories.firm(1, factories.call(), reviewer=factories.officer("shenhe", "reviewer"))
    stale.append((1, None))
    claim = factories.submitted(firm, factories.product(), 1)
    claim.refresh_from_db()
    assert len(given) == 1
    assert not claim.waiting
    assert held_fen(claim.pk) == claim.granted_fen


def test_what_another_claim_took_of_an_invoice_before_the_turn_is_decided_again(monkeypatch):
    """Papers are read before they are bound; two halves of one invoice never count more than the whole."""
    call = factories.call(tax_basis="incl_tax")
    firm = factories.firm(1, call, reviewer=factories.officer("shenhe", "reviewer"))
    product, half_fen = factories.product(), 5_300_000
    first = factories.submitted(firm, product, 1, paid_fen=half_fen)
    invoice = first.allocations.get().invoice
    second = factories.draft(firm)
    factories.pay(second, firm, invoice, "S2", half_fen)
    claims.declare_line(second, invoice.lines.get(), product, user=firm.clerk)
    factories.complete(second, firm)
    read, seen = steps.read, []

    def read_before(*args):
        reading = read(*args)
        for bill in reading.papers[0]:
            seen.append(bill["allocated_fen"])
            bill["allocated_fen"] = 0  # as if the first claim had not been submitted yet
        return reading

    monkeypatch.setattr(steps, "read", read_before)
    factories.fire(second, "submit", actor=firm.actor)
    second.refresh_from_db()
    assert seen == [half_fen]
    assert held_fen(first.pk) + held_fen(second.pk) == 3_180_000
    assert (second.queue_number, FilingQueue.objects.get().last_number) == (2, 2)
