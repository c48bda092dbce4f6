"""Caps that go beyond one year's books: over several years together, and of a contract.

The rules cut to them (`vouchers.rules.cuts`), on what the applicant's other claims have by then. So that two claims of
one applicant, in two years perhaps, never count without each other, whoever decides under such a call holds one lock
for the applicant; a trigger counts again under the same lock (migration 0015), and the check of the books once more.
"""

from __future__ import annotations

from django.db import connection

from vouchers.calls.models import Call
from vouchers.claims.models import Claim
from vouchers.workflow import CLOSED_UNPAID


def is_bounded(call: Call) -> bool:
    """Whether the call has a cap that claims of other years, or of the same contract, count against."""
    return call.within_contract or call.contract_cap_fen is not None or call.years_cap_fen is not None


def lock_bounds(claim: Claim) -> None:
    """Lock what the applicant's claims have of such caps until the transaction ends; nothing where the call has none.

    Taken after the filing queue and before any account.
    """
    if is_bounded(claim.call):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(concat_ws(':', %s::text, %s::bigint), 15))",
                [claim.call.scheme, claim.organisation_id],
            )


# Each live claim under such a call with the decision that raised it to what it has: what others were granted after that
# is their own affair, and what was granted before counted. `others` are those of its applicant and scheme.
_RAISED = """
    live AS (
        SELECT c.*, k.scheme, k.years_cap_fen, k.contract_cap_fen, k.within_contract
        FROM vouchers_claim c JOIN vouchers_call k ON k.id = c.call_id WHERE c.state NOT IN %(not_counted)s),
    bounded AS (
        SELECT * FROM live WHERE years_cap_fen IS NOT NULL OR contract_cap_fen IS NOT NULL OR within_contract),
    raised AS (
        SELECT claim_id, max(id) AS id FROM (
            SELECT d.claim_id, d.id, e.verb, d.granted_fen > lag(d.granted_fen, 1, -1::bigint) OVER (
                PARTITION BY d.claim_id ORDER BY d.id) AS rose
            FROM vouchers_decision d LEFT JOIN vouchers_claimevent e ON e.id = d.event_id
            WHERE d.claim_id IN (SELECT live.id FROM live JOIN bounded b USING (organisation_id, scheme))) AS made
        WHERE rose OR verb = 'appeal' GROUP BY claim_id),
    pairs AS (
        SELECT b.id, b.number, b.granted_fen, b.years_cap_fen, b.contract_cap_fen, b.within_contract, mine.id AS decision,
               o.id AS other, o.granted_fen AS other_fen
        FROM bounded b JOIN raised mine ON mine.claim_id = b.id
        LEFT JOIN (live o JOIN raised theirs ON theirs.claim_id = o.id)
          ON o.organisation_id = b.organisation_id AND o.scheme = b.scheme AND o.id <> b.id AND theirs.id < mine.id)"""

BOUNDS = {
    "多年累计补助超过申报通知的上限": f"""
        WITH {_RAISED}
        SELECT number || '，累计 ' || granted_fen + coalesce(sum(other_fen), 0) || ' 分，上限 ' || years_cap_fen || ' 分'
        FROM pairs WHERE granted_fen > 0
        GROUP BY id, number, granted_fen, years_cap_fen
        HAVING granted_fen + coalesce(sum(other_fen), 0) > years_cap_fen""",
    "同一合同的费用或补助超过合同金额或申报通知的上限": f"""
        WITH {_RAISED},
        asked AS (
            SELECT DISTINCT p.id, p.number, p.granted_fen, p.contract_cap_fen, p.within_contract, line.*
            FROM pairs p JOIN LATERAL (SELECT result FROM vouchers_decision WHERE claim_id = p.id ORDER BY id DESC LIMIT 1
                ) AS latest ON p.within_contract OR p.contract_cap_fen IS NOT NULL,
              LATERAL vouchers_contract_lines(latest.result) AS line),
        had AS (
            SELECT p.id, line.contract, sum(line.base_fen) AS base_fen, sum(line.worth_fen) AS worth_fen
            FROM pairs p, LATERAL (
                SELECT result FROM vouchers_decision WHERE claim_id = p.other ORDER BY id DESC LIMIT 1) AS latest,
              LATERAL vouchers_contract_lines(latest.result) AS line
            WHERE p.within_contract OR p.contract_cap_fen IS NOT NULL GROUP BY p.id, line.contract)
        SELECT number FROM asked LEFT JOIN had USING (id, contract)
        GROUP BY id, number, granted_fen, contract_cap_fen, within_contract
        HAVING granted_fen > coalesce(sum(
              least(asked.worth_fen, greatest(contract_cap_fen - coalesce(had.worth_fen, 0), 0))), 0)
            AND contract_cap_fen IS NOT NULL
          OR within_contract AND bool_or(
              asked.base_fen > greatest(asked.contract_fen - coalesce(had.base_fen, 0), 0))""",
}
NOT_COUNTED = ("draft", "recovered", *CLOSED_UNPAID)
