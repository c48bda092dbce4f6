"""One settlement: caps first, to the fen, in order, once. Plain data, and every law of it for any data."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vouchers.budget.settling import Asking, Share, digest_of, settle

FEN = st.integers(0, 10**9)


@st.composite
def cases(draw):
    """Claims of a few applicants in the order of filing, rooms under their caps, a pool and a minimum."""
    applicants = draw(st.integers(1, 5))
    wanted = draw(st.lists(st.tuples(st.integers(1, applicants), FEN), max_size=30))
    rooms = {each: draw(FEN) for each in range(1, applicants + 1)}
    asking = [Asking(at, applicant, fen) for at, (applicant, fen) in enumerate(wanted, start=1)]
    return asking, rooms, draw(st.integers(0, 3 * 10**9)), draw(st.sampled_from([0, 0, 1, 1000, 10**8]))


@given(cases())
def test_nobody_gets_more_than_it_asked_and_no_applicant_more_than_its_room(case):
    asking, rooms, pool, minimum = case
    shares = settle(*case)
    assert [share.claim for share in shares] == [each.claim for each in asking]
    for each, share in zip(asking, shares, strict=True):
        assert 0 <= share.share_fen <= share.asked_fen <= each.wanted_fen
    for applicant, room in rooms.items():
        mine = [s.asked_fen for each, s in zip(asking, shares, strict=True) if each.applicant == applicant]
        assert sum(mine) <= room


@given(cases())
def test_the_sum_is_the_pool_to_the_fen_when_claims_exceed_it_and_all_they_ask_when_not(case):
    shares = settle(*case)
    kept = sum(share.asked_fen for share in shares if not share.dropped)
    assert sum(share.share_fen for share in shares) == min(case[2], kept)


@given(cases())
def test_each_share_lies_within_one_fen_of_its_exact_part(case):
    shares = [share for share in settle(*case) if not share.dropped]
    kept, pool = sum(share.asked_fen for share in shares), case[2]
    if kept > pool:
        for share in shares:
            assert abs(share.share_fen * kept - share.asked_fen * pool) < kept
            assert share.share_fen >= share.asked_fen * pool // kept


@given(cases())
def test_the_minimum_drops_once_and_nobody_who_stays_is_below_it(case):
    asking, rooms, pool, minimum = case
    plain = settle(asking, rooms, pool)
    shares = settle(*case)
    total = sum(before.asked_fen for before in plain)
    for before, after in zip(plain, shares, strict=True):
        below = before.asked_fen * min(pool, total) < minimum * total
        assert after.dropped == (before.asked_fen > 0 and below)
        # What the dropped leave helps the others; a fen of the residue may go to another of them.
        assert after.dropped or after.share_fen >= before.share_fen - 1
        assert after.share_fen == 0 if after.dropped or not after.asked_fen else after.share_fen >= minimum


@example([1, 1, 6], 3, 1)
@given(st.lists(st.integers(0, 40), max_size=6), st.integers(0, 99), st.integers(0, 12))
def test_a_fen_of_the_residue_keeps_nobody_above_the_minimum(wanted, pool, minimum):
    """Small figures, where a single fen decides: whoever stays has the minimum also when the rest share anew."""
    asking = [Asking(at, at, fen) for at, fen in enumerate(wanted)]
    rooms = {each.claim: 99 for each in asking}
    for share in settle(asking, rooms, pool, minimum):
        assert share.dropped or not share.asked_fen or share.share_fen >= minimum


@given(cases())
def test_what_stays_does_not_depend_on_how_often_it_is_worked_out(case):
    assert settle(*case) == settle(*case)
    assert digest_of(settle(*case)) == digest_of(settle(*case))


@given(st.lists(st.integers(1, 10**6), min_size=2, max_size=20), st.integers(0, 10**6))
def test_equal_remainders_go_to_who_filed_first(wanted, pool):
    asking = [Asking(at, at, 7) for at in range(len(wanted))]
    shares = [share.share_fen for share in settle(asking, {at: 7 for at in range(len(wanted))}, pool)]
    assert shares == sorted(shares, reverse=True)


def test_a_settlement_by_hand():
    """Three firms ask for 100, 200 and 300 of a pool of 100: 16 2/3, 33 1/3 and 50."""
    asking = [Asking(1, 1, 100), Asking(2, 2, 200), Asking(3, 3, 300)]
    assert settle(asking, {1: 999, 2: 999, 3: 999}, 100) == [Share(1, 100, 17), Share(2, 200, 33), Share(3, 300, 50)]


def test_caps_come_first_so_a_firm_with_two_claims_shares_by_its_room():
    asking = [Asking(1, 1, 80), Asking(2, 1, 80), Asking(3, 2, 100)]
    assert settle(asking, {1: 100, 2: 100}, 100) == [Share(1, 80, 40), Share(2, 20, 10), Share(3, 100, 50)]


def test_dropped_below_the_minimum_the_rest_share_the_pool_again():
    asking = [Asking(1, 1, 95), Asking(2, 2, 8), Asking(3, 3, 97)]
    rooms = {1: 999, 2: 999, 3: 999}
    assert settle(asking, rooms, 100, 10) == [Share(1, 95, 49), Share(2, 8, 0, True), Share(3, 97, 51)]


@pytest.mark.parametrize(("wanted", "pool", "minimum"), [(-1, 5, 0), (1, -5, 0), (1, 5, -1)])
def test_less_than_nothing_is_refused(wanted, pool, minimum):
    with pytest.raises(ValueError, match="below zero|less than nothing"):
        settle([Asking(1, 1, wanted)], {1: 5}, pool, minimum)


def test_another_share_is_another_digest():
    assert digest_of([Share(1, 5, 5)]) != digest_of([Share(1, 5, 4)]) != digest_of([Share(2, 5, 4)])


def test_a_claim_of_one_fen_is_served_without_a_minimum_and_dropped_below_one():
    asking, rooms = [Asking(1, 1, 1), Asking(2, 2, 0)], {1: 5, 2: 5}
    assert settle(asking, rooms, 5) == [Share(1, 1, 1), Share(2, 0, 0)]
    assert settle(asking, rooms, 5, 2) == [Share(1, 1, 0, True), Share(2, 0, 0)]


def test_without_a_minimum_nobody_is_dropped_however_little_it_gets():
    shares = settle([Asking(1, 1, 1), Asking(2, 2, 99)], {1: 999, 2: 999}, 10)
    assert shares == [Share(1, 1, 0), Share(2, 99, 10)]
