"""Probes that the search of `walls.py` does not come upon: several columns at once, several statements, or another table.

They name people and rows by what they are, never by number. `UNFELT` names the guards that cannot be felt, and why.
"""

from tests.guards.walls import Guard, Probe


def _person(username: str) -> str:
    return f"(SELECT id FROM accounts_user WHERE username = '{username}')"


def _last(table: str, condition: str) -> str:
    return f"(SELECT max(id) FROM {table} WHERE {condition})"


def _copy(table: str, condition: str, **changes: str) -> str:
    """A copy of the last row of `table` for which `condition` holds, with a fresh id and these columns changed."""
    told = "".join(f", '{column}', {value}" for column, value in changes.items())
    return (
        f"INSERT INTO {table} SELECT (jsonb_populate_record(t, jsonb_build_object('id',"
        f" (SELECT max(id) + 1000 FROM {table}){told}))).* FROM {table} t WHERE id = {_last(table, condition)}"
    )


def _event(verb: str, source: str, target: str, role: str, actor: str, duty: str, condition: str) -> str:
    """The next event of the last claim in `source` for which `condition` holds too."""
    return (
        "INSERT INTO vouchers_claimevent (claim_id, version, verb, source, target, role, actor_id, duty, reason, at)"
        f" SELECT id, version + 1, '{verb}', '{source}', '{target}', '{role}', {actor}, '{duty}', '', now()"
        f" FROM vouchers_claim c WHERE id = (SELECT max(id) FROM vouchers_claim c WHERE state = '{source}' AND {condition})"
    )


_OBJECTED = "EXISTS (SELECT FROM vouchers_objection WHERE claim_id = c.id AND state = 'received')"
_FLAGGED = "EXISTS (SELECT FROM vouchers_reversalflag WHERE claim_id = c.id)"
_DRAFT_LINE = "claim_id IN (SELECT id FROM vouchers_claim WHERE state = 'draft')"
_DRAFTED_TRANCHE = "(SELECT max(t.id) FROM vouchers_tranche t JOIN vouchers_agreement a ON a.id = agreement_id WHERE a.state = 'drafted')"
_PRO_RATA = (
    "(SELECT max(c.id) FROM vouchers_claim c JOIN vouchers_call k ON k.id = c.call_id WHERE k.shortage = 'pro_rata')"
)
_UNBOUND = "EXISTS (SELECT FROM vouchers_allocation WHERE claim_id = c.id AND NOT live)"
_HANDED_IN = f"(SELECT max(id) FROM vouchers_claim c WHERE state = 'draft' AND {_UNBOUND})"
_PREPARED_TOP_UP = _last("vouchers_order", "kind = 'top_up' AND state = 'prepared'")
_FROZEN = f"state = 'frozen', frozen_at = now(), digest = 'x', frozen_by_id = {_person('caiwu2')}"
_SIGNED = f"state = 'signed', signed_at = now(), signed_by_id = {_person('shenpi')}"

_RUNTIME = {
    ("check", "vouchers_claim", "claim_publicised_has_end"):
        "UPDATE vouchers_claim SET version = version + 1, publicised_until = NULL WHERE state = 'publicised'",
    ("check", "vouchers_claim", "claim_returned_has_deadline"):
        "UPDATE vouchers_claim SET version = version + 1, correction_due = NULL WHERE state = 'returned'",
    ("check", "vouchers_claimevent", "claim_event_second_approval"):
        _event("approve", "approved_once", "approved", "approver", _person("shenpi2"), "approve", "true"),
    ("check", "vouchers_claimline", "claim_line_contract_not_negative"):
        f"UPDATE vouchers_claimline SET contract_fen = -1 WHERE {_DRAFT_LINE}",
    ("check", "vouchers_claimline", "claim_line_service_in_order"):
        f"UPDATE vouchers_claimline SET service_from = '2025-02-01', service_until = '2025-01-01' WHERE {_DRAFT_LINE}",
    ("check", "vouchers_invoice", "invoice_withdrawn_by_officers"):
        "UPDATE vouchers_invoice SET withdrawn_at = now() WHERE bound_at IS NULL AND read_by <> 'officer'",
    ("check", "vouchers_job", "job_running_has_lease"):
        "UPDATE vouchers_job SET state = 'running' WHERE state = 'waiting'",
    ("check", "vouchers_order", "order_signed_by_another"):
        "UPDATE vouchers_order SET state = 'signed', signed_at = now(), signed_by_id = prepared_by_id"
        " WHERE kind = 'recover' AND state = 'prepared'",
    ("check", "vouchers_verificationwaiver", "waiver_agreed_by_another"):
        "UPDATE vouchers_verificationwaiver SET agreed_by_id = asked_by_id, agreed_at = now() WHERE agreed_by_id IS NULL",
    ("trigger", "audit_auditentry", "audit_stamp"):
        "INSERT INTO audit_auditentry (at, actor, action, subject, ok, detail, request_id, ip, recorded_at)"
        " VALUES ('1999-01-01', 'x', 'x', 'x', true, '{}', '', '', '1999-01-01')",
    ("trigger", "vouchers_batch", "duty"):
        f"UPDATE vouchers_batch SET {_FROZEN} WHERE state = 'open' AND approval_reference <> '查无此票'",
    ("trigger", "vouchers_batch", "verified"):
        f"UPDATE vouchers_batch SET {_FROZEN} WHERE state = 'open' AND approval_reference = '查无此票'",
    ("trigger", "vouchers_call", "published"): "UPDATE vouchers_call SET title = 'x' WHERE frozen_at IS NULL",
    ("trigger", "vouchers_claim", "of_tranche"):
        _copy("vouchers_claim", "state = 'draft' AND tranche_id IS NULL", number="'x'", tranche_id=_DRAFTED_TRANCHE),
    ("trigger", "vouchers_claim", "of_tranche_still"):
        "UPDATE vouchers_claim SET tranche_id = NULL WHERE tranche_id IS NOT NULL",
    ("trigger", "vouchers_claimevent", "clear_without_objection"):
        _event("clear", "publicised", "payable", "system", "NULL", "", _OBJECTED),
    ("trigger", "vouchers_claimevent", "no_open_reversal"):
        _event("approve", "reviewed", "approved", "approver", _person("shenpi"), "approve", _FLAGGED),
    ("trigger", "vouchers_claimline", "of_firm"):
        f"UPDATE vouchers_claimline SET organisation_id = organisation_id + 1 WHERE {_DRAFT_LINE}",
    ("trigger", "vouchers_decision", "within_bounds"):
        _copy("vouchers_decision", "result #>> '{terms,years_cap_fen}' IS NOT NULL", event_id="NULL",
              granted_fen="granted_fen + 1", computed_fen="computed_fen + 1"),
    ("trigger", "vouchers_filingqueue", "stays_closed"):
        "UPDATE vouchers_filingqueue SET closed_at = now(); UPDATE vouchers_filingqueue SET closed_at = NULL",
    ("trigger", "vouchers_invoice", "officers_letter"):
        "UPDATE vouchers_invoice SET remark = 'x' WHERE read_by = 'officer' AND bound_at IS NULL",
    ("trigger", "vouchers_invoice", "letter_stays_bound"):
        "UPDATE vouchers_invoice SET bound_at = NULL WHERE red AND read_by <> 'officer' AND bound_at IS NOT NULL",
    ("trigger", "vouchers_order", "moved"):
        f"UPDATE vouchers_order SET {_SIGNED} WHERE id = {_PREPARED_TOP_UP};"
        " UPDATE vouchers_order SET state = 'done', done_at = now() WHERE state = 'signed'",
}  # fmt: skip

# The table's other guards refuse the same before: off with them.
_ALONE = {
    ("check", "vouchers_agreement", "agreement_by_different_people"):
        "UPDATE vouchers_agreement SET approved_by_id = made_by_id WHERE state = 'in_force'",
    ("check", "vouchers_agreement", "agreement_exception_has_two_approvers"):
        "UPDATE vouchers_agreement SET second_by_id = NULL WHERE state = 'in_force' AND exception <> ''",
    ("check", "vouchers_agreement", "agreement_in_force_is_approved"):
        "UPDATE vouchers_agreement SET approved_by_id = NULL WHERE state = 'in_force'",
    ("check", "vouchers_order", "order_signed_by_someone"):
        "UPDATE vouchers_order SET state = 'signed' WHERE state = 'prepared' AND kind = 'top_up'",
    ("trigger", "vouchers_claim", "takes_turn"):
        f"UPDATE vouchers_claim SET queue_number = 99, waiting = false WHERE id = {_PRO_RATA}",
    ("trigger", "vouchers_claimevent", "papers_bound"):
        _event("submit", "draft", "submitted", "applicant", _person("clerk50"), "", _UNBOUND)
        + "; UPDATE vouchers_claim SET state = 'submitted', version = version + 1, submitted_at = now(), queue_number = 99,"
        f" waiting = true, computed_fen = 1, granted_fen = 1 WHERE id = {_HANDED_IN}",
    ("trigger", "vouchers_claimevent", "duty"):
        _event("review", "accepted", "reviewed", "reviewer", _person("caiwu"), "review", "true"),
    ("index", "vouchers_order", "order_settles_once"): _copy("vouchers_order", "kind = 'settle' AND state = 'done'"),
    ("unique", "vouchers_order", "vouchers_order_event_id_key"): _copy("vouchers_order", "event_id IS NOT NULL"),
}  # fmt: skip

_POSTING = {
    ("trigger", "ledger_transfer", "ledger_year_open"):
        _copy("ledger_transfer", "kind = 'top_up'", key="'top_up:late'", target="'pool:intelligent_construction:2024'"),
}  # fmt: skip

BY_HAND = {
    **{Guard(*guard): Probe(sql, "runtime") for guard, sql in _RUNTIME.items()},
    **{Guard(*guard): Probe(sql, "runtime", alone=True) for guard, sql in _ALONE.items()},
    **{Guard(*guard): Probe(sql, "posting") for guard, sql in _POSTING.items()},
}

# Guards whose absence no statement shows, and why.
UNFELT: dict[Guard, str] = {}
