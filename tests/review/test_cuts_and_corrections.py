"""Returning a claim with one list, and cutting a line: what the reviewer does between acceptance and review."""

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from accounts.errors import Refused
from tests import factories
from vouchers.claims import services as claims
from vouchers.claims.completeness import Incomplete
from vouchers.claims.corrections import CorrectionItem
from vouchers.claims.intake import ClaimError
from vouchers.ledger.selectors import held_fen
from vouchers.review.corrections import answer_item, open_items, return_for_correction
from vouchers.review.cuts import cut_line, cuts_of
from vouchers.review.errors import NotAllowed, ReasonMissing, ReviewRefused, StaleClaim
from vouchers.review.models import LineCut
from vouchers.review.preview import preview, preview_case
from vouchers.review.replay import check_review
from vouchers.review.services import fire
from vouchers.workflow import IllegalTransition

pytestmark = pytest.mark.django_db


@pytest.fixture
def claim(firm, office):
    """An accepted claim of one local line of 106,000.00 yuan, paid in full."""
    return factories.drive(factories.ready(firm, factories.product(), 1), "accepted", firm, office)


def at_once():
    """Deferred triggers speak now, not at the end of the test."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


def test_what_is_cut_off_a_line_lowers_the_base_from_the_review_on(claim, office):
    line = claim.lines.get()
    event = cut_line(line, 600_000, reason="含机房托管费", actor=office.reviewer, seen_version=claim.version)
    at_once()
    claim.refresh_from_db()
    assert (claim.state, claim.version, event.duty) == ("accepted", event.version, "review")
    assert claim.granted_fen == held_fen(claim.pk) == 3_180_000
    assert preview(claim).granted_fen == 3_000_000
    fire(claim, "review", actor=office.reviewer)
    claim.refresh_from_db()
    assert claim.granted_fen == held_fen(claim.pk) == 3_000_000
    trace = claim.decisions.latest("pk").result["decision"]["trace"]
    assert any("含机房托管费" in step["given"] for step in trace)
    assert check_review()[1] == []


def test_the_latest_cut_counts_and_nought_undoes_it(claim, office):
    line = claim.lines.get()
    for amount_fen in (600_000, 1_000_000):
        cut_line(line, amount_fen, reason="重新核对", actor=office.reviewer)
    assert [cut.amount_fen for cut in cuts_of(claim).values()] == [1_000_000]
    cut_line(line, 0, reason="核对无误", actor=office.reviewer)
    assert cuts_of(claim) == {}
    assert preview(claim).granted_fen == 3_180_000
    assert check_review()[1] == []


def test_a_line_that_is_cut_whole_says_so(claim, office):
    cut_line(claim.lines.get(), 10_600_000, reason="不是智能算力", actor=office.reviewer)
    decision = preview(claim)
    assert (decision.granted_fen, decision.lines[0].reason) == (0, "reviewer_cut")


def test_a_cut_of_a_line_paid_in_parts_is_spread_over_them_to_the_fen(firm, office):
    claim = factories.draft(firm)
    invoice = factories.add_invoice(claim, firm, factories.product(), 5, paid_fen=3_333_333)
    factories.pay(claim, firm, invoice, "S5b", 3_333_334)
    factories.pay(claim, firm, invoice, "S5c", 1)
    factories.drive(factories.complete(claim, firm), "accepted", firm, office)
    before = sum(line.base_fen for line in preview(claim).lines)
    cut_line(claim.lines.get(), 1_234_567, reason="核减", actor=office.reviewer)
    case = preview_case(claim)
    assert sum(line.cut_fen for line in case.facts.lines) == 1_234_567
    assert before - sum(line.base_fen for line in case.decision.lines) == 1_234_567


def test_a_cut_outlives_the_line_that_the_applicant_drops_and_claims_again(claim, firm, office):
    line = claim.lines.get()
    cut_line(line, 600_000, reason="含机房托管费", actor=office.reviewer)
    return_for_correction(claim, ["请补充合同"], actor=office.reviewer)
    claim.refresh_from_db()
    product, invoice_line = line.product, line.invoice_line
    claims.drop_line(line, user=firm.clerk)
    claims.declare_line(claim, invoice_line, product, user=firm.clerk)
    assert preview(claim).granted_fen == 3_000_000


@pytest.mark.parametrize("amount_fen", [-1, 10_600_001])
def test_no_more_can_be_cut_than_the_line_is_worth(claim, office, amount_fen):
    with pytest.raises(ReviewRefused, match="不超过该行价税合计"):
        cut_line(claim.lines.get(), amount_fen, reason="核减", actor=office.reviewer)


def test_a_cut_needs_a_reason_a_reviewer_an_accepted_claim_and_a_fresh_screen(claim, office):
    line = claim.lines.get()
    with pytest.raises(ReasonMissing):
        cut_line(line, 1, reason="  ", actor=office.reviewer)
    with pytest.raises(NotAllowed):
        cut_line(line, 1, reason="核减", actor=office.approver)
    with pytest.raises(StaleClaim):
        cut_line(line, 1, reason="核减", actor=office.reviewer, seen_version=claim.version - 1)
    fire(claim, "review", actor=office.reviewer)
    with pytest.raises(IllegalTransition):
        cut_line(line, 1, reason="核减", actor=office.reviewer)
    assert not LineCut.objects.exists()


def test_whoever_cuts_has_the_reviewers_duty(claim, office):
    cut_line(claim.lines.get(), 1, reason="核减", actor=office.reviewer)
    assert claim.duties.get().duty == "review"


@pytest.mark.parametrize(
    "forgery",
    [
        "INSERT INTO vouchers_linecut (event_id, claim_id, invoice_line_id, amount_fen, reason) "
        "SELECT id, claim_id, {line}, 0, 'x' FROM vouchers_claimevent WHERE verb = 'accept'",
        "UPDATE vouchers_linecut SET amount_fen = 0",
        "DELETE FROM vouchers_linecut",
    ],
)
def test_the_database_keeps_cuts_from_a_forging_hand(claim, office, forgery):
    line = claim.lines.get()
    cut_line(line, 600_000, reason="核减", actor=office.reviewer)
    refusal = pytest.raises(DatabaseError, match="needs the step|permission denied|append")
    with refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(forgery.format(line=line.invoice_line_id))


def test_a_claim_comes_back_with_one_list_and_goes_on_when_every_item_is_answered(claim, firm, office):
    event = return_for_correction(claim, ["合同缺盖章页", " ", "补充用量清单"], actor=office.reviewer)
    at_once()
    claim.refresh_from_db()
    assert event.reason == "1. 合同缺盖章页\n2. 补充用量清单"
    assert [item.text for item in open_items(claim)] == ["合同缺盖章页", "补充用量清单"]
    with pytest.raises(Incomplete, match="第 1 项补正意见尚未答复"):
        fire(claim, "resubmit", actor=firm.actor)
    for item in open_items(claim):
        answer_item(item, "已补充", user=firm.clerk)
    fire(claim, "resubmit", actor=firm.actor)
    claim.refresh_from_db()
    assert claim.state == "submitted"
    assert open_items(claim) == []
    with pytest.raises(ClaimError):
        answer_item(CorrectionItem.objects.first(), "迟到的答复", user=firm.clerk)


def test_a_second_list_replaces_the_first(claim, firm, office):
    return_for_correction(claim, ["第一次"], actor=office.reviewer)
    claim.refresh_from_db()
    answer_item(open_items(claim)[0], "已改", user=firm.clerk)
    fire(claim, "resubmit", actor=firm.actor)
    return_for_correction(claim, ["第二次"], actor=office.reviewer)
    claim.refresh_from_db()
    assert [item.text for item in open_items(claim)] == ["第二次"]


def test_an_empty_list_and_a_strangers_answer_are_refused(claim, firm, office):
    with pytest.raises(ReasonMissing, match="至少写明一项"):
        return_for_correction(claim, ["", "  "], actor=office.reviewer)
    return_for_correction(claim, ["补正"], actor=office.reviewer)
    claim.refresh_from_db()
    stranger = factories.user("stranger")
    with pytest.raises(Refused):
        answer_item(open_items(claim)[0], "已改", user=stranger)
    with pytest.raises(ClaimError, match="请写明"):
        answer_item(open_items(claim)[0], " ", user=firm.clerk)


def test_what_the_bureau_asked_for_cannot_be_rewritten(claim, office):
    return_for_correction(claim, ["补正"], actor=office.reviewer)
    with pytest.raises(IntegrityError, match="stays as it is"), transaction.atomic():
        CorrectionItem.objects.update(text="别的")
    with pytest.raises(IntegrityError, match="was not returned"), transaction.atomic():
        CorrectionItem.objects.create(claim=claim, claim_version=1, position=9, text="伪造")


def test_the_preview_of_an_empty_draft_is_nothing_and_of_a_draft_its_amount(firm):
    empty = factories.draft(firm)
    assert preview(empty) is None
    factories.add_invoice(empty, firm, factories.product(), 7)
    assert preview(empty).granted_fen == 3_180_000
