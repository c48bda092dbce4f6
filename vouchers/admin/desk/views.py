"""The desk: what waits for an officer, the list of claims, one claim on one screen, vouchers and publicity."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.walls import OFFICERS, for_roles
from accounts.web import roles
from vouchers import workflow
from vouchers.admin.desk import bulk, shelf
from vouchers.admin.desk import publicity as objections
from vouchers.admin.desk.actions import VERBS, ActionForm, actions_for, perform
from vouchers.admin.desk.claim import find_claim, screen_of
from vouchers.admin.desk.home import home_of
from vouchers.admin.desk.queue import Queue
from vouchers.admin.desk.verifying import MAY_ASK, AnswerForm, ReasonForm
from vouchers.admin.desk.whatif import with_cut
from vouchers.claims.papers import Attachment, Invoice
from vouchers.claims.pictures import picture_of
from vouchers.claims.verification import Verification, VerificationWaiver
from vouchers.documents.download import attachment, picture
from vouchers.documents.storage import FileDamaged
from vouchers.forms import is_number, refusals_to
from vouchers.review.actors import Actor
from vouchers.review.verifying import agree_to_waiver

REFUSED = 409


@for_roles(*OFFICERS)
@require_GET
def home(request):
    """What waits for the officer."""
    return render(request, "admin/desk/home.html", home_of(request.user, roles(request)))


@for_roles(*OFFICERS)
@require_http_methods(["GET", "HEAD", "POST"])
def queue(request):
    """The claims, sifted; and one verb for many of them."""
    desk, picked, refusal = Queue(request, roles(request)), {}, ""
    if request.method == "POST":
        picked = bulk.picked_in(request.POST.getlist("pick"))
        refusal = bulk.take_step(request, picked)
        if not refusal:
            return redirect(f"{reverse('admin:queue')}?{desk.query}")
    page, total_fen = desk.page()
    context = {
        "desk": desk,
        "page": page,
        "total_fen": total_fen,
        "tabs": desk.tabs(),
        "picked": picked,
        "refusal": refusal,
        "bulk": bulk.offers(page.object_list),
        "heads": {
            "since": desk.sort_by("since"),
            "granted": desk.sort_by("-granted"),
            "number": desk.sort_by("number"),
        },
    }
    return render(request, "admin/desk/queue.html", context, status=REFUSED if refusal else 200)


def _claim_or_404(pk: int):
    claim = find_claim(pk)
    if claim is None:
        raise Http404
    return claim


@for_roles(*OFFICERS)
@require_GET
def claim(request, pk: int):
    """One claim on one screen."""
    return _claim_screen(request, _claim_or_404(pk))


def _claim_screen(request, claim, bound: ActionForm | None = None, seen: int | None = None, panel=None):
    """The screen; with a form that was refused, as it was typed (`panel`: one on the invoice that is open), and what
    happened since `seen`."""
    context, desk = screen_of(claim, request.GET.get("invoice"), panel), Queue(request, roles(request))
    actions = actions_for(claim, context["papers"].lines, request.user, roles(request))
    for action in actions:
        if bound is not None and action.verb == bound.verb:
            action.form, bound.shown = bound, True
    missed = [event for event in context["events"] if seen is not None and event.version > seen]
    context |= {"desk": desk, "around": desk.around(claim), "actions": actions, "bound": bound, "missed": missed}
    context |= {"may_ask": bool(roles(request) & {*MAY_ASK}), "roles": roles(request)}
    return render(request, "admin/desk/claim.html", context, status=200 if bound is panel is None else REFUSED)


@for_roles("reviewer", "approver")
@require_POST
def act(request, pk: int, verb: str):
    """Take one step with a claim; refused, the screen comes back with everything that was typed."""
    claim = _claim_or_404(pk)
    if verb not in VERBS:
        raise Http404
    form = ActionForm(verb, claim, list(claim.lines.select_related("invoice_line__invoice")), request.POST)
    if "more" not in request.POST and form.is_valid():
        with refusals_to(form):
            perform(claim, form, Actor(request.user))
        if form.is_valid():
            messages.success(request, f"{claim.number} 已{workflow.CLAIM.verb_labels[verb]}。")
            return redirect(f"{reverse('admin:claim', args=[pk])}?{request.GET.urlencode()}")
    seen = form.data.get("seen_version", "")
    claim = _claim_or_404(pk)
    return _claim_screen(request, claim, form.renewed(claim), int(seen) if is_number(seen) else None)


@for_roles("reviewer")
@require_GET
def cut_preview(request, pk: int):
    """What the cut that is being typed would make of the amount."""
    claim = _claim_or_404(pk)
    form = ActionForm("cut", claim, [], request.GET)
    form.is_valid()
    line, fen = form.cleaned_data.get("line"), form.cleaned_data.get("amount_fen")
    whatif = with_cut(claim, line.pk, fen) if line and fen is not None and claim.state == "accepted" else None
    return render(request, "admin/desk/whatif.html", {"whatif": whatif})


@for_roles(*OFFICERS)
@require_GET
def claim_file(request, pk: int, file: int):
    """A file of the claim's organisation, as an attachment."""
    found = get_object_or_404(Attachment, pk=file, organisation=_claim_or_404(pk).organisation_id)
    try:
        return attachment(found.stored_name, found.sha256, found.original_name)
    except FileDamaged as damaged:
        raise Http404 from damaged


@for_roles(*OFFICERS)
@require_GET
def claim_page(request, pk: int, file: int, page: int):
    """One page of such a file as a picture."""
    found = get_object_or_404(Attachment, pk=file, organisation=_claim_or_404(pk).organisation_id)
    return picture(picture_of(found, page))


@for_roles(*MAY_ASK)
@require_POST
def verify(request, pk: int, invoice: int):
    """Record what the tax platform answered."""
    return _on_invoice(request, pk, invoice, AnswerForm(request.POST, request.FILES, auto_id="v_%s"), "take")


@for_roles(*MAY_ASK)
@require_POST
def waive(request, pk: int, invoice: int):
    """Ask that an invoice be paid that the platform does not answer for."""
    return _on_invoice(request, pk, invoice, ReasonForm(request.POST, auto_id="w_%s"), "ask_waiver")


@for_roles("approver")
@require_POST
def withdraw_letter(request, pk: int, invoice: int, letter: int):
    """Take back a red letter that was entered by mistake."""
    form = ReasonForm(request.POST, auto_id="w_%s")
    return _on_invoice(request, pk, invoice, form, "withdraw", letter)


def _on_invoice(request, pk: int, invoice: int, form, verb: str, letter: int | None = None):
    """Do what the form asks for with an invoice of the claim (or a letter against it); refused, it is shown again."""
    claim = _claim_or_404(pk)
    own = Invoice.objects.filter(organisation=claim.organisation_id)
    found = get_object_or_404(own, pk=invoice)
    subject = get_object_or_404(own, pk=letter, red=True) if letter else found
    if form.is_valid():
        with refusals_to(form):
            getattr(form, verb)(subject, Actor(request.user))
        if form.is_valid():
            messages.success(request, "已登记。")
            return redirect(_at_invoice(request, pk, invoice))
    request.GET = request.GET.copy()
    request.GET["invoice"] = str(invoice)
    return _claim_screen(request, _claim_or_404(pk), panel=form)


def _at_invoice(request, pk: int, invoice: int) -> str:
    query = request.GET.copy()
    query["invoice"] = str(invoice)
    return f"{reverse('admin:claim', args=[pk])}?{query.urlencode()}#h-verify"


@for_roles(*MAY_ASK)
@require_POST
def agree(request, pk: int, waiver: int):
    """Agree to a colleague's waiver."""
    own = VerificationWaiver.objects.filter(invoice__organisation=_claim_or_404(pk).organisation_id)
    found = get_object_or_404(own, pk=waiver)
    form = ReasonForm({"reason": found.reason}, auto_id="w_%s")
    form.is_valid()
    with refusals_to(form):
        agree_to_waiver(found, actor=Actor(request.user))
    if form.is_valid():
        messages.success(request, "已同意免予查验。")
        return redirect(_at_invoice(request, pk, found.invoice_id))
    return _claim_screen(request, _claim_or_404(pk), panel=form)


@for_roles(*OFFICERS)
@require_GET
def check_picture(request, pk: int, check: int):
    """The screenshot of an answer, as an attachment."""
    own = Verification.objects.filter(invoice__organisation=_claim_or_404(pk).organisation_id)
    found = get_object_or_404(own.exclude(picture_stored=""), pk=check)
    return attachment(found.picture_stored, found.picture_sha256, found.picture_name)


@for_roles(*OFFICERS)
@require_http_methods(["GET", "HEAD", "POST"])
def vouchers_queue(request):
    """Applications for vouchers: issue one or many, refuse one with a reason."""
    refusal = ""
    if request.method == "POST":
        refusal = shelf.decide(request)
        if not refusal:
            return redirect(f"{reverse('admin:vouchers_queue')}?{request.GET.urlencode()}")
    context = shelf.shelf_of(request) | {"refusal": refusal}
    return render(request, "admin/desk/vouchers.html", context, status=REFUSED if refusal else 200)


@for_roles(*OFFICERS)
@require_http_methods(["GET", "HEAD", "POST"])
def publicity(request):
    """What is under publicity and when that ends, what is being looked into, and objections to both."""
    refusal = ""
    if request.method == "POST":
        refusal = objections.answer(request)
        if not refusal:
            return redirect("admin:publicity_desk")
    context = objections.publicity_of(request) | {"refusal": refusal}
    return render(request, "admin/desk/publicity.html", context, status=REFUSED if refusal else 200)
