"""The long work on a signed batch: a letter for each enterprise, then the roster on paper and as a workbook.

Each piece is kept as soon as it is printed, so a worker that dies costs one piece; the next goes on where it stopped
and makes nothing twice (`Document` is unique for kind and subject).
"""

from __future__ import annotations

from vouchers.disbursement.models import Batch
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
        about = f"{papers}:claim:{payment.claim_id}"
        if find(LETTER, about) is None:
            code = new_short_code()
            file_document(
                kind=LETTER,
                subject=about,
                title=f"拨款通知书 {payment.payee_name}",
                file_name=f"拨款通知书_{payment.claim.number}.pdf",
                short_code=code,
                content=letter_pdf(letter_sheet(batch, payment, short_code=code)),
            )
    progress.report(len(payments), total, "正在生成拨付汇总表")
    if find(ROSTER, papers) is None:
        code = new_short_code()
        file_document(
            kind=ROSTER,
            subject=papers,
            title=f"拨付汇总表 {batch.number}",
            file_name=f"拨付汇总表_{batch.number}.pdf",
            short_code=code,
            content=roster_pdf(roster_sheet(batch, payments, short_code=code)),
        )
    progress.report(len(payments) + 1, total, "正在生成拨付汇总表（工作簿）")
    if find(WORKBOOK, papers) is None:
        code = new_short_code()
        file_document(
            kind=WORKBOOK,
            subject=papers,
            title=f"拨付汇总表（工作簿）{batch.number}",
            file_name=f"拨付汇总表_{batch.number}.xlsx",
            short_code=code,
            content=roster_xlsx(roster_sheet(batch, payments, short_code=code)),
        )
    progress.report(total, total, "已全部生成")
