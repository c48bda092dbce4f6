"""Declaring, submitting, answering corrections, and the ways out: discard, withdraw, appeal."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from accounts.walls import MEMBER, for_roles
from vouchers.claims.amendments import answer_correction, seen_answer
from vouchers.claims.completeness import deficiencies_of
from vouchers.claims.corrections import CorrectionItem
from vouchers.claims.seen import ChangedMeanwhile
from vouchers.claims.services import EDITABLE
from vouchers.forms import REFUSALS, is_number, refusals_to
from vouchers.portal.filing.forms import DeclareForm, ReasonForm
from vouchers.portal.filing.pages import case_of, frame, own_claim
from vouchers.portal.filing.sheet import sheet_of
from vouchers.portal.filing.signing import declare_and_submit
from vouchers.portal.filing.tasks import DECLARATION, missing_of
from vouchers.portal.filing.track import days_left, own_verbs
from vouchers.review.actors import Actor
from vouchers.review.corrections import open_items
from vouchers.review.services import fire


@for_roles(MEMBER)
def submit(request, number: str):
    """Everything that is missing, the declaration, and the one button that submits."""
    claim = own_claim(request, number)
    if not own_verbs(claim) & {"submit", "resubmit"}:
        return redirect("claim_receipt" if claim.submitted_at else "claim", number=claim.number)
    form = DeclareForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusals_to(form):
            declare_and_submit(claim, seen=request.POST.get("version", ""), user=request.user)
        claim = own_claim(request, number)
        if claim.state not in EDITABLE:
            # Also when another click on the same button was quicker.
            return redirect("claim_receipt", number=claim.number)
    missing = [each for each in missing_of(claim, deficiencies_of(claim)) if each.page != DECLARATION]
    page = frame(claim, "声明和提交") | {
        "form": form,
        "missing": missing,
        "sheet": sheet_of(case_of(claim)),
    }
    return render(request, "portal/filing/submit.html", page)


@for_roles(MEMBER)
def receipt(request, number: str):
    """The confirmation of a submission, to be printed."""
    claim = own_claim(request, number)
    sent = claim.events.filter(verb__in=["submit", "resubmit"]).select_related("actor").order_by("-version").first()
    if sent is None:
        raise Http404
    page = frame(claim, "回执") | {
        "sent": sent,
        "sheet": sheet_of(case_of(claim)),
        "files": claim.attachments.count(),
        "invoices": claim.lines.values("invoice_line__invoice").distinct().count(),
    }
    return render(request, "portal/filing/receipt.html", page)


@for_roles(MEMBER)
def corrections(request, number: str):
    """What the claim was returned for, each with a box for the answer."""
    claim = own_claim(request, number)
    items = open_items(claim)
    if not items:
        return redirect("claim_submit", number=claim.number)
    refused: dict[int, str] = {}
    if request.method == "POST":
        for item in items:
            refused |= _answer(item, request)
        if not refused:
            messages.success(request, "答复保存好了。")
            return redirect("claim_submit", number=claim.number)
    rows = [
        {
            "item": i,
            "mark": seen_answer(i),
            "typed": request.POST.get(f"answer_{i.pk}", i.answer),
            "refusal": refused.get(i.pk),
        }
        for i in open_items(claim)
    ]
    page = frame(claim, "补正意见") | {"rows": rows, "due_words": days_left(claim.correction_due)}
    return render(request, "portal/filing/corrections.html", page, status=409 if refused else 200)


def _answer(item: CorrectionItem, request) -> dict[int, str]:
    """Keep one answer where it changed; gives back why not, by the item."""
    text = request.POST.get(f"answer_{item.pk}", "")
    if text.strip() == item.answer:
        return {}
    try:
        answer_correction(item, text, seen=request.POST.get(f"seen_{item.pk}", ""), user=request.user)
    except REFUSALS as refusal:
        return {item.pk: str(refusal)}
    return {}


@for_roles(MEMBER)
@require_POST
def answer(request, number: str, pk: int):
    """One answer kept by itself while the clerk goes on typing."""
    claim = own_claim(request, number)
    item = get_object_or_404(claim.corrections, pk=pk)
    refused = _answer(item, request)
    stands = get_object_or_404(claim.corrections.select_related("answered_by"), pk=pk)
    newer = stands if refused.get(pk) == ChangedMeanwhile.message else None
    page = {"item": stands, "refusal": refused.get(pk), "newer": newer, "mark": seen_answer(stands)}
    return render(request, "portal/filing/answered.html", page)


@for_roles(MEMBER)
def discard(request, number: str):
    """Give up a draft."""
    return _step(
        request,
        number,
        "discard",
        {
            "question": "作废这份草稿？",
            "words": "作废以后不能恢复。已上传的发票和付款还在，可以在同一张券下重新开一份申请时选用。",
            "action": "作废草稿",
        },
    )


@for_roles(MEMBER)
def withdraw(request, number: str):
    """Withdraw a claim."""
    return _step(
        request,
        number,
        "withdraw",
        {
            "question": "撤回这份申请？",
            "words": "撤回以后，这份申请占用的资金和排队的位置都会释放，不能恢复。发票和付款可以用于新的申请，但要重新排队。",
            "action": "撤回申请",
        },
    )


@for_roles(MEMBER)
def appeal(request, number: str):
    """Ask for another look at a rejected claim."""
    words = "写明为什么认为结论有误。复核由审核部门重新办理，期间占用资金按重新提交的顺序。"
    return _step(request, number, "appeal", {"question": "申请复核", "words": words, "action": "提交复核申请"})


def _step(request, number: str, verb: str, page: dict):
    """Ask once more, then take the step."""
    claim = own_claim(request, number)
    if verb not in own_verbs(claim):
        messages.info(request, "这一步现在不能办理，请看最新状态。")
        return redirect("claim", number=claim.number)
    form = ReasonForm(request.POST or None) if verb == "appeal" else None
    page = frame(claim, page["action"]) | page | {"back": "claim", "form": form, "version": claim.version}
    if request.method == "POST" and (form is None or form.is_valid()):
        try:
            seen = request.POST.get("version", "")
            reason = form.cleaned_data["reason"] if form else ""
            fire(
                claim,
                verb,
                actor=Actor(request.user),
                reason=reason,
                seen_version=int(seen) if is_number(seen) else -1,
            )
            messages.success(request, f"{page['action']}办理好了。")
            return redirect("claim", number=claim.number)
        except REFUSALS as refusal:
            page |= {"refusal": str(refusal)}
    return render(request, "portal/filing/sure.html", page)
