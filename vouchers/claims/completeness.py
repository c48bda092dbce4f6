"""Whether a claim may be submitted: one list of everything that is missing, so that nobody is sent back twice."""

from __future__ import annotations

from dataclasses import dataclass

from vouchers.claims.contracts import asks_of
from vouchers.claims.corrections import open_items
from vouchers.claims.dossier import Asked, Bill, Dossier
from vouchers.claims.doubts import open_blocks
from vouchers.claims.intake import ClaimError
from vouchers.claims.models import Claim
from vouchers.invoices.classify import classify
from vouchers.money import grouped

# Every claim proves its contract, its use and its payment (domain: 合同、用量清单、付款凭证).
REQUIRED_KINDS = {"contract": "算力服务合同", "receipt": "银行回单", "usage": "用量清单"}


@dataclass(frozen=True)
class Deficiency:
    """One thing to mend: a code for programs, and words for the clerk."""

    code: str
    message: str


class Incomplete(ClaimError):
    """The claim cannot be submitted yet; `deficiencies` lists every reason."""

    def __init__(self, deficiencies: list[Deficiency]):
        self.deficiencies = deficiencies
        super().__init__("申请还不能提交，请逐项补充：\n" + "\n".join(f"· {d.message}" for d in deficiencies))


def deficiencies_of(claim: Claim, dossier: Dossier | None = None) -> list[Deficiency]:
    """Everything that keeps `claim` from being complete, in the order of the form."""
    dossier = dossier or Dossier(claim)
    found: list[Deficiency] = []
    if not dossier.lines:
        found.append(Deficiency("no_lines", "尚未选择申请补助的发票明细，请至少选择一行。"))
    for kind, label in REQUIRED_KINDS.items():
        # What is built is not metered.
        if kind == "usage" and claim.tranche_id and not any(line.service != "other" for line in dossier.lines):
            continue
        if kind not in dossier.kinds:
            found.append(Deficiency(f"missing_{kind}", f"缺少{label}，请上传。"))
    if "held" in dossier.kinds:
        found.append(
            Deficiency("file_held", "有文件还没有通过病毒检查。请等检查完成再提交；没有通过的文件请移除后重新上传。")
        )
    for invoice_id in dossier.claimed():
        paid_fen = sum(allocation.amount_fen for allocation in dossier.paid_on(invoice_id))
        found += _of_invoice(claim, dossier.invoices[invoice_id], paid_fen)
    found += _of_contracts(claim, dossier)
    found += _of_doubts(claim, dossier)
    found += _of_payments(dossier)
    found += [
        Deficiency("unanswered", f"第 {item.position} 项补正意见尚未答复：{item.text}")
        for item in open_items(claim)
        if not item.answer
    ]
    if claim.declared_at is None:
        found.append(Deficiency("no_declaration", "尚未签署真实性承诺书。"))
    return found


def _of_invoice(claim: Claim, invoice: Bill, paid_fen: int) -> list[Deficiency]:
    found = []
    if not paid_fen:
        found.append(Deficiency("unpaid_invoice", f"发票 {invoice.number} 没有对应的付款，请登记付款并填写对应金额。"))
    if paid_fen > max(invoice.total_fen, 0):
        words = f"价税合计 {grouped(invoice.total_fen)} 元，对应付款合计 {grouped(paid_fen)} 元"
        found.append(Deficiency("invoice_overpaid", f"发票 {invoice.number} {words}，超出部分请调整。"))
    if invoice.buyer_id != claim.organisation.uscc:
        found.append(Deficiency("wrong_buyer", f"发票 {invoice.number} 的购买方不是本单位，请移除。"))
    if invoice.red:
        found.append(Deficiency("red_letter", f"发票 {invoice.number} 是红字发票，不能单独申请补助，请移除该明细。"))
    if invoice.seller_id == claim.organisation.uscc:
        found.append(Deficiency("own_invoice", f"发票 {invoice.number} 的销售方就是本单位，请移除。"))
    return found


def _of_contracts(claim: Claim, dossier: Dossier) -> list[Deficiency]:
    """What the call asks of each line (contract, days of service) and nobody said."""
    asks = asks_of(claim.call)
    found = []
    for line in dossier.lines if asks.any else ():
        if words := asks.missing(line):
            bill, item = dossier.invoices[line.invoice_line.invoice_id], line.invoice_line
            what = f"发票 {bill.number} 第 {item.position} 行还没有填写{'、'.join(words)}"
            found.append(Deficiency("line_contract", f"{what}，本年度申报通知按此计算，请在该发票的申报明细里补填。"))
    return found


def _of_doubts(claim: Claim, dossier: Dossier) -> list[Deficiency]:
    """Doubts that block and that nobody explained; and lines that only papers prove to be compute."""
    doubted = [pk for pk in dossier.claimed() if dossier.invoices[pk].doubted]
    found = [
        Deficiency("doubt_open", f"发票 {invoice.number}：{doubt.message}请在发票页说明情况，或更换原件。")
        for invoice, doubt in (open_blocks(claim, doubted) if doubted else [])
    ]
    vague = {line.invoice_line.invoice_id: line.invoice_line for line in dossier.lines if _needs_proof(line)}
    if vague:
        bare = claim.allocations.filter(invoice__in=list(vague), payment__attachment=None).select_related("payment")
        for match in bare.order_by("pk"):
            item, number = vague[match.invoice_id], dossier.invoices[match.invoice_id].number
            words = f"发票 {number} 的“{item.name}”看不出是算力费用，须有合同、用量清单和银行回单佐证："
            serial = match.payment.serial_number
            found.append(Deficiency("review_receipt", f"{words}请为流水号 {serial} 的付款选择银行回单。"))
    return found


def _needs_proof(line: Asked) -> bool:
    return classify(line.invoice_line.name) == "review"


def _of_payments(dossier: Dossier) -> list[Deficiency]:
    """Per payment: no more is matched to invoices of this claim than was paid."""
    found = []
    spent: dict = {}
    for allocation in dossier.allocations:
        spent.setdefault(allocation.payment, []).append(allocation.amount_fen)
    for payment, amounts in spent.items():
        if sum(amounts) > payment.amount_fen:
            found.append(
                Deficiency(
                    "payment_overspent",
                    f"流水号 {payment.serial_number} 付款 {grouped(payment.amount_fen)} 元，"
                    f"对应金额合计 {grouped(sum(amounts))} 元，超出部分请调整。",
                )
            )
    return found
