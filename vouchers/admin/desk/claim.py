"""One claim on one screen: papers, checks, sheet, applicant, history, and what may be done."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.db.models import Q
from django.urls import reverse

from applicants.models import OrganisationName, Sanction
from applicants.selectors import names_on, sanctions_in_force
from providers.models import Provider
from vouchers import rules
from vouchers.admin.desk import scope
from vouchers.admin.desk.checks import Check, Knowledge, checks_of
from vouchers.admin.desk.days import WorkingDays
from vouchers.admin.desk.sheet import Sheet, sheet_of
from vouchers.admin.desk.verifying import panel_of
from vouchers.claims.contracts import asks_of
from vouchers.claims.doubts import Doubt, Doubting
from vouchers.claims.duplicates import alike
from vouchers.claims.models import Claim
from vouchers.claims.papers import Allocation, ClaimLine, Invoice, InvoiceClash, InvoiceLine
from vouchers.ledger.selectors import cap_room_fen, held_fen
from vouchers.policy import NoLawInForce
from vouchers.review.cuts import cuts_of
from vouchers.review.flags import flags_of
from vouchers.review.funding import Case
from vouchers.review.preview import preview_case
from vouchers.workflow import OPEN_OBJECTIONS

# While the reviewer still works on it the amount follows the papers; afterwards it stands as decided.
UNDECIDED = ("submitted", "accepted")
MOST_OTHERS = 20


def find_claim(pk: int) -> Any:
    """A filed claim with everything that stands in its head, or None."""
    rows = scope.with_since(scope.with_name(scope.filed()))
    return rows.select_related("call", "voucher", "organisation", "declared_by").filter(pk=pk).first()


class Papers:
    """A claim's lines, invoices and payments, each loaded once, however many there are."""

    def __init__(self, claim: Claim):
        self.claim = claim
        asked = ClaimLine.objects.filter(claim=claim).order_by("pk")
        self.lines = list(asked.select_related("invoice_line__invoice", "product__centre", "product__provider"))
        matches = Allocation.objects.filter(claim=claim).order_by("payment__paid_on", "pk")
        self.matches: list[Any] = list(matches.select_related("payment__attachment"))
        ids = {line.invoice_line.invoice_id for line in self.lines} | {match.invoice_id for match in self.matches}
        self.invoices: list[Any] = list(
            Invoice.objects.filter(pk__in=ids).select_related("attachment").order_by("issued_on", "pk")
        )
        codes = [invoice.code + invoice.number for invoice in self.invoices]
        red = Invoice.objects.filter(
            organisation=claim.organisation_id, red=True, reverses__in=codes, withdrawn_at=None
        )
        self.red_letters = list(red)
        self.by_invoice: dict[int, list[InvoiceLine]] = {}
        for row in InvoiceLine.objects.filter(invoice__in=ids).order_by("invoice", "position"):
            self.by_invoice.setdefault(row.invoice_id, []).append(row)
        self.files = list(claim.attachments.order_by("kind", "pk"))
        self.doubting = Doubting.about(claim, self.invoices)
        self.alike = alike(self.invoices)
        twins = {twin.organisation_id for found in self.alike.values() for twin in found}
        self.twins = names_on(twins | {claim.organisation_id}, settings.CLOCK.today())
        chosen = [line.invoice_line_id for line in self.lines]
        self.doubts = {
            each.pk: self.doubting.of(each, self.by_invoice.get(each.pk, []), asked=chosen) for each in self.invoices
        }
        numbers = {invoice.pk: invoice for invoice in self.invoices}
        for match in self.matches:
            match.on = numbers[match.invoice_id]


def knowledge_of(papers: Papers, case: Case | None) -> Knowledge:
    """What the invoices are held against."""
    claim = papers.claim
    paid: dict[int, list[Allocation]] = {}
    for match in papers.matches:
        paid.setdefault(match.invoice_id, []).append(match)
    sellers = Provider.objects.filter(uscc__in=[invoice.seller_id for invoice in papers.invoices])
    clashes = InvoiceClash.objects.filter(
        Q(claim=claim) | Q(number__in=[invoice.number for invoice in papers.invoices])
    )
    reasons = {}
    for result in case.decision.lines if case else ():
        reasons[int(result.ref.split("-")[0])] = result.reason
    return Knowledge(
        claim=claim,
        names=list(OrganisationName.objects.filter(organisation=claim.organisation_id).order_by("valid_from")),
        providers={provider.uscc: provider for provider in sellers},
        clashes=set(clashes.values_list("number", flat=True)),
        claimed={line.invoice_line_id: line for line in papers.lines},
        cuts=cuts_of(claim),
        paid=paid,
        reasons=reasons,
    )


def case_of(claim: Claim) -> Case | None:
    """The decision to show: as the papers stand while it is open, as it was last decided afterwards."""
    if claim.state in UNDECIDED:
        try:
            return preview_case(claim)
        except (rules.TermsError, rules.FactsError, NoLawInForce):
            # Papers that contradict themselves: the last decision and the checks say more than no page at all.
            pass
    stored = claim.decisions.order_by("-pk").values_list("result", flat=True).first()
    return Case.from_json(stored) if stored else None


def screen_of(claim: Any, invoice_id: str | None, panel: forms.Form | None = None) -> dict:
    """Everything that the screen shows of `claim`, by one fixed number of queries; `panel` is a form on the open
    invoice that was refused."""
    papers, case = Papers(claim), case_of(claim)
    known, days = knowledge_of(papers, case), WorkingDays()
    checks = {
        each.pk: checks_of(each, papers.by_invoice.get(each.pk, []), known, papers.doubts[each.pk])
        for each in papers.invoices
    }
    for invoice in papers.invoices:
        invoice.worst = _worst(checks[invoice.pk], papers.doubts[invoice.pk])
    open_one = _chosen(papers.invoices, invoice_id)
    sheet = sheet_of(case) if case else None
    sanctions = list(sanctions_in_force(days.today).filter(uscc=claim.organisation.uscc))
    events = list(claim.events.select_related("actor").order_by("-version"))
    return {
        "claim": claim,
        "papers": papers,
        "invoice": open_one,
        "invoice_lines": papers.by_invoice.get(open_one.pk, []) if open_one else [],
        "checks": checks[open_one.pk] if open_one else [],
        "hints": _hints(papers, checks, sanctions, claim, sheet),
        "sheet": sheet,
        "contracts": _contracts(papers),
        "undecided": claim.state in UNDECIDED,
        "due": days.due(claim, claim.since),
        "names": known.names,
        "cuts": [
            (line, known.cuts[line.invoice_line_id]) for line in papers.lines if line.invoice_line_id in known.cuts
        ],
        "events": events,
        "flags": list(flags_of(claim)),
        "clawbacks": list(claim.clawbacks.order_by("-pk")),
        "pages": _pages(claim, open_one),
        **(panel_of(open_one, panel) if open_one else {}),
        "objections": list(claim.objections.filter(state__in=OPEN_OBJECTIONS)),
        "corrections": _corrections(claim),
        "duties": list(claim.duties.select_related("user")),
        "payments_out": list(claim.payments.select_related("batch").order_by("pk")),
        **_money(claim),
    }


def _contracts(papers: Papers) -> dict[str, Any]:
    """What the call asks of contracts and service: the headings, and for each claimed line what it says."""
    asks = asks_of(papers.claim.call)
    rows = [(line, asks.told(line)) for line in papers.lines] if asks.any else []
    return {"heads": [label for label, _ in rows[0][1]] if rows else [], "rows": rows}


def _pages(claim: Claim, invoice: Any) -> list[str]:
    """The addresses of the pages of an invoice's file as pictures."""
    file = invoice.attachment if invoice else None
    return [reverse("admin:claim_page", args=[claim.pk, file.pk, page]) for page in range(file.pages)] if file else []


def _worst(checks: list[Check], doubts: list[Doubt]) -> str:
    results = {check.result for check in checks} | {"warn" for _ in doubts}
    return next((tone for tone in ("bad", "warn") if tone in results), "")


def _chosen(invoices: list[Any], wanted: str | None) -> Any:
    """The invoice to open: the one asked for, else the first with something to look at, else the first."""
    asked = [each for each in invoices if str(each.pk) == wanted]
    doubtful = [each for each in invoices if each.worst]
    return next(iter([*asked, *doubtful, *invoices]), None)


def _hints(papers: Papers, checks: dict, sanctions: list[Sanction], claim: Claim, sheet: Sheet | None) -> list[dict]:
    """Every doubt about the claim in one list, the gravest first; those of an invoice name it."""
    found: list[dict[str, Any]] = [
        {"tone": "bad", "title": "申请单位列入失信名单", "text": f"{row.list_name}，{row.listed_on} 列入。{row.reason}"}
        for row in sanctions
    ]
    for invoice in papers.invoices:
        where = {"invoice": invoice}
        for check in checks[invoice.pk]:
            if check.result in ("bad", "warn") and not check.doubts:
                text = f"票面：{check.face}。系统：{check.known}。"
                found.append({"tone": check.result, "title": f"{check.label}{check.words}", "text": text, **where})
        found += [_of_doubt(doubt, checks[invoice.pk], where) for doubt in papers.doubts[invoice.pk]]
        if twins := papers.alike.get(invoice.pk):
            told = "；".join(f"{papers.twins.get(each.organisation_id, '')} {each.number}" for each in twins)
            text = f"销售方、日期、金额和明细与这些发票都相同：{told}。请核对是否重复开票或重复申报。"
            found.append({"tone": "warn", "title": "疑似重复", "text": text, **where})
        if invoice.read_by == "typed":
            found.append({"tone": "warn", "title": "人工填写", "text": "没有系统识读的原件，请逐项对照材料。", **where})
    if claim.waiting and claim.call.shortage == "pro_rata":
        found.append({"tone": "run", "title": "等待结算", "text": "申报期满后与其他申请一并按比例结算。"})
    elif claim.waiting:
        found.append({"tone": "warn", "title": "资金轮候", "text": "资金池余额不足，按提交顺序等待。"})
    if sheet and sheet.granted_fen < sheet.computed_fen:
        found.append({"tone": "run", "title": "受限额核减", "text": "测算额超过年度上限或资金池余额，已按限额核定。"})
    return sorted(found, key=lambda hint: ("bad", "warn", "run").index(hint["tone"]))


def _of_doubt(doubt: Doubt, checks: list[Check], where: dict) -> dict[str, Any]:
    """A doubt as a hint: where it stands on the face, and what the enterprise said to it."""
    at = next((check for check in checks if check.key == doubt.field), None)
    title = f"{at.label}（第 {at.number} 处）" if at else "发票提示"
    said = f"{doubt.answer.by.name}说明：{doubt.answer.text}" if doubt.answer else ""
    return {"tone": "warn", "title": title, "text": doubt.message, "said": said, **where}


def _corrections(claim: Claim) -> list[list]:
    """The lists that the claim was returned with so far, the latest first."""
    rounds: dict[int, list] = {}
    for item in claim.corrections.order_by("-claim_version", "position"):
        rounds.setdefault(item.claim_version, []).append(item)
    return list(rounds.values())


def _money(claim: Claim) -> dict:
    """What is held for the claim, what room its applicant has, and its other claims."""
    call = claim.call
    others = Claim.objects.filter(organisation=claim.organisation_id).exclude(pk=claim.pk)
    before = Claim.objects.filter(
        waiting=True, call__scheme=call.scheme, call__fiscal_year=call.fiscal_year, queue_number__lt=claim.queue_number
    )
    return {
        "held_fen": held_fen(claim.pk),
        "room_fen": cap_room_fen(call.scheme, call.fiscal_year, claim.organisation_id, call.annual_cap_fen),
        "others": list(others.exclude(state__in=scope.UNFILED).select_related("call").order_by("-pk")[:MOST_OTHERS]),
        "place": before.count() + 1 if claim.waiting else 0,
        "today": settings.CLOCK.today(),
    }
