"""Writing, publishing and freezing calls."""

import datetime as dt
from fractions import Fraction

from django.conf import settings
from django.db import transaction

from accounts.errors import Refused
from audit.services import record
from vouchers.calls.models import Call
from vouchers.policy import law_for
from vouchers.rules import CallTerms, check_terms


class CallError(Refused):
    """A call that may not be published or used; its text says why, in Chinese."""


def terms_of(call: Call) -> CallTerms:
    """The call as the rules read it."""
    return CallTerms(
        scheme=call.scheme,
        fiscal_year=call.fiscal_year,
        version=call.version,
        citation=call.citation,
        local_rate=Fraction(call.local_rate),
        external_rate=Fraction(call.external_rate),
        annual_cap_fen=call.annual_cap_fen,
        appropriation_fen=call.appropriation_fen,
        tax_basis=call.tax_basis,
        spend_from=call.spend_from,
        spend_until=call.spend_until,
        excludes_related_party=call.excludes_related_party,
        excludes_subsidised_elsewhere=call.excludes_subsidised_elsewhere,
        shortage=call.shortage,
    )


def publish(call: Call, *, actor: str) -> Call:
    """Publish a call that stays inside the law.

    Raises `CallExceedsLaw` naming the clause it breaks, `NoLawInForce` for a year without a law, and `CallError`
    when it is published already.
    """
    with transaction.atomic():
        # Refreshed under a lock: two officials may press the button together, and what is checked is what stands.
        call = Call.objects.select_for_update().get(pk=call.pk) if call.pk else call
        law = law_for(call.scheme, call.fiscal_year)
        check_terms(terms_of(call), law)
        if call.published_at:
            raise CallError("该通知已经发布。如需修改，请新建一个版本。")
        call.law_id = law.id
        call.published_at = settings.CLOCK.now()
        call.full_clean()
        call.save()
        record(
            actor=actor,
            action="call.publish",
            subject=f"call:{call.pk}",
            at=call.published_at,
            detail={"scheme": call.scheme, "fiscal_year": call.fiscal_year, "version": call.version},
        )
    return call


def freeze(call: Call, *, at: dt.datetime) -> None:
    """From the first submission on, this version can no longer change."""
    if call.frozen_at is None:
        Call.objects.filter(pk=call.pk, frozen_at=None).update(frozen_at=at)
        call.frozen_at = at


def current_call(scheme: str, fiscal_year: int) -> Call:
    """The published version in force for a scheme's fiscal year. Raises `CallError` when there is none."""
    call = (
        Call.objects.filter(scheme=scheme, fiscal_year=fiscal_year, published_at__isnull=False)
        .order_by("-version")
        .first()
    )
    if call is None:
        raise CallError(f"{fiscal_year} 年度的申报通知尚未发布，暂不能办理。请留意市工信局通知。")
    return call
