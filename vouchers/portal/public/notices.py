"""What the public may know: calls, the pool, claims being publicised, printed documents. Nothing of a person."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from django.conf import settings
from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import CharField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Concat

from applicants.models import OrganisationName
from vouchers import money, workflow
from vouchers.calls.models import Call
from vouchers.claims.models import Claim
from vouchers.disbursement.services import LETTER, ROSTER
from vouchers.documents.models import Document
from vouchers.ledger.selectors import pool_available_fen, total_fen
from vouchers.policy import all_laws, voucher_schemes

# Held by these is as good as spent; the other holds may still change.
_APPROVED = ("approved", "publicised", "payable", "batched")
_UNDER_WAY = tuple(state for state in workflow.AWAITING_MONEY if state not in _APPROVED)
_DOCUMENT_KINDS = {LETTER: "拨款通知书", ROSTER: "拨付汇总表"}
_FEN_IN_WAN = 1_000_000


def published_calls() -> list[Call]:
    """Of every voucher scheme and fiscal year the version in force, the newest year first.

    What is agreed case by case is offered to nobody else.
    """
    published = Call.objects.filter(published_at__isnull=False, scheme__in=voucher_schemes())
    latest = published.order_by("fiscal_year", "scheme", "-version").distinct("fiscal_year", "scheme")
    return sorted(latest, key=lambda call: (-call.fiscal_year, call.scheme))


def open_calls() -> list[Call]:
    """The calls under which one may file today."""
    today = settings.CLOCK.today()
    return [call for call in published_calls() if call.filing_from <= today <= call.filing_until]


def call_to_show() -> Call | None:
    """The call that concerns most readers: one that is open, else the next to open, else the last that closed."""
    today, calls = settings.CLOCK.today(), published_calls()
    coming = sorted((call for call in calls if call.filing_from > today), key=lambda call: call.filing_from)
    closed = sorted((call for call in calls if call.filing_until < today), key=lambda call: call.filing_until)
    return next(iter([*open_calls(), *coming, *closed[::-1]]), None)


@dataclass(frozen=True)
class Part:
    """A stretch of the pool's bar: where it begins and how long it is, as percentages of the bar."""

    name: str
    label: str
    fen: int
    start: str
    width: str


@dataclass(frozen=True)
class Tick:
    """A mark on the bar's scale, in 万元."""

    label: str
    start: str
    anchor: str


@dataclass(frozen=True)
class Pool:
    """A year's money as it stands now: paid, held by approved claims, held by others, free."""

    total_fen: int
    free_fen: int
    parts: tuple[Part, ...]
    ticks: tuple[Tick, ...]
    waiting: int


def pool_of(call: Call) -> Pool:
    """The pool of the call's year, from the ledger; a total of 0 where nothing was appropriated yet."""
    claims = Claim.objects.filter(call__scheme=call.scheme, call__fiscal_year=call.fiscal_year)
    free_fen = pool_available_fen(call.scheme, call.fiscal_year)
    amounts = [
        ("paid", "已拨付", total_fen(_keys("paid:", claims))),
        ("approved", "已批准，待拨付", total_fen(_keys("held:", claims.filter(state__in=_APPROVED)))),
        ("reserved", "办理中，预留", total_fen(_keys("held:", claims.filter(state__in=_UNDER_WAY)))),
        ("free", "可用", free_fen),
    ]
    total = sum(fen for _, _, fen in amounts)
    return Pool(total, free_fen, _parts(amounts), _ticks(total), claims.filter(waiting=True).count())


def _keys(prefix: str, claims: QuerySet[Claim]) -> QuerySet:
    return claims.order_by().values_list(Concat(Value(prefix), Cast("pk", CharField())), flat=True)


def _parts(amounts: list[tuple[str, str, int]]) -> tuple[Part, ...]:
    if not any(fen for _, _, fen in amounts):
        return ()
    widths = money.share(10_000, [fen for _, _, fen in amounts])
    parts, start = [], 0
    for (name, label, fen), width in zip(amounts, widths, strict=True):
        parts.append(Part(name, label, fen, _percent(start), _percent(width)))
        start += width
    return tuple(parts)


def _ticks(total_fen: int) -> tuple[Tick, ...]:
    """Four to ten round marks, and the whole at the end."""
    whole = total_fen // _FEN_IN_WAN
    if not whole:
        return ()
    step = next(
        each for power in range(len(str(whole)) + 1) for each in (10**power, 2 * 10**power, 5 * 10**power)
        if whole <= 6 * each
    )  # fmt: skip
    # A mark too near the end would stand in the last one's figure.
    marks = [mark for mark in range(step, whole, step) if mark * 100 <= whole * 90]
    inner = [Tick(f"{mark:,}", _percent(mark * _FEN_IN_WAN * 10_000 // total_fen), "middle") for mark in marks]
    return (Tick("0", "0%", "start"), *inner, Tick(f"{whole:,}", "100%", "end"))


def _percent(hundredths: int) -> str:
    return f"{hundredths // 100}.{hundredths % 100:02d}%"


@dataclass(frozen=True)
class Notice:
    """A claim as it is publicised (公示): these columns and no others. `pk` only leads to the objection,
    for which it is `open` until the end of its last day.
    """

    pk: int
    name: str
    district: str
    services: str
    fiscal_year: int
    wan: str
    fen: int
    until: dt.date
    open: bool


def publicised() -> QuerySet[Claim]:
    """The claims being publicised, the first to end first; `notice` makes of each what may be shown."""
    today = settings.CLOCK.today()
    names = OrganisationName.objects.filter(organisation=OuterRef("organisation"), valid_from__lte=today)
    claims = Claim.objects.filter(state="publicised").select_related("organisation", "call")
    return claims.annotate(
        organisation_name=Subquery(names.order_by("-valid_from").values("name")[:1]),
        places=ArrayAgg("lines__location", distinct=True),
    ).order_by("publicised_until", "queue_number")


def notice(claim) -> Notice:
    """What the public list says of a claim of `publicised()`."""
    labels = {"local": "本市", "external": "外地"}
    return Notice(
        pk=claim.pk,
        name=claim.organisation_name,
        district=claim.organisation.district or claim.organisation.city,
        services="、".join(label for place, label in labels.items() if place in claim.places),
        fiscal_year=claim.call.fiscal_year,
        wan=wan_of(claim.granted_fen),
        fen=claim.granted_fen,
        until=claim.publicised_until,
        open=claim.publicised_until >= settings.CLOCK.today(),
    )


def publicity_ends() -> list[dt.date]:
    """The coming days on which publicity that is under way ends."""
    days = Claim.objects.filter(state="publicised", publicised_until__gte=settings.CLOCK.today())
    ends = days.order_by("publicised_until").values_list("publicised_until", flat=True).distinct()
    return [end for end in ends if end is not None]


def wan_of(fen: int) -> str:
    """Fen as 万元 with four decimals, as lists are publicised: whole yuan, the rest dropped."""
    whole, rest = divmod(money.rounded(fen, money.FEN_IN_A_YUAN), _FEN_IN_WAN)
    return f"{whole:,}.{rest // money.FEN_IN_A_YUAN:04d}"


def document_by(code: str) -> tuple[Document, str] | None:
    """The printed document with this short code, and what kind it is; however the code was typed."""
    document = Document.objects.filter(short_code=re.sub(r"[\s-]", "", code).upper()).first() if code else None
    return (document, _DOCUMENT_KINDS.get(document.kind, "文书")) if document else None


@dataclass(frozen=True)
class Clause:
    """Words of the law and where they stand; `pieces` tells which words set a limit."""

    topic: str
    citation: str
    text: str

    def pieces(self) -> list[tuple[str, bool]]:
        """The text in pieces, each with whether it is a limit (to be marked)."""
        parts = re.split(r"((?:最高)?(?:不超过|不高于|最高给予).*?(?:%|万元))", self.text)
        return [(part, index % 2 == 1) for index, part in enumerate(parts) if part]


@dataclass(frozen=True)
class LawText:
    """A law as its readers see it: document, scheme, clauses verbatim."""

    title: str
    status: str
    scheme_title: str
    clauses: tuple[Clause, ...]


_TOPICS = {
    "pool": "资金",
    "scope_categories": "支持对象",
    "scope_city": "支持对象",
    "local_rate": "本市算力",
    "external_rate": "外地算力",
    "annual_cap": "年度上限",
    "service": "支持内容",
    "tax_basis": "费用口径",
    "rate_ceiling": "比例",
    "grant_ceiling": "总额",
    "in_principle": "比例",
    "in_force": "有效期",
}


def clauses_of(law, *names: str) -> tuple[Clause, ...]:
    """The clauses behind the values called `names` (all when none is given), each once, in the order of `_TOPICS`."""
    values = law.values()
    wanted = [name for name in _TOPICS if name in values and (not names or name in names)]
    found: dict[str, Clause] = {}
    for name in wanted:
        value = values[name]
        # Words that a longer clause contains need no line of their own.
        if not any(value.clause in clause.text for clause in found.values()):
            found[value.clause] = Clause(_TOPICS[name], value.citation, value.clause)
    return tuple(found.values())


def law_texts() -> list[LawText]:
    """Every law once, whatever number of years it governs."""
    texts = {(law.id, law.scheme): law for law in all_laws()}
    return [LawText(law.title, law.status, law.scheme_title, clauses_of(law)) for law in texts.values()]
