"""The ceilings of schemes that are agreed case by case (一事一议). The amount itself is negotiated, not computed."""

from __future__ import annotations

from dataclasses import dataclass

from vouchers import money
from vouchers.policy import AgreementLaw
from vouchers.rules.clauses import CallExceedsLaw
from vouchers.rules.facts import FactsError


@dataclass(frozen=True, slots=True)
class Agreement:
    """What was agreed with one applicant: the grant, and the cost (construction, or compute fees) it is a share of."""

    cost_fen: int
    grant_fen: int

    def __post_init__(self) -> None:
        if self.cost_fen < 0 or self.grant_fen < 0:
            raise FactsError("malformed_value", "成本（费用）和补贴金额都不能小于零。")


def check_agreement(agreement: Agreement, law: AgreementLaw) -> None:
    """Refuse an agreement beyond its ceilings: raises CallExceedsLaw naming the clause.

    The clause's own words 原则上 show in the exception's `in_principle`.
    """
    share, total = _CLAUSES[law.scheme]
    share(agreement, law)
    total(agreement, law)


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


def _total_within(agreement: Agreement, law: AgreementLaw) -> None:
    ceiling = law.grant_ceiling
    if agreement.grant_fen > ceiling.value:
        what = f"补贴 {money.grouped(agreement.grant_fen)} 元高于 {money.grouped(ceiling.value)} 元"
        raise CallExceedsLaw(what, ceiling)
