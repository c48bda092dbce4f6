"""The ceilings of schemes that are agreed case by case (一事一议), and the standing of a claim under an agreement.

The rate and the amount themselves are negotiated; what a claim gets of them is computed from what was really paid.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from vouchers import money
from vouchers.policy import AgreementLaw
from vouchers.rules.clauses import CallExceedsLaw
from vouchers.rules.decision import Step
from vouchers.rules.facts import Facts, FactsError
from vouchers.rules.further_words import standing_step


@dataclass(frozen=True, slots=True)
class Agreement:
    """What was agreed with one applicant: the grant, and the cost (construction, or compute fees) it is a share of.

    `rate` is the share of what is really paid that each tranche pays out, where one was agreed. `exception` is the
    written reason for going beyond a ceiling that holds only 原则上.
    """

    cost_fen: int
    grant_fen: int
    rate: Fraction | None = None
    exception: str = ""

    def __post_init__(self) -> None:
        if self.cost_fen < 0 or self.grant_fen < 0:
            raise FactsError("malformed_value", "成本（费用）和补贴金额都不能小于零。")


def check_agreement(agreement: Agreement, law: AgreementLaw) -> None:
    """Refuse an agreement beyond its ceilings: raises CallExceedsLaw naming the clause.

    The clause's own words 原则上 show in the exception's `in_principle`; with a written reason it is let pass.
    """
    share, total = _CLAUSES[law.scheme]
    try:
        share(agreement, law)
    except CallExceedsLaw as refusal:
        if not (refusal.in_principle and agreement.exception.strip()):
            raise
    total(agreement, law)


def standing(facts: Facts, law: AgreementLaw) -> tuple[Step, str]:
    """What a claim of a case-by-case scheme rests on: the step that says so, and the finding where there is nothing.

    Raises CallExceedsLaw where the agreement exceeds its ceilings.
    """
    agreed = facts.agreed
    if agreed is None:
        return standing_step(None, law), "no_agreement"
    check_agreement(Agreement(agreed.cost_fen, agreed.grant_fen, agreed.rate, agreed.exception), law)
    return standing_step(agreed, law), ""


def construction_share(agreement: Agreement, law: AgreementLaw) -> None:
    """按照“一事一议”方式，最高给予建设成本 15% 的补贴

    The grant is at most this share of the construction cost.
    """
    _share_within(agreement, law, "建设成本")


def construction_total(agreement: Agreement, law: AgreementLaw) -> None:
    """总额最高不超过 3000 万元

    The grant is at most this amount.
    """
    _total_within(agreement, law)


def negotiated_share(agreement: Agreement, law: AgreementLaw) -> None:
    """原则上算力服务补贴比例不高于60%

    The grant is at most this share of the compute fees, but for a reasoned exception.
    """
    _share_within(agreement, law, "算力服务费用")


def negotiated_total(agreement: Agreement, law: AgreementLaw) -> None:
    """最高不超过1000万元

    The grant is at most this amount.
    """
    _total_within(agreement, law)


_CLAUSES = {
    "intelligent_construction": (construction_share, construction_total),
    "negotiated_compute": (negotiated_share, negotiated_total),
}


def _share_within(agreement: Agreement, law: AgreementLaw, of_what: str) -> None:
    ceiling = law.rate_ceiling
    if agreement.grant_fen > money.portion(agreement.cost_fen, ceiling.value):
        grant, cost = money.grouped(agreement.grant_fen), money.grouped(agreement.cost_fen)
        what = f"补贴 {grant} 元高于{of_what} {cost} 元的 {money.percent(ceiling.value)}"
        raise CallExceedsLaw(what, ceiling, in_principle=law.in_principle.value)
    if agreement.rate is not None and agreement.rate > ceiling.value:
        what = f"约定比例 {money.percent(agreement.rate)} 高于 {money.percent(ceiling.value)}"
        raise CallExceedsLaw(what, ceiling, in_principle=law.in_principle.value)


def _total_within(agreement: Agreement, law: AgreementLaw) -> None:
    ceiling = law.grant_ceiling
    if agreement.grant_fen > ceiling.value:
        what = f"补贴 {money.grouped(agreement.grant_fen)} 元高于 {money.grouped(ceiling.value)} 元"
        raise CallExceedsLaw(what, ceiling)
