"""What the verbs move, what they refuse, and that asking twice moves once."""

from dataclasses import replace

import pytest
from django.db import transaction

from audit.models import AuditEntry
from tests.ledger.books import AT, CAP_FEN, POOL, SCHEME, WHO, YEAR, bounce, fund, hold, pay, recover, release
from vouchers.ledger import kinds, services
from vouchers.ledger.errors import (
    CapDiffers,
    ExceedsOriginal,
    InsufficientFunds,
    KeyClash,
    LedgerError,
    Malformed,
    NotAllowed,
    PoolAndCapApart,
)
from vouchers.ledger.models import Account, Transfer
from vouchers.ledger.selectors import (
    balance,
    cap_room_fen,
    cap_used_fen,
    held_fen,
    paid_fen,
    pool_available_fen,
    statement,
    sums_by_kind,
    transfers_of_claim,
)
from vouchers.ledger.services import Move, post

pytestmark = pytest.mark.django_db


def refused(error, job, **facts):
    """Run `job`, which must be refused with `error` of these facts and change nothing; the error's text."""
    before = dict(Account.objects.values_list("key", "balance_fen")), Transfer.objects.count()
    with pytest.raises(error) as caught, transaction.atomic():
        job()
    assert (dict(Account.objects.values_list("key", "balance_fen")), Transfer.objects.count()) == before
    assert {name: getattr(caught.value, name) for name in facts} == facts
    assert any("一" <= letter <= "鿿" for letter in str(caught.value))
    return str(caught.value)


def held_move(**changed):
    """The move that `hold(1, 300)` makes, with changes."""
    cap = kinds.cap(SCHEME, YEAR, 7)
    return replace(Move("hold", POOL, "held:1", 300, "hold:event:1", "claim:1", room=cap), **changed)


def test_money_and_room_follow_a_claim_to_its_payment():
    fund(5_000)
    hold(1, 300)
    assert (pool_available_fen(SCHEME, YEAR), held_fen(1), cap_used_fen(SCHEME, YEAR, 7)) == (4_700, 300, 300)
    pay(1, 300)
    assert (held_fen(1), paid_fen(1), cap_used_fen(SCHEME, YEAR, 7)) == (0, 300, 300)
    assert sums_by_kind() == {
        "treasury": -5_000, "pool": 4_700, "held": 0, "paid": 300, "statute": -1_000, "cap": 700, "capused": 300,
    }  # fmt: skip


def test_a_movement_says_who_when_and_why_and_its_audit_entry_says_the_same():
    posted = fund(5_000)
    transfer = Transfer.objects.get()
    assert (transfer.kind, transfer.source_id, transfer.target_id, transfer.amount_fen) == (
        "fund", "treasury", POOL, 5_000,
    )  # fmt: skip
    assert (transfer.key, transfer.note, transfer.actor, transfer.at) == (
        "fund:budget:1", "锡财〔2025〕1号", WHO["actor"], AT,
    )  # fmt: skip
    entry = AuditEntry.objects.get()
    assert (entry.pk, entry.action, entry.subject, entry.actor, entry.at) == (
        posted.entry_id, "ledger.post", POOL, WHO["actor"], AT,
    )  # fmt: skip
    assert transfer.entry == entry
    assert entry.detail["transfers"][0]["amount_fen"] == 5_000
    assert transfer.recorded_at == entry.recorded_at == posted.recorded_at


def test_a_release_gives_back_money_and_room():
    fund(5_000)
    hold(1, 300)
    release(1, 100)
    assert (pool_available_fen(SCHEME, YEAR), held_fen(1), cap_room_fen(SCHEME, YEAR, 7, CAP_FEN)) == (4_800, 200, 800)
    assert [t.kind for t in transfers_of_claim(1)] == ["hold", "hold", "release", "release"]
    assert [t.amount_fen for t in statement(POOL)] == [100, 300, 5_000]


def test_a_cap_not_yet_opened_has_all_its_room_and_none_used():
    assert cap_room_fen(SCHEME, YEAR, 7, CAP_FEN) == CAP_FEN
    assert cap_used_fen(SCHEME, YEAR, 7) == 0
    assert balance("pool:compute_voucher:2031") == 0


def test_the_pool_refuses_what_it_does_not_have():
    fund(200)
    text = refused(
        InsufficientFunds, lambda: hold(1, 201), account=POOL, available_fen=200, wanted_fen=201,
    )  # fmt: skip
    assert "2.00" in text
    assert "2.01" in text
    hold(1, 200)


def test_the_cap_refuses_what_it_does_not_have_on_first_use_and_later():
    fund(5_000)
    cap = kinds.cap(SCHEME, YEAR, 7)
    refused(InsufficientFunds, lambda: hold(1, 1_001), account=cap, available_fen=1_000, wanted_fen=1_001)
    hold(1, 600)
    refused(InsufficientFunds, lambda: hold(2, 401), account=cap, available_fen=400, wanted_fen=401)
    hold(3, 401, applicant=8)


def test_an_empty_account_refuses_to_pay():
    refused(InsufficientFunds, lambda: pay(1, 1), account="held:1", available_fen=0, wanted_fen=1)


def test_asking_again_answers_the_first_answer_and_moves_nothing():
    first = fund(5_000)
    held = hold(1, 300)
    again = hold(1, 300, actor="someone else")
    assert (again, again.replayed, held.replayed) == (held, True, False)
    assert fund(5_000) == first
    assert pool_available_fen(SCHEME, YEAR) == 4_700
    assert AuditEntry.objects.count() == 2


def test_asking_again_after_the_pool_is_spent_still_answers_the_first_answer():
    fund(300)
    first = hold(1, 300)
    assert hold(1, 300) == first
    refused(InsufficientFunds, lambda: hold(2, 1))


def test_asking_again_after_the_money_went_on_still_answers_the_first_answer():
    fund(300)
    first = hold(1, 300)
    pay(1, 300)
    assert hold(1, 300) == first


@pytest.mark.parametrize(
    "other",
    [
        lambda: hold(1, 299),
        lambda: hold(1, 300, applicant=8),
        lambda: hold(2, 300, event="event:1"),
        lambda: hold(1, 300, year=2026),
        lambda: post([held_move(note="another note")], **WHO),
        lambda: post([held_move(subject="claim:9")], **WHO),
        lambda: post([held_move(), held_move(target="held:2", key="hold:event:2")], **WHO),
    ],
)
def test_the_same_key_for_something_else_is_refused_by_name(other):
    fund(5_000)
    hold(1, 300)
    text = refused(KeyClash, other)
    assert "hold:event:" in text


def test_keys_of_two_movements_do_not_make_a_third():
    services.fund(SCHEME, YEAR, 5, event="a", citation="x", **WHO)
    services.fund(SCHEME, YEAR, 6, event="b", citation="x", **WHO)
    both = [Move("fund", "treasury", POOL, fen, f"fund:{name}", POOL, note="x") for name, fen in (("a", 5), ("b", 6))]
    refused(KeyClash, lambda: post(both, **WHO))


def test_a_key_twice_in_one_movement_is_refused_by_name():
    move = Move("fund", "treasury", POOL, 5, "fund:a", POOL, note="x")
    refused(KeyClash, lambda: post([move, move], **WHO), key="fund:a")


def test_accept_return_accept_and_pay_bounce_pay_move_money_again():
    fund(5_000)
    hold(1, 300, event="event:1")
    release(1, 300, event="event:2")
    hold(1, 300, event="event:3")
    pay(1, 300, "payment:1")
    bounce(1, 300, "payment:1", event="event:4")
    assert (held_fen(1), paid_fen(1), cap_used_fen(SCHEME, YEAR, 7)) == (300, 0, 300)
    pay(1, 300, "payment:2")
    assert (held_fen(1), paid_fen(1)) == (0, 300)


def test_the_cap_is_opened_once_for_all_claims_of_a_year():
    fund(5_000)
    hold(1, 300)
    hold(2, 300)
    hold(3, 300, year=YEAR, applicant=8)
    assert Transfer.objects.filter(source="statute").count() == 2


def test_a_cap_counts_in_its_own_year_where_the_call_says_so():
    fund(5_000)
    hold(1, 300, cap_year=2024)
    assert (cap_used_fen(SCHEME, 2024, 7), cap_used_fen(SCHEME, YEAR, 7)) == (300, 0)
    refused(ExceedsOriginal, lambda: release(1, 300))
    release(1, 300, cap_year=2024)


def test_a_cap_other_than_the_books_have_is_refused_until_it_is_adjusted():
    fund(5_000)
    hold(1, 300)
    cap = kinds.cap(SCHEME, YEAR, 7)
    refused(CapDiffers, lambda: hold(2, 300, cap_fen=1_500), account=cap, open_fen=1_000, wanted_fen=1_500)
    services.adjust(cap, 500, reason="cap_change", note="2025 年第二版申报通知", event="event:9", **WHO)
    hold(2, 300, cap_fen=1_500)
    refused(CapDiffers, lambda: hold(3, 300, cap_fen=2_000))
    assert (cap_used_fen(SCHEME, YEAR, 7), cap_room_fen(SCHEME, YEAR, 7, 1_500)) == (600, 900)


def test_money_without_room_and_room_without_money_are_refused():
    fund(5_000)
    hold(1, 300)
    pay(1, 200)
    cap, payment = kinds.cap(SCHEME, YEAR, 7), {"original": "pay:payment:1"}
    alone = [
        Move("hold", POOL, "held:2", 100, "hold:x", "claim:2"),
        Move("hold", cap, "capused:2", 100, "hold:x", "claim:2"),
        Move("hold", cap, "capused:2", 100, "hold:x", "claim:2", room=cap),
        Move("release", "held:1", POOL, 100, "release:x", "claim:1"),
        Move("release", "capused:1", cap, 100, "release:x", "claim:1"),
        Move("release", "capused:1", cap, 100, "release:x", "claim:1", room=cap),
        Move("recover", "capused:1", cap, 100, "recover:x", "claim:1", **payment),
        Move("recover", "capused:1", cap, 100, "recover:x", "claim:1", room=cap, **payment),
    ]
    for move in alone:
        refused(PoolAndCapApart, lambda move=move: post([move], **WHO), key=move.key)
    refused(PoolAndCapApart, lambda: post([held_move(target="held:2", key="hold:x"), alone[0]], **WHO))


def test_room_moves_with_nothing_but_a_hold_a_release_or_a_recovery():
    fund(5_000)
    hold(1, 300)
    cap = kinds.cap(SCHEME, YEAR, 7)
    refused(NotAllowed, lambda: post([Move("pay", "held:1", "paid:1", 100, "pay:x", "claim:1", room=cap)], **WHO))
    refused(NotAllowed, lambda: post([held_move(target="held:2", key="hold:x", room="held:1")], **WHO))


def test_several_claims_move_in_one_movement_or_not_at_all():
    fund(250)
    hold(9, 1)

    def both(amount_fen):
        moves = [held_move(target=f"held:{n}", amount_fen=amount_fen, key=f"hold:{n}") for n in (1, 2)]
        return post(moves, **WHO)

    refused(InsufficientFunds, lambda: both(125), available_fen=249, wanted_fen=250)
    both(124)
    assert (held_fen(1), held_fen(2), cap_used_fen(SCHEME, YEAR, 7)) == (124, 124, 249)


def test_what_is_released_goes_back_where_it_came_from():
    fund(5_000)
    hold(1, 300, applicant=7)
    hold(2, 300, applicant=8)
    refused(ExceedsOriginal, lambda: release(1, 100, year=2026), left_fen=0, wanted_fen=100)
    refused(ExceedsOriginal, lambda: release(1, 100, applicant=8), left_fen=0)
    release(1, 300)
    refused(InsufficientFunds, lambda: release(1, 1, event="event:again"))


def test_all_that_comes_back_of_a_payment_never_exceeds_it():
    fund(5_000)
    hold(1, 500)
    pay(1, 200, "payment:1")
    pay(1, 300, "payment:2")
    recover(1, 150, "payment:1", "event:1")
    refused(
        ExceedsOriginal, lambda: recover(1, 51, "payment:1", "event:2"),
        original="pay:payment:1", left_fen=50, wanted_fen=51,
    )  # fmt: skip
    refused(ExceedsOriginal, lambda: bounce(1, 51, "payment:1", "event:3"), left_fen=50)
    bounce(1, 50, "payment:1", "event:4")
    refused(ExceedsOriginal, lambda: recover(1, 1, "payment:1", "event:5"), left_fen=0)
    recover(1, 300, "payment:2", "event:6")
    assert (paid_fen(1), held_fen(1)) == (0, 50)


def test_what_comes_back_names_a_payment_of_its_own_claim():
    fund(5_000)
    for claim in (1, 2):
        hold(claim, 200, event=f"event:{claim}")
        pay(claim, 200, f"payment:{claim}")
    refused(ExceedsOriginal, lambda: recover(1, 100, "payment:2"), left_fen=0)
    refused(ExceedsOriginal, lambda: bounce(1, 100, "payment:never"), left_fen=0)
    refused(Malformed, lambda: post([Move("bounce", "paid:1", "held:1", 1, "bounce:x", "s")], **WHO))
    of_a_hold = Move("bounce", "paid:1", "held:1", 1, "bounce:x", "s", original="hold:event:1")
    refused(ExceedsOriginal, lambda: post([of_a_hold], **WHO), left_fen=0)


def test_recovered_money_goes_where_the_call_says_and_room_only_if_it_says_so():
    fund(5_000)
    hold(1, 500)
    pay(1, 500)
    recover(1, 100, event="event:1", to="treasury", restores_cap=False)
    assert (balance("treasury"), cap_used_fen(SCHEME, YEAR, 7)) == (-4_900, 500)
    recover(1, 150, event="event:2", to="pool", restores_cap=True)
    assert (pool_available_fen(SCHEME, YEAR), cap_used_fen(SCHEME, YEAR, 7), paid_fen(1)) == (4_650, 350, 250)


def test_who_is_short_is_judged_by_what_was_there_before_the_movement():
    # After this movement the pool could not give the same again; still it is the cap that is short. The pool
    # is named first where both are.
    fund(1_500)
    hold(1, 100)
    refused(InsufficientFunds, lambda: hold(2, 1_000), account=kinds.cap(SCHEME, YEAR, 7), available_fen=900)
    over_pool = Move("lapse", POOL, "treasury", 900, "lapse:x", "s")
    over_cap = Move("hold", POOL, "held:3", 950, "hold:x", "s", room=kinds.cap(SCHEME, YEAR, 7))
    refused(InsufficientFunds, lambda: post([replace(over_cap, amount_fen=901)], **WHO), account=over_cap.room)
    refused(InsufficientFunds, lambda: post([over_cap, over_pool], **WHO), account=POOL, available_fen=1_400)
    refused(InsufficientFunds, lambda: hold(2, 1_401), account=POOL, available_fen=1_400, wanted_fen=1_401)


def test_a_second_hold_of_a_claim_adds_to_what_it_holds():
    fund(5_000)
    hold(1, 300)
    hold(1, 200, event="event:again")
    assert (held_fen(1), balance("capused:1"), pool_available_fen(SCHEME, YEAR)) == (500, 500, 4_500)


def test_room_is_given_back_only_to_the_cap_it_came_from():
    fund(5_000)
    hold(1, 500, applicant=7)
    hold(2, 500, applicant=8)
    pay(1, 500)
    refused(ExceedsOriginal, lambda: recover(1, 100, applicant=8), account="capused:1", left_fen=0)
    recover(1, 100, applicant=7)


def test_a_year_is_topped_up_carried_over_lapsed_and_corrected():
    fund(5_000)
    services.top_up(SCHEME, YEAR, 500, event="e", citation="锡财〔2025〕9号", **WHO)
    services.carry(SCHEME, YEAR, 2026, 2_000, event="e", **WHO)
    services.lapse(SCHEME, YEAR, 3_000, event="e", **WHO)
    services.adjust(POOL, -100, reason="budget_cut", note="压减一般性支出", event="e", **WHO)
    services.adjust(POOL, 30, reason="entry_error", note="录入有误", event="f", **WHO)
    assert (pool_available_fen(SCHEME, YEAR), pool_available_fen(SCHEME, 2026)) == (430, 2_000)
    assert balance("treasury") == -2_430
    services.lapse(SCHEME, 2026, 2_000, event="h", **WHO)
    refused(NotAllowed, lambda: services.carry(SCHEME, YEAR, 2024, 1, event="g", **WHO))
    refused(NotAllowed, lambda: services.carry(SCHEME, YEAR, YEAR, 1, event="g", **WHO))
    refused(InsufficientFunds, lambda: services.lapse(SCHEME, YEAR, 431, event="g", **WHO))


def test_money_reserved_by_a_voucher_serves_claims_and_goes_back_where_it_came_from():
    fund(1_000)
    hold(9, 1)
    cap = kinds.cap(SCHEME, YEAR, 7)
    post([Move("issue", POOL, "voucher:4", 600, "issue:4", "voucher:4")], **WHO)
    post([Move("hold", "voucher:4", "held:1", 200, "hold:1", "claim:1", room=cap)], **WHO)
    refused(ExceedsOriginal, lambda: release(1, 200))
    post([Move("release", "held:1", "voucher:4", 200, "release:1", "claim:1", room=cap)], **WHO)
    refused(ExceedsOriginal, lambda: post([Move("lapse", "voucher:4", "pool:other:2025", 1, "lapse:x", "s")], **WHO))
    post([Move("lapse", "voucher:4", POOL, 600, "lapse:4", "voucher:4")], **WHO)
    assert pool_available_fen(SCHEME, YEAR) == 999


@pytest.mark.parametrize(
    ("move", "error"),
    [
        (Move("pay", "treasury", POOL, 5, "pay:x", "s"), NotAllowed),
        (Move("pay", "held:1", "paid:2", 5, "pay:x", "s"), NotAllowed),
        (Move("carry", POOL, "pool:another:2026", 5, "carry:x", "s"), NotAllowed),
        (Move("fund", "treasury", POOL, 5, "top_up:x", "s", note="n"), Malformed),
        (Move("fund", "treasury", POOL, 5, "fund:x", "s"), Malformed),
        (Move("fund", "treasury", POOL, 5, "fund:x", "s", note="n", reason="entry_error"), Malformed),
        (Move("fund", "treasury", POOL, 5, "fund:x", "s", note="n", original="pay:payment:1"), Malformed),
        (Move("adjust", "treasury", POOL, 5, "adjust:x", "s", note="n"), Malformed),
        (Move("adjust", "treasury", POOL, 5, "adjust:x", "s", note="n", reason="because"), Malformed),
        (Move("adjust", "treasury", POOL, 5, "adjust:x", "s", reason="entry_error"), Malformed),
        (Move("fund", "treasury", POOL, 0, "fund:x", "s", note="n"), Malformed),
        (Move("fund", "treasury", POOL, -5, "fund:x", "s", note="n"), LedgerError),
        (Move("fund", "treasury", POOL, 10**15, "fund:x", "s", note="n"), Malformed),
        (Move("fund", "treasury", "pool:compute_voucher:25", 5, "fund:x", "s", note="n"), Malformed),
        (Move("fund", "treasury", "pool:compute voucher:2025", 5, "fund:x", "s", note="n"), Malformed),
        (Move("fund", "treasury", "pool::2025", 5, "fund:x", "s", note="n"), Malformed),
        (Move("fund", "treasury", "purse:1", 5, "fund:x", "s", note="n"), NotAllowed),
        (Move("fund", "treasury:2", POOL, 5, "fund:x", "s", note="n"), Malformed),
    ],
)
def test_a_transfer_that_cannot_be_is_refused(move, error):
    fund(5_000)
    hold(1, 100)
    refused(error, lambda: post([move], **WHO))


def test_the_largest_amount_is_taken_whole():
    fund(10**15 - 1)
    assert pool_available_fen(SCHEME, YEAR) == 10**15 - 1


def test_an_empty_movement_is_refused():
    refused(Malformed, lambda: post([], **WHO))


@pytest.mark.parametrize("amount", [1.0, True, "5", None])
def test_money_is_an_int_of_fen(amount):
    with pytest.raises(TypeError):
        Move("fund", "treasury", POOL, amount, "fund:x", "s", note="n")
