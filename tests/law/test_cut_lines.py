"""What a reviewer takes off a line (核减) counts, is explained, and never makes a base less than nothing."""

from dataclasses import replace

import pytest

from vouchers import rules
from vouchers.management.cases import facts_from

from .builders import LAW, TERMS, ordinary_case


def decided(cut_fen, reason="单价偏高"):
    """The ordinary line of 106,000.00 yuan with so much cut off."""
    facts = facts_from(ordinary_case())
    (line,) = facts.lines
    return rules.decide(replace(facts, lines=(replace(line, cut_fen=cut_fen, cut_reason=reason),)), LAW, TERMS)


def cut_step(decision):
    (step,) = [step for step in decision.trace if step.rule == "cut"]
    return step


@pytest.mark.parametrize(
    ("cut_fen", "base_fen", "granted_fen"),
    [(1, 10_599_999, 3_179_999), (600_000, 10_000_000, 3_000_000), (10_599_000, 1_000, 300)],
)
def test_a_cut_lowers_the_base_and_the_amount_follows(cut_fen, base_fen, granted_fen):
    decision = decided(cut_fen)
    (line,) = decision.lines
    assert (line.base_fen, line.subsidy_fen, line.reason) == (base_fen, granted_fen, "")
    assert decision.granted_fen == granted_fen


@pytest.mark.parametrize("cut_fen", [10_600_000, 10_600_001, 99_999_999_999])
def test_a_cut_of_everything_or_more_leaves_nothing_and_says_by_whom(cut_fen):
    decision = decided(cut_fen)
    (line,) = decision.lines
    assert (line.base_fen, line.subsidy_fen, line.reason) == (0, 0, "reviewer_cut")
    assert decision.granted_fen == 0


def test_a_cut_is_explained_with_its_line_amount_and_reason():
    step = cut_step(decided(600_000))
    assert (step.citation, step.amount_fen, step.ref) == ("审核核减", -600_000, "L1")
    assert "发票行 L1，审核核减 6,000.00 元，理由：单价偏高" in step.given
    assert step.outcome == "补助基数由 106,000.00 元减为 100,000.00 元"
    assert "未填写" in cut_step(decided(600_000, reason="")).given


def test_a_line_that_is_not_cut_has_no_such_step():
    assert [step.rule for step in decided(0).trace].count("cut") == 0
