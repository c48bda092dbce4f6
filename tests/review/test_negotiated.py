"""Agreements made case by case: who may make them, what the database refuses of them, and their tranches' way to pay."""

from decimal import Decimal
from fractions import Fraction

import pytest
from django.db import IntegrityError, connection, transaction

from tests import factories
from vouchers.claims import services as claims
from vouchers.claims.agreements import Agreement, Tranche
from vouchers.claims.intake import ClaimError
from vouchers.claims.tranches import open_tranche
from vouchers.ledger.selectors import held_fen, paid_fen, pool_available_fen
from vouchers.review.errors import NotAllowed, ReasonMissing, ReviewRefused, SamePerson, StaleClaim
from vouchers.review.negotiated import BeyondLaw, Part, approve_agreement, close_agreement, draft_agreement
from vouchers.review.replay import check_review
from vouchers.review.services import fire, fire_voucher

pytestmark = pytest.mark.django_db

NEGOTIATED, BUILT = "negotiated_compute", "intelligent_construction"


class House:
    """A bureau with a call for each case-by-case scheme, and a firm."""

    def __init__(self):
        self.office = factories.office()
        voucher_call = factories.call()
        self.calls = {
            scheme: factories.call(
                scheme=scheme,
                pool_fen=6_000_000_000,
                annual_cap_fen=cap_fen,
                local_rate=rate,
                external_rate=rate,
                excludes_related_party=False,
                excludes_subsidised_elsewhere=False,
            )
            for scheme, cap_fen, rate in (
                (NEGOTIATED, 1_000_000_000, Decimal("0.60")),
                (BUILT, 3_000_000_000, Decimal("0.15")),
            )
        }
        self.firm = factories.firm(1, voucher_call)
        self.product = factories.product()

    def draft(self, scheme=NEGOTIATED, **changes) -> Agreement:
        """A draft: half of two million, in two parts."""
        wanted = {
            "title": "大模型训练",
            "reference": "锡政会纪〔2025〕8 号",
            "cost_fen": 200_000_000,
            "rate": Fraction(1, 2),
            "grant_fen": 100_000_000,
            "parts": [Part(60_000_000, "训练完成 50%"), Part(40_000_000, "模型上线")],
            "user": self.office.reviewer.user,
        } | changes
        return draft_agreement(self.firm.organisation, scheme=scheme, fiscal_year=2025, **wanted)

    def approve(self, agreement, who=None):
        """Approved by an approver."""
        agreement.refresh_from_db()
        user = (who or self.office.approver).user
        return approve_agreement(agreement, seen_version=agreement.version, user=user)

    def agreed(self, scheme=NEGOTIATED, **changes) -> Agreement:
        """In force, and the firm's voucher of the scheme issued."""
        agreement = self.approve(self.draft(scheme, **changes))
        voucher = claims.apply_for_voucher(
            self.firm.organisation, self.calls[scheme], purpose="协议", user=self.firm.clerk
        )
        fire_voucher(voucher, "issue", actor=self.office.reviewer)
        return agreement

    def claim(self, agreement, position=1, paid_fen=106_000_000, product=True, number=1):
        """A complete claim of a tranche with one invoice that was paid."""
        found = open_tranche(agreement.tranches.get(position=position), user=self.firm.clerk)
        invoice = factories.add_invoice(found, self.firm, self.product, number, gross_fen=paid_fen)
        if not product:
            claims.declare_line(found, invoice.lines.get(), None, user=self.firm.clerk)
        return factories.complete(found, self.firm)


@pytest.fixture
def house():
    return House()


def test_a_tranche_is_claimed_held_reviewed_approved_publicised_and_paid_like_any_other(house):
    agreement = house.agreed()
    claim = house.claim(agreement)
    fire(claim, "submit", actor=house.firm.actor)
    claim.refresh_from_db()
    # Half of 1,060,000 yuan, within the tranche of 600,000.
    assert (claim.computed_fen, claim.granted_fen) == (53_000_000, 53_000_000)
    assert held_fen(claim.pk) == 53_000_000
    assert pool_available_fen(NEGOTIATED, 2025) == 6_000_000_000 - 53_000_000
    assert pool_available_fen("compute_voucher", 2025) == 5_000_000_000
    for verb in ("accept", "review", "approve"):
        factories.take(claim, verb, house.firm, house.office)
    claim.refresh_from_db()
    assert claim.state == "approved_once"
    for verb in ("approve", "publicise", "clear", "batch", "pay"):
        factories.take(claim, verb, house.firm, house.office)
    claim.refresh_from_db()
    assert claim.state == "paid"
    assert paid_fen(claim.pk) == 53_000_000
    trace = claim.decisions.latest("pk").result["decision"]["trace"]
    assert any("按协议" in step["outcome"] for step in trace)


def test_what_exceeds_a_tranche_or_the_agreement_is_cut_and_says_so(house):
    agreement = house.agreed()
    first = house.claim(agreement, paid_fen=212_000_000)
    fire(first, "submit", actor=house.firm.actor)
    first.refresh_from_db()
    assert (first.computed_fen, first.granted_fen) == (106_000_000, 60_000_000)
    assert first.decisions.get().binding == "tranche"
    second = house.claim(agreement, position=2, paid_fen=212_000_000, number=2)
    fire(second, "submit", actor=house.firm.actor)
    second.refresh_from_db()
    assert second.granted_fen == 40_000_000
    assert check_review()[1] == []


def test_construction_needs_no_product_and_no_usage_list(house):
    agreement = house.agreed(BUILT, cost_fen=1_000_000_000, rate=Fraction(15, 100), grant_fen=150_000_000,
                             parts=[Part(150_000_000, "建成投用")])  # fmt: skip
    claim = house.claim(agreement, paid_fen=106_000_000, product=False)
    claim.attachments.filter(kind="usage").delete()
    fire(claim, "submit", actor=house.firm.actor)
    claim.refresh_from_db()
    assert claim.granted_fen == 15_900_000
    line = claim.lines.get()
    assert (line.service, line.product_id) == ("other", None)


def test_a_tranche_is_claimed_once_and_again_only_when_closed_unpaid(house):
    agreement = house.agreed()
    claim = house.claim(agreement)
    assert open_tranche(agreement.tranches.get(position=1), user=house.firm.clerk).pk == claim.pk
    fire(claim, "submit", actor=house.firm.actor)
    with pytest.raises(ClaimError, match="已经申请过"):
        open_tranche(agreement.tranches.get(position=1), user=house.firm.clerk)
    fire(claim, "withdraw", actor=house.firm.actor)
    assert open_tranche(agreement.tranches.get(position=1), user=house.firm.clerk).pk != claim.pk


@pytest.mark.parametrize(
    ("scheme", "changes", "words"),
    [
        (NEGOTIATED, {"rate": Fraction(61, 100)}, "原则上算力服务补贴比例不高于60%"),
        (NEGOTIATED, {"grant_fen": 121_000_000, "rate": Fraction(1, 2)}, "原则上算力服务补贴比例不高于60%"),
        (NEGOTIATED, {"cost_fen": 10**10, "grant_fen": 1_000_000_001}, "最高不超过1000万元"),
        (BUILT, {"rate": Fraction(16, 100), "grant_fen": 30_000_000}, "最高给予建设成本 15% 的补贴"),
        (
            BUILT,
            {"cost_fen": 10**11, "rate": Fraction(15, 100), "grant_fen": 3_000_000_001},
            "总额最高不超过 3000 万元",
        ),
    ],
)
def test_an_agreement_beyond_its_ceiling_is_refused_with_the_clause(house, scheme, changes, words):
    with pytest.raises(BeyondLaw, match=words):
        house.draft(scheme, parts=[Part(1, "一")], **changes)


def test_an_exception_needs_its_reason_and_a_second_approver(house):
    beyond = {"rate": Fraction(7, 10), "grant_fen": 140_000_000, "parts": [Part(140_000_000, "一次")]}
    with pytest.raises(BeyondLaw) as refusal:
        house.draft(**beyond)
    assert refusal.value.in_principle
    agreement = house.approve(house.draft(**beyond, exception="国家级大模型，市政府常务会议同意"))
    assert agreement.state == "approved_once"
    with pytest.raises(SamePerson):
        house.approve(agreement)
    agreement = house.approve(agreement, house.office.second)
    assert (agreement.state, agreement.second_by) == ("in_force", house.office.second.user)


def test_no_reason_lifts_a_ceiling_that_is_not_in_principle(house):
    with pytest.raises(BeyondLaw, match="最高不超过1000万元"):
        house.draft(cost_fen=10**10, grant_fen=1_000_000_001, exception="理由", parts=[Part(1, "一")])
    with pytest.raises(BeyondLaw, match="15%"):
        house.draft(BUILT, rate=Fraction(1, 5), exception="理由", parts=[Part(1, "一")])


def test_a_reason_without_need_is_not_kept(house):
    assert house.draft(exception="多写的").exception == ""


def test_each_step_belongs_to_its_officer_and_its_version(house):
    with pytest.raises(NotAllowed):
        house.draft(user=house.office.approver.user)
    agreement = house.draft()
    with pytest.raises(NotAllowed):
        approve_agreement(agreement, seen_version=0, user=house.office.preparer.user)
    with pytest.raises(StaleClaim):
        approve_agreement(agreement, seen_version=1, user=house.office.approver.user)
    with pytest.raises(ReasonMissing):
        close_agreement(agreement, reason=" ", seen_version=0, user=house.office.approver.user)
    house.approve(agreement)
    with pytest.raises(ReviewRefused, match="不能再审批"):
        house.approve(agreement, house.office.second)


def test_an_agreement_that_ended_is_claimed_no_more(house):
    agreement = house.agreed()
    agreement = close_agreement(
        agreement, reason="项目中止", seen_version=agreement.version, user=house.office.approver.user
    )
    assert agreement.state == "ended"
    with pytest.raises(ClaimError, match="已终止"):
        open_tranche(agreement.tranches.get(position=1), user=house.firm.clerk)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([], "至少写一期"),
        ([Part(0, "一")], "至少写一期"),
        ([Part(1, " ")], "至少写一期"),
        ([Part(60_000_000, "一"), Part(40_000_001, "二")], "超过补贴总额"),
    ],
)
def test_tranches_are_whole_and_within_the_grant(house, parts, words):
    with pytest.raises(ReviewRefused, match=words):
        house.draft(parts=parts)


def test_without_an_agreement_nobody_applies_under_the_scheme(house):
    with pytest.raises(ClaimError, match="没有生效的协议"):
        claims.apply_for_voucher(house.firm.organisation, house.calls[NEGOTIATED], purpose="x", user=house.firm.clerk)
    agreement = house.agreed()
    voucher = house.firm.organisation and agreement.organisation
    own = claims.Voucher.objects.get(organisation=voucher, scheme=NEGOTIATED)
    with pytest.raises(ClaimError, match="按协议分期拨付"):
        claims.open_claim(own, user=house.firm.clerk)


def refused(sql: str, *parameters) -> None:
    """The database refuses it to the runtime role."""
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_the_database_keeps_what_was_agreed(house):
    agreement = house.agreed()
    pk, tranche = agreement.pk, agreement.tranches.get(position=1)
    refused("UPDATE vouchers_agreement SET grant_fen = grant_fen + 1, version = version + 1 WHERE id = %s", pk)
    refused("UPDATE vouchers_agreement SET made_by_id = approved_by_id WHERE id = %s", pk)
    refused("DELETE FROM vouchers_agreement WHERE id = %s", pk)
    refused("UPDATE vouchers_tranche SET amount_fen = 1 WHERE id = %s", tranche.pk)
    refused("DELETE FROM vouchers_tranche WHERE id = %s", tranche.pk)
    refused("INSERT INTO vouchers_tranche (agreement_id, position, amount_fen, condition) VALUES (%s, 3, 1, 'x')", pk)
    claim = house.claim(agreement)
    refused("UPDATE vouchers_claim SET tranche_id = NULL WHERE id = %s", claim.pk)
    refused(
        "UPDATE vouchers_claim SET computed_fen = 99999999999, granted_fen = %s WHERE id = %s",
        tranche.amount_fen + 1,
        claim.pk,
    )


def test_the_database_lets_no_draft_through_unapproved(house):
    agreement = house.draft()
    for sets in (
        "state = 'in_force', version = 1",
        f"state = 'in_force', version = 1, approved_by_id = {agreement.made_by_id}, approved_at = now()",
        f"state = 'in_force', version = 1, approved_by_id = {house.office.preparer.user.pk}, approved_at = now()",
    ):
        refused(f"UPDATE vouchers_agreement SET {sets} WHERE id = %s", agreement.pk)
    refused(
        "INSERT INTO vouchers_tranche (agreement_id, position, amount_fen, condition) VALUES (%s, 3, 1, 'x')",
        agreement.pk,
    )
    assert Tranche.objects.filter(agreement=agreement).count() == 2


def test_another_firm_cannot_claim_the_tranche(house):
    agreement = house.agreed()
    stranger = factories.user("stranger")
    with pytest.raises(ClaimError, match="不是该单位的经办人"):
        open_tranche(agreement.tranches.get(position=1), user=stranger)
