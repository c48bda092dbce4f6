"""Caps over several years together and of a contract hold whoever comes at the same instant, and whatever a program says."""

import datetime as dt
import threading

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from tests import factories
from tests.at_once import at_once
from vouchers.calls.services import freeze
from vouchers.claims import services as claims
from vouchers.claims.contracts import ContractFacts
from vouchers.ledger.selectors import held_fen
from vouchers.review import agreements, bounds, funding, steps
from vouchers.review.models import ClaimEvent
from vouchers.review.services import fire

SUBSIDY = 3_180_000
YEARS_CAP = 5_000_000
DAYS = {"paid_on": dt.date(2024, 6, 20), "issued_on": dt.date(2024, 6, 10)}
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def office():
    return factories.office()


def two_years(office, number=1, **terms):
    """Complete drafts of one firm, of 2024 and of 2025, under calls with these terms."""
    calls = [factories.call(year=year, **terms) for year in (2024, 2025)]
    product = factories.product()
    firm = factories.firm(number, calls[0], reviewer=office.reviewer)
    later = factories.join(firm, calls[1], office.reviewer)
    drafts = [factories.ready(firm, product, 10 * number, **DAYS), factories.ready(later, product, 10 * number + 1)]
    return firm, drafts


def one_contract(office, *, contract_fen=None, **terms):
    """Two complete drafts of one firm and year, whose invoices are of one contract."""
    call = factories.call(**terms)
    product, firm = factories.product(), factories.firm(1, call, reviewer=office.reviewer)
    drafts = [factories.ready(firm, product, number) for number in (1, 2)]
    for claim in drafts:
        line = claim.lines.get().invoice_line
        contract = ContractFacts("HT-1", contract_fen=contract_fen)
        claims.declare_line(claim, line, product, user=firm.clerk, contract=contract)
    return firm, drafts


def granted(drafts):
    for claim in drafts:
        claim.refresh_from_db()
    assert [held_fen(claim.pk) for claim in drafts] == [claim.granted_fen for claim in drafts]
    return sorted(claim.granted_fen for claim in drafts)


def submit_at_once(firm, drafts):
    return at_once([lambda claim=claim: fire(claim, "submit", actor=firm.actor) for claim in drafts])


def without_the_lock(monkeypatch, drafts):
    """As a program with a mistake would do it: both are decided before either is written."""
    both, write, met = threading.Barrier(len(drafts)), steps.write, set()

    def write_together(claim, *args, **named):
        if claim.pk not in met:
            met.add(claim.pk)
            both.wait(timeout=60)
        return write(claim, *args, **named)

    monkeypatch.setattr(funding, "is_bounded", lambda call: False)
    monkeypatch.setattr(funding, "lock_bounds", lambda claim: None)
    monkeypatch.setattr(steps, "write", write_together)


def test_two_years_at_the_same_instant_share_what_both_may_have_together(office):
    for number in (1, 2, 3):
        firm, drafts = two_years(office, number, years_cap_fen=YEARS_CAP) if number == 1 else again(office, number)
        answers = submit_at_once(firm, drafts)
        assert all(isinstance(answer, ClaimEvent) for answer in answers), answers
        assert granted(drafts) == [YEARS_CAP - SUBSIDY, SUBSIDY]
    assert agreements.check_agreements() == []


def again(office, number):
    """Drafts of another firm under the same calls."""
    calls = list(factories.Call.objects.order_by("fiscal_year"))
    firm = factories.firm(number, calls[0], reviewer=office.reviewer)
    later = factories.join(firm, calls[1], office.reviewer)
    product = factories.product()
    return firm, [
        factories.ready(firm, product, 10 * number, **DAYS), factories.ready(later, product, 10 * number + 1)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("terms", "contract_fen", "sums"),
    [
        ({"contract_cap_fen": YEARS_CAP}, None, [YEARS_CAP - SUBSIDY, SUBSIDY]),
        # 150 000 yuan of contract, of which 106 000 and then the rest counts.
        ({"within_contract": True}, 15_000_000, [1_320_000, SUBSIDY]),
    ],
)
def test_two_claims_of_one_contract_at_the_same_instant_share_it(office, terms, contract_fen, sums):
    firm, drafts = one_contract(office, contract_fen=contract_fen, **terms)
    answers = submit_at_once(firm, drafts)
    assert all(isinstance(answer, ClaimEvent) for answer in answers), answers
    assert granted(drafts) == sums
    assert agreements.check_agreements() == []


def test_the_database_refuses_the_second_year_where_a_program_forgets_the_lock(office, monkeypatch):
    firm, drafts = two_years(office, years_cap_fen=YEARS_CAP)
    without_the_lock(monkeypatch, drafts)
    answers = submit_at_once(firm, drafts)
    (refusal,) = [answer for answer in answers if not isinstance(answer, ClaimEvent)]
    assert isinstance(refusal, IntegrityError)
    assert "several years" in str(refusal)
    assert granted(drafts) == [0, SUBSIDY]


@pytest.mark.parametrize(
    ("terms", "contract_fen"), [({"contract_cap_fen": YEARS_CAP}, None), ({"within_contract": True}, 15_000_000)]
)
def test_the_database_refuses_the_second_of_a_contract_too(office, monkeypatch, terms, contract_fen):
    firm, drafts = one_contract(office, contract_fen=contract_fen, **terms)
    freeze(drafts[0].call, at=settings.CLOCK.now())  # the first submission of a call holds its row
    # The year's own lock would bring the second to its senses: the room under the annual cap has changed.
    decided = {}
    turn = funding._turn

    def as_decided_before(claim, *args, **named):
        return decided.setdefault(claim.pk, turn(claim, *args, **named))

    without_the_lock(monkeypatch, drafts)
    monkeypatch.setattr(funding, "_turn", as_decided_before)
    monkeypatch.setattr(funding, "place_again", lambda claim, dossier: told_again(decided[claim.pk]))
    answers = submit_at_once(firm, drafts)
    (refusal,) = [answer for answer in answers if not isinstance(answer, ClaimEvent)]
    assert isinstance(refusal, IntegrityError)
    assert "its contracts leave" in str(refusal)
    assert granted(drafts) == [0, SUBSIDY]


def told_again(plan):
    """The same plan, of somebody who looked at the room that is left now, and at nothing else."""
    plan.purse.room_fen, plan.unbound = 200_000_000 - SUBSIDY, None
    return plan


def test_what_was_withdrawn_or_cut_leaves_its_room_to_the_others(office):
    firm, drafts = two_years(office, years_cap_fen=YEARS_CAP)
    for claim in drafts:
        fire(claim, "submit", actor=firm.actor)
    assert granted(drafts) == [YEARS_CAP - SUBSIDY, SUBSIDY]
    fire(drafts[0], "withdraw", actor=firm.actor)
    for verb in ("accept", "review"):
        factories.take(drafts[1], verb, firm, office)
    drafts[1].refresh_from_db()
    assert drafts[1].granted_fen == SUBSIDY
    assert agreements.check_agreements() == []


def test_an_appeal_counts_what_the_other_year_got_meanwhile(office):
    firm, drafts = two_years(office, years_cap_fen=YEARS_CAP)
    fire(drafts[0], "submit", actor=firm.actor)
    factories.take(drafts[0], "reject", firm, office)
    fire(drafts[1], "submit", actor=firm.actor)
    factories.take(drafts[0], "appeal", firm, office)
    assert granted(drafts) == [YEARS_CAP - SUBSIDY, SUBSIDY]
    assert agreements.check_agreements() == []


def test_a_year_without_such_a_cap_neither_takes_the_lock_nor_looks(office):
    firm, drafts = two_years(office)
    with CaptureQueriesContext(connection) as asked:
        fire(drafts[0], "submit", actor=firm.actor)
    assert not any("advisory" in query["sql"] for query in asked)
    bounded = factories.call(year=2025, version=2, years_cap_fen=YEARS_CAP)
    assert [bounds.is_bounded(claim.call) for claim in drafts] == [False, False]
    assert bounds.is_bounded(bounded)


def forge(sql, *params):
    """As the owner, with every trigger off."""
    with transaction.atomic("owner"), connections["owner"].cursor() as cursor:
        for table in ("vouchers_claim", "vouchers_decision"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(sql, params)
        for table in ("vouchers_claim", "vouchers_decision"):
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def test_the_check_of_the_books_names_who_has_more_than_several_years_allow(office):
    firm, drafts = two_years(office, years_cap_fen=YEARS_CAP)
    for claim in drafts:
        fire(claim, "submit", actor=firm.actor)
    forge("UPDATE vouchers_claim SET granted_fen = granted_fen + 1 WHERE id = %s", drafts[1].pk)
    named = [problem for problem in agreements.check_agreements() if problem.startswith("多年累计")]
    assert named == [
        f"多年累计补助超过申报通知的上限：{drafts[1].number}，累计 {YEARS_CAP + 1} 分，上限 {YEARS_CAP} 分"
    ]


@pytest.mark.parametrize(
    ("terms", "contract_fen"), [({"contract_cap_fen": YEARS_CAP}, None), ({"within_contract": True}, 15_000_000)]
)
def test_the_check_of_the_books_names_who_has_more_than_a_contract_allows(office, terms, contract_fen):
    firm, drafts = one_contract(office, contract_fen=contract_fen, **terms)
    for claim in drafts:
        fire(claim, "submit", actor=firm.actor)
    assert agreements.check_agreements() == []
    for what in ("base_fen", "subsidy_fen"):
        forge(
            f"""UPDATE vouchers_decision
                SET result = jsonb_set(result, '{{decision,lines,0,{what}}}',
                                       to_jsonb((result #>> '{{decision,lines,0,{what}}}')::bigint + 1))
                WHERE claim_id = %s""",
            drafts[0].pk,
        )
    title = "同一合同的费用或补助超过合同金额或申报通知的上限"
    assert f"{title}：{drafts[1].number}" in agreements.check_agreements()
