"""Whoever has the runtime role may call `ledger_post`. What is then moved without its step is found, and named by its key."""

import json

import pytest
from django.conf import settings
from django.db import connection

from tests import factories
from vouchers.budget.checks import check_budget
from vouchers.disbursement.models import Payment
from vouchers.ledger import books
from vouchers.review.replay import check_review

pytestmark = pytest.mark.django_db

POOL, SUBSIDY = "pool:compute_voucher:2025", 3_180_000
NO_STEP = "申请的资金变动没有对应的办理记录：转账 {}"
NO_PAYMENT = "账上的拨付没有对应的付款或拨付办理记录：转账 {}"
NOT_ITS_OWN = "申请的资金或额度出自（退至）不属于它的账户：转账 {}"


def problems():
    """What `check_books` finds of claims, money and orders, in this transaction; the batch has no printed papers here."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
    return [*books.check().problems, *check_review()[1], *check_budget()]


def by_hand(kind, source, target, fen, key, **more):
    """One movement in plain SQL, at "now" and in the system's name."""
    move = {"kind": kind, "source": source, "target": target, "amount_fen": fen, "key": key, "subject": "claim"}
    asked = json.dumps([move | {"reason": "", "note": ""} | more])
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM ledger_post(%s, '[]', 'system', %s)", [asked, settings.CLOCK.now()])


@pytest.fixture
def scene(office):
    """Claims of one firm each, by their states, and a payment that was sent and not answered."""
    call, product = factories.call(), factories.product()
    states = ("draft", "submitted", "payable", "paid", "batched")
    claims, caps = {}, {}
    for number, state in enumerate(states, start=1):
        firm = factories.firm(number, call, reviewer=office.reviewer)
        claim = factories.ready(firm, product, number)
        claims[state] = claim if state == "draft" else factories.drive(claim, state, firm, office)
        caps[state] = f"cap:compute_voucher:2025:{firm.organisation.pk}"
    return {state: claim.pk for state, claim in claims.items()} | {
        "room": caps["submitted"],
        "submit": claims["submitted"].events.get(verb="submit").pk,
        "was_paid": Payment.objects.get(claim=claims["paid"]).pk,
        "sent": Payment.objects.get(claim=claims["batched"]).pk,
    }


MOVES = {
    "a pay without a payment": (
        ("pay", "held:{payable}", "paid:{payable}", SUBSIDY, "pay:payment:987654"), NO_PAYMENT),
    "a part of a hold paid": (("pay", "held:{payable}", "paid:{payable}", 1, "pay:x"), NO_PAYMENT),
    "a pay of a payment whose claim made no step": (
        ("pay", "held:{batched}", "paid:{batched}", SUBSIDY, "pay:payment:{sent}"), NO_PAYMENT),
    "a part of a payment that is on its way": (
        ("pay", "held:{batched}", "paid:{batched}", 1, "pay:payment:{sent}"), NO_PAYMENT),
    "a hold for a claim that has none": (("hold", POOL, "held:{draft}", 5, "hold:x"), NO_STEP),
    "a hold for no claim at all": (("hold", POOL, "held:0", 5, "hold:x"), NOT_ITS_OWN),
    "a second hold for a claim, by the step that made the first": (
        ("hold", POOL, "held:{submitted}", 5, "hold:event:{submit}:2"), NO_STEP),
    "a hold that says it was served from the queue": (("hold", POOL, "held:{draft}", 5, "hold:serve:{draft}:1"), NO_STEP),
    "a hold that says it is a share": (("hold", POOL, "held:{draft}", 5, "hold:settlement:1:{draft}"), NO_STEP),
    "a release of a claim under way": (("release", "held:{submitted}", POOL, SUBSIDY, "release:x"), NO_STEP),
    "a release of a part, by the step that held it": (
        ("release", "held:{submitted}", POOL, 5, "release:event:{submit}"), NO_STEP),
    "a bounce without an answer of the bank": (
        ("bounce", "paid:{paid}", "held:{paid}", SUBSIDY, "bounce:x", "pay:payment:{was_paid}"), NO_STEP),
    "a bounce of a part": (("bounce", "paid:{paid}", "held:{paid}", 1, "bounce:x", "pay:payment:{was_paid}"), NO_STEP),
}  # fmt: skip


@pytest.mark.parametrize("name", MOVES)
def test_what_is_moved_by_hand_without_its_step_is_named(scene, name):
    (kind, source, target, fen, key, *original), sentence = MOVES[name]
    source, target, key = (text.format(**scene) for text in (source, target, key))
    more = {"original": original[0].format(**scene)} if original else {}
    if kind in ("hold", "release"):
        more["room"] = scene["room"]  # of a firm that has some
    by_hand(kind, source, target, fen, key, **more)
    found = problems()
    assert any(problem.startswith(sentence.format(key)) for problem in found), found


def test_honest_work_is_named_by_none(scene):
    assert problems() == []
