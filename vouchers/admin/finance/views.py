"""Finance officers gather, freeze, sign, release and reconcile batches; auditors look on."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import Http404, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_POST

from accounts.step_up import ask_again, proof_for_one_step, proved_lately
from accounts.walls import for_roles
from accounts.web import roles
from vouchers import workflow
from vouchers.admin.finance import forms
from vouchers.admin.finance.batch import papers_of, screen_of
from vouchers.admin.finance.picking import sum_of
from vouchers.disbursement import papers, selectors
from vouchers.disbursement.models import Batch
from vouchers.documents.download import attachment
from vouchers.forms import refusals_to
from vouchers.review.actors import Actor

REFUSED = 409
PER_PAGE = 50


@for_roles("finance", "auditor")
@require_GET
def batches(request):
    """What waits to be paid, and every batch."""
    return _overview(request)


def _overview(request, bound: forms.OpenForm | None = None):
    waiting, counts = selectors.waiting(), dict(Batch.objects.order_by().values_list("state").annotate(Count("pk")))
    state = request.GET.get("state") if request.GET.get("state") in workflow.BATCH.states else ""
    rows = selectors.batches()
    context = {
        "section": "batches",
        "waiting": waiting,
        "total_fen": sum(each.total_fen for each in waiting),
        "count": sum(each.count for each in waiting),
        "state": state,
        "tabs": [(key, known.label, counts[key]) for key, known in workflow.BATCH.states.items() if counts.get(key)],
        "all": sum(counts.values()),
        "page": Paginator(rows.filter(state=state) if state else rows, PER_PAGE).get_page(request.GET.get("page")),
        "form": bound or forms.OpenForm(waiting=waiting),
        "is_finance": "finance" in roles(request),
    }
    return render(request, "admin/finance/batches.html", context, status=REFUSED if bound else 200)


@for_roles("finance")
@require_POST
def open_batch(request):
    """Open a batch."""
    form = forms.OpenForm(request.POST, waiting=selectors.waiting())
    if form.is_valid():
        with refusals_to(form):
            batch = form.take(Actor(request.user))
            messages.success(request, f"已建立批次 {batch.number}。请选择要列入的申请。")
            return redirect("admin:batch", batch.pk)
    return _overview(request, form)


@for_roles("finance", "auditor")
@require_GET
def batch(request, pk: int):
    """One batch."""
    return _screen(request, get_object_or_404(selectors.batches(), pk=pk))


def _screen(request, found: Batch, bound: forms.StepForm | None = None):
    refused = bound is not None and not bound.is_valid()
    answer = render(
        request, "admin/finance/batch.html", screen_of(request, found, bound), status=REFUSED if refused else 200
    )
    if bound is not None:
        # A revealed number is for this answer alone.
        answer["Cache-Control"] = "no-store"
    return answer


@for_roles("finance")
@require_POST
def batch_do(request, pk: int, step: str):
    """Take one step with a batch; refused, the screen comes back as it is now with everything that was typed."""
    found = get_object_or_404(selectors.batches(), pk=pk)
    if step not in forms.STEPS:
        raise Http404
    back, kind = reverse("admin:batch", args=[pk]), forms.STEPS[step]
    if kind.proved and not proved_lately(request):
        messages.info(request, "请先输入动态码，再回到本页办理。")
        return ask_again(f"{back}#next")
    extra = {"asked": request.GET} if step == "add" else {}
    form, said = kind(found, request.POST, **extra), ""
    if form.is_valid():
        proof = proof_for_one_step(request) if kind.proved else nullcontext()
        with refusals_to(form), proof:
            said = form.take(Actor(request.user))
    if said:
        messages.success(request, said)
        return redirect(f"{back}?{request.GET.urlencode()}" if request.GET else back)
    return _screen(request, selectors.batches().get(pk=pk), form)


@for_roles("finance")
@require_POST
def batch_total(request, pk: int):
    """What the batch comes to with the picked claims, as a piece of the page."""
    found = get_object_or_404(selectors.batches(), pk=pk)
    context = sum_of(found, request.POST.getlist("pick"))
    return render(request, "admin/finance/_total.html", context)


@for_roles("finance", "auditor")
@require_GET
def batch_papers(request, pk: int):
    """The papers and how far they are, as a piece of the page; when they are done, the page is shown anew."""
    found: Any = get_object_or_404(selectors.batches(), pk=pk)
    context = {"batch": found, "is_finance": "finance" in roles(request), **papers_of(found, found.count)}
    answer = render(request, "admin/finance/_papers.html", context)
    if not context["job_live"]:
        answer["HX-Refresh"] = "true"
    return answer


@for_roles("finance", "auditor")
@require_GET
def batch_paper(request, pk: int, document: int):
    """One paper of the batch; another batch's is not found."""
    found = get_object_or_404(Batch, pk=pk)
    paper = get_object_or_404(papers.papers_of(found), pk=document)
    answer = attachment(paper.stored_name, paper.sha256, paper.file_name)
    papers.note_download(found, paper.title, actor=Actor(request.user))
    return answer


@for_roles("finance", "auditor")
@require_GET
def batch_letters(request, pk: int):
    """All letters of the batch in one zip file, sent as it is made."""
    found = get_object_or_404(Batch, pk=pk)
    letters = papers.letters_of(found)
    if not letters.exists():
        raise Http404
    papers.note_download(found, "全部拨款通知书", actor=Actor(request.user))
    answer = StreamingHttpResponse(papers.zipped(letters), content_type="application/zip")
    answer["Content-Disposition"] = content_disposition_header(True, f"拨款通知书_{found.number}.zip")
    answer["Cache-Control"] = "private, no-store"
    return answer
