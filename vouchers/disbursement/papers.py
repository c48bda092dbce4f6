"""The papers of a batch: which there are, one of them, all letters in one file; and a whole account number shown.

The roster and the workbook bear whole account numbers: whoever takes one away leaves a record, as does whoever has a
number shown.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

from django.conf import settings
from django.db.models import Q, QuerySet, Sum

from audit.services import record
from vouchers.disbursement.models import Batch, Payment
from vouchers.disbursement.services import EXPORT, LETTER, BatchRefused, require_finance
from vouchers.documents.models import Document
from vouchers.documents.storage import load
from vouchers.jobs.models import Job
from vouchers.review.actors import Actor

SEALED = ("frozen", "signed", "released", "reconciled")


def papers_of(batch: Batch) -> QuerySet[Document]:
    """Every paper printed for the batch as it was signed: roster, workbook, letters."""
    if not batch.digest:
        return Document.objects.none()
    subject = batch.papers_subject
    return Document.objects.filter(Q(subject=subject) | Q(subject__startswith=f"{subject}:claim:")).order_by("pk")


def letters_of(batch: Batch) -> QuerySet[Document]:
    """The letters of the batch."""
    return papers_of(batch).filter(kind=LETTER)


def letter_ids(batch: Batch, claim_ids: list[int]) -> dict[int, int]:
    """Which letter is whose: the ids of the documents by the claims' ids, as far as they are printed."""
    subjects = {f"{batch.papers_subject}:claim:{claim_id}": claim_id for claim_id in claim_ids if batch.digest}
    rows = Document.objects.filter(kind=LETTER, subject__in=subjects).values_list("subject", "pk")
    return {subjects[subject]: pk for subject, pk in rows}


def size_of(papers: QuerySet[Document]) -> int:
    """How many bytes they are together."""
    return papers.aggregate(sum=Sum("size", default=0))["sum"]


def export_job(batch: Batch) -> Job | None:
    """The latest job that printed, prints or will print the batch's papers."""
    jobs = Job.objects.filter(kind=EXPORT, subject=f"batch:{batch.pk}").select_related("requested_by")
    return jobs.order_by("-pk").first()


def zipped(papers: QuerySet[Document]) -> Iterator[bytes]:
    """One zip file of them, piece by piece; each is checked against its sha256. Raises `FileDamaged`.

    PDFs are compressed already: they are stored as they are.
    """
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:
        for paper in papers.iterator(chunk_size=200):
            archive.writestr(paper.file_name, load(paper.stored_name, paper.sha256))
            yield pipe.taken()
    yield pipe.taken()


class _Pipe(io.RawIOBase):
    """What was written and not taken yet."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def note_download(batch: Batch, what: str, *, actor: Actor) -> None:
    """Record that `actor` takes papers of the batch away."""
    record(
        actor=actor.text,
        action="batch.download",
        subject=f"batch:{batch.pk}",
        at=settings.CLOCK.now(),
        detail={"number": batch.number, "paper": what},
    )


def reveal_account(payment: Payment, *, reason: str, actor: Actor) -> str:
    """The whole account number of a payment in a batch that is frozen; who asked and why is on record for ever."""
    require_finance(actor)
    if payment.batch.state not in SEALED:
        raise BatchRefused("批次封存后才能查看完整账号。")
    if not reason.strip():
        raise BatchRefused("请填写查看完整账号的理由。")
    record(
        actor=actor.text,
        action="payment.reveal_account",
        subject=f"payment:{payment.pk}",
        at=settings.CLOCK.now(),
        detail={"batch": payment.batch.number, "claim": payment.claim.number, "reason": reason.strip()},
    )
    return payment.account_number
