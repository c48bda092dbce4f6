"""Asking the tax platform about invoices, and what must be answered before money leaves.

An answer is a row and never changes. Three attempts a day and invoice, whoever asks. QUOTA and UNAVAILABLE say nothing
of an invoice and reject nothing; TOO_NEW is asked again the next day. That an invoice is void or reversed is entered as
a red letter at once (`vouchers.review.reversals`). Before a batch is frozen or released every invoice in it has a MATCH
that is younger than the claim's approval, or two officers have said why not.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction

from accounts.errors import Refused
from accounts.locks import refuse_when_locked
from accounts.models import User
from accounts.selectors import roles_of
from audit.services import record
from vouchers.claims.letters import enter_letter
from vouchers.claims.papers import Invoice
from vouchers.claims.uploads import format_of
from vouchers.claims.verification import Verification, VerificationWaiver
from vouchers.documents.storage import keep
from vouchers.invoices.verifier import (
    AGAINST,
    MOST_A_DAY,
    REVERSED,
    STATUS_LABELS,
    InvoiceVerifier,
    Query,
    Result,
    Status,
    refusal_of,
)
from vouchers.review import reversals
from vouchers.review.actors import Actor

MANUAL = "manual"
MAY_ASK = frozenset({"reviewer", "approver", "finance"})
MOST_PICTURE_BYTES = 5 * 2**20


class VerificationRefused(Refused):
    """An attempt or a waiver that was not recorded; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A screenshot of the platform's answer."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Reversal:
    """What the platform says of a reversal: its letter and, when it is no whole one, how much. Fen above zero."""

    number: str = ""
    issued_on: dt.date | None = None
    total_fen: int | None = None
    tax_fen: int | None = None


def query_of(invoice: Invoice) -> Query:
    """What the platform is asked of an invoice."""
    return Query(
        kind=invoice.kind,
        code=invoice.code,
        number=invoice.number,
        date=invoice.issued_on,
        amount_excl_fen=invoice.amount_fen,
        amount_incl_fen=invoice.total_fen,
        check_code=invoice.check_code,
    )


def ask(invoice: Invoice, verifier: InvoiceVerifier, *, actor: Actor) -> Verification:
    """Ask a machine. One attempt at a time for an invoice. Raises `VerificationRefused` when none is left today, or
    asking would only waste one."""
    with refuse_when_locked(), transaction.atomic():
        _take_turn(invoice)
        if reason := refusal_of(query_of(invoice), settings.CLOCK.today()):
            raise VerificationRefused(reason)
        answer = verifier.verify(query_of(invoice))
        return _keep(invoice, answer, actor)


def record_answer(
    invoice: Invoice,
    status: Status,
    *,
    actor: Actor,
    reference: str = "",
    note: str = "",
    picture: Picture | None = None,
    reversal: Reversal | None = None,
) -> Verification:
    """Enter what an officer read at the platform, with the screenshot that proves it. Raises `VerificationRefused`."""
    if actor.user is None or not MAY_ASK & roles_of(actor.user):
        raise VerificationRefused("发票查验由审核、审批或财务人员登记，您的账号没有这一权限。")
    if picture is None and status not in (Status.QUOTA, Status.UNAVAILABLE):
        raise VerificationRefused("请附上税务平台查验结果的截图（PNG 或 JPG）。")
    if picture is not None and (
        format_of(picture.content) not in ("png", "jpg") or len(picture.content) > MOST_PICTURE_BYTES
    ):
        raise VerificationRefused("截图须为 PNG 或 JPG，且不超过 5 MB，请重新选择。")
    if status == Status.RED_PART and (reversal is None or not reversal.number or not reversal.total_fen):
        raise VerificationRefused("部分红冲须填写红字发票号码和红冲金额，系统据此重新核定。")
    with refuse_when_locked(), transaction.atomic():
        _take_turn(invoice)
        answer = Result(status, MANUAL, provider_ref=reference.strip())
        return _keep(invoice, answer, actor, note=note.strip(), picture=picture, reversal=reversal)


def _take_turn(invoice: Invoice) -> None:
    """Wait for whoever asks about the same invoice, then see whether an attempt is left. The table's key and CHECK
    refuse a fourth as well."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('verification'), %s)", [invoice.pk % 2**31])
    today = [row.status for row in of_today(invoice)]
    if Status.QUOTA in today:
        raise VerificationRefused("税务平台今天对这张发票的查验次数已满，请明天再查。这不影响申请的办理。")
    if Status.TOO_NEW in today:
        raise VerificationRefused("这张发票当日开具，平台次日才能查到，请明天再查。")
    if len(today) >= MOST_A_DAY:
        raise VerificationRefused(f"这张发票今天已查验 {MOST_A_DAY} 次，请明天再查。")


def of_today(invoice: Invoice) -> list[Verification]:
    """Today's attempts, in order."""
    return list(invoice.verifications.filter(asked_on=settings.CLOCK.today()).order_by("attempt"))


def _keep(
    invoice: Invoice,
    answer: Result,
    actor: Actor,
    *,
    note: str = "",
    picture: Picture | None = None,
    reversal: Reversal | None = None,
) -> Verification:
    stored = keep(picture.content, "checks", "") if picture else None
    query, now = query_of(invoice), settings.CLOCK.now()
    row = Verification.objects.create(
        invoice=invoice,
        provider=answer.provider,
        status=answer.status.value,
        query={
            "kind": query.kind,
            "code": query.code,
            "number": query.number,
            "date": query.date.isoformat(),
            "amount_fen": query.amount_fen,
            "check_code": query.check_code,
        },
        fields=answer.fields,
        reference=answer.provider_ref[:60],
        raw_sha256=answer.raw_sha256,
        note=note[:500],
        picture_name=picture.name[-255:] if picture else "",
        picture_stored=stored.name if stored else "",
        picture_sha256=stored.sha256 if stored else "",
        asked_on=settings.CLOCK.today(),
        attempt=len(of_today(invoice)) + 1,
        asked_at=now,
        asked_by=actor.user,
    )
    _record(actor, "invoice.verify", invoice, status=row.status, provider=row.provider, attempt=row.attempt)
    if answer.status in REVERSED and actor.user is not None:
        _enter_reversal(invoice, answer.status, reversal or Reversal(), actor)
    return row


def _enter_reversal(invoice: Invoice, status: Status, reversal: Reversal, actor: Actor) -> None:
    """The way of a red letter. A partial one whose letter is not known waits for somebody who reads it."""
    if status == Status.RED_PART and not reversal.total_fen:
        return
    partial = status == Status.RED_PART
    letter = enter_letter(
        invoice,
        number=reversal.number if status != Status.VOID else "",
        issued_on=reversal.issued_on,
        total_fen=reversal.total_fen if partial else None,
        tax_fen=reversal.tax_fen if partial else None,
        void=status == Status.VOID,
        user=actor.user,
    )
    reversals.follow(letter)


def ask_waiver(invoice: Invoice, *, reason: str, actor: Actor) -> VerificationWaiver:
    """Ask that an invoice the platform does not answer for be paid all the same. Raises `VerificationRefused`."""
    officer = _require_officer(actor)
    if not reason.strip():
        raise VerificationRefused("请写明为什么不能取得查验结果，以及凭什么确认发票真实。")
    _refuse_against(invoice)
    with refuse_when_locked(), transaction.atomic():
        waiver = VerificationWaiver.objects.create(
            invoice=invoice, reason=reason.strip()[:500], asked_by=officer, asked_at=settings.CLOCK.now()
        )
        _record(actor, "invoice.waiver_asked", invoice, reason=waiver.reason)
    return waiver


def agree_to_waiver(waiver: VerificationWaiver, *, actor: Actor) -> VerificationWaiver:
    """Another officer agrees. Raises `VerificationRefused` for the one who asked, or when it is agreed to already."""
    officer = _require_officer(actor)
    with refuse_when_locked(), transaction.atomic():
        waiver = VerificationWaiver.objects.select_for_update(of=("self",)).select_related("invoice").get(pk=waiver.pk)
        if waiver.agreed_by_id is not None:
            raise VerificationRefused("这项免予查验已经有人同意，请刷新页面。")
        if waiver.asked_by_id == officer.pk:
            raise VerificationRefused("提出人不能自己同意，请转交另一位工作人员。")
        _refuse_against(waiver.invoice)
        waiver.agreed_by, waiver.agreed_at = officer, settings.CLOCK.now()
        waiver.save(update_fields=["agreed_by", "agreed_at"])
        _record(actor, "invoice.waiver_agreed", waiver.invoice, reason=waiver.reason)
    return waiver


def _require_officer(actor: Actor) -> User:
    if actor.user is None or not MAY_ASK & roles_of(actor.user):
        raise VerificationRefused("免予查验由审核、审批或财务人员办理，您的账号没有这一权限。")
    return actor.user


def _refuse_against(invoice: Invoice) -> None:
    """Nobody waives an answer that speaks against the invoice."""
    latest = invoice.verifications.exclude(status__in=("QUOTA", "UNAVAILABLE", "TOO_NEW")).order_by("-pk").first()
    if latest is not None and latest.status in AGAINST:
        raise VerificationRefused(f"税务平台的答复是“{latest.get_status_display()}”，不能免予查验。请核实后重新查验。")


# Why an invoice may not be paid on yet: the rule itself is in the database (0014_witness.sql), whose gate asks it too.
_WANTING = {
    "letter": "{}，须登记红冲并在批准后重新查验",
    "against": "税务查验{}",
    "stale": "批准后尚未重新查验",
    "none": "没有税务查验结果",
}


def unverified(claim_ids: Iterable[int]) -> dict[int, list[str]]:
    """By claim, in words, which of its invoices may not be paid on yet; claims where all is well are left out.

    An invoice is well with a MATCH after the approval; with a reversal that is entered, since the decision counts it;
    or with a waiver by two officers, as long as no answer speaks against it. One query.
    """
    found: dict[int, list[str]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM vouchers_unverified(%s::bigint[], 'infinity')", [list(claim_ids)])
        for claim_id, number, status, wanting in cursor.fetchall():
            words = _WANTING[wanting].format(STATUS_LABELS.get(status, ""))
            found[claim_id].append(f"发票 …{number[-8:]} {words}")
    return dict(found)


def _record(actor: Actor, action: str, invoice: Invoice, **detail) -> None:
    record(
        actor=actor.text,
        action=action,
        subject=f"invoice:{invoice.pk}",
        at=settings.CLOCK.now(),
        detail={"number": invoice.number, **detail},
    )
