"""Invoice files of a claim that are no invoices yet: what happens to each, kept up to date on the page."""

from __future__ import annotations

from dataclasses import dataclass

from django.shortcuts import render

from accounts.walls import MEMBER, for_roles
from vouchers.claims.drafts import forms_by
from vouchers.claims.models import Claim
from vouchers.claims.papers import Attachment
from vouchers.claims.receiving import waiting_files
from vouchers.claims.scans import BY_MACHINE, form_name, scan_jobs
from vouchers.jobs.models import Job
from vouchers.portal.filing.pages import frame, own_claim

_BUSY = ("waiting", "running")


@dataclass(frozen=True)
class Waiting:
    """One file: what happens to it, whether that goes on by itself, and what the clerk may do (empty: nothing yet)."""

    file: Attachment
    words: str = ""
    busy: bool = False
    action: str = "人工填写"
    tone: str = ""


def waiting_of(claim: Claim) -> dict:
    """The rows for the template, and whether any of them changes by itself."""
    files = list(waiting_files(claim))
    jobs, suggested = scan_jobs(files), forms_by(claim, BY_MACHINE)
    rows = [_row(file, jobs.get(file.pk), form_name(file) in suggested) for file in files]
    return {"waiting": rows, "busy": any(row.busy for row in rows)}


def _row(file: Attachment, job: Job | None, suggested: bool) -> Waiting:
    if file.infected:
        words = "没有通过病毒检查，文件已经删除。请移除，用杀毒软件检查电脑后上传没有问题的原文件。"
        return Waiting(file, words, action="", tone="bad")
    if file.held:
        return Waiting(file, "正在等待病毒检查，通过后自动识读。不用重新上传。", busy=True, action="", tone="run")
    if suggested:
        return Waiting(file, "图片识别好了，请对照原件核对后保存。", action="核对内容", tone="ok")
    if job is None:
        return Waiting(file)
    if job.state in _BUSY:
        words = "排队等待图片识别" if job.state == "waiting" else job.message or "正在识别图片"
        return Waiting(file, f"{words}。可以离开本页，也可以不等识别直接填写。", busy=True, tone="run")
    if job.state == "dead":
        return Waiting(file, "图片识别没有完成，请对照原件人工填写。", tone="warn")
    return Waiting(file, job.message, tone="warn")


@for_roles(MEMBER)
def waiting(request, number: str):
    """The list alone, asked for again while something in it goes on by itself."""
    claim = own_claim(request, number)
    return render(request, "portal/filing/waiting.html", frame(claim) | waiting_of(claim))
