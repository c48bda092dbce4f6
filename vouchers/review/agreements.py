"""What rows of different rooms must agree on, each as SQL that names what does not. Read-only.

The runtime role writes claims, events, payments and audit entries, and may call the ledger. So each of them is held
against the others: a step needs its audit entry, a movement of money needs its step, and the other way round.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings
from django.db import connection, models, transaction

from accounts.encryption import EncryptedTextField
from accounts.models import Officer
from applicants.models import BankAccount, Organisation
from vouchers import workflow
from vouchers.review.bounds import BOUNDS, NOT_COUNTED
from vouchers.review.consequences import duty_of

# Problems of one kind that are told one by one.
MAX_PROBLEMS = 50

# Where claims, decisions, papers and balances stand.
STANDING = {
    "状态与最后一次办理记录不符": """
        SELECT c.number FROM vouchers_claim c
        LEFT JOIN LATERAL (SELECT version, target FROM vouchers_claimevent e
                           WHERE e.claim_id = c.id ORDER BY version DESC LIMIT 1) e ON true
        WHERE c.version <> coalesce(e.version, 0) OR c.state <> coalesce(e.target, 'draft')""",
    # Served when its applicant's cap was used up, a claim has nothing, under the decision it had: the entry says so.
    "核定额与最新核定结论不符": """
        SELECT c.number FROM vouchers_claim c
        LEFT JOIN LATERAL (SELECT computed_fen, granted_fen, made_at FROM vouchers_decision d
                           WHERE d.claim_id = c.id ORDER BY d.id DESC LIMIT 1) d ON true
        WHERE c.queue_number IS NOT NULL
          AND (c.granted_fen, c.computed_fen) IS DISTINCT FROM (d.granted_fen, d.computed_fen)
          AND NOT (c.granted_fen = 0 AND c.computed_fen = d.computed_fen AND EXISTS (
            SELECT FROM audit_auditentry a
            WHERE a.subject = 'claim:' || c.id AND a.action = 'claim.serve' AND a.ok AND a.at >= d.made_at
              AND a.detail ->> 'granted_fen' = '0'))""",
    "在办申请既未足额占用资金也不在轮候": """
        SELECT c.number FROM vouchers_claim c
        LEFT JOIN ledger_account h ON h.key = 'held:' || c.id
        WHERE c.state IN %(alive)s
          AND coalesce(h.balance_fen, 0) <> CASE WHEN c.waiting THEN 0 ELSE c.granted_fen END""",
    "已拨付金额与核定额不符": """
        SELECT c.number FROM vouchers_claim c
        LEFT JOIN ledger_account p ON p.key = 'paid:' || c.id
        WHERE c.state = 'paid' AND coalesce(p.balance_fen, 0) + coalesce((
            SELECT sum(t.amount_fen) FROM ledger_transfer t
            WHERE t.kind = 'recover' AND t.source = p.key
              AND t.original = (SELECT l.key FROM ledger_transfer l WHERE l.kind = 'pay' AND l.target = p.key
                                ORDER BY l.id DESC LIMIT 1)), 0) <> c.granted_fen""",
    "已结束的申请仍占用资金": """
        SELECT c.number FROM vouchers_claim c
        JOIN ledger_account h ON h.key = 'held:' || c.id
        WHERE c.state IN %(closed)s AND h.balance_fen <> 0""",
    "已到账的付款与账上拨付不符": """
        SELECT c.number FROM vouchers_payment p JOIN vouchers_claim c ON c.id = p.claim_id
        WHERE p.state = 'paid' AND NOT EXISTS (
            SELECT FROM ledger_transfer t WHERE t.key = 'pay:payment:' || p.id
            AND t.target = 'paid:' || p.claim_id AND t.amount_fen = p.amount_fen)""",
    "付款对应的占用与申请状态不符": """
        SELECT DISTINCT c.number FROM vouchers_claim c JOIN vouchers_allocation a ON a.claim_id = c.id
        WHERE c.state <> 'returned' AND a.live = (c.state = 'draft' OR c.state IN %(closed)s)""",
    "在办或已拨付的申请没有对应的付款凭证": """
        SELECT c.number FROM vouchers_claim c
        WHERE c.state IN %(resting)s
          AND NOT EXISTS (SELECT FROM vouchers_allocation a WHERE a.claim_id = c.id AND a.live)""",
    "发票或付款的已用金额与明细不符": """
        SELECT i.number FROM vouchers_invoice i
        WHERE i.allocated_fen <> coalesce((SELECT sum(a.amount_fen) FROM vouchers_allocation a
                                           WHERE a.invoice_id = i.id AND a.live), 0)
        UNION ALL
        SELECT p.serial_number FROM vouchers_paymentmade p
        WHERE p.allocated_fen <> coalesce((SELECT sum(a.amount_fen) FROM vouchers_allocation a
                                           WHERE a.payment_id = p.id AND a.live), 0)""",
    "核定结论与所属申请或办理记录不符": """
        SELECT c.number || '（结论 ' || d.id || '）' FROM vouchers_decision d
        JOIN vouchers_claim c ON c.id = d.claim_id LEFT JOIN vouchers_claimevent e ON e.id = d.event_id
        WHERE d.call_id <> c.call_id
           OR CASE WHEN d.event_id IS NULL THEN NOT EXISTS (
                SELECT FROM audit_auditentry a
                WHERE a.subject = 'claim:' || c.id AND a.action = 'claim.serve' AND a.ok AND a.at = d.made_at
                  AND a.actor = 'system' AND a.detail ->> 'granted_fen' = d.granted_fen::text)
                AND NOT EXISTS (
                SELECT FROM vouchers_settlementshare s JOIN vouchers_order o ON o.id = s.order_id
                WHERE s.claim_id = c.id AND s.share_fen = d.granted_fen AND o.done_at = d.made_at)
              ELSE e.claim_id <> c.id OR e.at <> d.made_at OR e.verb NOT IN %(may_decide)s END
        UNION ALL
        SELECT c.number || '（第 ' || e.version || ' 步没有核定结论）' FROM vouchers_claimevent e
        JOIN vouchers_claim c ON c.id = e.claim_id
        WHERE e.verb IN %(deciding)s AND NOT EXISTS (SELECT FROM vouchers_decision d WHERE d.event_id = e.id)""",
    "已发布的申报通知没有发布记录": """
        SELECT k.citation || '（' || k.fiscal_year || ' 年度第 ' || k.version || ' 版）' FROM vouchers_call k
        WHERE k.published_at IS NOT NULL AND NOT EXISTS (
            SELECT FROM audit_auditentry a
            WHERE a.subject = 'call:' || k.id AND a.action = 'call.publish' AND a.ok AND a.at = k.published_at)""",
}

# An officer had the role, a member the membership, on the day; the day on which it ended counts still.
_ENTITLED = """
    CASE role WHEN 'system' THEN actor_id IS NULL
    WHEN 'applicant' THEN EXISTS (
        SELECT FROM applicants_membership m WHERE m.user_id = actor_id AND m.organisation_id = e.organisation_id
        AND m.since <= day AND coalesce(m.until, day) >= day)
    ELSE EXISTS (
        SELECT FROM accounts_officer o WHERE o.user_id = actor_id AND o.role = e.role
        AND o.valid_from <= day AND coalesce(o.valid_until, day) >= day) END"""

# Every claim's and voucher's steps, held against the tables of `vouchers.workflow` and the audit trail.
STEPS = {
    "办理记录不连续，或与上一步的状态不衔接": """
        SELECT c.number || ' 第 ' || e.version || ' 步' FROM (
            SELECT claim_id, version, source, lag(version, 1, 0) OVER steps AS last,
                   lag(target, 1, 'draft') OVER steps AS before
            FROM vouchers_claimevent WINDOW steps AS (PARTITION BY claim_id ORDER BY version)) e
        JOIN vouchers_claim c ON c.id = e.claim_id
        WHERE e.version <> e.last + 1 OR e.source <> e.before""",
    "办理记录的操作、状态、身份或职责不合办理规则": """
        SELECT c.number || ' 第 ' || e.version || ' 步' FROM vouchers_claimevent e
        JOIN vouchers_claim c ON c.id = e.claim_id
        WHERE concat_ws(' ', e.verb, e.source, e.target, e.role, e.duty) <> ALL (%(steps)s)
           OR e.verb = 'dismiss' AND e.target IS DISTINCT FROM (
                SELECT s.source FROM vouchers_claimevent s
                WHERE s.claim_id = e.claim_id AND s.verb = 'suspend' AND s.version < e.version
                ORDER BY s.version DESC LIMIT 1)""",
    "超过二次审批金额的申请未经二次审批": """
        SELECT c.number || ' 第 ' || e.version || ' 步' FROM vouchers_claimevent e
        JOIN vouchers_claim c ON c.id = e.claim_id JOIN vouchers_call k ON k.id = c.call_id
        WHERE e.verb = 'approve' AND e.source = 'reviewed' AND e.target <> (
            SELECT CASE WHEN d.granted_fen > k.second_approval_above_fen THEN 'approved_once' ELSE 'approved' END
            FROM vouchers_decision d JOIN vouchers_claimevent r ON r.id = d.event_id
            WHERE r.claim_id = e.claim_id AND r.verb = 'review' AND r.version < e.version
            ORDER BY r.version DESC LIMIT 1)""",
    "办理人当日不具有该岗位或不是该单位成员": f"""
        SELECT number || ' 第 ' || version || ' 步' FROM (
            SELECT e.*, c.number, c.organisation_id, (e.at AT TIME ZONE %(zone)s)::date AS day
            FROM vouchers_claimevent e JOIN vouchers_claim c ON c.id = e.claim_id
            UNION ALL
            SELECT e.id, e.version, e.verb, e.source, e.target, e.role, '', e.reason, e.at, e.actor_id, e.voucher_id,
                   v.serial_number, v.organisation_id, (e.at AT TIME ZONE %(zone)s)::date
            FROM vouchers_voucherevent e JOIN vouchers_voucher v ON v.id = e.voucher_id) e
        WHERE NOT ({_ENTITLED})""",
    "办理记录与审计记录不符": """
        SELECT coalesce('申请 ' || e.claim_id, replace(a.subject, 'claim:', '申请 ')) || ' “'
               || coalesce(e.verb, substr(a.action, 7)) || '” 第 ' || coalesce(e.version::text, a.version, '?') || ' 步'
        FROM vouchers_claimevent e
        FULL JOIN (SELECT *, detail ->> 'version' AS version,
                          count(*) OVER (PARTITION BY subject, action, detail ->> 'version') AS times
                   FROM audit_auditentry WHERE ok AND action = ANY (%(claim_actions)s)) a
          ON a.subject = 'claim:' || e.claim_id AND a.action = 'claim.' || e.verb AND a.version = e.version::text
        WHERE a.times > 1
           OR (e.source, e.target, e.role, e.reason, e.at, coalesce('user:' || e.actor_id, 'system')) IS DISTINCT FROM
              (a.detail ->> 'from', a.detail ->> 'to', a.detail ->> 'role', a.detail ->> 'reason', a.at,
               split_part(a.actor, ' ', 1))""",
    "算力券办理记录不连续或不合办理规则": """
        SELECT v.serial_number || ' 第 ' || coalesce(e.version, v.version) || ' 步' FROM vouchers_voucher v
        LEFT JOIN (
            SELECT *, lag(version, 1, 0) OVER steps AS last, lag(target, 1, 'applied') OVER steps AS before,
                   lead(version) OVER steps AS next
            FROM vouchers_voucherevent WINDOW steps AS (PARTITION BY voucher_id ORDER BY version)) e
          ON e.voucher_id = v.id
        WHERE e.version <> e.last + 1 OR e.source <> e.before
           OR concat_ws(' ', e.verb, e.source, e.target, e.role) <> ALL (%(voucher_steps)s)
           OR e.next IS NULL AND (v.version, v.state) IS DISTINCT FROM
                                 (coalesce(e.version, 0), coalesce(e.target, 'applied'))""",
    "算力券办理记录与审计记录不符": """
        SELECT coalesce('算力券 ' || e.voucher_id, replace(a.subject, 'voucher:', '算力券 ')) || ' “'
               || coalesce(e.verb, substr(a.action, 9)) || '”'
        FROM vouchers_voucherevent e
        FULL JOIN (SELECT *, count(*) OVER (PARTITION BY subject, action) AS times
                   FROM audit_auditentry WHERE ok AND action = ANY (%(voucher_actions)s)) a
          ON a.subject = 'voucher:' || e.voucher_id AND a.action = 'voucher.' || e.verb
        WHERE a.times > 1
           OR (e.source, e.target, e.reason, e.at, coalesce('user:' || e.actor_id, 'system')) IS DISTINCT FROM
              (a.detail ->> 'from', a.detail ->> 'to', a.detail ->> 'reason', a.at, split_part(a.actor, ' ', 1))""",
}

# Every movement of money, held against the step, payment or call that it says it comes from.
MONEY = {
    # The claim's side of a transfer is `own`; the other must be what its call, year and applicant make it.
    "申请的资金或额度出自（退至）不属于它的账户": """
        SELECT '转账 ' || t.key || '，账户 ' || t.other FROM (
            SELECT key, kind, recorded_at, CASE kind WHEN 'hold' THEN target ELSE source END AS own,
                   CASE kind WHEN 'hold' THEN source ELSE target END AS other
            FROM ledger_transfer WHERE kind IN ('hold', 'release', 'recover')) t
        LEFT JOIN vouchers_claim c ON c.id::text = split_part(t.own, ':', 2)
        LEFT JOIN vouchers_call k ON k.id = c.call_id
        WHERE t.other IS DISTINCT FROM CASE
            WHEN split_part(t.own, ':', 1) = 'capused'
            THEN concat_ws(':', 'cap', k.scheme, k.fiscal_year, c.organisation_id)
            WHEN t.kind = 'recover' AND (k.recovered_to = 'treasury' OR EXISTS (
                SELECT FROM ledger_closedyear y
                WHERE y.period = k.scheme || ':' || k.fiscal_year AND y.recorded_at <= t.recorded_at)) THEN 'treasury'
            ELSE 'pool:' || k.scheme || ':' || k.fiscal_year END
          OR c.id IS NULL""",
    "申请的资金变动没有对应的办理记录": """
        SELECT '转账 ' || t.key FROM (
            SELECT *, split_part(CASE kind WHEN 'hold' THEN target ELSE source END, ':', 2) AS claim,
                   substring(key FROM '^[a-z]+:event:([0-9]+)(?::cap)?$') AS event,
                   key ~ '^hold:serve:[0-9]+:[0-9]+(:cap)?$' AS served,
                   substring(key FROM '^hold:settlement:([0-9]+):[0-9]+(?::cap)?$') AS settlement
            FROM ledger_transfer WHERE kind IN ('hold', 'release', 'recover', 'bounce')) t
        LEFT JOIN vouchers_claimevent e ON e.id::text = t.event AND e.claim_id::text = t.claim
        WHERE CASE WHEN t.settlement IS NOT NULL THEN NOT EXISTS (
                SELECT FROM vouchers_settlementshare s JOIN vouchers_order o ON o.id = s.order_id
                WHERE s.order_id::text = t.settlement AND s.claim_id::text = t.claim AND s.share_fen = t.amount_fen
                  AND o.state = 'done' AND o.done_at = t.at
                  AND split_part(t.actor, ' ', 1) = 'user:' || o.signed_by_id
                  AND starts_with(t.key, 'hold:settlement:' || o.id || ':' || s.claim_id))
              WHEN t.served THEN NOT EXISTS (
                SELECT FROM audit_auditentry a
                WHERE a.subject = 'claim:' || t.claim AND a.action = 'claim.serve' AND a.ok AND a.at = t.at
                  AND a.actor = 'system' AND t.actor = 'system'
                  AND t.key LIKE 'hold:serve:' || t.claim || ':%%'
                  AND a.detail ->> 'granted_fen' = t.amount_fen::text)
            ELSE e.id IS NULL OR t.kind || ' ' || e.verb <> ALL (%(moving)s) OR e.at <> t.at
              OR t.kind = 'bounce' AND e.source <> 'paid'
              OR split_part(t.actor, ' ', 1) <> coalesce('user:' || e.actor_id, 'system') END""",
    "账上的拨付没有对应的付款或拨付办理记录": """
        SELECT '转账 ' || t.key FROM ledger_transfer t
        LEFT JOIN vouchers_payment p ON t.key = 'pay:payment:' || p.id AND p.amount_fen = t.amount_fen
          AND t.source = 'held:' || p.claim_id AND t.target = 'paid:' || p.claim_id
        WHERE t.kind = 'pay' AND (
            p.id IS NULL OR p.state <> CASE WHEN EXISTS (
                SELECT FROM ledger_transfer b WHERE b.original = t.key AND b.kind = 'bounce')
                THEN 'failed' ELSE 'paid' END
            OR NOT EXISTS (SELECT FROM vouchers_claimevent e
                           WHERE e.claim_id = p.claim_id AND e.verb = 'pay' AND e.at = t.at))""",
    "拨入资金与申报通知的资金总额或资金安排记录不符": """
        SELECT '转账 ' || t.key FROM ledger_transfer t
        WHERE t.kind = 'fund' AND t.source = 'treasury' AND NOT EXISTS (
            SELECT FROM vouchers_call k
            JOIN audit_auditentry a ON a.subject = 'call:' || k.id AND a.action = 'budget.appropriate' AND a.ok
            WHERE k.published_at IS NOT NULL AND k.appropriation_fen = t.amount_fen AND a.at = t.at
              AND t.target = 'pool:' || k.scheme || ':' || k.fiscal_year
              AND t.key = concat_ws(':', 'fund', 'appropriation', k.scheme, k.fiscal_year))""",
    "单位年度上限与申报通知不符": """
        SELECT '转账 ' || t.key FROM ledger_transfer t
        WHERE t.kind = 'fund' AND t.source = 'statute' AND (t.target, t.amount_fen) NOT IN (
            SELECT concat_ws(':', 'cap', k.scheme, k.fiscal_year, c.organisation_id), k.annual_cap_fen
            FROM vouchers_claim c JOIN vouchers_call k ON k.id = c.call_id WHERE c.queue_number IS NOT NULL)""",
}

AGREEMENTS = STANDING | STEPS | MONEY | BOUNDS

# Which steps hold money, give it back, bring back what the bank returned, or recover it. A payment that comes back
# after part of it was recovered is decided again.
_HOLDING = ("submit", "appeal", "resubmit", "review", "accept_part")
_REDUCING = ("resubmit", "review")
_MOVING = {"hold": _HOLDING, "bounce": ("bounce",), "recover": ("recover",)}


def _parameters() -> dict:
    closing = {t.verb for t in workflow.CLAIM.transitions if t.target in workflow.CLOSED_UNPAID}
    moving = _MOVING | {"release": (*_REDUCING, *sorted(closing))}
    return {
        "alive": workflow.AWAITING_MONEY,
        "closed": workflow.CLOSED_UNPAID,
        "not_counted": NOT_COUNTED,
        "resting": (*(state for state in workflow.AWAITING_MONEY if state != "returned"), "paid"),
        "deciding": _HOLDING,
        "may_decide": (*_HOLDING, "bounce"),
        "zone": settings.TIME_ZONE,
        "moving": [f"{kind} {verb}" for kind, verbs in moving.items() for verb in verbs],
        "steps": [
            f"{t.verb} {t.source} {t.target} {role} {duty_of(t.verb, t.source)}"
            for t in workflow.CLAIM.transitions
            for role in t.roles
        ],
        "voucher_steps": [
            f"{t.verb} {t.source} {t.target} {role}" for t in workflow.VOUCHER.transitions for role in t.roles
        ],
        "claim_actions": [f"claim.{verb}" for verb in workflow.CLAIM.verb_labels],
        "voucher_actions": [f"voucher.{verb}" for verb in workflow.VOUCHER.verb_labels],
    }


def check_agreements() -> list[str]:
    """Where claims, events, decisions, ledger, payments and audit trail do not tell the same story (Chinese).

    At most `MAX_PROBLEMS` of each kind; the database sorts and hashes on disk what is too large.
    """
    return problems_by([*AGREEMENTS.items(), *_histories()], _parameters())


def problems_by(comparisons: Iterable[tuple[str, str]], parameters: dict[str, Any]) -> list[str]:
    """What comparisons find wrong, MAX_PROBLEMS of each: pairs of a title (Chinese) and SQL that names what is wrong."""
    problems: list[str] = []
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        # A look at years of entries may take longer than a page is allowed to.
        cursor.execute("SET LOCAL statement_timeout = 0")
        for title, sql in comparisons:
            cursor.execute(f"SELECT * FROM ({sql}) AS found LIMIT {MAX_PROBLEMS}", parameters)
            problems += [f"{title}：{name}" for (name,) in cursor.fetchall()]
    return problems


def _histories() -> Iterator[tuple[str, str]]:
    """Rows that differ from the last that their own history says of them, by title and SQL.

    Encrypted columns are another text each time they are written; an account's fingerprint stands for its number.
    """
    for model, title in (
        (BankAccount, "收款账户与其最后一次修改记录不符"),
        (Organisation, "单位资料与其最后一次修改记录不符"),
        (Officer, "工作人员岗位与其最后一次修改记录不符"),
    ):
        yield title, _history_differs(model)


def _history_differs(model: type[models.Model]) -> str:
    fields = [field for field in model._meta.concrete_fields if not isinstance(field, EncryptedTextField)]
    now = ", ".join(f"r.{field.column}" for field in fields)
    said = ", ".join(f"h.{field.column}" for field in fields)
    table = model._meta.db_table
    history = f"{model._meta.app_label}_historical{model._meta.model_name}"
    # All named by the models: nothing here comes from a person.
    return f"""
        SELECT '编号 ' || coalesce(r.id, h.id) FROM {table} r
        FULL JOIN (SELECT DISTINCT ON (id) * FROM {history} ORDER BY id, history_id DESC) h
          ON h.id = r.id
        WHERE CASE WHEN h.history_type = '-' THEN r.id IS NOT NULL ELSE ({now}) IS DISTINCT FROM ({said}) END"""
