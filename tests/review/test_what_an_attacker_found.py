"""Holes that an attacker once found in the services; each stays closed."""

import logging

import pytest

from tests import factories
from vouchers.budget.services import promote_all
from vouchers.claims.services import ClaimError
from vouchers.disbursement import services as disbursement
from vouchers.ledger.selectors import held_fen
from vouchers.review.errors import ReviewRefused, SamePerson
from vouchers.review.services import fire
from vouchers.workflow import IllegalTransition

pytestmark = pytest.mark.django_db


def payable(office, number=1, call=None):
    call = call or factories.call()
    firm = factories.firm(number, call, reviewer=office.reviewer)
    return factories.drive(factories.ready(firm, factories.product(), number), "payable", firm, office)


def test_a_second_click_on_remove_does_not_take_the_claim_out_of_another_batch(office):
    claim = payable(office)
    first = disbursement.open_batch(claim.call, approval_reference="1", actor=office.preparer)
    (stale,) = disbursement.add_claims(first, [claim], actor=office.preparer)
    disbursement.remove_claim(stale, actor=office.preparer)
    other = disbursement.open_batch(claim.call, approval_reference="2", actor=office.preparer)
    disbursement.add_claims(other, [claim], actor=office.preparer)
    stale.state = "prepared"
    with pytest.raises(IllegalTransition):
        disbursement.remove_claim(stale, actor=office.preparer)
    claim.refresh_from_db()
    assert claim.state == "batched"


@pytest.mark.parametrize("verb", ["unbatch", "pay", "bounce"])
def test_finance_steps_follow_from_a_payment_and_are_not_fired_alone(office, verb):
    claim = payable(office)
    batch = disbursement.open_batch(claim.call, approval_reference="1", actor=office.preparer)
    (payment,) = disbursement.add_claims(batch, [claim], actor=office.preparer)
    for number in (None, payment.pk, payment.pk + 1):
        with pytest.raises(ReviewRefused, match="拨付记录"):
            fire(claim, verb, actor=office.preparer, reason="理由", payment=number)


def test_a_reviewer_with_a_finance_role_neither_sends_the_money_nor_enters_the_answer(office):
    call = factories.call()
    everyman = factories.officer("quanneng", "reviewer", "finance")
    firm = factories.firm(1, call, reviewer=office.reviewer)
    claim = factories.submitted(firm, factories.product(), 1)
    fire(claim, "accept", actor=everyman)
    fire(claim, "review", actor=everyman)
    fire(claim, "approve", actor=office.approver)
    factories.verify(claim, office.reviewer)
    fire(claim, "publicise", actor=office.reviewer)
    factories.pass_days(40)
    factories.take(claim, "clear", firm, office)
    batch = disbursement.open_batch(call, approval_reference="1", actor=office.preparer)
    (payment,) = disbursement.add_claims(batch, [claim], actor=office.preparer)
    batch = disbursement.freeze(batch, actor=office.preparer)
    batch = disbursement.sign(batch, actor=office.signer, seen_digest=batch.digest)
    with pytest.raises(SamePerson):
        disbursement._refuse_reviewers(payment, everyman)


def test_an_external_invoice_is_not_declared_as_a_local_product(office):
    call = factories.call()
    firm = factories.firm(1, call, reviewer=office.reviewer)
    local, external = factories.product(), factories.product(city="贵阳市")
    claim = factories.draft(firm)
    invoice = factories.add_invoice(claim, firm, external, 1)
    with pytest.raises(ClaimError, match="不一致"):
        factories.claims.declare_line(claim, invoice.lines.get(), local, user=firm.clerk)


def test_a_returned_claim_is_served_by_what_it_last_submitted_not_by_its_half_edited_papers(office):
    call, product = factories.call(pool_fen=3_180_000), factories.product()
    first, second = (factories.firm(n, call, reviewer=office.reviewer) for n in (1, 2))
    served = factories.submitted(first, product, 1)
    waiting = factories.submitted(second, product, 2)
    assert waiting.waiting
    fire(waiting, "return", actor=office.reviewer, reason="请补正")
    factories.add_invoice(waiting, second, product, 3, gross_fen=100_000_000)
    fire(served, "withdraw", actor=first.actor)
    assert promote_all() == 1
    assert held_fen(waiting.pk) == 3_180_000


def test_one_years_standing_queue_does_not_stop_the_sweep(office, monkeypatch, caplog):
    call, product = factories.call(pool_fen=3_180_000), factories.product()
    for number in (1, 2):
        factories.submitted(factories.firm(number, call, reviewer=office.reviewer), product, number)
    monkeypatch.setattr(
        "vouchers.review.promotion.promote", lambda *year: (_ for _ in ()).throw(ReviewRefused("测试故障"))
    )
    with caplog.at_level(logging.ERROR):
        assert promote_all() == 0
    assert "测试故障" in caplog.text


def test_nothing_is_printed_for_a_batch_that_is_not_signed(office):
    from vouchers.disbursement import export

    claim = payable(office)
    batch = disbursement.open_batch(claim.call, approval_reference="1", actor=office.preparer)
    disbursement.add_claims(batch, [claim], actor=office.preparer)
    with pytest.raises(disbursement.BatchRefused):
        export.run(f"batch:{batch.pk}", None)


def test_a_revoked_voucher_stops_its_claims(office):
    from vouchers.review.services import fire_voucher

    call = factories.call()
    firm = factories.firm(1, call, reviewer=office.reviewer)
    claim = factories.submitted(firm, factories.product(), 1)
    fire_voucher(claim.voucher, "revoke", actor=office.approver, reason="虚假申领")
    with pytest.raises(ReviewRefused, match="已撤销"):
        fire(claim, "accept", actor=office.reviewer)
