"""From papers to facts: no fen counts twice, whatever the lines, payments, discounts and red letters."""

import datetime as dt
from collections import defaultdict
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouchers import rules
from vouchers.calls.models import Call
from vouchers.claims.dossier import Asked
from vouchers.claims.facts import facts_of
from vouchers.claims.models import Claim
from vouchers.claims.papers import Allocation, Invoice, InvoiceLine, PaymentMade
from vouchers.policy import TAX_BASES, law_for

APPLICANT = rules.Applicant("91320214MA1XXXXXXX", "digital_enterprise", "无锡市")
DAY = dt.date(2025, 6, 1)
LAW = law_for("compute_voucher", 2025)


class Papers:
    """What a claim's `Dossier` holds for one invoice, without a database."""

    def __init__(self, lines, paid, claimed=None, reds=(), elsewhere_fen=0, basis="paid", days=None):
        self.claim = Claim(call=Call(scheme="compute_voucher", fiscal_year=2025, tax_basis=basis))
        invoice = self._invoice(1, lines)
        self.invoices = {1: invoice}
        self.invoice_lines = defaultdict(list, {1: self._lines(invoice, lines)})
        chosen = range(len(lines)) if claimed is None else claimed
        self._claimed = [
            Asked(
                10 + i,
                self.invoice_lines[1][i].pk,
                self.invoice_lines[1][i],
                "intelligent",
                "local",
                False,
                False,
                0,
                "",
            )
            for i in chosen
        ]
        days = days or [DAY] * len(paid)
        self.allocations = [
            Allocation(pk=i, payment=PaymentMade(pk=i, paid_on=day, amount_fen=fen), invoice=invoice, amount_fen=fen)
            for i, (fen, day) in enumerate(zip(paid, days, strict=True), start=1)
        ]
        self.red_letters = defaultdict(list)
        for pk, (red_lines, refunded_fen) in enumerate(reds, start=100):
            red = self._invoice(pk, red_lines, refunded_fen)
            self.red_letters[1].append(red)
            self.invoice_lines[pk] = self._lines(red, red_lines)
        self._elsewhere_fen = elsewhere_fen

    def claimed(self):
        return {1: self._claimed}

    def paid_on(self, invoice_id):
        return self.allocations

    def allocated_elsewhere(self):
        return {1: self._elsewhere_fen}

    @staticmethod
    def _invoice(pk, lines, refunded_fen=0):
        amount, tax = sum(line[0] for line in lines), sum(line[1] for line in lines)
        return Invoice(
            pk=pk, number=str(pk), issued_on=DAY, amount_fen=amount, tax_fen=tax, total_fen=amount + tax,
            red=amount < 0, refunded_fen=refunded_fen,
        )  # fmt: skip

    @staticmethod
    def _lines(invoice, lines):
        return [
            InvoiceLine(
                pk=invoice.pk * 1000 + i, invoice=invoice, position=i + 1, amount_fen=line[0], tax_fen=line[1],
                name=line[2] if len(line) > 2 else f"第{i}项", tax_rate="0.06",
            )
            for i, line in enumerate(lines)
        ]  # fmt: skip


def facts(papers):
    return facts_of(papers.claim, applicant=APPLICANT, cap_used_fen=0, pool_available_fen=None, dossier=papers)


def base_fen(papers):
    terms = replace(rules.default_terms(LAW), tax_basis=papers.claim.call.tax_basis)
    return sum(line.base_fen for line in rules.decide(facts(papers), LAW, terms).lines)


FEN = st.integers(1, 10**9)
LINES = st.lists(st.tuples(FEN, st.integers(0, 10**8)), min_size=1, max_size=12)
BASES = st.sampled_from(TAX_BASES)


def total(lines):
    return sum(line[0] + line[1] for line in lines)


@st.composite
def split(draw, fen, most=4):
    """`fen` or less, paid in up to `most` steps above zero."""
    cuts = sorted(draw(st.lists(st.integers(0, fen), min_size=1, max_size=most)))
    return [b - a for a, b in zip([0, *cuts], cuts, strict=False) if b > a]


@settings(max_examples=60, deadline=None)
@given(st.data(), LINES)
def test_parts_never_exceed_the_invoice_and_payments_are_spread_to_the_fen(data, lines):
    paid = data.draw(split(total(lines)))
    made = facts(Papers(lines, paid)).lines
    # Rounded down on the running sum: less than a fen a line is lost while the invoice is not paid in full.
    spread = sum(line.paid_fen for line in made)
    assert sum(paid) - len(lines) < spread <= sum(paid)
    assert spread == sum(paid) or sum(paid) < sum(amount + tax for amount, tax, *_ in lines)
    assert sum(line.amount_fen + line.tax_fen for line in made) <= total(lines)
    for number, fen in enumerate(paid, start=1):
        assert abs(sum(line.paid_fen for line in made if line.ref.endswith(f"-{number}")) - fen) < len(lines)
    if paid:
        assert sum(line.amount_fen for line in made) == sum(line[0] for line in lines)


@settings(max_examples=60, deadline=None)
@given(st.data(), LINES)
def test_a_line_that_is_not_claimed_takes_its_share_of_the_payment_with_it(data, lines):
    claimed = data.draw(st.lists(st.integers(0, len(lines) - 1), unique=True, min_size=1))
    paid = data.draw(split(total(lines)))
    made = facts(Papers(lines, paid, claimed=claimed)).lines
    for at in claimed:
        parts = [line for line in made if line.ref.startswith(f"{10 + at}-")]
        assert sum(line.amount_fen + line.tax_fen for line in parts) <= lines[at][0] + lines[at][1]
        assert sum(line.paid_fen for line in parts) <= lines[at][0] + lines[at][1]
        assert sum(min(line.paid_fen, line.amount_fen + line.tax_fen) for line in parts) <= sum(lines[at])


@settings(max_examples=100, deadline=None)
@given(st.data(), LINES, BASES)
def test_the_claims_of_two_years_together_never_count_more_than_was_paid(data, lines, basis):
    whole = total(lines)
    first = data.draw(st.integers(1, whole))
    second = data.draw(st.integers(0, whole - first))
    # The first is decided before anybody knows of the second.
    before = base_fen(Papers(lines, [first], basis=basis))
    after = base_fen(Papers(lines, [second] if second else [], elsewhere_fen=first, basis=basis))
    assert before + after <= first + second


@settings(max_examples=60, deadline=None)
@given(st.data(), LINES, BASES)
def test_a_red_letter_never_leaves_more_than_the_net_invoice(data, lines, basis):
    taken = [(data.draw(st.integers(0, amount)), data.draw(st.integers(0, tax))) for amount, tax in lines]
    red_lines = [(-amount, -tax, f"第{i}项") for i, (amount, tax) in enumerate(taken) if amount + tax]
    if not red_lines:
        return
    refunded = data.draw(st.integers(0, -total(red_lines)))
    paid = data.draw(split(total(lines)))
    papers = Papers(lines, paid, reds=[(red_lines, refunded)], basis=basis)
    assert base_fen(papers) <= min(total(lines) + total(red_lines), sum(paid))
    reversals = facts(papers).reversals
    assert sum(r.amount_fen + r.tax_fen for r in reversals) >= total(red_lines)


@pytest.mark.parametrize("basis", ["paid", "incl_tax"])
def test_half_paid_then_half_reversed_counts_the_half_that_was_paid(basis):
    papers = Papers([(10_000_000, 600_000)], [5_300_000], reds=[([(-5_000_000, -300_000, "第0项")], 0)], basis=basis)
    assert base_fen(papers) == 5_300_000


@pytest.mark.parametrize("basis", TAX_BASES)
def test_a_half_paid_invoice_counts_its_paid_half(basis):
    expected = 5_000_000 if basis == "excl_tax" else 5_300_000
    assert base_fen(Papers([(10_000_000, 600_000)], [5_300_000], basis=basis)) == expected


def test_a_discount_line_counts_inside_the_line_above_it():
    lines = [(10_000, 600), (-1_000, -60), (5_000, 300)]
    made = facts(Papers(lines, [total(lines)])).lines
    assert [(line.amount_fen, line.tax_fen, line.paid_fen) for line in made] == [
        (9_000, 540, 9_540),
        (5_000, 300, 5_300),
    ]


def test_a_red_letter_reduces_the_line_that_it_names():
    lines = [(10_000, 600, "甲"), (20_000, 1_200, "乙")]
    made = facts(Papers(lines, [total(lines)], reds=[([(-5_000, -300, "乙")], 0)]))
    assert [(r.reverses, r.amount_fen, r.tax_fen) for r in made.reversals] == [("11-1", -5_000, -300)]


def test_a_red_letter_that_names_no_line_reduces_all_of_them():
    lines = [(10_000, 600, "甲"), (20_000, 1_200, "乙")]
    made = facts(Papers(lines, [total(lines)], reds=[([(-3_000, -180, "丙")], 0)]))
    assert [r.amount_fen for r in made.reversals] == [-1_000, -2_000]


def test_a_red_letter_with_a_discount_line_of_its_own_is_taken_net():
    lines = [(10_000, 600, "甲"), (-1_000, -60, "甲")]
    made = facts(Papers(lines, [total(lines)], claimed=[0], reds=[([(-10_000, -600, "甲"), (1_000, 60, "甲")], 9_540)]))
    assert [(r.amount_fen, r.tax_fen, r.paid_fen) for r in made.reversals] == [(-9_000, -540, -9_540)]


def test_payments_on_different_days_keep_their_days():
    days = [dt.date(2025, 3, 1), dt.date(2025, 12, 31)]
    made = facts(Papers([(10_000, 600)], [4_000, 6_600], days=days)).lines
    assert [(line.paid_on, line.paid_fen) for line in made] == list(zip(days, [4_000, 6_600], strict=True))


def test_an_invoice_without_a_payment_gives_no_facts():
    assert facts(Papers([(10_000, 600)], [])).lines == ()


def test_a_hundred_small_payments_make_half_an_invoice_worth_no_more_than_half():
    papers = Papers([(1000, 0, "算力"), (1000, 0, "其他")], [19] * 100, claimed=[0])
    assert sum(line.paid_fen for line in facts(papers).lines) == 950


def test_what_other_claims_took_in_small_payments_counts_into_the_rounding():
    takes = [
        sum(
            line.paid_fen for line in facts(Papers([(5, 0, "a"), (5, 0, "b")], [1], claimed=[0], elsewhere_fen=n)).lines
        )
        for n in range(7)
    ]
    assert sum(takes) == 3
