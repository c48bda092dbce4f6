"""The boxes of rate classes on the real form: domestic chips, start-ups. A city that has them is a law file and no code."""

from dataclasses import replace
from fractions import Fraction

import pytest

from tests import factories
from tests.portal.test_contract_inputs import Filing
from vouchers import policy
from vouchers.claims.drafts import half_typed
from vouchers.policy import loader
from vouchers.review.preview import preview
from vouchers.review.services import fire

pytestmark = pytest.mark.django_db
KNOWN = {
    "domestic_chip": policy.RateClass(Fraction(2, 5), "使用国产算力"),
    "startup": policy.RateClass(Fraction(7, 20), "创业企业"),
    "project_level": policy.RateClass(Fraction(1, 2), "市级重大项目"),
}
PLAIN_FEN, STARTUP_FEN, CHIP_FEN = 3_180_000, 3_710_000, 4_240_000  # 30 %, 35 % and 40 % of 106,000 yuan


@pytest.fixture(autouse=True)
def _no_files(settings):
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "whitenoise" not in each]


@pytest.fixture
def filing(monkeypatch):
    """A filing under the law of Wuxi, supposed to know three classes, of which the call offers two."""
    shelf = dict(loader._shelf())
    law = shelf["compute_voucher", 2025]
    classes = policy.Value(KNOWN, law.in_force.value.first, "文本未规定", "假设", silent=True)
    shelf["compute_voucher", 2025] = replace(law, rate_classes=classes)
    monkeypatch.setattr(loader, "_shelf", lambda: shelf)
    return Filing(factories.office(), class_rates={"domestic_chip": "0.40", "startup": "0.35"})


def ticked(filing):
    """The codes whose boxes the page shows ticked, of those it shows."""
    boxes = [piece.partition(">")[0] for piece in filing.show().split('type="checkbox" name="')[1:]]
    found = [box for box in boxes if "-classes" in box]
    return {box.partition('value="')[2].partition('"')[0]: "checked" in box for box in found}


def test_the_page_offers_the_classes_of_the_call_in_words_and_no_other(filing):
    assert ticked(filing) == {"domestic_chip": False, "startup": False}
    shown = filing.show()
    assert "使用国产算力" in shown
    assert "创业企业" in shown
    assert "市级重大项目" not in shown
    assert "同时符合几项的只按最高一档补助" in shown


@pytest.mark.parametrize(
    ("codes", "rate", "fen"),
    [
        ([], Fraction(3, 10), PLAIN_FEN),
        (["startup"], Fraction(7, 20), STARTUP_FEN),
        (["domestic_chip"], Fraction(2, 5), CHIP_FEN),
        (["startup", "domestic_chip"], Fraction(2, 5), CHIP_FEN),
    ],
)
def test_a_tick_changes_rate_amount_and_trace_and_of_several_the_higher_counts_alone(filing, codes, rate, fen):
    assert filing.save(classes=codes).status_code == 302
    assert filing.said().classes == codes
    assert ticked(filing) == {code: code in codes for code in ("domestic_chip", "startup")}
    decision = preview(filing.claim)
    assert (decision.lines[0].rate, decision.granted_fen) == (rate, fen)
    told = str(decision.trace)
    assert ("使用国产算力" in told, "创业企业" in told) == (rate == Fraction(2, 5), rate == Fraction(7, 20))
    fire(filing.claim, "submit", actor=filing.firm.actor)
    filing.claim.refresh_from_db()
    assert filing.claim.granted_fen == fen


def test_a_box_that_is_cleared_counts_no_more(filing):
    filing.save(classes=["domestic_chip"])
    assert preview(filing.claim).granted_fen == CHIP_FEN
    assert filing.save().status_code == 302
    assert (filing.said().classes, preview(filing.claim).granted_fen) == ([], PLAIN_FEN)


@pytest.mark.parametrize("code", ["project_level", "invented", "' OR 1=1"])
def test_a_class_that_the_call_does_not_offer_is_refused_and_nothing_is_saved(filing, code):
    filing.save(classes=["startup"])
    answer = filing.save(classes=["domestic_chip", code])
    assert answer.status_code == 409
    assert "第 1 行的合同和服务情况没有填好" in answer.content.decode()
    assert filing.said().classes == ["startup"]
    assert preview(filing.claim).granted_fen == STARTUP_FEN


def test_a_form_that_fails_keeps_its_ticks(filing):
    pk = filing.line.pk
    body = {f"line_{pk}": "on", f"product_{pk}": "", f"ask_{pk}-classes": ["domestic_chip"]}
    answer = filing.client.post(filing.address, body)
    shown = answer.content.decode()
    assert answer.status_code == 409
    assert 'value="domestic_chip" checked' in shown
    assert 'value="startup" checked' not in shown


def test_ticks_that_were_never_saved_are_there_again(filing):
    pk = filing.line.pk
    typed = {f"line_{pk}": "on", f"ask_{pk}-classes": ["startup", "domestic_chip"]}
    keep = f"/claims/{filing.claim.number}/keep/lines/{filing.line.invoice_id}/"
    assert filing.client.post(keep, typed).status_code == 200
    assert half_typed(filing.claim, f"lines:{filing.line.invoice_id}")
    assert ticked(filing) == {"domestic_chip": True, "startup": True}
    assert filing.said().classes == []


def test_a_call_without_classes_shows_no_box_and_takes_none():
    filing = Filing(factories.office())
    assert "-classes" not in filing.show()
    assert filing.save(classes=["startup"]).status_code == 302
    assert (filing.said().classes, preview(filing.claim).granted_fen) == ([], PLAIN_FEN)
