"""Do batches, their signatures, their payments and their claims tell the same story? Read-only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings

from vouchers.disbursement.models import Batch
from vouchers.disbursement.services import digest_of
from vouchers.review.agreements import problems_by

SEALED = ("frozen", "signed", "released", "reconciled")

CHECKS = {
    "已入批次的申请没有唯一的在途付款": """
        SELECT c.number FROM vouchers_claim c
        WHERE c.state = 'batched' AND 1 <> (
            SELECT count(*) FROM vouchers_payment p JOIN vouchers_batch b ON b.id = p.batch_id
            WHERE p.claim_id = c.id AND p.state IN ('prepared', 'sent', 'unknown')
              AND b.state IN ('open', 'frozen', 'signed', 'released'))""",
    "付款与申请的办理状态不符": """
        SELECT c.number || '（批次 ' || b.number || '，付款 ' || p.id || '）' FROM vouchers_payment p
        JOIN vouchers_claim c ON c.id = p.claim_id JOIN vouchers_batch b ON b.id = p.batch_id
        WHERE CASE WHEN p.state IN ('prepared', 'sent', 'unknown')
                   THEN c.state <> 'batched' OR p.amount_fen <> c.granted_fen
                   WHEN p.state = 'paid' THEN c.state NOT IN ('paid', 'recovered') END""",
    "付款与批次的办理状态不符": """
        SELECT b.number || '（付款 ' || p.id || '）' FROM vouchers_payment p JOIN vouchers_batch b ON b.id = p.batch_id
        WHERE p.state || ' ' || b.state <> ALL (%(together)s)""",
    "封存人、签批人或发送人当日不是财务人员": """
        SELECT b.number FROM vouchers_batch b, LATERAL (VALUES
            (b.frozen_by_id, b.frozen_at), (b.signed_by_id, b.signed_at), (b.released_by_id, b.released_at)
            ) AS steps (person, at)
        WHERE b.state IN %(sealed)s AND person IS NOT NULL AND NOT EXISTS (
            SELECT FROM accounts_officer o WHERE o.user_id = person AND o.role = 'finance'
              AND o.valid_from <= (at AT TIME ZONE %(zone)s)::date
              AND coalesce(o.valid_until, 'infinity') >= (at AT TIME ZONE %(zone)s)::date)""",
    "签批人与编制封存人为同一人": """
        SELECT number FROM vouchers_batch WHERE signed_by_id = frozen_by_id""",
    # The clock is read once for the batch and once for its entry.
    "批次的封存、签批或发送与审计记录不符": """
        SELECT b.number || '（' || label || '）' FROM vouchers_batch b, LATERAL (VALUES
            ('freeze', '封存', b.frozen_by_id, b.frozen_at), ('sign', '签批', b.signed_by_id, b.signed_at),
            ('release', '发送银行', b.released_by_id, b.released_at)) AS steps (verb, label, person, at)
        WHERE person IS NOT NULL AND NOT EXISTS (
            SELECT FROM audit_auditentry a
            WHERE a.subject = 'batch:' || b.id AND a.action = 'batch.' || verb AND a.ok
              AND a.at >= steps.at AND a.at < steps.at + interval '1 minute'
              AND split_part(a.actor, ' ', 1) = 'user:' || person AND a.detail ->> 'digest' = b.digest)""",
    # As things stood when it was frozen, and when it was released: later answers change nothing of that.
    "封存或发送时税务平台没有确认发票": """
        SELECT b.number || '（' || label || '时，发票 ' || invoice.number || '）' FROM vouchers_batch b, LATERAL (VALUES
            ('封存', b.frozen_at), ('发送', b.released_at)) AS steps (label, at), LATERAL vouchers_unverified(
            ARRAY(SELECT claim_id FROM vouchers_payment WHERE batch_id = b.id AND state <> 'dropped'), at) AS invoice
        WHERE b.state IN %(sealed)s AND at IS NOT NULL""",
    "文书与生成时的审计记录不符": """
        SELECT d.title || '（编号 ' || d.id || '）' FROM vouchers_document d WHERE NOT EXISTS (
            SELECT FROM audit_auditentry a
            WHERE a.subject = d.subject AND a.action = 'document.file' AND a.detail = jsonb_build_object(
              'kind', d.kind, 'file_name', d.file_name, 'sha256', d.sha256, 'size', d.size, 'short_code', d.short_code))""",
    "已发送的批次缺少汇总表或通知书": """
        SELECT b.number || '（' || needed.label || '）' FROM vouchers_batch b, LATERAL (
            SELECT 'roster' AS kind, '汇总表' AS label, '' AS about
            UNION ALL SELECT 'letter', '通知书', ':claim:' || claim_id FROM vouchers_payment
                      WHERE batch_id = b.id AND state <> 'dropped') AS needed
        WHERE b.state IN ('released', 'reconciled') AND NOT EXISTS (
            SELECT FROM vouchers_document d
            WHERE d.kind = needed.kind AND d.subject = 'batch:' || b.id || ':' || left(b.digest, 16) || needed.about)""",
}

# In which state of its batch a payment can be in which state.
_TOGETHER = {
    "open": ("prepared", "dropped"),
    "frozen": ("prepared", "dropped"),
    "signed": ("prepared", "dropped"),
    "released": ("sent", "paid", "failed", "unknown", "dropped"),
    "reconciled": ("paid", "failed", "dropped"),
    "cancelled": ("dropped",),
}


def check_batches() -> list[str]:
    """Every problem of batches and payments (Chinese). One batch at a time is in memory, 3000 payments at most."""
    parameters: dict[str, Any] = {
        "sealed": SEALED,
        "zone": settings.TIME_ZONE,
        "together": [f"{payment} {batch}" for batch, payments in _TOGETHER.items() for payment in payments],
    }
    return [*_changed_digests(), *problems_by(CHECKS.items(), parameters)]


def _changed_digests() -> Iterator[str]:
    for batch in Batch.objects.filter(state__in=SEALED).order_by("pk").iterator(chunk_size=50):
        payments = batch.payments.exclude(state="dropped").order_by("claim_id")
        if digest_of(list(payments)) != batch.digest:
            yield f"批次 {batch.number} 的收款人、账户或金额与封存签批时不一致，请与签批的汇总表逐笔核对。"
