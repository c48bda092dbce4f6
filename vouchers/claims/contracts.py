"""What only some claims say of their lines, and what a claim of a case-by-case scheme rests on."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from applicants.models import Organisation
from vouchers.calls.models import Call
from vouchers.claims.agreements import Agreement, Tranche
from vouchers.claims.intake import ClaimError
from vouchers.claims.models import Claim, Voucher
from vouchers.money import grouped
from vouchers.policy import agreement_schemes, governing
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

    @staticmethod
    def plain_number(text: str) -> str:
        """A contract's number in the one form in which numbers are compared: however typed, one contract is one."""
        return re.sub(r"\s", "", unicodedata.normalize("NFKC", text)).upper()


class Line(Protocol):
    """What knows the facts of a line: the row, or what was read of it."""

    contract: str
    contract_fen: int | None
    signed_on: dt.date | None
    service_from: dt.date | None
    service_until: dt.date | None
    classes: list[str]


@dataclass(frozen=True)
class Asks:
    """Which of these facts a call asks for; `classes` are its rate classes, by code and in words."""

    contract: bool = False
    contract_fen: bool = False
    signed_on: bool = False
    service: bool = False
    classes: tuple[tuple[str, str], ...] = ()

    @property
    def any(self) -> bool:
        """Whether it asks for any."""
        return any((self.contract, self.contract_fen, self.signed_on, self.service, self.classes))

    @property
    def fields(self) -> list[str]:
        """The names of the facts."""
        names = [name for name in ("contract", "contract_fen", "signed_on") if getattr(self, name)]
        return names + ["service_from", "service_until"] * self.service + ["classes"] * bool(self.classes)

    def missing(self, line: Line) -> list[str]:
        """What the call asks for and `line` does not say, in words; nobody need be in a class."""
        return [
            words
            for asked, there, words in (
                (self.contract, line.contract, "合同编号"),
                (self.contract_fen, line.contract_fen is not None, "合同金额"),
                (self.signed_on, line.signed_on, "合同签订日期"),
                (self.service, line.service_from, "服务期"),
            )
            if asked and not there
        ]

    def told(self, line: Line) -> list[tuple[str, str]]:
        """What `line` says of them: labels and values, for people."""
        named = dict(self.classes)
        classes = "、".join(named[code] for code in line.classes if code in named)
        amount = "" if line.contract_fen is None else f"{grouped(line.contract_fen)} 元"
        service = f"{line.service_from} 至 {line.service_until}" if line.service_from else ""
        return [
            (label, value or blank)
            for asked, label, value, blank in (
                (self.contract, "合同编号", line.contract, "没有填写"),
                (self.contract_fen, "合同金额", amount, "没有填写"),
                (self.signed_on, "合同签订", str(line.signed_on or ""), "没有填写"),
                (self.service, "服务期", service, "没有填写"),
                (self.classes, "比例档次", classes, "没有申明"),
            )
            if asked
        ]


def asks_of(call: Call) -> Asks:
    """What the call asks of a line beside its product; nothing under a call that decides without."""
    codes = {str(code) for code in call.class_rates}
    known = governing(call.scheme, call.fiscal_year).classes() if codes else {}
    return Asks(
        contract=call.within_contract or call.contract_cap_fen is not None,
        contract_fen=call.within_contract,
        signed_on=call.cap_year == "signed",
        service=call.cap_year == "service" or bool(call.proration),
        classes=tuple((code, item.words) for code, item in known.items() if code in codes),
    )


def require_one_amount(claim: Claim) -> None:
    """Raises `ClaimError` where lines of one contract name different amounts of it."""
    said: dict[str, int | None] = {}
    for contract, fen in claim.lines.exclude(contract="").values_list("contract", "contract_fen").order_by("pk"):
        if said.setdefault(contract, fen) != fen:
            raise ClaimError(
                f"合同 {contract} 的合同金额在各行填写得不一致（{_amount(said[contract])}和{_amount(fen)}）。"
                "同一份合同请填写同一个合同总额。"
            )


def _amount(fen: int | None) -> str:
    return "没有填写" if fen is None else f"{grouped(fen)} 元"


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
