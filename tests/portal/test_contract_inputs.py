"""What only some calls ask of a line — contract, days of service, rate classes — is asked for then, and then alone."""

import datetime as dt

import pytest
from django.test import Client

from tests import factories
from vouchers.claims.completeness import deficiencies_of
from vouchers.claims.contracts import ContractFacts
from vouchers.claims.drafts import half_typed
from vouchers.claims.intake import ClaimError
from vouchers.claims.papers import ClaimLine
from vouchers.claims.services import declare_line
from vouchers.review.preview import preview

pytestmark = pytest.mark.django_db
YEAR = {"service_from": "2025-01-01", "service_until": "2026-12-31"}


@pytest.fixture(autouse=True)
def _no_files(settings):
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "whitenoise" not in each]


@pytest.fixture
def office():
    return factories.office()


class Filing:
    """A complete claim of one invoice under a call with `terms`, its clerk signed in, and the invoice's page."""

    def __init__(self, office, **terms):
        self.call = factories.call(**terms)
        self.firm = factories.firm(1, self.call, reviewer=office.reviewer)
        self.product = factories.product()
        self.claim = factories.ready(self.firm, self.product, 1)
        self.line = self.claim.lines.get().invoice_line
        self.client = Client()
        self.client.force_login(self.firm.clerk)
        self.address = f"/claims/{self.claim.number}/invoices/{self.line.invoice_id}/"

    def show(self):
        answer = self.client.get(self.address)
        assert answer.status_code == 200
        return answer.content.decode()

    def save(self, **typed):
        pk = self.line.pk
        body = {f"line_{pk}": "on", f"product_{pk}": self.product.pk}
        return self.client.post(self.address, body | {f"ask_{pk}-{name}": value for name, value in typed.items()})

    def said(self):
        return ClaimLine.objects.get(claim=self.claim)

    def missing(self):
        return [each.message for each in deficiencies_of(self.claim) if each.code == "line_contract"]


LABELS = {
    "contract": "合同编号",
    "contract_fen": "合同总额（元）",
    "signed_on": "合同签订日期",
    "service_from": "服务开始日期",
    "service_until": "服务结束日期",
}


@pytest.mark.parametrize(
    ("terms", "asked"),
    [
        ({}, []),
        ({"contract_cap_fen": 100}, ["contract"]),
        ({"within_contract": True}, ["contract", "contract_fen"]),
        ({"proration": "exclusive"}, ["service_from", "service_until"]),
        ({"cap_year": "service"}, ["service_from", "service_until"]),
        ({"cap_year": "signed"}, ["signed_on"]),
    ],
)
def test_a_page_asks_for_what_the_call_asks_for_and_nothing_else(office, terms, asked):
    filing = Filing(office, **terms)
    shown = filing.show()
    assert [name for name, label in LABELS.items() if f">{label}<" in shown] == asked
    assert bool(filing.missing()) == bool(asked)
    assert ("合同和服务情况" in shown) == bool(asked)


def test_what_is_typed_is_kept_and_counts(office):
    filing = Filing(office, proration="exclusive", contract_cap_fen=1_000_000)
    assert "第 1 行还没有填写合同编号、服务期" in filing.missing()[0]
    # However it is typed, one contract is one.
    assert filing.save(contract=" ht－2025 001", **YEAR).status_code == 302
    said = filing.said()
    assert (said.contract, said.service_from, said.service_until) == (
        "HT-2025001", dt.date(2025, 1, 1), dt.date(2026, 12, 31)
    )  # fmt: skip
    assert filing.missing() == []
    decision = preview(filing.claim)
    # 364 of 729 days of 106 000 yuan, at 30 %, and the contract's cap below that.
    assert (decision.computed_fen, decision.granted_fen, decision.binding) == (1_587_818, 1_000_000, "contract_cap")
    shown = filing.show()
    assert 'value="HT-2025001"' in shown
    assert 'value="2026-12-31"' in shown


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"contract": "", **YEAR}, "请填写合同编号。"),
        ({"contract": "A1", "service_from": "2025-13-01", "service_until": "2025-12-31"}, "日期写法不对"),
        ({"contract": "A1", "service_from": "2025-06-01", "service_until": "2025-05-01"}, "服务结束日期早于开始日期"),
        ({"contract": "A1", "service_from": "2025-06-01"}, "请填写服务结束日期。"),
    ],
)
def test_what_is_typed_wrong_is_told_beside_it_and_nothing_typed_is_lost(office, typed, told):
    filing = Filing(office, proration="exclusive", contract_cap_fen=1_000_000)
    answer = filing.save(**typed)
    shown = answer.content.decode()
    assert answer.status_code == 409
    assert told in shown
    assert "第 1 行的合同和服务情况没有填好" in shown
    assert all(f'value="{value}"' in shown for value in typed.values() if value)
    assert filing.said().contract == ""


def test_a_line_that_is_not_claimed_needs_none_of_it(office):
    filing = Filing(office, proration="exclusive")
    assert filing.client.post(filing.address, {}).status_code == 302
    assert not ClaimLine.objects.filter(claim=filing.claim).exists()


def test_one_contract_has_one_amount_in_all_lines(office):
    filing = Filing(office, within_contract=True)
    other = factories.add_invoice(filing.claim, filing.firm, filing.product, 2).lines.get()
    facts = ContractFacts("HT-1", contract_fen=100)
    declare_line(filing.claim, other, filing.product, user=filing.firm.clerk, contract=facts)
    answer = filing.save(contract="ht-1", contract_fen="2")
    assert answer.status_code == 409
    assert "合同金额在各行填写得不一致（2.00 元和1.00 元）" in answer.content.decode()
    with pytest.raises(ClaimError, match="不一致"):
        declare_line(
            filing.claim, filing.line, filing.product, user=filing.firm.clerk,
            contract=ContractFacts("HT-1", contract_fen=101),
        )  # fmt: skip
    assert filing.save(contract="ht-1", contract_fen="1").status_code == 302
    assert preview(filing.claim).computed_fen == 30


def test_half_typed_contracts_are_there_again(office):
    filing = Filing(office, within_contract=True)
    pk = filing.line.pk
    typed = {f"line_{pk}": "on", f"ask_{pk}-contract": "HT-半", f"ask_{pk}-contract_fen": "12,3"}
    keep = f"/claims/{filing.claim.number}/keep/lines/{filing.line.invoice_id}/"
    assert filing.client.post(keep, typed).status_code == 200
    assert half_typed(filing.claim, f"lines:{filing.line.invoice_id}")
    shown = filing.show()
    assert 'value="HT-半"' in shown
    assert 'value="12,3"' in shown
    assert "请填写" not in shown.partition("合同和服务情况")[2].partition("</fieldset>")[0]


def test_two_windows_never_overwrite_each_others_contract(office):
    filing = Filing(office, contract_cap_fen=100)
    pk = filing.line.pk
    body = {f"line_{pk}": "on", f"product_{pk}": filing.product.pk, f"ask_{pk}-contract": "B"}
    seen = filing.show().partition('name="seen" value="')[2].partition('"')[0]
    assert filing.save(contract="A").status_code == 302
    answer = filing.client.post(filing.address, body | {"seen": seen})
    assert answer.status_code == 409
    assert "现在保存着的：申报" in answer.content.decode()
    assert "合同编号 A" in answer.content.decode()
    assert filing.said().contract == "A"
