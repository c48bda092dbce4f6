"""The one settlement of a filing window under a `pro_rata` call: what it would give, and giving it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from applicants.models import Organisation
from vouchers import rules
from vouchers.budget.errors import BudgetError
from vouchers.budget.models import Order, SettlementShare
from vouchers.budget.settling import Asking, Share, digest_of, settle
from vouchers.calls.models import Call
from vouchers.claims.models import Claim, FilingQueue
from vouchers.ledger import services as ledger
from vouchers.ledger.selectors import pool_available_fen, rooms_fen
from vouchers.messages.models import Message
from vouchers.money import grouped
from vouchers.review.funding import Case, row_of
from vouchers.review.models import Decision

# Claims whose decisions are in memory at the same time.
CHUNK = 500


@dataclass(frozen=True)
class Waiting:
    """A claim of the settlement as it stands: whose it is, its number, and the whole cap of its call."""

    claim: int
    applicant: int
    number: str
    cap_fen: int


@dataclass(frozen=True)
class Draft:
    """What a settlement would give now. `shares` and `waiting` go in the order of filing."""

    waiting: list[Waiting]
    shares: list[Share]
    rooms: dict[int, int]
    pool_fen: int
    min_grant_fen: int

    @property
    def asked_fen(self) -> int:
        """What all ask for, within their caps."""
        return sum(each.asked_fen for each in self.shares)

    @property
    def granted_fen(self) -> int:
        """What all get."""
        return sum(each.share_fen for each in self.shares)

    @property
    def digest(self) -> str:
        """What stands for every share."""
        return digest_of(self.shares)

    @property
    def figures(self) -> dict[str, int]:
        """The sums that are kept with the order."""
        return {
            "count": len(self.shares),
            "asked_fen": self.asked_fen,
            "pool_fen": self.pool_fen,
            "granted_fen": self.granted_fen,
            "min_grant_fen": self.min_grant_fen,
            "dropped": sum(each.dropped for each in self.shares),
        }


def unsettled(scheme: str, year: int, until: dt.date | None = None) -> QuerySet[Claim]:
    """The claims that wait for a settlement, of filing windows that ended on `until` or before where that is given."""
    rows = Claim.objects.filter(
        waiting=True, call__shortage="pro_rata", call__scheme=scheme, call__fiscal_year=year
    )  # fmt: skip
    return rows.filter(call__filing_until__lte=until) if until else rows


def due_windows(scheme: str, year: int) -> list[dt.date]:
    """The last days of filing windows that are over and have claims to settle, the earliest first."""
    today = settings.CLOCK.today()
    rows = unsettled(scheme, year).filter(call__filing_until__lt=today)
    done = Order.objects.filter(kind="settle", state="done", scheme=scheme, fiscal_year=year)
    settled = set(done.values_list("window_until", flat=True))
    days = rows.order_by("call__filing_until").values_list("call__filing_until", flat=True).distinct()
    return [day for day in days if day not in settled]


def min_grant_of(scheme: str, year: int) -> int:
    """The least that one claim may get by a settlement of the year, in fen; 0 where the call names no such amount."""
    calls = Call.objects.filter(scheme=scheme, fiscal_year=year, published_at__isnull=False)
    return calls.order_by("-version").values_list("minimum_grant_fen", flat=True).first() or 0


def draft(scheme: str, year: int, until: dt.date, min_grant_fen: int = 0) -> Draft:
    """What a settlement of the window that ended on `until` would give on what the books say now. Nothing is locked."""
    rows = unsettled(scheme, year, until).order_by("queue_number")
    columns = ("pk", "organisation_id", "number", "call__annual_cap_fen")
    waiting = [Waiting(*row) for row in rows.values_list(*columns)]
    opened = rooms_fen((scheme, year, applicant) for applicant in {each.applicant for each in waiting})
    rooms = {each.applicant: opened.get((scheme, year, each.applicant), each.cap_fen) for each in waiting}
    pool_fen = pool_available_fen(scheme, year)
    return Draft(
        waiting, settle(_asking(waiting, rooms), rooms, pool_fen, min_grant_fen), rooms, pool_fen, min_grant_fen
    )


def _asking(waiting: list[Waiting], rooms: dict[int, int]) -> Iterator[Asking]:
    """What the rules would grant each claim if the pool were large enough, its applicant's earlier claims before it."""
    used = _used(waiting, rooms)
    rest = iter(waiting)
    while chunk := list(islice(rest, CHUNK)):
        stored = _latest([each.claim for each in chunk])
        for each in chunk:
            case = Case.from_json(stored[each.claim].result).again(used[each.applicant], None)
            used[each.applicant] += case.decision.granted_fen
            yield Asking(each.claim, each.applicant, case.decision.granted_fen)


def _used(waiting: list[Waiting], rooms: dict[int, int]) -> dict[int, int]:
    """What each applicant holds or was paid under its cap before the settlement."""
    return {each.applicant: max(each.cap_fen - rooms[each.applicant], 0) for each in waiting}


def _latest(claims: list[int]) -> dict[int, Decision]:
    """The latest decision of each of these claims."""
    rows = Decision.objects.filter(claim__in=claims).order_by("claim_id", "-pk").distinct("claim_id")
    return {each.claim_id: each for each in rows}


def carry_out(order: Order, *, actor_text: str, at: dt.datetime) -> str:
    """Give every claim its share, in the caller's transaction; exactly the shares that were prepared and signed.
    What was done, in words.

    Raises `BudgetError` when claims, caps or the pool changed in between. Locks claims, then the filing queue.
    """
    assert order.window_until is not None
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
    rows = unsettled(order.scheme, order.fiscal_year, order.window_until)
    locked = rows.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True)
    for _ in locked.iterator(chunk_size=2000):
        pass
    list(FilingQueue.objects.filter(scheme=order.scheme, fiscal_year=order.fiscal_year).select_for_update())
    found = draft(order.scheme, order.fiscal_year, order.window_until, order.figures["min_grant_fen"])
    if found.digest != order.digest or found.pool_fen != order.figures["pool_fen"]:
        raise BudgetError("编制以后申请、年度额度或资金池有变动，没有结算。请重新编制并核对。")
    used = _used(found.waiting, found.rooms)
    pairs = zip(found.waiting, found.shares, strict=True)
    while chunk := list(islice(pairs, CHUNK)):
        _give(order, found, chunk, used, actor_text=actor_text, at=at)
    return f"{len(found.shares)} 件申请分得 {grouped(found.granted_fen)} 元"


def _give(order: Order, found: Draft, chunk: Sequence[tuple[Waiting, Share]], used, *, actor_text, at) -> None:
    """Shares, decisions, money, claims and messages of one chunk: a fixed number of statements."""
    SettlementShare.objects.bulk_create(
        SettlementShare(
            order=order, claim_id=share.claim, asked_fen=share.asked_fen, share_fen=share.share_fen,
            dropped=share.dropped,
        )
        for _, share in chunk
    )  # fmt: skip
    decisions = list(_decisions(found, chunk, used, at))
    Decision.objects.bulk_create(decisions)
    holds = [
        ledger.Hold(share.claim, claim.applicant, share.share_fen, claim.cap_fen)
        for claim, share in chunk
        if share.share_fen
    ]
    if holds:
        # The key of each hold names its settlement and its claim.
        ledger.hold_many(
            holds, order.scheme, order.fiscal_year, event=f"settlement:{order.pk}", actor=actor_text, at=at
        )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE vouchers_claim SET waiting = false, computed_fen = share.computed, granted_fen = share.granted
               FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS share (claim, computed, granted)
               WHERE id = share.claim""",
            [
                [each.claim_id for each in decisions],
                [each.computed_fen for each in decisions],
                [each.granted_fen for each in decisions],
            ],
        )
    _tell(order, chunk, at)


def _decisions(found: Draft, chunk, used: dict[int, int], at: dt.datetime) -> Iterator[Decision]:
    """Each claim decided again with its share, and the cap as the claims before it left it."""
    stored = _latest([share.claim for _, share in chunk])
    for claim, share in chunk:
        last = stored[share.claim]
        allotment = rules.Allotment("pro_rata", share.share_fen, found.asked_fen, found.pool_fen)
        case = Case.from_json(last.result).again(used[claim.applicant], allotment)
        if case.decision.granted_fen != share.share_fen:
            raise BudgetError(f"申请 {claim.number} 重新核定的金额与结算份额不一致，没有结算。请联系系统管理员核查。")
        used[claim.applicant] += share.share_fen
        yield row_of(case, share.claim, last.call_id, at)


def _tell(order: Order, chunk, at: dt.datetime) -> None:
    """Each enterprise hears what its claim got: in the portal, and by e-mail where it gave an address."""
    firms = {claim.applicant for claim, _ in chunk}
    addresses = dict(Organisation.objects.filter(pk__in=firms).values_list("pk", "contact_email"))
    rows = list[Message]()
    for claim, share in chunk:
        words = f"分得 {grouped(share.share_fen)} 元" if share.share_fen else "未分得资金"
        if share.dropped:
            words += "，按比例所得低于最低补助额"
        text = {
            "organisation_id": claim.applicant,
            "subject": f"兑付申请 {claim.number}：本期结算完成",
            "body": f"贵单位兑付申请 {claim.number} 应安排 {grouped(share.asked_fen)} 元，本期按比例结算{words}。"
            "计算过程见申请页“为什么是这个金额”。",
            "created_at": at,
        }
        rows.append(Message(channel="portal", state="sent", sent_at=at, **text))
        if addresses[claim.applicant]:
            rows.append(Message(channel="email", address=addresses[claim.applicant], **text))
    Message.objects.bulk_create(rows, batch_size=1000)
