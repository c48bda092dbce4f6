"""A step's two round trips: reading the claim with all that judges it, and writing everything that the step changes.

Plain SQL over fixed columns: a submission holds the year's queue while others wait, and building the same queries by
the ORM each time cost more than all the rest (benchmarks/submission.py).
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import Error, connection
from django.db.models import Model

from accounts.models import User
from applicants.models import Organisation
from vouchers.calls.models import Call
from vouchers.claims import binding
from vouchers.claims.dossier import PAPERS_COLUMNS, PAPERS_WITH
from vouchers.claims.models import Claim, Voucher
from vouchers.ledger.errors import Busy, translated
from vouchers.prepared import Prepared
from vouchers.review.errors import StaleClaim
from vouchers.review.funding import Plan
from vouchers.review.models import ClaimEvent
from vouchers.review.notices import Message

# What a step reads of the claim's firm and voucher; anything else of them is fetched when somebody asks for it.
_OF_FIRM = {"id", "uscc", "category", "city", "contact_email", "merged_into_id"}
_OF_VOUCHER = {"id", "serial_number", "state"}


@cache
def _parts() -> list[tuple[type[Model], str, list[str]]]:
    """The models of one reading, with their alias and the columns read of each."""
    wanted = ((Claim, "claim", None), (Call, "call", None), (Organisation, "firm", _OF_FIRM),
              (Voucher, "voucher", _OF_VOUCHER))  # fmt: skip
    return [
        (model, alias, [f.attname for f in model._meta.concrete_fields if only is None or f.attname in only])
        for model, alias, only in wanted
    ]


_LOCK = Prepared("lock_claim", ("bigint",), "SELECT FROM vouchers_claim WHERE id = $1 FOR UPDATE")
# Verbs that decide an amount, on the claim's papers and on the books.
DECIDING = ("submit", "resubmit", "appeal", "review")


@cache
def _reading(deciding: bool) -> Prepared:
    columns = ", ".join(f"{alias}.{name}" for _, alias, names in _parts() for name in names)
    papers = f""",
        (SELECT balance_fen FROM ledger_account WHERE key = concat_ws(':', 'pool', call.scheme, call.fiscal_year)),
        (SELECT balance_fen FROM ledger_account WHERE key = concat_ws(':', 'cap', call.scheme, call.fiscal_year, firm.id)),
        {PAPERS_COLUMNS}"""  # fmt: skip
    # The column after the models' is the rule of `applicants.selectors.is_member`.
    return Prepared(
        "claim_for_decision" if deciding else "claim_for_step", ("bigint", "bigint", "date"), f"""
        {f"WITH {PAPERS_WITH}" if deciding else ""}
        SELECT {columns}, EXISTS (
          SELECT FROM applicants_membership AS member
          WHERE member.user_id = $2 AND member.organisation_id IN (firm.id, firm.merged_into_id)
            AND member.since <= $3 AND (member.until IS NULL OR member.until > $3)){papers if deciding else ""}
        FROM vouchers_claim AS claim JOIN vouchers_call AS call ON call.id = claim.call_id
        JOIN applicants_organisation AS firm ON firm.id = claim.organisation_id
        JOIN vouchers_voucher AS voucher ON voucher.id = claim.voucher_id
        WHERE claim.id = $1""", after=_LOCK)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reading:
    """A locked claim as a step finds it: with its call, firm and voucher; `is_member`: its actor acts for that firm.

    For a verb that decides also its papers, and what the pool and the applicant's cap had then.
    """

    claim: Claim
    is_member: bool
    balances_fen: tuple[int | None, int | None] | None
    papers: tuple | None


def read(claim_id: int, verb: str, user: User | None, today: dt.date) -> Reading:
    """Lock the claim, and then read it: one round trip, two statements, so that the second sees what it waited for."""
    row = _reading(verb in DECIDING).one(claim_id, user and user.pk, today)
    if row is None:
        raise Claim.DoesNotExist
    made: list[Any] = []
    at = 0
    for model, _, names in _parts():
        made.append(model.from_db(connection.alias, names, row[at : at + len(names)]))
        at += len(names)
    claim, claim.call, claim.organisation, claim.voucher = made
    is_member, *rest = row[at:]
    return Reading(
        claim,
        bool(user and user.is_active and is_member),
        (rest[0], rest[1]) if rest else None,
        tuple(rest[2:]) or None,
    )


# The arguments of `vouchers_take_step`, with their types.
_ARGUMENTS = {
    "claim": "bigint", "verb": "text", "source": "text", "target": "text", "next_version": "integer", "role": "text",
    "actor": "bigint", "duty": "text", "reason": "text", "moment": "timestamptz", "actor_text": "text",
    "claim_number": "text", "firm": "bigint", "call": "bigint", "scheme_code": "text", "year": "integer",
    "shortage": "text", "annual_cap": "bigint",
    "new_computed": "bigint", "new_granted": "bigint", "new_waiting": "boolean", "new_submitted": "timestamptz",
    "new_due": "date", "new_until": "date", "law": "text", "case_facts": "jsonb", "binds": "text", "hold_fen": "bigint",
    "invoices": "bigint[]", "payments": "bigint[]", "allocations": "bigint[]", "expected_sums": "bigint[]",
    "takes_turn": "boolean", "seen_pool": "bigint", "seen_room": "bigint",
    "subject_line": "text", "body_text": "text", "waiting_text": "text", "address_line": "text",
}  # fmt: skip
_WRITING = Prepared(
    "take_step",
    tuple(_ARGUMENTS.values()),
    f"SELECT * FROM vouchers_take_step({', '.join(f'{name} => ${i}' for i, name in enumerate(_ARGUMENTS, start=1))})",
)


def write(claim: Claim, event: ClaimEvent, plan: Plan, message: Message | None, *, actor_text: str) -> bool:
    """Write `event` with everything that `plan` means, but for money that goes back or was paid.

    Returns False, having written nothing but the binding, when books or invoices no longer say what the plan was decided
    on; all of it is locked then, so that the next decision stands. Raises `StaleClaim`, a `ClaimError` where papers are
    in use elsewhere, or a refusal of the ledger.
    """
    try:
        written = _WRITING.one(*_values(claim, event, plan, message, actor_text))
    except Error as error:
        meaning = (plan.unbound and binding.refusal_of(error, plan.unbound)) or translated(error)
        if meaning is error or isinstance(meaning, Busy):  # `refuse_when_locked` says so for all locks
            raise
        raise meaning from error
    assert written is not None  # a function's answer is always a row
    event.pk, queue_number, waits, again = written
    if again:
        return False
    if event.pk is None:
        raise StaleClaim
    if queue_number is not None:
        plan.fields |= {"queue_number": queue_number, "waiting": waits}
    for name, value in ({"state": event.target, "version": event.version} | plan.fields).items():
        setattr(claim, name, value)
    return True


def _values(claim: Claim, event: ClaimEvent, plan: Plan, message: Message | None, actor_text: str) -> list:
    """The arguments of `vouchers_take_step`, in the order of `_ARGUMENTS`."""
    call, set_to, case, purse = claim.call, plan.fields.get, plan.case, plan.purse
    bound = (*binding.wanted(plan.unbound), binding.sums_expected(plan.unbound)) if plan.unbound else (None,) * 4
    return [
        claim.pk, event.verb, event.source, event.target, event.version, event.role, event.actor_id, event.duty,
        event.reason, event.at, actor_text,
        claim.number, claim.organisation_id, call.pk, call.scheme, call.fiscal_year, call.shortage, call.annual_cap_fen,
        set_to("computed_fen"), set_to("granted_fen"), set_to("waiting"), set_to("submitted_at"),
        set_to("correction_due"), set_to("publicised_until"),
        case and case.decision.law_id, case and json.dumps(case.to_json(), ensure_ascii=False),
        case and case.decision.binding, plan.hold_fen,
        *bound,
        purse is not None, purse and purse.pool_fen, purse and purse.room_fen,
        message and message.subject, message and message.body, message and message.if_waiting,
        claim.organisation.contact_email,
    ]  # fmt: skip
