"""The ledger's words: kinds of accounts and transfers, and which transfer may move between which accounts.

Plain data. The database keeps the same table (trigger `ledger_transfer_check`); a test tries every combination.
"""

# Accounts outside the programme: never above zero.
OUTSIDE = ("treasury", "statute")

ACCOUNT_LABELS = {
    "treasury": "财政",
    "statute": "年度上限规定",
    "pool": "资金池",
    "voucher": "已发券预留",
    "held": "申请占用",
    "paid": "已拨付",
    "cap": "年度上限余量",
    "capused": "已占用年度上限",
}

TRANSFER_LABELS = {
    "fund": "拨入",
    "top_up": "追加",
    "issue": "发券预留",
    "hold": "占用",
    "release": "释放",
    "pay": "拨付",
    "bounce": "退票",
    "recover": "追回",
    "lapse": "收回",
    "carry": "结转",
    "adjust": "调整",
}

# Kind of transfer, from kind of account, to kind of account.
ROUTES = (
    ("fund", "treasury", "pool"),
    ("fund", "statute", "cap"),
    ("top_up", "treasury", "pool"),
    ("issue", "pool", "voucher"),
    ("hold", "pool", "held"),
    ("hold", "voucher", "held"),
    ("hold", "cap", "capused"),
    ("release", "held", "pool"),
    ("release", "held", "voucher"),
    ("release", "capused", "cap"),
    ("pay", "held", "paid"),
    ("bounce", "paid", "held"),
    ("recover", "paid", "pool"),
    ("recover", "paid", "treasury"),
    ("recover", "capused", "cap"),
    ("lapse", "pool", "treasury"),
    ("lapse", "voucher", "pool"),
    ("carry", "pool", "pool"),
    ("adjust", "treasury", "pool"),
    ("adjust", "pool", "treasury"),
    ("adjust", "statute", "cap"),
    ("adjust", "cap", "statute"),
)

# What names the payment it reverses, and is bounded by it.
REVERSING = ("bounce", "recover")
# What must cite a document or explain itself.
CITING = ("fund", "top_up", "adjust")

ADJUST_REASONS = {
    "budget_cut": "预算压减",
    "entry_error": "录入更正",
    "cap_change": "年度上限变更",
    "audit_finding": "审计整改",
}


def kind_of(account: str) -> str:
    """The kind of the account with this key: `pool` of `pool:compute_voucher:2025`."""
    return account.partition(":")[0]


def pool(scheme: str, year: int) -> str:
    """The account of the year's money of a scheme."""
    return f"pool:{scheme}:{year}"


def cap(scheme: str, year: int, applicant_id: object) -> str:
    """The account of the room that an applicant has left under the year's cap."""
    return f"cap:{scheme}:{year}:{applicant_id}"


def period(scheme: str, year: int) -> str:
    """What a closed year is known by."""
    return f"{scheme}:{year}"


def appropriation(scheme: str, year: int) -> str:
    """The event that a year's appropriation has in the ledger, so that it comes once."""
    return f"appropriation:{scheme}:{year}"


def held(claim_id: object) -> str:
    """The account of what a claim has reserved."""
    return f"held:{claim_id}"


def paid(claim_id: object) -> str:
    """The account of what a claim was paid."""
    return f"paid:{claim_id}"


def cap_used(claim_id: object) -> str:
    """The account of the room under the cap that a claim takes."""
    return f"capused:{claim_id}"
