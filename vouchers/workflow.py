"""The state machines: states, their words, and one pure table of transitions each.

Nothing here reads or writes a row. `vouchers.review` alone moves claims and vouchers along these
tables; `vouchers.disbursement` moves batches and payments. A correction is a new transition with a
reverse transfer of money, never an edit.
"""

from __future__ import annotations

from dataclasses import dataclass, field

# Who may fire a verb. APPLICANT is any member of the enterprise, SYSTEM the nightly and quarter-minute work.
APPLICANT = "applicant"
REVIEWER = "reviewer"
APPROVER = "approver"
FINANCE = "finance"
SYSTEM = "system"

ROLE_LABELS = {APPLICANT: "申请单位", REVIEWER: "审核人员", APPROVER: "审批人员", FINANCE: "财务人员", SYSTEM: "系统"}


class IllegalTransition(Exception):
    """The verb does not lead anywhere from this state, or not to that target."""

    def __init__(self, machine: Machine, verb: str, state: str):
        self.verb, self.state = verb, state
        label = machine.states[state].label
        super().__init__(f"当前状态为“{label}”，不能{machine.verb_labels.get(verb, verb)}。请刷新页面查看最新状态。")


@dataclass(frozen=True)
class State:
    """One state: what officials call it, and what the applicant reads (the same where not told apart)."""

    label: str
    applicant_label: str = ""

    def for_applicant(self) -> str:
        return self.applicant_label or self.label


@dataclass(frozen=True)
class Transition:
    """`verb` leads from `source` to `target` when one of `roles` fires it."""

    verb: str
    source: str
    target: str
    roles: tuple[str, ...]
    needs_reason: bool = False


@dataclass(frozen=True)
class Machine:
    """A table of states and transitions."""

    states: dict[str, State]
    transitions: tuple[Transition, ...]
    verb_labels: dict[str, str] = field(default_factory=dict)

    def choices(self) -> list[tuple[str, str]]:
        """Plain (value, label) pairs for a model field."""
        return [(value, state.label) for value, state in self.states.items()]

    def verbs(self, state: str) -> list[Transition]:
        """Everything that may happen next."""
        return [transition for transition in self.transitions if transition.source == state]

    def step(self, verb: str, state: str, target: str | None = None) -> Transition:
        """The one transition that `verb` makes from `state`.

        `target` chooses where a verb has several ways out (approval above the call's amount, a suspension
        that goes back where it came from). Raises `IllegalTransition`.
        """
        found = [t for t in self.verbs(state) if t.verb == verb and target in (None, t.target)]
        if len(found) != 1:
            raise IllegalTransition(self, verb, state)
        return found[0]


def _table(rows: list[tuple[str, str, str, tuple[str, ...]]], with_reason: set[str]) -> tuple[Transition, ...]:
    return tuple(Transition(verb, a, b, roles, verb in with_reason) for verb, a, b, roles in rows)


CLAIM = Machine(
    states={
        "draft": State("草稿"),
        "discarded": State("已作废"),
        "submitted": State("已提交", "已提交，等待受理"),
        "returned": State("待补正", "待补正，请按清单补正"),
        "accepted": State("已受理", "已受理，审核中"),
        "reviewed": State("已审核", "审核完成，审批中"),
        "approved_once": State("待二次审批", "审批中"),
        "approved": State("已批准", "已批准，待公示"),
        "publicised": State("公示中"),
        "suspended": State("核查中"),
        "payable": State("待拨付"),
        "batched": State("已入批次", "拨付办理中"),
        "paid": State("已拨付"),
        "rejected": State("不予通过"),
        "withdrawn": State("已撤回"),
        "lapsed": State("逾期失效"),
        "recovered": State("已追回"),
    },
    transitions=_table(
        [
            ("submit", "draft", "submitted", (APPLICANT,)),
            ("discard", "draft", "discarded", (APPLICANT,)),
            ("accept", "submitted", "accepted", (REVIEWER,)),
            ("return", "submitted", "returned", (REVIEWER,)),
            ("return", "accepted", "returned", (REVIEWER,)),
            ("resubmit", "returned", "submitted", (APPLICANT,)),
            ("lapse", "returned", "lapsed", (SYSTEM,)),
            ("withdraw", "submitted", "withdrawn", (APPLICANT,)),
            ("withdraw", "returned", "withdrawn", (APPLICANT,)),
            ("withdraw", "accepted", "withdrawn", (APPLICANT,)),
            ("accept_part", "submitted", "submitted", (APPLICANT,)),
            ("accept_part", "accepted", "accepted", (APPLICANT,)),
            ("accept_part", "reviewed", "accepted", (APPLICANT,)),
            ("expire", "submitted", "lapsed", (SYSTEM,)),
            ("expire", "returned", "lapsed", (SYSTEM,)),
            ("expire", "accepted", "lapsed", (SYSTEM,)),
            ("expire", "reviewed", "lapsed", (SYSTEM,)),
            ("cut", "accepted", "accepted", (REVIEWER,)),
            ("review", "accepted", "reviewed", (REVIEWER,)),
            ("approve", "reviewed", "approved", (APPROVER,)),
            ("approve", "reviewed", "approved_once", (APPROVER,)),
            ("approve", "approved_once", "approved", (APPROVER,)),
            ("send_back", "reviewed", "accepted", (APPROVER,)),
            ("send_back", "approved_once", "accepted", (APPROVER,)),
            ("reject", "submitted", "rejected", (REVIEWER,)),
            ("reject", "accepted", "rejected", (REVIEWER,)),
            ("reject", "reviewed", "rejected", (APPROVER,)),
            ("reject", "approved_once", "rejected", (APPROVER,)),
            ("reject", "suspended", "rejected", (APPROVER,)),
            ("appeal", "rejected", "accepted", (APPLICANT,)),
            ("publicise", "approved", "publicised", (REVIEWER, APPROVER)),
            ("clear", "publicised", "payable", (SYSTEM,)),
            # The system suspends what a red letter meets; nobody else need be there.
            ("suspend", "approved", "suspended", (REVIEWER, APPROVER, SYSTEM)),
            ("suspend", "publicised", "suspended", (REVIEWER, APPROVER, SYSTEM)),
            ("suspend", "payable", "suspended", (REVIEWER, APPROVER, SYSTEM)),
            ("dismiss", "suspended", "approved", (APPROVER,)),
            ("dismiss", "suspended", "publicised", (APPROVER,)),
            ("dismiss", "suspended", "payable", (APPROVER,)),
            ("reassess", "suspended", "accepted", (APPROVER,)),
            ("batch", "payable", "batched", (FINANCE,)),
            ("unbatch", "batched", "payable", (FINANCE,)),
            ("pay", "batched", "paid", (FINANCE,)),
            ("bounce", "batched", "payable", (FINANCE,)),
            ("bounce", "paid", "payable", (FINANCE,)),
            ("recover", "paid", "paid", (FINANCE,)),
            ("recover", "paid", "recovered", (FINANCE,)),
        ],
        with_reason={
            "return",
            "cut",
            "reject",
            "send_back",
            "suspend",
            "dismiss",
            "reassess",
            "appeal",
            "bounce",
            "recover",
            "accept_part",
            "expire",
        },
    ),
    verb_labels={
        "submit": "提交",
        "discard": "作废",
        "accept": "受理",
        "return": "退回补正",
        "resubmit": "重新提交",
        "lapse": "判为逾期",
        "withdraw": "撤回",
        "accept_part": "接受部分安排",
        "expire": "年度终止",
        "cut": "核减",
        "review": "提交审核结论",
        "approve": "批准",
        "send_back": "退回重审",
        "reject": "不予通过",
        "appeal": "申请复核",
        "publicise": "公示",
        "clear": "结束公示",
        "suspend": "暂停核查",
        "dismiss": "终止核查",
        "reassess": "重新审核",
        "batch": "列入批次",
        "unbatch": "移出批次",
        "pay": "登记拨付",
        "bounce": "登记退票",
        "recover": "追回",
    },
)

VOUCHER = Machine(
    states={
        "applied": State("待发放", "已申领，等待发放"),
        "issued": State("已发放"),
        "refused": State("不予发放"),
        "expired": State("已到期"),
        "revoked": State("已撤销"),
    },
    transitions=_table(
        [
            ("issue", "applied", "issued", (REVIEWER,)),
            ("refuse", "applied", "refused", (REVIEWER,)),
            ("expire", "applied", "expired", (SYSTEM,)),
            ("expire", "issued", "expired", (SYSTEM,)),
            ("revoke", "issued", "revoked", (APPROVER,)),
        ],
        with_reason={"refuse", "revoke"},
    ),
    verb_labels={"issue": "发放", "refuse": "不予发放", "expire": "到期处理", "revoke": "撤销"},
)

BATCH = Machine(
    states={
        "open": State("编制中"),
        "frozen": State("已封存，待复核签批"),
        "signed": State("已签批"),
        "released": State("已发送银行"),
        "reconciled": State("已对账"),
        "cancelled": State("已取消"),
    },
    transitions=_table(
        [
            ("freeze", "open", "frozen", (FINANCE,)),
            ("sign", "frozen", "signed", (FINANCE,)),
            ("release", "signed", "released", (FINANCE,)),
            ("reconcile", "released", "reconciled", (FINANCE,)),
            ("cancel", "open", "cancelled", (FINANCE,)),
            ("cancel", "frozen", "cancelled", (FINANCE,)),
            ("cancel", "signed", "cancelled", (FINANCE,)),
        ],
        with_reason={"cancel"},
    ),
    verb_labels={"freeze": "封存", "sign": "签批", "release": "发送银行", "reconcile": "对账", "cancel": "取消"},
)

PAYMENT = Machine(
    states={
        "prepared": State("待发送"),
        "sent": State("已发送"),
        "paid": State("已到账"),
        "failed": State("退票"),
        "unknown": State("待查询"),
        "dropped": State("已移出"),
    },
    transitions=_table(
        [
            ("send", "prepared", "sent", (FINANCE,)),
            ("drop", "prepared", "dropped", (FINANCE,)),
            ("pay", "sent", "paid", (FINANCE,)),
            ("pay", "unknown", "paid", (FINANCE,)),
            ("fail", "sent", "failed", (FINANCE,)),
            ("fail", "unknown", "failed", (FINANCE,)),
            ("fail", "paid", "failed", (FINANCE,)),
            ("lose", "sent", "unknown", (FINANCE,)),
        ],
        with_reason={"fail"},
    ),
    verb_labels={"send": "发送", "drop": "移出批次", "pay": "登记到账", "fail": "登记退票", "lose": "登记结果未明"},
)

# What finance does to a pool or a payment (资金办理单): one officer prepares, another signs, then it is done.
ORDER = Machine(
    states={
        "prepared": State("待签批"),
        "signed": State("已签批，执行中"),
        "done": State("已办结"),
        "withdrawn": State("已撤销"),
        "void": State("未执行"),
    },
    transitions=_table(
        [
            ("sign", "prepared", "signed", (APPROVER, FINANCE)),
            ("finish", "signed", "done", (SYSTEM,)),
            ("withdraw", "prepared", "withdrawn", (FINANCE,)),
            ("void", "signed", "void", (SYSTEM,)),
        ],
        with_reason={"withdraw", "void"},
    ),
    verb_labels={"sign": "签批", "finish": "办结", "withdraw": "撤销", "void": "终止"},
)

OBJECTION = Machine(
    states={
        "received": State("待处理"),
        "investigating": State("核查中"),
        "upheld": State("异议成立"),
        "partly_upheld": State("异议部分成立"),
        "dismissed": State("异议不成立"),
    },
    transitions=_table(
        [
            ("investigate", "received", "investigating", (REVIEWER, APPROVER)),
            ("uphold", "investigating", "upheld", (APPROVER,)),
            ("uphold_partly", "investigating", "partly_upheld", (APPROVER,)),
            ("dismiss", "received", "dismissed", (APPROVER,)),
            ("dismiss", "investigating", "dismissed", (APPROVER,)),
        ],
        with_reason={"uphold", "uphold_partly", "dismiss"},
    ),
    verb_labels={
        "investigate": "开始核查",
        "uphold": "认定成立",
        "uphold_partly": "认定部分成立",
        "dismiss": "认定不成立",
    },
)
# While one of these is open, publicity does not end.
OPEN_OBJECTIONS = ("received", "investigating")

# Duties that one person may not combine on one claim, and the verb that exercises each.
DUTY_LABELS = {
    "review": "审核",
    "approve": "审批",
    "second_approve": "二次审批",
    "finance_prepare": "编制批次",
    "finance_sign": "批次签批",
}

# A claim in one of these states no longer claims money; whatever it held goes back.
CLOSED_UNPAID = ("rejected", "withdrawn", "lapsed", "discarded")
# A claim in one of these states has an amount that is held, or a place in the queue.
AWAITING_MONEY = (
    "submitted",
    "returned",
    "accepted",
    "reviewed",
    "approved_once",
    "approved",
    "publicised",
    "suspended",
    "payable",
    "batched",
)
