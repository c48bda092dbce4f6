"""Recomputing what was decided, and comparing what the rooms say of one another. Read-only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from vouchers import rules
from vouchers.calls.models import Call
from vouchers.calls.services import terms_of
from vouchers.claims.facts import facts_of
from vouchers.policy import NoLawInForce, governing
from vouchers.review.agreements import check_agreements
from vouchers.review.funding import Case
from vouchers.review.models import Decision
from vouchers.workflow import CLOSED_UNPAID

# The papers of a claim in one of these states may change, or support no money any more.
LOOSE = ("draft", "returned", "recovered", *CLOSED_UNPAID)


def check_decisions() -> tuple[int, list[str]]:
    """Recompute every stored decision from its frozen facts; how many there are, and what differs.

    In bounded memory, whatever their number.
    """
    count, problems = 0, list[str]()
    for decision in Decision.objects.order_by("pk").iterator(chunk_size=200):
        count += 1
        problems += _differences(decision)
    return count, problems


def _differences(stored: Decision) -> Iterator[str]:
    name = f"核定结论 {stored.pk}（申请 {stored.claim_id}）"
    try:
        case = Case.from_json(stored.result)
        was, facts = case.decision, case.facts
        again = rules.decide(facts, governing(facts.scheme, facts.fiscal_year), case.terms)
    except (rules.StoredError, rules.FactsError, rules.TermsError, NoLawInForce) as error:
        yield f"{name}无法重算：{error}"
        return
    if again.outcome() != was.outcome():
        yield f"{name}重算结果不一致：原 {was.granted_fen} 分，重算 {again.granted_fen} 分。"
    if (was.computed_fen, was.granted_fen, was.binding, was.law_id) != (
        stored.computed_fen,
        stored.granted_fen,
        stored.binding,
        stored.law_id,
    ):
        yield f"{name}登记的金额与冻结的结论不一致。"


def check_papers() -> list[str]:
    """Hold the papers of every claim under way or paid against the facts that its latest decision was made on.

    What other claims or a red letter may change later (amounts, reversals) is not compared. In bounded memory.
    """
    problems = list[str]()
    latest = Decision.objects.exclude(claim__state__in=LOOSE).order_by("claim_id", "-pk").distinct("claim_id")
    for stored in latest.select_related("claim__call", "claim__organisation").iterator(chunk_size=200):
        problems += _changed_papers(stored)
    return problems


def _changed_papers(stored: Decision) -> Iterator[str]:
    claim = stored.claim
    try:
        case = Case.from_json(stored.result)
        applicant, call_now = case.facts.applicant, terms_of(claim.call)
        now = facts_of(claim, applicant=applicant, cap_used_fen=0, pool_available_fen=None)
    except rules.StoredError:
        return  # `check_decisions` names it.
    except (rules.FactsError, rules.TermsError, LookupError, StopIteration, ValueError) as error:
        yield f"申请 {claim.number} 的发票、付款或申报明细已不能构成核定依据，请与留存材料核对：{error}"
        return
    if (case.facts.scheme, case.facts.fiscal_year) != (now.scheme, now.fiscal_year) or case.terms != call_now:
        yield f"申请 {claim.number} 的核定结论 {stored.pk} 所依据的通知条款与申报通知不一致。"
    if applicant.uscc != claim.organisation.uscc:
        yield f"申请 {claim.number} 的核定结论 {stored.pk} 所载单位与申请单位不一致。"
    # What a reviewer is cutting just now counts from the review on.
    undecided = claim.state == "accepted"
    was_lines, now_lines = _by_ref(case.facts, undecided), _by_ref(now, undecided)
    for ref in sorted(was_lines.keys() | now_lines.keys()):
        if not _same(was_lines.get(ref), now_lines.get(ref)):
            yield f"申请 {claim.number} 的明细 {ref} 与核定结论 {stored.pk} 所依据的发票、付款或申报内容不一致。"


def _by_ref(facts: rules.Facts, without_cuts: bool) -> dict[str, rules.Line]:
    lines = [replace(line, cut_fen=0, cut_reason="") for line in facts.lines] if without_cuts else facts.lines
    return {line.ref: line for line in lines}


def _same(was: rules.Line | None, now: rules.Line | None) -> bool:
    """Whether two lines say the same, but for what other papers may change.

    Of what was paid, one fen goes this way or that with what other claims paid of the same invoice (rounding).
    """
    if was is None or now is None or abs(was.paid_fen - now.paid_fen) > 1:
        return False
    return now == replace(was, amount_fen=now.amount_fen, tax_fen=now.tax_fen, paid_fen=now.paid_fen, label=now.label)


def check_calls() -> list[str]:
    """Published calls that exceed the law of their year, or name another."""
    problems = []
    for call in Call.objects.filter(published_at__isnull=False).order_by("pk").iterator(chunk_size=200):
        name = f"申报通知“{call.title}”（{call.fiscal_year} 年度第 {call.version} 版）"
        try:
            law = governing(call.scheme, call.fiscal_year)
            rules.check_terms(terms_of(call), law)
        except (rules.CallExceedsLaw, rules.TermsError, NoLawInForce) as error:
            problems.append(f"{name}不符合政策：{error}")
            continue
        if call.law_id != law.id:
            problems.append(f"{name}登记的政策版本为“{call.law_id}”，应为“{law.id}”。")
    return problems


def check_review() -> tuple[int, list[str]]:
    """Everything that this room can check: how many decisions there are, and every problem found (Chinese)."""
    count, problems = check_decisions()
    return count, [*problems, *check_papers(), *check_calls(), *check_agreements()]
