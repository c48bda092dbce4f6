"""The proposal which payment paid which invoice: pure, and never more than is open."""

import datetime as dt
import random

from vouchers.claims.matching import Side, suggest

A, B = "无锡（示范）算力公司", "无锡(示范) 算力公司"


def side(pk, fen, *, party=A, day=1):
    return Side(pk, party, dt.date(2025, 6, day), fen)


def test_amounts_that_agree_come_before_the_order_of_days():
    found = suggest([side(1, 500), side(2, 300, day=2)], [side(10, 300), side(11, 500, day=2)])
    assert found == {(1, 11): 500, (2, 10): 300}


def test_what_is_left_goes_to_the_invoices_in_the_order_of_their_days():
    assert suggest([side(1, 700)], [side(10, 500, day=2), side(11, 400)]) == {(1, 11): 400, (1, 10): 300}


def test_of_two_invoices_with_the_same_amount_the_nearest_in_time_is_taken():
    assert suggest([side(1, 500, day=20)], [side(10, 500), side(11, 500, day=19)]) == {(1, 11): 500}


def test_a_name_typed_with_other_brackets_is_the_same_firm_and_another_firm_is_not():
    assert suggest([side(1, 5, party=B)], [side(10, 5)]) == {(1, 10): 5}
    assert suggest([side(1, 5, party="别家公司")], [side(10, 5)]) == {}
    assert suggest([side(1, 5, party="")], [side(10, 5, party="")]) == {}


def test_never_more_than_is_open_on_either_side():
    dice = random.Random(7)
    for _ in range(200):
        paid = [side(n, dice.randint(-5, 40), party=dice.choice("甲乙"), day=dice.randint(1, 28)) for n in range(6)]
        billed = [side(n, dice.randint(-5, 40), party=dice.choice("甲乙"), day=dice.randint(1, 28)) for n in range(6)]
        found = suggest(paid, billed)
        assert all(fen > 0 for fen in found.values())
        for payment in paid:
            assert sum(f for (p, _), f in found.items() if p == payment.pk) <= max(payment.open_fen, 0)
        for invoice in billed:
            assert sum(f for (_, b), f in found.items() if b == invoice.pk) <= max(invoice.open_fen, 0)
