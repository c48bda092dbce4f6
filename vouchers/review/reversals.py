"""Red letters and voids, whenever they come: what they reduce, which claims they stop, what was paid too much.

A letter against an invoice of a claim is flagged on it. A claim that was approved is suspended, its approval being for
an amount that no longer stands; one that was paid gets a proposal to recover the difference, decided anew on the
reduced facts. Triggers refuse approval, publicity, batch and dismissal while a flag is open. `sweep` finds every letter
that has not met its claims yet, so that it does not matter who entered it, or what happened in between.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from django.conf import settings
from django.db import connection, transaction

from accounts.errors import Refused
from accounts.locks import refuse_when_locked
from audit.services import record
from vouchers import rules
from vouchers.claims.dossier import Dossier
from vouchers.claims.facts import facts_of
from vouchers.claims.models import Claim
from vouchers.claims.papers import Invoice
from vouchers.ledger.selectors import paid_fen
from vouchers.policy import law_for
from vouchers.review.actors import SYSTEM_ACTOR
from vouchers.review.flags import flags_of, open_flags
from vouchers.review.funding import Case
from vouchers.review.models import ClawbackProposal, Decision, ReversalFlag
from vouchers.review.services import fire
from vouchers.workflow import IllegalTransition

log = logging.getLogger(__name__)

# States in which an amount was approved, or asked to be believed, that a letter takes away.
STOPPED = ("approved", "publicised", "payable")

# Letters and the claims they concern, where nobody has put the two together yet.
_UNMET = """
SELECT DISTINCT match.claim_id, blue.id, letter.id FROM vouchers_invoice letter
JOIN vouchers_invoice blue ON blue.organisation_id = letter.organisation_id AND NOT blue.red
  AND blue.code || blue.number = letter.reverses
JOIN vouchers_allocation match ON match.invoice_id = blue.id AND match.live
WHERE letter.red AND letter.reverses <> '' AND letter.withdrawn_at IS NULL
  AND (%(claims)s::bigint[] IS NULL OR match.claim_id = ANY (%(claims)s))
  AND (%(letter)s::bigint IS NULL OR letter.id = %(letter)s)
  AND NOT EXISTS (SELECT FROM vouchers_reversalflag flag
                  WHERE flag.claim_id = match.claim_id AND flag.letter_id = letter.id
                    AND flag.found_at >= coalesce(letter.bound_at, '-infinity'))
ORDER BY 1, 3
"""


def sweep() -> int:
    """Put every letter together with the claims it concerns, and do what follows; how many claims were met.

    Running it twice changes nothing. One claim that cannot move never stops the others.
    """
    met = 0
    for claim_id, invoice_id, letter_id in _unmet():
        met += _safely(_meet, claim_id, invoice_id, letter_id)
    for claim_id in list(open_flags().values_list("claim_id", flat=True).distinct().order_by("claim_id")):
        _safely(_act, claim_id)
    idle = ClawbackProposal.objects.filter(state="proposed").exclude(claim__state="paid", letter__withdrawn_at=None)
    for proposal in idle:
        _safely(_supersede, proposal.pk)
    return met


def follow(letter: Invoice) -> None:
    """Do for one letter at once what `sweep` does for all, in the transaction that enters it where there is one."""
    with refuse_when_locked(), transaction.atomic():
        pairs = _unmet(letter=letter.pk)
        for pair in pairs:
            _meet(*pair)
    for claim_id in sorted({claim_id for claim_id, _, _ in pairs}):
        _safely(_act, claim_id)


def not_yet_met(claim_ids: Iterable[int]) -> set[int]:
    """Which of the claims have an invoice with a letter that nobody has put together with them yet."""
    return {claim_id for claim_id, _, _ in _unmet(claims=list(claim_ids))}


def _unmet(*, claims: list[int] | None = None, letter: int | None = None) -> list[tuple[int, int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(_UNMET, {"claims": claims, "letter": letter})
        return cursor.fetchall()


def _safely(act, *ids: int) -> bool:
    try:
        with refuse_when_locked(), transaction.atomic():
            return act(*ids)
    except (Refused, IllegalTransition) as refusal:
        log.warning("a letter met claim %s and was not followed: %s", ids[0], refusal)
        return False


def _meet(claim_id: int, invoice_id: int, letter_id: int) -> bool:
    """Flag the claim, unless its latest decision has taken the letter into account already: then the flag is closed
    from the start."""
    claim = Claim.objects.select_for_update(of=("self",)).get(pk=claim_id)
    letter = Invoice.objects.get(pk=letter_id)
    if ReversalFlag.objects.filter(
        claim=claim, letter=letter, found_at__gte=letter.bound_at or claim.created_at
    ).exists():
        return False
    last = claim.decisions.order_by("-pk").first()
    known = last is not None and _has_seen(last, letter)
    after = (last.pk - known) if last is not None else 0
    ReversalFlag.objects.create(
        claim=claim,
        invoice_id=invoice_id,
        letter=letter,
        state=claim.state,
        after_decision=after,
        found_at=settings.CLOCK.now(),
    )
    _record(claim, "claim.reversal", letter=letter.number, reverses=letter.reverses, known=known, state=claim.state)
    return True


def _has_seen(decision: Decision, letter: Invoice) -> bool:
    """Whether the facts of a decision hold the letter: their references end in the ids of its lines."""
    refs = [row["ref"] for row in decision.result["facts"].get("reversals") or ()]
    marks = {f"R{pk}" for pk in letter.lines.values_list("pk", flat=True)}
    return any(ref.rpartition("-")[2] in marks for ref in refs)


def _act(claim_id: int) -> bool:
    """What an open flag asks of the claim as it stands now."""
    claim = Claim.objects.select_for_update(of=("self",)).get(pk=claim_id)
    flags = list(flags_of(claim))
    if not flags:
        return False
    if claim.state in STOPPED:
        fire(claim, "suspend", actor=SYSTEM_ACTOR, reason=reason_of(flags[-1].letter))
    elif claim.state == "paid":
        _propose(claim, flags[-1].letter)
    return True


def reason_of(letter: Invoice) -> str:
    """Why a claim is suspended, in words for its enterprise."""
    return f"申请所用发票 {letter.reverses} 已被红冲或作废（{letter.number}），金额需要重新核定。"


def _propose(claim: Claim, letter: Invoice) -> None:
    """Propose to recover what was paid beyond what the reduced facts give; an earlier proposal gives way."""
    if claim.clawbacks.filter(letter=letter, made_at__gte=letter.bound_at or claim.created_at).exists():
        return
    case = decided_anew(claim)
    stands_fen = paid_fen(claim.pk)
    due_fen = min(case.decision.granted_fen, stands_fen)
    for earlier in claim.clawbacks.filter(state="proposed"):
        _close(earlier, "superseded", f"又发现红字发票 {letter.number}。")
    if due_fen == stands_fen:
        return
    proposal = ClawbackProposal.objects.create(
        claim=claim,
        letter=letter,
        paid_fen=stands_fen,
        due_fen=due_fen,
        amount_fen=stands_fen - due_fen,
        result=case.to_json(),
        made_at=settings.CLOCK.now(),
    )
    _record(claim, "clawback.propose", letter=letter.number, amount_fen=proposal.amount_fen)


def decided_anew(claim: Claim) -> Case:
    """What `decide()` makes of the claim's papers now, with pool and cap as they were when it was decided last."""
    last = Case.from_json(claim.decisions.order_by("-pk").values_list("result", flat=True)[0])
    facts = facts_of(
        claim,
        applicant=last.facts.applicant,
        cap_used_fen=last.facts.cap_used_fen,
        pool_available_fen=last.facts.pool_available_fen,
        dossier=Dossier(claim),
    )
    law = law_for(facts.scheme, facts.fiscal_year)
    return Case(facts, last.terms, rules.decide(facts, law, last.terms))


def close_proposal(proposal: ClawbackProposal, state: str, *, note: str, by) -> None:
    """Finance says what became of a proposal: `settled` or `dropped`, with a note. Raises `Refused` when it is closed."""
    if state not in ("settled", "dropped") or not note.strip():
        raise Refused("请选择处理结果并填写说明。")
    with refuse_when_locked(), transaction.atomic():
        now = ClawbackProposal.objects.select_for_update().get(pk=proposal.pk)
        if now.state != "proposed":
            raise Refused("该追回建议已经办结，请刷新页面。")
        _close(now, state, note.strip(), by)


def _supersede(proposal_id: int) -> bool:
    """A proposal whose claim is paid no longer, or whose letter was withdrawn, asks for nothing."""
    proposal = ClawbackProposal.objects.select_for_update().get(pk=proposal_id)
    if proposal.state == "proposed":
        _close(proposal, "superseded", "申请已不在已拨付状态，或红冲登记已撤销。")
    return True


def _close(proposal: ClawbackProposal, state: str, note: str, by=None) -> None:
    proposal.state, proposal.note, proposal.closed_by = state, note, by
    proposal.closed_at = settings.CLOCK.now()
    proposal.save(update_fields=["state", "note", "closed_by", "closed_at"])
    actor = f"user:{by.pk} {by.name}" if by else SYSTEM_ACTOR.text
    _record(proposal.claim, f"clawback.{state}", actor=actor, amount_fen=proposal.amount_fen, note=note)


def _record(claim: Claim, action: str, *, actor: str = SYSTEM_ACTOR.text, **detail) -> None:
    at = settings.CLOCK.now()
    record(actor=actor, action=action, subject=f"claim:{claim.pk}", at=at, detail={"number": claim.number, **detail})
