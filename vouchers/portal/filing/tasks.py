"""What is still to be done for a claim: its deficiencies sorted to the page where each is mended."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse

from applicants.models import CATEGORIES
from applicants.selectors import current_account
from vouchers.claims.completeness import Deficiency
from vouchers.claims.models import Claim
from vouchers.claims.receiving import waiting_files
from vouchers.claims.selectors import invoices_of, payments_of
from vouchers.claims.services import EDITABLE

# Where each deficiency is mended: the page, and the place on it.
_PLACES = {
    "missing_contract": ("claim_papers", "#contract"),
    "missing_usage": ("claim_papers", "#usage"),
    "missing_receipt": ("claim_payments", "#receipts"),
    "unpaid_invoice": ("claim_payments", "#match"),
    "invoice_overpaid": ("claim_payments", "#match"),
    "payment_overspent": ("claim_payments", "#match"),
    "unanswered": ("claim_corrections", ""),
    "no_declaration": ("claim_submit", "#declare"),
}
# Signed together with the submission: nothing to be done before.
DECLARATION = "claim_submit#declare"
_ELSEWHERE = ("claim_invoices", "")


@dataclass(frozen=True)
class Missing:
    """One thing to mend, with the address where."""

    message: str
    url: str
    page: str


@dataclass(frozen=True)
class Task:
    """One row of the list. `look` is ok, warn or empty; without `url` it is not to be opened yet."""

    label: str
    url: str
    note: str
    state: str
    look: str = ""
    icon: str = "todo"


def missing_of(claim: Claim, deficiencies: list[Deficiency]) -> list[Missing]:
    """Every deficiency with the place where it is mended."""
    found = []
    for each in deficiencies:
        page, anchor = _PLACES.get(each.code, _ELSEWHERE)
        found.append(Missing(each.message, reverse(page, args=[claim.number]) + anchor, page + anchor))
    return found


def groups_of(claim: Claim, missing: list[Missing]) -> list[tuple[str, str, list[Task]]]:
    """The task list in its three groups: number, heading, tasks."""
    return [
        ("一、", "单位", _of_organisation(claim)),
        ("二、", "费用和凭证", _of_costs(claim, missing)),
        ("三、", "声明和提交", _of_end(claim, missing)),
    ]


def _of_organisation(claim: Claim) -> list[Task]:
    organisation = claim.organisation
    place = "，".join(filter(None, [organisation.district, dict(CATEGORIES).get(organisation.category, "")]))
    account = current_account(organisation, settings.CLOCK.today())
    tasks = [_done("单位信息", reverse("enterprise"), place)]
    where = reverse("enterprise_account")
    if account is None:
        return [*tasks, Task("收款账户", where, "还没有填写，拨付前须有与单位同名的对公账户", "未填写", "warn", "warn")]
    return [*tasks, _done("收款账户", where, f"{account.bank_name}，尾号{account.number[-4:]}")]


def _of_costs(claim: Claim, missing: list[Missing]) -> list[Task]:
    kinds = list(claim.attachments.values_list("kind", flat=True))
    bills = list(invoices_of(claim))
    asked, unread = sum(1 for bill in bills if getattr(bill, "asked", 0)), waiting_files(claim).count()
    bill_note = f"{len(bills)}张，{asked}张申请补助" if bills else "还没有发票"
    if unread:
        bill_note += f"，{unread}个文件等待人工填写"
    payments = list(payments_of(claim))
    given = sum(1 for payment in payments if getattr(payment, "given_here", 0))
    papers = reverse("claim_papers", args=[claim.number])
    return [
        _task(claim, missing, "合同", f"{papers}#contract", "claim_papers#contract", _files(kinds, "contract")),
        _task(
            claim,
            missing,
            "发票",
            reverse("claim_invoices", args=[claim.number]),
            "claim_invoices",
            bill_note,
            open_too=bool(unread),
        ),
        _task(
            claim,
            missing,
            "付款",
            reverse("claim_payments", args=[claim.number]),
            "claim_payments",
            f"{len(payments)}笔，{given}笔已对应发票；{_files(kinds, 'receipt')}回单" if payments else "还没有付款",
        ),
        _task(claim, missing, "用量清单", f"{papers}#usage", "claim_papers#usage", _files(kinds, "usage")),
    ]


def _of_end(claim: Claim, missing: list[Missing]) -> list[Task]:
    tasks = []
    if claim.state == "returned":
        where = reverse("claim_corrections", args=[claim.number])
        tasks.append(_task(claim, missing, "补正意见", where, "claim_corrections", "逐项答复"))
    where = reverse("claim_submit", args=[claim.number])
    if claim.state not in EDITABLE:
        return [*tasks, _done("声明和提交", where, "已提交")]
    note = f"还差{len(missing)}项" if missing else "材料齐了，签署声明后提交"
    label = "重新提交" if claim.state == "returned" else "声明和提交"
    return [
        *tasks,
        Task(
            label, where, note, "未到" if missing else "可以提交", "" if missing else "run", "lock" if missing else "go"
        ),
    ]


def _task(
    claim: Claim, missing: list[Missing], label: str, url: str, page: str, note: str, *, open_too: bool = False
) -> Task:
    mine = [each for each in missing if each.page.startswith(page)]
    if claim.state not in EDITABLE:
        return _done(label, url, note, "已提交")
    if mine:
        return Task(label, url, note, f"还差{len(mine)}项", "warn", "warn")
    return Task(label, url, note, "待填写", "warn", "pen") if open_too else _done(label, url, note)


def _done(label: str, url: str, note: str, state: str = "已完成") -> Task:
    return Task(label, url, note, state, "ok", "ok")


def _files(kinds: list[str], kind: str) -> str:
    count = kinds.count(kind)
    return f"{count}份" if count else "还没有上传"
