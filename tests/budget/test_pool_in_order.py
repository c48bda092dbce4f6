"""The pool is spent in the order of filing, within the pool and the yearly cap, whatever happens in between."""

import pytest
from django.db import transaction

from audit.models import AuditEntry
from tests import factories
from tests.at_once import at_once
from vouchers.budget.services import BudgetError, appropriate, promote, promote_all
from vouchers.calls.models import Call
from vouchers.claims import services as claims
from vouchers.claims.models import Claim
from vouchers.ledger.selectors import cap_used_fen, held_fen, pool_available_fen
from vouchers.review.errors import NotFunded, NothingToGrant
from vouchers.review.services import fire

SUBSIDY = 3_180_000
BIG = {"gross_fen": 500_000_000}  # 1.5 million yuan of subsidy
pytestmark = pytest.mark.django_db


def pool():
    return pool_available_fen("compute_voucher", 2025)


def firms(office, call, count):
    return [factories.firm(number, call, reviewer=office.reviewer) for number in range(1, count + 1)]


def fresh(claim):
    claim.refresh_from_db()
    return claim


def money(claim):
    fresh(claim)
    return claim.granted_fen, claim.waiting, held_fen(claim.pk)


def test_money_is_held_at_first_submission_and_kept_through_correction(office, product):
    (firm,) = firms(office, factories.call(), 1)
    claim = factories.submitted(firm, product, 1)
    number = claim.queue_number
    for verb in ("return", "resubmit"):
        factories.take(claim, verb, firm, office)
        assert money(claim) == (SUBSIDY, False, SUBSIDY)
    assert claim.queue_number == number
    assert cap_used_fen("compute_voucher", 2025, firm.organisation.pk) == SUBSIDY


def test_a_correction_downwards_releases_the_difference(office, product):
    (firm,) = firms(office, factories.call(), 1)
    claim = factories.submitted(firm, product, 1)
    factories.take(claim, "return", firm, office)
    allocation = claim.allocations.get()
    claims.allocate(claim, allocation.payment, allocation.invoice, 5_300_000, user=firm.clerk)
    factories.take(claim, "resubmit", firm, office)
    assert money(claim) == (1_590_000, False, 1_590_000)
    assert pool() == 5_000_000_000 - 1_590_000
    assert cap_used_fen("compute_voucher", 2025, firm.organisation.pk) == 1_590_000


def test_a_correction_upwards_gets_what_the_pool_has_and_says_so(office, product):
    (firm,) = firms(office, factories.call(pool_fen=SUBSIDY + 1_000), 1)
    claim = factories.submitted(firm, product, 1)
    factories.take(claim, "return", firm, office)
    factories.add_invoice(claim, firm, product, 2)
    factories.take(claim, "resubmit", firm, office)
    assert money(claim) == (SUBSIDY + 1_000, False, SUBSIDY + 1_000)
    assert claim.decisions.latest("pk").binding == "pool"
    assert pool() == 0


def test_a_correction_upwards_never_passes_who_waits(office, product):
    first, second = firms(office, factories.call(pool_fen=2 * SUBSIDY - 1), 2)
    claim = factories.submitted(first, product, 1)
    waiting = factories.submitted(second, product, 2)
    assert waiting.waiting
    factories.take(claim, "return", first, office)
    factories.add_invoice(claim, first, product, 3)
    factories.take(claim, "resubmit", first, office)
    assert money(claim) == (SUBSIDY, False, SUBSIDY)


@pytest.mark.parametrize("end", ["withdrawn", "rejected", "lapsed"])
def test_a_claim_that_ends_unpaid_gives_everything_back_and_frees_its_invoice(office, product, end):
    first, second = firms(office, factories.call(), 2)
    claim = factories.drive(factories.ready(first, product, 1), end, first, office)
    assert (held_fen(claim.pk), pool()) == (0, 5_000_000_000)
    assert cap_used_fen("compute_voucher", 2025, first.organisation.pk) == 0
    assert factories.submitted(second, product, 1).state == "submitted"


def test_a_discarded_draft_frees_nothing_that_a_live_claim_of_the_firm_uses(office, product):
    first, second = firms(office, factories.call(), 2)
    live = factories.ready(first, product, 1, paid_fen=5_300_000)
    draft = factories.draft(first)
    invoice = live.lines.get().invoice_line.invoice
    factories.pay(draft, first, invoice, "S1b", 5_300_000)
    fire(live, "submit", actor=first.actor)
    fire(draft, "discard", actor=first.actor)
    with pytest.raises(claims.ClaimError, match="已被其他申请占用"):
        factories.submitted(second, product, 1)


def test_an_appeal_holds_the_money_again(office, product):
    (firm,) = firms(office, factories.call(), 1)
    claim = factories.drive(factories.ready(firm, product, 1), "rejected", firm, office)
    factories.take(claim, "appeal", firm, office)
    assert money(claim) == (SUBSIDY, False, SUBSIDY)
    assert claim.allocations.get().live


def test_an_appeal_after_its_days_comes_too_late(office, product):
    (firm,) = firms(office, factories.call(), 1)
    claim = factories.drive(factories.ready(firm, product, 1), "rejected", firm, office)
    factories.pass_days(30)
    with pytest.raises(Exception, match="届满"):
        factories.take(claim, "appeal", firm, office)
    assert held_fen(claim.pk) == 0


def test_a_waiting_claim_is_not_approved(office, product):
    (firm,) = firms(office, factories.call(pool_fen=SUBSIDY - 1), 1)
    claim = factories.drive(factories.ready(firm, product, 1), "reviewed", firm, office)
    assert money(claim) == (SUBSIDY, True, 0)
    with pytest.raises(NotFunded):
        fire(claim, "approve", actor=office.approver)


def test_a_small_claim_never_passes_a_big_one_and_release_serves_in_order(office, product):
    first, second, third = firms(office, factories.call(pool_fen=7_000_000), 3)
    holder = factories.submitted(first, product, 1)
    big = factories.submitted(second, product, 2, gross_fen=21_200_000)
    small = factories.submitted(third, product, 3)
    assert (fresh(big).waiting, fresh(small).waiting) == (True, True)
    assert promote("compute_voucher", 2025) == 0
    fire(holder, "withdraw", actor=first.actor)
    assert promote_all() == 1
    assert money(big) == (6_360_000, False, 6_360_000)
    assert money(small) == (SUBSIDY, True, 0)
    fire(big, "withdraw", actor=second.actor)
    assert promote_all() == 1
    assert money(small) == (SUBSIDY, False, SUBSIDY)
    assert promote_all() == 0


def test_two_claims_of_one_firm_that_wait_are_decided_anew_when_their_turn_comes(office, product):
    first, second = firms(office, factories.call(pool_fen=200_000_000), 2)
    holder = factories.submitted(first, product, 1, **BIG)
    earlier = factories.submitted(second, product, 2, **BIG)
    later = factories.submitted(second, product, 3, **BIG)
    assert money(earlier)[0] == money(later)[0] == 150_000_000
    fire(holder, "withdraw", actor=first.actor)
    assert promote_all() == 2
    assert money(earlier) == (150_000_000, False, 150_000_000)
    assert money(later) == (50_000_000, False, 50_000_000)
    assert later.decisions.latest("pk").binding == "annual_cap"
    assert AuditEntry.objects.filter(action="claim.serve").latest("pk").detail["granted_fen"] == 50_000_000


def test_a_claim_whose_firm_used_up_its_cap_waits_no_longer_and_blocks_nobody(office, product):
    first, second, third = firms(office, factories.call(pool_fen=205_000_000), 3)
    holder = factories.submitted(first, product, 1, **BIG)
    earlier = factories.submitted(second, product, 2, gross_fen=700_000_000)
    empty = factories.submitted(second, product, 3, **BIG)
    last = factories.submitted(third, product, 4)
    fire(holder, "withdraw", actor=first.actor)
    assert promote_all() == 3
    assert money(earlier) == (200_000_000, False, 200_000_000)
    assert money(empty) == (0, False, 0)
    assert money(last) == (SUBSIDY, False, SUBSIDY)
    fire(empty, "accept", actor=office.reviewer)
    with pytest.raises(NothingToGrant, match="0.00"):
        fire(empty, "review", actor=office.reviewer)


def test_first_come_cuts_the_last_and_then_grants_nothing_more(office, product):
    first, second, third = firms(office, factories.call(pool_fen=5_000_000, shortage="first_come"), 3)
    assert money(factories.submitted(first, product, 1)) == (SUBSIDY, False, SUBSIDY)
    cut = factories.submitted(second, product, 2)
    assert money(cut) == (1_820_000, False, 1_820_000)
    assert cut.decisions.get().binding == "pool"
    late = factories.ready(third, product, 3)
    with pytest.raises(claims.ClaimError, match="资金已经用完"):
        fire(late, "submit", actor=third.actor)


def test_the_yearly_cap_cuts_the_second_claim_of_a_firm(office, product):
    (firm,) = firms(office, factories.call(), 1)
    factories.submitted(firm, product, 1, **BIG)
    second = factories.submitted(firm, product, 2, **BIG)
    assert money(second) == (50_000_000, False, 50_000_000)
    with pytest.raises(NothingToGrant, match="200 万|2,000,000.00"):
        factories.submitted(firm, product, 3)


def test_no_pool_is_funded_by_a_call_that_is_not_published_or_without_a_document(office):
    call = factories.call()
    with pytest.raises(BudgetError, match="文号"):
        appropriate(call, citation=" ", actor="test")
    with pytest.raises(BudgetError, match="尚未发布"):
        appropriate(Call(scheme="compute_voucher", fiscal_year=2025), citation="文", actor="test")


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_with_room_for_three_are_held_in_the_order_of_their_numbers():
    office, product = factories.office(), factories.product()
    crowd = firms(office, factories.call(pool_fen=3 * SUBSIDY + 100), 8)
    ready = [(firm, factories.ready(firm, product, i)) for i, firm in enumerate(crowd, start=1)]
    answers = at_once([lambda f=f, c=c: fire(c, "submit", actor=f.actor) for f, c in ready])
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    queue = list(Claim.objects.order_by("queue_number"))
    assert [claim.queue_number for claim in queue] == list(range(1, 9))
    assert [claim.waiting for claim in queue] == [False] * 3 + [True] * 5
    assert [held_fen(claim.pk) for claim in queue] == [SUBSIDY] * 3 + [0] * 5
    assert pool() == 100
    # Three leave and two sweeps run together: exactly three are served, again in order.
    actors = {claim.pk: firm.actor for firm, claim in ready}
    at_once([lambda c=c: fire(c, "withdraw", actor=actors[c.pk]) for c in queue[:3]])
    at_once([promote_all, promote_all])
    promote_all()
    assert [held_fen(claim.pk) for claim in queue] == [0] * 3 + [SUBSIDY] * 3 + [0] * 2
    assert pool() == 100


@pytest.mark.django_db(transaction=True)
def test_two_claims_of_one_firm_at_once_stay_under_the_yearly_cap():
    office, product = factories.office(), factories.product()
    (firm,) = firms(office, factories.call(), 1)
    both = [factories.ready(firm, product, number, **BIG) for number in (1, 2)]
    answers = at_once([lambda c=c: fire(c, "submit", actor=firm.actor) for c in both])
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert sorted(held_fen(claim.pk) for claim in both) == [50_000_000, 150_000_000]
    assert cap_used_fen("compute_voucher", 2025, firm.organisation.pk) == 200_000_000


def test_a_release_that_is_undone_promotes_nobody(office, product):
    first, second = firms(office, factories.call(pool_fen=SUBSIDY), 2)
    holder, waiting = factories.submitted(first, product, 1), factories.submitted(second, product, 2)
    with transaction.atomic():
        fire(holder, "withdraw", actor=first.actor)
        transaction.set_rollback(True)
    assert promote_all() == 0
    assert money(waiting) == (SUBSIDY, True, 0)
