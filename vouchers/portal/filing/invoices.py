"""Invoices of a claim: many files at once, one beside its face, and those that a clerk types in."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from accounts.walls import MEMBER, for_roles
from applicants.selectors import name_on
from applicants.web import organisation_of
from vouchers.claims.amendments import correct_typed_invoice, declare_lines, seen_lines
from vouchers.claims.contracts import asks_of
from vouchers.claims.doubts import answer_doubt
from vouchers.claims.letters import upload_letter
from vouchers.claims.receiving import receive_invoice
from vouchers.claims.removals import remove_invoice
from vouchers.claims.seen import ChangedMeanwhile, seen_row
from vouchers.claims.selectors import earlier_invoices
from vouchers.claims.services import MAX_UPLOAD_BYTES, add_typed_invoice
from vouchers.forms import REFUSALS, refusals_to
from vouchers.money import grouped
from vouchers.portal.filing import bills
from vouchers.portal.filing.face import pages_of, side_of
from vouchers.portal.filing.forms import (
    HeaderForm,
    LineForms,
    UploadForm,
    header_initial,
    lines_initial,
    one_more_row,
    typed_invoice,
    typed_so_far,
)
from vouchers.portal.filing.keeping import forget, kept_form
from vouchers.portal.filing.pages import ask_first, case_of, frame, own_claim, own_file, own_invoice
from vouchers.portal.filing.sheet import sheet_of
from vouchers.portal.filing.waiting import waiting_of
from vouchers.review import reversals
from vouchers.tasks import nudge


@for_roles(MEMBER)
def invoice_list(request, number: str):
    """The claim's invoices; uploading gives one row of result a file, and none loses the others."""
    claim = own_claim(request, number)
    form, results = UploadForm.of("invoice"), []
    if request.method == "POST":
        form = UploadForm.of("invoice", request.POST, request.FILES)
        if form.is_valid():
            results = [
                receive_invoice(claim, name=each.name, content=each.read(MAX_UPLOAD_BYTES + 1), user=request.user)
                for each in form.cleaned_data["chosen"]
            ]
            for letter in [each.invoice for each in results if each.invoice is not None and each.invoice.red]:
                reversals.follow(letter)
            for job in filter(None, (each.job for each in results)):
                nudge(job)
    sheet = sheet_of(case_of(claim))
    rows = bills.bill_rows(claim, sheet)
    page = (
        frame(claim, "发票")
        | waiting_of(claim)
        | {
            "form": form,
            "results": results,
            "entered": sum(1 for each in results if each.invoice),
            "rows": rows,
            "earlier": earlier_invoices(claim, [row.invoice.pk for row in rows])[:20],
            "sheet": sheet,
        }
    )
    return render(request, "portal/filing/invoices.html", page)


@for_roles(MEMBER)
def invoice(request, number: str, pk: int):
    """One invoice beside its face: which lines are claimed, and what counts."""
    claim = own_claim(request, number)
    return _invoice_page(request, claim, own_invoice(claim, pk))


def _invoice_page(request, claim, found, explained: dict[str, str] | None = None):
    """The page; `explained` is an explanation that was refused, as it was typed, and why."""
    sheet = sheet_of(case_of(claim))
    rows, offer = bills.line_rows(claim, found, sheet), bills.offer_of(found, agreed=claim.tranche_id is not None)
    name = name_on(claim.organisation, settings.CLOCK.today())
    side = side_of(claim, found, [row.line for row in rows], name=name, listed=bool(offer.products))
    for row in rows:
        row.place = side.lines[row.line.pk]
    kept, asks = kept_form(claim, "lines", found.pk, seen=seen_lines(claim, found)), asks_of(claim.call)
    page = frame(claim, f"发票{found.number}") | {"invoice": found, "rows": rows, "offer": offer, "kept": kept}
    page |= {"side": side} | (explained or {})
    if request.method == "POST" and not explained:
        try:
            declared = bills.declared_in(rows, request.POST, offer, asks)
            declare_lines(claim, found, declared, seen=request.POST.get("seen"), user=request.user)
            forget(claim, kept)
            messages.success(request, f"发票{found.number}的申报明细保存好了。")
            return redirect("claim_invoices", number=claim.number)
        except (bills.NoProduct, *REFUSALS) as refusal:
            tell = isinstance(refusal, ChangedMeanwhile)
            bills.typed_rows(rows, request.POST, dict(offer.choices()), asks, tell=tell, judge=True)
            page |= {"refusal": str(refusal)}
    elif kept and page["editable"]:
        bills.typed_rows(rows, kept.body, dict(offer.choices()), asks, tell=kept.behind)
    page |= {
        "seen": seen_lines(claim, found),
        "matches": claim.allocations.filter(invoice=found).select_related("payment").order_by("payment__paid_on", "pk"),
        "base_fen": sum(row.counted.base_fen for row in rows if row.counted),
    }
    return render(request, "portal/filing/invoice.html", page, status=409 if "refusal" in page else 200)


@for_roles(MEMBER)
@require_POST
def explain(request, number: str, pk: int):
    """Explain a doubt that keeps the claim from being submitted."""
    claim = own_claim(request, number)
    found, code, text = own_invoice(claim, pk), request.POST.get("code", ""), request.POST.get("text", "")
    try:
        answer_doubt(claim, found, code, text, user=request.user)
    except REFUSALS as refusal:
        return _invoice_page(request, claim, found, {"refusal": str(refusal), "typed_code": code, "typed_text": text})
    messages.success(request, "说明保存好了，审核人员会看到。")
    return redirect("claim_invoice", number=claim.number, pk=pk)


@for_roles(MEMBER)
def red_letter(request, number: str):
    """Hand in a red letter against an invoice of the claim, also after it was submitted."""
    claim = own_claim(request, number)
    form = UploadForm.of("invoice", *([request.POST, request.FILES] if request.method == "POST" else []))
    if request.method == "POST" and form.is_valid():
        with refusals_to(form, "chosen"):
            for each in form.cleaned_data["chosen"]:
                content = each.read(MAX_UPLOAD_BYTES + 1)
                letter = upload_letter(claim, name=each.name, content=content, user=request.user)
                reversals.follow(letter)
        if form.is_valid():
            messages.success(request, "红字发票收到了。补助金额会按冲减后的发票重新核定，请留意通知。")
            return redirect("claim_invoices", number=claim.number)
    return render(request, "portal/filing/red.html", frame(claim, "补交红字发票") | {"form": form})


@for_roles(MEMBER)
def type_in(request, number: str, file: int):
    """Type in an invoice whose file nobody but a person can read."""
    claim = own_claim(request, number)
    attached = own_file(claim, file)
    if attached.kind != "invoice" or attached.held or attached.infected:
        raise Http404
    known = attached.invoices.first()
    if known is not None:
        return redirect("claim_invoice", number=claim.number, pk=known.pk)
    kept = kept_form(claim, "typed", file)
    typed = typed_so_far(kept.body) if kept else ({"buyer_name": organisation_of(request)}, [])
    form, lines = _forms(request, *typed)
    if _wanted(request) and form.is_valid() and lines.is_valid():
        with refusals_to(form):
            read = typed_invoice(form.cleaned_data, lines.rows(), claim.organisation.uscc)
            entered = add_typed_invoice(claim, read, attachment=attached, user=request.user)
            forget(claim, kept)
            messages.success(request, f"发票{entered.number}登记好了，请勾选申报的明细。")
            return redirect("claim_invoice", number=claim.number, pk=entered.pk)
    page = frame(claim, "人工填写发票") | {"form": form, "lines": lines, "file": attached, "kept": kept}
    doubts = (request.POST if request.method == "POST" else kept.body).getlist("doubt")
    return render(request, "portal/filing/typed.html", page | {"doubts": doubts, "pages": pages_of(claim, attached)})


@for_roles(MEMBER)
def correct(request, number: str, pk: int):
    """Correct an invoice that was typed in."""
    claim = own_claim(request, number)
    found = own_invoice(claim, pk)
    if found.read_by != "typed":
        return redirect("claim_invoice", number=claim.number, pk=pk)
    kept = kept_form(claim, "correct", pk, seen=seen_row(found))
    typed = typed_so_far(kept.body) if kept else (header_initial(found), lines_initial(found))
    form, lines = _forms(request, *typed)
    if _wanted(request) and form.is_valid() and lines.is_valid():
        with refusals_to(form):
            read = typed_invoice(form.cleaned_data, lines.rows(), claim.organisation.uscc)
            correct_typed_invoice(claim, found, read, seen=request.POST.get("seen"), user=request.user)
            forget(claim, kept)
            messages.success(request, f"发票{read.number}更正好了。")
            return redirect("claim_invoice", number=claim.number, pk=pk)
    page = frame(claim, "更正发票") | {"form": form, "lines": lines, "file": found.attachment, "invoice": found}
    page |= {"pages": pages_of(claim, found.attachment)}
    page |= {"kept": kept}
    # After a clash the page shows what stands now, and its mark: whoever saves again has seen it.
    stored = request.method == "POST" and request.POST.get("seen") != seen_row(found)
    return render(request, "portal/filing/typed.html", page | {"seen": seen_row(found), "stored": stored})


@for_roles(MEMBER)
def remove(request, number: str, pk: int):
    """Take an invoice out of the claim, once the clerk has confirmed it."""
    claim = own_claim(request, number)
    found = own_invoice(claim, pk)
    page = frame(claim, "移除发票") | {
        "question": f"移除发票{found.number}？",
        "words": f"{found.seller_name}，价税合计{grouped(found.total_fen)}元。它的申报明细和付款对应会一起移除。",
        "action": "移除这张发票",
        "back": "claim_invoices",
    }
    return ask_first(
        request, claim, page, lambda: remove_invoice(claim, found, user=request.user), f"发票{found.number}已移除。"
    )


def _wanted(request) -> bool:
    """Whether the form was sent to be saved, not for more rows."""
    return request.method == "POST" and "more" not in request.POST


def _forms(request, header: dict, lines: list[dict]):
    """Header and lines, as sent or as they stand. A form sent for more rows is shown as typed, not judged."""
    if request.method == "POST" and "more" in request.POST:
        header, lines = typed_so_far(one_more_row(request.POST))
    sent = request.POST if _wanted(request) else None
    # A row as sent is judged by itself: one that is as it was is no empty row.
    return HeaderForm(sent, initial=header), LineForms(sent, initial=None if sent else lines, prefix="lines")
