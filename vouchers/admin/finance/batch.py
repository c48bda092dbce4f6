"""One batch on one screen: its sum, its papers, its payees, who signed, and what may be done next by whom."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator

from accounts.encryption import masked_account
from accounts.step_up import proved_lately
from accounts.web import roles
from vouchers import workflow
from vouchers.admin.finance import forms
from vouchers.admin.finance.picking import Picker
from vouchers.disbursement import checks, papers, selectors
from vouchers.disbursement import services as disbursement
from vouchers.disbursement.models import Batch, Payment
from vouchers.documents.models import Document

PER_PAGE = 100
LIVE_JOB = ("waiting", "running")
# Which steps a screen offers in which state of the batch.
OFFERED: dict[str, tuple[str, ...]] = {
    "open": ("freeze", "cancel"),
    "frozen": ("sign", "cancel"),
    "signed": ("export", "release", "cancel"),
    "released": ("arrivals", "reconcile"),
}


def screen_of(request, batch: Batch, bound: forms.StepForm | None = None) -> dict[str, Any]:
    """Everything that the template shows; `bound` is a form that was refused, or that revealed a number."""
    payments = selectors.live_payments(batch)
    rows, total = _rows(payments), sum(payment.amount_fen for payment in payments)
    wrong = [row for row in rows if row["payee"].problems]
    only = request.GET.get("only") == "problems"
    page = Paginator(wrong if only else rows, PER_PAGE).get_page(request.GET.get("page"))
    is_finance = "finance" in roles(request)
    left = sum(each.total_fen for each in selectors.waiting() if _same_pool(each.call, batch))
    context = {
        "section": "batches",
        "batch": batch,
        "page": page,
        "only": only,
        "wrong": wrong,
        "count": len(payments),
        "total_fen": total,
        "states": _by_state(payments),
        "left_fen": left,
        "all_fen": left + total,
        "is_finance": is_finance,
        "is_preparer": batch.frozen_by_id == request.user.pk,
        "proved": proved_lately(request),
        "bound": bound,
        "forms": _forms(request, batch, payments, bound) if is_finance else {},
        **papers_of(batch, len(payments)),
    }
    letters = papers.letter_ids(batch, [row["payment"].claim_id for row in page.object_list])
    for row in page.object_list:
        row["letter"] = letters.get(row["payment"].claim_id)
    open_answers = [payment.amount_fen for payment in payments if payment.state in ("sent", "unknown")]
    context |= {"open_answers": len(open_answers), "open_fen": sum(open_answers)}
    if batch.state == "open" and is_finance:
        context |= _picking(request, batch, bound)
    return context | _asked_for(request, batch, payments, bound if is_finance else None, is_finance)


def papers_of(batch: Batch, count: int) -> dict[str, Any]:
    """The papers of the batch and the job that prints them."""
    found = list(papers.papers_of(batch).filter(kind__in=[disbursement.ROSTER, disbursement.WORKBOOK]))
    letters, job = papers.letters_of(batch), papers.export_job(batch)
    printed, size = letters.count(), papers.size_of(letters)
    return {
        "roster": _of_kind(found, disbursement.ROSTER),
        "workbook": _of_kind(found, disbursement.WORKBOOK),
        "letters": printed,
        "letters_size": size,
        "complete": batch.digest and printed >= count and len(found) == 2,
        "job": job,
        "job_live": job is not None and job.state in LIVE_JOB,
    }


def _of_kind(found: list[Document], kind: str) -> Document | None:
    return next((paper for paper in found if paper.kind == kind), None)


def _same_pool(call, batch: Batch) -> bool:
    return (call.scheme, call.fiscal_year) == (batch.call.scheme, batch.call.fiscal_year)


def _rows(payments: list[Payment]) -> list[dict[str, Any]]:
    payees = checks.payees_of(payments)
    return [
        {
            "number": number,
            "payment": payment,
            "payee": payees[payment.pk],
            "masked": masked_account(payees[payment.pk].account),
        }
        for number, payment in enumerate(payments, start=1)
    ]


def _by_state(payments: list[Payment]) -> list[dict[str, Any]]:
    """How many payments stand where, and their sums, in the order of the states."""
    found: list[dict[str, Any]] = []
    for state, words in workflow.PAYMENT.states.items():
        mine = [payment.amount_fen for payment in payments if payment.state == state]
        if mine:
            found.append({"state": state, "label": words.label, "count": len(mine), "total_fen": sum(mine)})
    return found


def _forms(request, batch: Batch, payments: list[Payment], bound: forms.StepForm | None) -> dict[str, forms.StepForm]:
    """The forms of the steps that this state offers. What was typed stays; what was seen is what is seen now."""
    seen = {"seen": disbursement.stamp_of(batch, payments), "digest": batch.digest}
    made = {}
    for step in OFFERED.get(batch.state, ()):
        given = bound if bound is not None and bound.step == step else forms.STEPS[step](batch, initial=seen)
        made[step] = renewed(given, seen)
    return made


def renewed(form: forms.StepForm, seen: dict[str, str]) -> forms.StepForm:
    """The form with its hidden stamps as they are now, so that whoever looked again may go on."""
    if form.is_bound:
        typed: Any = form.data
        form.data = now = typed.copy()
        for name in seen.keys() & form.fields.keys():
            now[name] = seen[name]
    return form


def _picking(request, batch: Batch, bound: forms.StepForm | None) -> dict[str, Any]:
    picker = Picker(batch, request.GET)
    picks = bound.picks if isinstance(bound, forms.AddForm) else {}
    return {
        "picker": picker,
        "picks": picker.page(picks),
        "pick_sums": picker.sums(),
        "pick_stamp": picker.stamp(),
        "most": disbursement.MAX_AT_ONCE,
    }


def _asked_for(request, batch: Batch, payments: list[Payment], bound, is_finance: bool) -> dict[str, Any]:
    """The one payment whose answer is being entered, or whose account is being asked for."""
    if not is_finance:
        return {}
    found: dict[str, Any] = {}
    for step, states in (("answer", ("released", "reconciled")), ("reveal", papers.SEALED)):
        mine = isinstance(bound, forms.STEPS[step])
        pk = bound.data.get("payment") if mine else request.GET.get(step)
        payment = next((each for each in payments if str(each.pk) == pk), None)
        if payment is None or batch.state not in states:
            continue
        seen = {"payment": str(payment.pk), "seen_state": payment.state}
        form = bound if mine else forms.STEPS[step](batch, initial=seen)
        found[step] = {"payment": payment, "form": renewed(form, seen)}
    return found
