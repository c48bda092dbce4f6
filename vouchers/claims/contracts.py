"""What only some claims say of their lines, and what a claim of a case-by-case scheme rests on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

from applicants.models import Organisation
from vouchers.calls.models import Call
from vouchers.claims.agreements import Agreement, Tranche
from vouchers.claims.intake import ClaimError
from vouchers.claims.models import Claim, Voucher
from vouchers.policy import agreement_schemes
from vouchers.workflow import CLOSED_UNPAID


@dataclass(frozen=True)
class ContractFacts:
    """Of one line: its contract, the days of service and the rate classes it is in."""

    contract: str = ""
    contract_fen: int | None = None
    signed_on: dt.date | None = None
    service_from: dt.date | None = None
    service_until: dt.date | None = None
    classes: Sequence[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.contract_fen is not None and self.contract_fen < 0:
            raise ClaimError("合同金额不能小于零，请核对合同。")
        if (self.service_from is None) != (self.service_until is None):
            raise ClaimError("服务期须同时填写开始和结束日期。")
        if self.service_from and self.service_until and self.service_from > self.service_until:
            raise ClaimError("服务期的开始日期晚于结束日期，请核对合同。")


def require_agreement(organisation: Organisation, call: Call) -> None:
    """Raises `ClaimError` for a case-by-case scheme under which the organisation has no agreement in force."""
    if call.scheme not in agreement_schemes():
        return
    if not Agreement.objects.filter(organisation=organisation, scheme=call.scheme, state="in_force").exists():
        raise ClaimError("该项目按“一事一议”办理，本单位没有生效的协议，不能申领。请先与市工信局商定。")


def require_tranche(voucher: Voucher, tranche: Tranche | None) -> None:
    """Raises `ClaimError` unless a claim under `voucher` may be opened for `tranche` (None: for no agreement)."""
    if voucher.scheme not in agreement_schemes():
        if tranche is not None:
            raise ClaimError("该期次不属于这张券的项目，请重新选择。")
        return
    if tranche is None:
        raise ClaimError("该项目按协议分期拨付，请在“我的协议”里选择期次申请。")
    agreement = tranche.agreement
    if (agreement.organisation_id, agreement.scheme) != (voucher.organisation_id, voucher.scheme):
        raise ClaimError("该期次不属于本单位的这一项目，请重新选择。")
    if agreement.state != "in_force":
        raise ClaimError(f"协议 {agreement.number} 目前为“{agreement.get_state_display()}”，不能申请拨付。")
    live = Claim.objects.filter(tranche=tranche).exclude(state__in=CLOSED_UNPAID)
    known = live.exclude(state="draft").first()
    if known is not None:
        raise ClaimError(f"协议第 {tranche.position} 期已经申请过（{known.number}），每期只申请一次。")
