"""The year's books as a screen shows them: where the money is, accounts by names that people know, their transfers."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.db.models import Max, Q
from django.utils import timezone

from applicants.models import OrganisationName
from vouchers.budget.forecast import Forecast, forecast
from vouchers.calls.models import Call
from vouchers.claims.models import Claim
from vouchers.disbursement import selectors as batches
from vouchers.forms import is_number
from vouchers.ledger import kinds, selectors
from vouchers.money import yuan

PER_PAGE = 50
OF_CLAIM = ("held", "paid", "capused")
# What spreadsheets take for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")
HEADINGS = (
    "序号",
    "发生时间",
    "类型",
    "转出账户",
    "转入账户",
    "金额（元）",
    "对象",
    "操作人",
    "调整原因",
    "依据或说明",
    "唯一键",
    "审计记录",
)


def years() -> list[tuple[str, int]]:
    """Schemes and years that have a pool, the latest first."""
    published = Call.objects.filter(published_at__isnull=False).order_by("-fiscal_year", "scheme")
    return list(dict.fromkeys(published.values_list("scheme", "fiscal_year")))


def pool_of(scheme: str, year: int) -> dict[str, Any]:
    """Where one year's money is: appropriated = free + held + paid and not come back + recovered for the treasury."""
    sums = selectors.sums_of(kinds.pool(scheme, year))
    net = {kind: came - went for kind, (came, went) in sums.items()}
    appropriated = sum(net.get(kind, 0) for kind in ("fund", "top_up", "adjust", "carry", "lapse"))
    free = sum(net.values())
    claims = Claim.objects.filter(call__scheme=scheme, call__fiscal_year=year).values("pk")
    keys = {kind: selectors.keys_of(kind, claims) for kind in ("held", "paid")}
    held, paid = (selectors.total_fen(keys[kind]) for kind in ("held", "paid"))
    returned = selectors.recovered_out_fen(keys["paid"])
    return {
        "scheme": scheme,
        "year": year,
        "key": kinds.pool(scheme, year),
        "appropriated_fen": appropriated,
        "free_fen": free,
        "held_fen": held,
        "paid_fen": paid,
        "recovered_fen": net.get("recover", 0),
        "returned_fen": returned,
        "agrees": appropriated == free + held + paid + returned,
        "forecast": _forecast(scheme, year, free),
        "parts": _shares(appropriated, (("m1", paid), ("m2", held))),
        "waiting": sum(each.total_fen for each in batches.waiting() if each.call.fiscal_year == year),
    }


def _forecast(scheme: str, year: int, free_fen: int) -> Forecast | None:
    until = Call.objects.filter(scheme=scheme, fiscal_year=year, published_at__isnull=False).aggregate(
        day=Max("filing_until")
    )["day"]
    daily = selectors.held_by_day(kinds.pool(scheme, year))
    return forecast(free_fen, daily, today=settings.CLOCK.today(), until=until) if until else None


def _shares(whole: int, parts: Iterable[tuple[str, int]]) -> list[dict[str, Any]]:
    """Parts of the whole in thousandths, one after the other."""
    found, at = [], 0
    for tone, fen in parts:
        width = min(fen * 1000 // max(whole, 1), 1000 - at)
        found.append({"tone": tone, "x": at, "width": width})
        at += width
    return found


def accounts_page(asked: Any):
    """One page of accounts: by kind, by a part of the key, or by a claim's number or an enterprise's name."""
    text, kind = (asked.get("q") or "").strip()[:60], asked.get("kind") or ""
    rows = selectors.accounts(kind=kind if kind in kinds.ACCOUNT_LABELS else "")
    if text:
        rows = rows.filter(Q(key__contains=text) | Q(key__in=_keys_named(text)))
    page: Any = Paginator(rows, PER_PAGE).get_page(asked.get("page"))
    shown = list(page.object_list)
    names = names_of(account.key for account in shown)
    page.object_list = [{"account": account, "name": names[account.key]} for account in shown]
    return page


def _keys_named(text: str) -> list[str]:
    named = OrganisationName.objects.filter(name__icontains=text).values("organisation")
    found = Claim.objects.filter(Q(number__icontains=text) | Q(organisation__in=named))
    rows = found.values_list("pk", "call__scheme", "call__fiscal_year", "organisation_id")[:500]
    keys = [f"{kind}:{row[0]}" for row in rows for kind in OF_CLAIM]
    return [*keys, *{kinds.cap(*row[1:]) for row in rows}]


def names_of(keys: Iterable[str]) -> dict[str, str]:
    """What people call the accounts with these keys; two queries for all of them."""
    parts = {key: key.split(":") for key in keys}
    claim_ids = [int(each[1]) for each in parts.values() if each[0] in OF_CLAIM and each[1].isdecimal()]
    rows = Claim.objects.filter(pk__in=claim_ids).values_list("pk", "number", "organisation_id")
    claims = {pk: (number, organisation) for pk, number, organisation in rows}
    ids = {organisation for _, organisation in claims.values()}
    ids |= {int(each[3]) for each in parts.values() if each[0] == "cap" and each[-1].isdecimal()}
    named = OrganisationName.objects.filter(organisation__in=ids).order_by("valid_from")
    firms = dict(named.values_list("organisation_id", "name"))
    return {key: _name(each, claims, firms) for key, each in parts.items()}


def _name(parts: list[str], claims: dict[int, tuple[str, int]], firms: dict[int, str]) -> str:
    label = kinds.ACCOUNT_LABELS.get(parts[0], parts[0])
    if parts[0] == "pool":
        return f"{parts[2]} 年度{label}"
    if parts[0] == "cap":
        return f"{label}，{parts[2]} 年度，{firms.get(int(parts[3]), '')}"
    if parts[0] in OF_CLAIM and int(parts[1]) in claims:
        number, organisation = claims[int(parts[1])]
        return f"{label}，{number}，{firms.get(organisation, '')}"
    return label


def statement_page(key: str, before: str | None) -> dict[str, Any]:
    """Transfers of one account, the newest first, from just before the id `before`; ids only fall, so nothing shifts."""
    rows = selectors.statement(key)
    if before and is_number(before):
        rows = rows.filter(pk__lt=int(before))
    found = list(rows[: PER_PAGE + 1])
    shown = found[:PER_PAGE]
    names = names_of({side for row in shown for side in (row.source_id, row.target_id)})
    return {
        "rows": [_move(row, row.target_id == key, names) for row in shown],
        "more": shown[-1].pk if len(found) > PER_PAGE else None,
    }


def _move(row: Any, is_into: bool, names: dict[str, str]) -> dict[str, Any]:
    """One transfer as its account sees it."""
    other = row.source_id if is_into else row.target_id
    who = row.actor.partition(" ")[2] or {"system": "系统"}.get(row.actor, row.actor)
    return {"row": row, "into": is_into, "other": other, "name": names[other], "who": who}


def ledger_csv(year: int) -> Iterator[str]:
    """Every transfer of a calendar year as CSV that spreadsheets open, line by line; no text becomes a formula."""
    zone = timezone.get_current_timezone()
    first, end = (dt.datetime(each, 1, 1, tzinfo=zone) for each in (year, year + 1))
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow(HEADINGS)
    for row in selectors.transfers_between(first, end).iterator(chunk_size=1000):
        cells = (
            row.pk,
            f"{timezone.localtime(row.at):%Y-%m-%d %H:%M:%S}",
            row.get_kind_display(),
            row.source_id,
            row.target_id,
            yuan(row.amount_fen),
            row.subject,
            row.actor,
            row.get_reason_display(),
            row.note,
            row.key,
            row.entry_id,
        )
        yield writer.writerow([harmless(cell) for cell in cells])


def harmless(cell: object) -> object:
    """Text that a spreadsheet would compute gets a quote mark before it; the ledger's amounts are never negative."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


class _Echo:
    """A file that hands back what is written."""

    def write(self, line: str) -> str:
        return line
