"""The long work on a signed batch: a letter for each enterprise, then the roster on paper and as a workbook.

Each piece is kept as soon as it is printed, so a worker that dies costs one piece; the next goes on where it stopped
and makes nothing twice (`Document` is unique for kind and subject).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from vouchers.disbursement.models import Batch, Payment
from vouchers.disbursement.roster_xlsx import roster_xlsx
from vouchers.disbursement.services import LETTER, ROSTER, WORKBOOK, BatchRefused
from vouchers.disbursement.sheets import letter_sheet, payments_of, roster_sheet
from vouchers.documents.printing import letter_pdf, roster_pdf
from vouchers.documents.services import file_document, find, new_short_code
from vouchers.jobs.services import Progress

SIGNED = ("signed", "released", "reconciled")


def run(subject: str, progress: Progress) -> None:
    """Print what is missing of `subject` ("batch:12"), telling how far it is."""
    batch = Batch.objects.select_related("call", "frozen_by", "signed_by").get(pk=int(subject.partition(":")[2]))
    if batch.state not in SIGNED:
        raise BatchRefused("批次签批后才能生成拨付文书。")
    payments, papers = payments_of(batch), batch.papers_subject
    total = len(payments) + 2
    for done, payment in enumerate(payments):
        progress.report(done, total, f"正在生成拨款通知书 {done + 1}/{len(payments)}")
        title, name = f"拨款通知书 {payment.payee_name}", f"拨款通知书_{payment.claim.number}.pdf"
        letter = partial(_letter, batch, payment)
        _file_once(LETTER, f"{papers}:claim:{payment.claim_id}", title, name, letter)
    progress.report(len(payments), total, "正在生成拨付汇总表")
    roster = partial(roster_sheet, batch, payments)
    name = f"拨付汇总表_{batch.number}"
    _file_once(
        ROSTER, papers, f"拨付汇总表 {batch.number}", f"{name}.pdf", lambda code: roster_pdf(roster(short_code=code))
    )
    progress.report(len(payments) + 1, total, "正在生成拨付汇总表（工作簿）")
    _file_once(
        WORKBOOK, papers, f"拨付汇总表（工作簿）{batch.number}", f"{name}.xlsx",
        lambda code: roster_xlsx(roster(short_code=code)),
    )  # fmt: skip
    progress.report(total, total, "已全部生成")


def _letter(batch: Batch, payment: Payment, code: str) -> bytes:
    return letter_pdf(letter_sheet(batch, payment, short_code=code))


def _file_once(kind: str, about: str, title: str, file_name: str, printed: Callable[[str], bytes]) -> None:
    """File what `printed` makes of a new short code, unless it lies there from an earlier run."""
    if find(kind, about) is None:
        code = new_short_code()
        file_document(
            kind=kind, subject=about, title=title, file_name=file_name, short_code=code, content=printed(code)
        )  # fmt: skip
