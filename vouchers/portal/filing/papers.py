"""Contracts, lists of use, receipts and other papers: uploaded, listed, handed out, removed."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET

from accounts.walls import MEMBER, for_roles
from vouchers.claims.papers import ATTACHMENT_KINDS
from vouchers.claims.pictures import picture_of
from vouchers.claims.removals import remove_file
from vouchers.claims.selectors import files_of
from vouchers.claims.services import MAX_UPLOAD_BYTES, upload
from vouchers.documents.download import attachment, picture
from vouchers.documents.storage import FileDamaged
from vouchers.forms import REFUSALS
from vouchers.portal.filing.forms import UploadForm
from vouchers.portal.filing.pages import ask_first, frame, own_claim, own_file

_HINTS = {
    "contract": "与服务商签的算力服务合同，含双方盖章页。PDF、OFD、图片、Word 或 Excel",
    "usage": "服务商确认的用量清单或使用报告。PDF、OFD、图片、Word 或 Excel",
    "other": "更名核准通知书等补充材料",
}


@for_roles(MEMBER)
def paper_list(request, number: str):
    """Papers by kind; many files may be uploaded at once, and none loses the others."""
    claim = own_claim(request, number)
    sent = UploadForm(request.POST, request.FILES) if request.method == "POST" else None
    refused: list[str] = []
    if sent is not None and sent.is_valid():
        kind = sent.cleaned_data["kind"]
        refused = _take(claim, kind, sent.cleaned_data["chosen"], request)
        if not refused:
            return redirect(_back(request, claim))
    elif sent is not None:
        refused = [str(error) for errors in sent.errors.values() for error in errors]
    files = list(files_of(claim))
    sections = [
        (kind, label, _HINTS[kind], [each for each in files if each.kind == kind], UploadForm.of(kind))
        for kind, label in ATTACHMENT_KINDS
        if kind in _HINTS
    ]
    page = frame(claim, "材料") | {"sections": sections, "refused": refused}
    return render(request, "portal/filing/papers.html", page, status=409 if refused else 200)


def _take(claim, kind: str, files, request) -> list[str]:
    """Keep what may be kept; gives back why the others may not."""
    refused, kept = [], 0
    for each in files:
        try:
            upload(claim, kind=kind, name=each.name, content=each.read(MAX_UPLOAD_BYTES + 1), user=request.user)
            kept += 1
        except REFUSALS as refusal:
            refused.append(str(refusal))
    if kept:
        messages.success(request, f"上传好了{kept}个文件。")
    return refused


def _back(request, claim) -> str:
    """To the page the upload came from."""
    where, home = request.POST.get("next", ""), f"/claims/{claim.number}/"
    ours = where.startswith(home) and ".." not in where and url_has_allowed_host_and_scheme(where, allowed_hosts=None)
    return where if ours else f"{home}papers/"


@for_roles(MEMBER)
@require_GET
def page(request, number: str, pk: int, page: int):
    """One page of a file as a picture."""
    return picture(picture_of(own_file(own_claim(request, number), pk), page))


@for_roles(MEMBER)
def download(request, number: str, pk: int):
    """One file, as it was uploaded."""
    found = own_file(own_claim(request, number), pk)
    try:
        return attachment(found.stored_name, found.sha256, found.original_name)
    except FileDamaged as damaged:
        raise Http404 from damaged


@for_roles(MEMBER)
def remove(request, number: str, pk: int):
    """Remove a file, once the clerk has confirmed it."""
    claim = own_claim(request, number)
    found = own_file(claim, pk)
    if found.claim_id != claim.pk:
        raise Http404
    page = frame(claim, "移除文件") | {
        "question": f"移除“{found.original_name}”？",
        "words": f"{found.get_kind_display()}。移除以后不能恢复，需要时可以重新上传。",
        "action": "移除这个文件",
        "back": {"invoice": "claim_invoices", "receipt": "claim_payments"}.get(found.kind, "claim_papers"),
    }
    return ask_first(
        request, claim, page, lambda: remove_file(found, user=request.user), f"“{found.original_name}”已移除。"
    )
