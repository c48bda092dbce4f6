"""Payments of a claim: receipts, transfers, and which payment paid which invoice."""

from __future__ import annotations

import re

from django.contrib import messages
from django.shortcuts import redirect, render

from accounts.walls import MEMBER, for_roles
from applicants.web import organisation_of
from vouchers.claims.amendments import correct_payment, seen_matches, set_matches
from vouchers.claims.models import Claim
from vouchers.claims.removals import remove_payment
from vouchers.claims.seen import seen_row
from vouchers.claims.selectors import files_of
from vouchers.claims.services import EDITABLE, record_payment
from vouchers.forms import REFUSALS, refusals_to
from vouchers.money import MoneyError, grouped, parse_yuan
from vouchers.portal.filing.forms import PaymentForm, UploadForm
from vouchers.portal.filing.grid import grid_of, proposal
from vouchers.portal.filing.keeping import forget, kept_form
from vouchers.portal.filing.pages import ask_first, frame, own_claim, own_payment

_CELL = re.compile(r"cell_([0-9]{1,18})_([0-9]{1,18})")


def _page(claim: Claim, **more) -> dict:
    """The page of all payments: receipts, the table of transfers, and the matching."""
    seen = seen_matches(claim)
    kept = kept_form(claim, "match", seen=seen)
    typed = more.pop("typed", None) or (_cells(kept.body)[0] if kept and claim.state in EDITABLE else None)
    grid = grid_of(claim, typed=typed)
    return (
        frame(claim, "付款")
        | {
            "upload": UploadForm.of("receipt"),
            "grid": grid,
            "proposal": proposal(claim, grid),
            "seen": seen,
            "kept_match": kept,
            "form": None,
        }
        | more
    )


@for_roles(MEMBER)
def payment_list(request, number: str):
    """All payments; a form enters another."""
    claim = own_claim(request, number)
    receipts, kept = list(files_of(claim).filter(kind="receipt")), kept_form(claim, "new-payment")
    start = {"payer_name": organisation_of(request)} | kept.body.dict()
    form = PaymentForm(request.POST or None, receipts=receipts, initial=start)
    if request.method == "POST" and form.is_valid():
        with refusals_to(form):
            made = record_payment(claim, **form.cleaned_data, user=request.user)
            forget(claim, kept)
            messages.success(request, f"流水号{made.serial_number}的付款登记好了，请在下面对应到发票。")
            return redirect("claim_payments", number=claim.number)
    return render(request, "portal/filing/payments.html", _page(claim, form=form, kept_new=kept, receipts=receipts))


@for_roles(MEMBER)
def match(request, number: str):
    """Accept the proposal, or save the cells as the clerk edited them."""
    claim = own_claim(request, number)
    if request.method != "POST":  # back from signing in anew
        return redirect("claim_payments", number=claim.number)
    typed, cells, refusal = _cells(request.POST)
    if "accept" in request.POST:
        cells, refusal = proposal(claim, grid_of(claim)), ""
        kept = {(m.payment_id, m.invoice_id): m.amount_fen for m in claim.allocations.all()}
        cells = {pair: kept.get(pair, 0) + fen for pair, fen in cells.items()}
    try:
        if not refusal:
            set_matches(claim, cells, seen=request.POST.get("seen"), user=request.user)
            forget(claim, kept_form(claim, "match"))
            messages.success(request, "付款和发票的对应保存好了。")
            return redirect("claim_payments", number=claim.number)
    except REFUSALS as error:
        refusal = str(error)
    receipts, half = list(files_of(claim).filter(kind="receipt")), kept_form(claim, "new-payment")
    form = PaymentForm(receipts=receipts, initial={"payer_name": organisation_of(request)} | half.body.dict())
    page = _page(claim, typed=typed, refusal=refusal, form=form, kept_new=half, receipts=receipts)
    return render(request, "portal/filing/payments.html", page, status=409)


def _cells(data) -> tuple[dict, dict, str]:
    """The cells as typed, as fen, and what is wrong with them."""
    typed, cells, refusal = {}, {}, ""
    for name, value in data.items():
        found = _CELL.fullmatch(name)
        if not found:
            continue
        pair = (int(found[1]), int(found[2]))
        typed[pair] = value
        try:
            cells[pair] = parse_yuan(re.sub(r"[\s,，¥￥元]", "", value) or "0", exact=False)
            if cells[pair] < 0:
                refusal = "对应金额不能小于零，没有保存。请改正标红的金额。"
        except MoneyError as error:
            refusal = f"{error}没有保存。"
    return typed, cells, refusal


@for_roles(MEMBER)
def payment(request, number: str, pk: int):
    """Correct one payment."""
    claim = own_claim(request, number)
    found = own_payment(claim, pk)
    receipts = list(claim.attachments.filter(kind="receipt"))
    if found.attachment and found.attachment not in receipts:
        receipts.append(found.attachment)
    kept = kept_form(claim, "payment", pk, seen=seen_row(found))
    form = PaymentForm(
        request.POST or None, receipts=receipts, initial=PaymentForm.initial_of(found) | kept.body.dict()
    )
    if request.method == "POST" and form.is_valid():
        with refusals_to(form):
            seen = request.POST.get("seen")
            correct_payment(claim, found, **form.cleaned_data, seen=seen, user=request.user)
            forget(claim, kept)
            messages.success(request, f"流水号{form.cleaned_data['serial_number']}的付款更正好了。")
            return redirect("claim_payments", number=claim.number)
    stored = request.method == "POST" and request.POST.get("seen") != seen_row(found)
    page = frame(claim, "更正付款") | {"form": form, "payment": found, "seen": seen_row(found), "stored": stored}
    return render(request, "portal/filing/payment.html", page | {"kept": kept})


@for_roles(MEMBER)
def remove(request, number: str, pk: int):
    """Remove a payment, once the clerk has confirmed it."""
    claim = own_claim(request, number)
    found = own_payment(claim, pk)
    page = frame(claim, "移除付款") | {
        "question": f"移除流水号{found.serial_number}的付款？",
        "words": f"付给{found.payee_name}，{grouped(found.amount_fen)}元。它与发票的对应会一起移除，银行回单保留。",
        "action": "移除这笔付款",
        "back": "claim_payments",
    }
    return ask_first(
        request,
        claim,
        page,
        lambda: remove_payment(claim, found, user=request.user),
        f"流水号{found.serial_number}的付款已移除。",
    )
