"""Do orders, settlements, closed years and the ledger tell the same story? Read-only SQL that names what does not."""

from __future__ import annotations

from django.conf import settings

from vouchers.budget.models import Order
from vouchers.budget.settling import Share, digest_of
from vouchers.review.agreements import problems_by

CHECKS = {
    # What a call appropriates, what a claim holds and what a bank does is checked by the rooms that do it.
    "没有对应业务记录的资金变动": """
        SELECT '转账 ' || t.key || '，' || t.amount_fen || ' 分，从 ' || t.source || ' 到 ' || t.target
        FROM ledger_transfer t LEFT JOIN vouchers_order o
          ON t.key IN ('top_up:order:' || o.id, 'adjust:order:' || o.id, 'carry:order:' || o.id, 'lapse:order:' || o.id)
         AND o.state = 'done' AND o.done_at = t.at AND split_part(t.actor, ' ', 1) = 'user:' || o.signed_by_id
         AND CASE t.kind
             WHEN 'top_up' THEN o.kind = 'top_up' AND t.amount_fen = o.amount_fen AND t.note = o.citation
               AND t.target = concat_ws(':', 'pool', o.scheme, o.fiscal_year)
             WHEN 'adjust' THEN o.kind = 'adjust' AND t.amount_fen = abs(o.amount_fen) AND t.reason = o.reason
               AND CASE WHEN o.amount_fen > 0 THEN t.target ELSE t.source END = CASE
                     WHEN o.organisation_id IS NULL THEN concat_ws(':', 'pool', o.scheme, o.fiscal_year)
                     ELSE concat_ws(':', 'cap', o.scheme, o.fiscal_year, o.organisation_id) END
             WHEN 'carry' THEN o.kind = 'close' AND t.amount_fen = o.amount_fen
               AND t.source = concat_ws(':', 'pool', o.scheme, o.fiscal_year)
               AND t.target = concat_ws(':', 'pool', o.scheme, o.to_year)
             WHEN 'lapse' THEN o.kind = 'close' AND t.source = concat_ws(':', 'pool', o.scheme, o.fiscal_year) END
        WHERE t.kind NOT IN ('fund', 'hold', 'release', 'pay', 'bounce', 'recover') AND o.id IS NULL
          -- What a claim gave back to a closed year went on with the same step.
          AND NOT (t.kind = 'lapse' AND EXISTS (
            SELECT FROM ledger_transfer r JOIN ledger_closedyear y
              ON r.target = 'pool:' || y.period AND y.recorded_at <= r.recorded_at
            WHERE r.key = 'release:' || substr(t.key, 7) AND r.target = t.source AND r.amount_fen = t.amount_fen))""",
    "已办结的资金办理单没有对应的转账": """
        SELECT o.number FROM vouchers_order o
        WHERE o.state = 'done' AND (
          o.kind IN ('top_up', 'adjust') AND NOT EXISTS (
            SELECT FROM ledger_transfer t
            WHERE t.key = o.kind || ':order:' || o.id AND t.amount_fen = abs(o.amount_fen))
          OR o.kind = 'fund' AND NOT EXISTS (
            SELECT FROM ledger_transfer t
            WHERE t.key = concat_ws(':', 'fund', 'appropriation', o.scheme, o.fiscal_year)
              AND t.amount_fen = o.amount_fen AND t.note = o.citation AND t.at >= o.signed_at)
          OR o.kind = 'recover' AND NOT EXISTS (
            SELECT FROM ledger_transfer t
            WHERE t.key = 'recover:event:' || o.event_id AND t.amount_fen = o.amount_fen
              AND t.original = 'pay:payment:' || o.payment_id)
          OR o.kind = 'close' AND NOT EXISTS (SELECT FROM ledger_closedyear y WHERE y.order_id = o.id))""",
    "资金办理单的编制人、签批人为同一人或当日没有该岗位": """
        SELECT o.number FROM vouchers_order o, LATERAL (VALUES
            (o.prepared_by_id, o.prepared_at, 'finance'),
            (o.signed_by_id, o.signed_at, CASE o.kind WHEN 'recover' THEN 'finance' ELSE 'approver' END)
            ) AS steps (person, at, role)
        WHERE o.signed_by_id = o.prepared_by_id OR person IS NOT NULL AND NOT EXISTS (
            SELECT FROM accounts_officer f WHERE f.user_id = person AND f.role = steps.role
              AND f.valid_from <= (at AT TIME ZONE %(zone)s)::date
              AND coalesce(f.valid_until, 'infinity') >= (at AT TIME ZONE %(zone)s)::date)""",
    "资金办理单与审计记录不符": """
        SELECT o.number || '（' || label || '）' FROM vouchers_order o, LATERAL (VALUES
            ('prepare', '编制', o.prepared_by_id, o.prepared_at), ('sign', '签批', o.signed_by_id, o.signed_at)
            ) AS steps (verb, label, person, at)
        WHERE person IS NOT NULL AND NOT EXISTS (
            SELECT FROM audit_auditentry a
            WHERE a.subject = 'order:' || o.id AND a.action = 'order.' || verb AND a.ok
              AND a.at >= steps.at AND a.at < steps.at + interval '1 minute'
              AND split_part(a.actor, ' ', 1) = 'user:' || person AND a.detail ->> 'digest' = o.digest
              AND a.detail ->> 'amount_fen' = o.amount_fen::text)""",
    "结算份额合计与资金池或结算单不符": """
        SELECT o.number || '，应分 ' || least((o.figures ->> 'pool_fen')::bigint, s.kept) || ' 分，实分 ' || s.given || ' 分'
        FROM vouchers_order o, LATERAL (
            SELECT coalesce(sum(share_fen), 0) AS given,
                   coalesce(sum(asked_fen) FILTER (WHERE NOT dropped), 0) AS kept
            FROM vouchers_settlementshare WHERE order_id = o.id) AS s
        WHERE o.kind = 'settle' AND o.state = 'done'
          AND (s.given <> o.amount_fen OR s.given <> least((o.figures ->> 'pool_fen')::bigint, s.kept))""",
    "结算份额没有对应的占用或核定结论": """
        SELECT o.number || '，申请 ' || s.claim_id FROM vouchers_settlementshare s
        JOIN vouchers_order o ON o.id = s.order_id
        WHERE o.state <> 'done'
           OR s.share_fen > 0 AND NOT EXISTS (
                SELECT FROM ledger_transfer t
                WHERE t.key = 'hold:settlement:' || o.id || ':' || s.claim_id AND t.amount_fen = s.share_fen)
           OR NOT EXISTS (SELECT FROM vouchers_decision d
                          WHERE d.claim_id = s.claim_id AND d.made_at = o.done_at AND d.granted_fen = s.share_fen)""",
    "按比例结算的申请在结算之外占用了资金": """
        SELECT '申请 ' || c.number || '，转账 ' || t.key FROM vouchers_claim c
        JOIN vouchers_call k ON k.id = c.call_id AND k.shortage = 'pro_rata'
        JOIN ledger_transfer t ON t.target = 'held:' || c.id AND t.kind = 'hold'
        WHERE NOT starts_with(t.key, 'hold:settlement:')""",
    "同一期申报结算了不止一次": """
        SELECT string_agg(number, '、') FROM vouchers_order WHERE kind = 'settle' AND state = 'done'
        GROUP BY scheme, fiscal_year, window_until HAVING count(*) > 1""",
    "已结账年度的资金池仍有余额": """
        SELECT y.period || '，' || a.balance_fen || ' 分' FROM ledger_closedyear y
        JOIN ledger_account a ON a.key = 'pool:' || y.period WHERE a.balance_fen <> 0""",
    "已结账年度有不应发生的资金变动": """
        SELECT '转账 ' || t.key FROM ledger_closedyear y JOIN ledger_transfer t
          ON t.recorded_at > y.recorded_at AND t.kind NOT IN ('pay', 'bounce', 'release', 'lapse')
         AND y.period IN (split_part(t.source, ':', 2) || ':' || split_part(t.source, ':', 3),
                          split_part(t.target, ':', 2) || ':' || split_part(t.target, ':', 3))""",
    "年度结账没有已办结的办理单": """
        SELECT y.period FROM ledger_closedyear y LEFT JOIN vouchers_order o
          ON o.id = y.order_id AND o.kind = 'close' AND o.state = 'done' AND o.done_at = y.closed_at
             AND o.scheme || ':' || o.fiscal_year = y.period
        WHERE o.id IS NULL""",
    "已结账年度仍有未终止的算力券": """
        SELECT v.serial_number FROM ledger_closedyear y
        JOIN vouchers_voucher v ON v.scheme || ':' || v.fiscal_year = y.period WHERE v.state IN ('issued', 'applied')""",
    "接受部分安排的申请所得与其同意的金额不符": """
        SELECT c.number || ' 第 ' || e.version || ' 步' FROM vouchers_claimevent e
        JOIN vouchers_claim c ON c.id = e.claim_id
        LEFT JOIN vouchers_decision d ON d.event_id = e.id
        LEFT JOIN ledger_transfer t ON t.key = 'hold:event:' || e.id
        WHERE e.verb = 'accept_part' AND (
            d.result #>> '{facts,allotment,kind}' IS DISTINCT FROM 'part'
            OR (d.result #>> '{facts,allotment,amount_fen}')::bigint IS DISTINCT FROM t.amount_fen
            OR d.granted_fen IS DISTINCT FROM t.amount_fen)""",
    "核定额超过申请已同意或分得的金额": """
        SELECT c.number FROM vouchers_claim c JOIN LATERAL (
            SELECT granted_fen, (result #>> '{facts,allotment,amount_fen}')::bigint AS most FROM vouchers_decision d
            WHERE d.claim_id = c.id ORDER BY d.id DESC LIMIT 1) d ON true
        WHERE d.most IS NOT NULL AND greatest(c.granted_fen, d.granted_fen) > d.most""",
    "资金用完截止以后仍有新的提交": """
        SELECT c.number FROM vouchers_filingqueue q JOIN vouchers_call k
          ON k.scheme = q.scheme AND k.fiscal_year = q.fiscal_year AND k.shortage = 'first_come'
        JOIN vouchers_claim c ON c.call_id = k.id AND c.submitted_at > q.closed_at""",
}


def check_budget() -> list[str]:
    """Every problem of orders, settlements and closed years (Chinese). One settlement at a time is in memory."""
    return [*_changed_settlements(), *problems_by(CHECKS.items(), {"zone": settings.TIME_ZONE})]


def _changed_settlements() -> list[str]:
    """Settlements whose shares are not those that were signed."""
    problems = []
    for order in Order.objects.filter(kind="settle", state="done").order_by("pk"):
        rows = order.shares.order_by("pk").values_list("claim_id", "asked_fen", "share_fen", "dropped")
        if digest_of(Share(*row) for row in rows.iterator(chunk_size=2000)) != order.digest:
            problems.append(f"结算单 {order.number} 的份额与签批时不一致，请与签批的清单逐笔核对。")
    return problems
