"""Writing, publishing and freezing calls."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.errors import Refused
from audit.services import record
from vouchers.calls.models import Call
from vouchers.money import parse_rate, rate_text
from vouchers.policy import Law, NoLawInForce, governing
from vouchers.rules import CallExceedsLaw, CallTerms, ClassRate, TermsError, check_terms, default_terms


class CallError(Refused):
    """A call that may not be published or used; its text says why, in Chinese."""


def terms_of(call: Call) -> CallTerms:
    """The call as the rules read it.

    Without its filing window: who files outside it is refused before anything is decided.
    """
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
        cap_year=call.cap_year,
        minimum_spend_fen=call.minimum_spend_fen,
        minimum_grant_fen=call.minimum_grant_fen,
        rounding_unit_fen=call.rounding_unit_fen,
        rounding_mode=call.rounding_mode,
        rounding_at=call.rounding_at,
        allocation=call.allocation,
        proration=call.proration,
        within_contract=call.within_contract,
        class_rates=tuple(ClassRate(code, parse_rate(rate)) for code, rate in sorted(call.class_rates.items())),
        contract_cap_fen=call.contract_cap_fen,
        claim_cap_fen=call.claim_cap_fen,
        years_cap_fen=call.years_cap_fen,
        excludes_schemes=tuple(call.excludes_schemes),
        shortage=call.shortage,
    )


def draft_call(scheme: str, fiscal_year: int, *, user) -> Call:
    """A new version of the year's call, to be edited: as the version before, else as the law's ceilings say.

    Raises `CallError` for a year without a law, or with a draft already.
    """
    try:
        law = governing(scheme, fiscal_year)
    except NoLawInForce as missing:
        raise CallError(str(missing)) from missing
    versions = Call.objects.filter(scheme=scheme, fiscal_year=fiscal_year)
    call = versions.order_by("-version").first()
    if call is None:
        call = Call(**_first_draft(law))
    elif call.published_at is None:
        raise CallError(f"{fiscal_year} 年度已有一份草稿（第 {call.version} 版），请在草稿上修改。")
    else:
        call.pk, call.published_at, call.frozen_at = None, None, None
        call._state.adding, call.version = True, call.version + 1
    try:
        with transaction.atomic():
            _save(call, user)
            _record(call, "call.draft", user)
    except IntegrityError as begun:
        raise CallError(f"{fiscal_year} 年度的草稿刚刚由另一人起草，请刷新页面，在草稿上修改。") from begun
    return call


def _first_draft(law) -> dict[str, Any]:
    """Columns of a first draft: what the law's own terms are, and a filing window of the month after the year."""
    terms, year = default_terms(law) if isinstance(law, Law) else None, law.fiscal_year
    window = law.spend_window()
    fields: dict[str, Any] = {
        "scheme": law.scheme, "fiscal_year": year, "version": 1, "law_id": law.id, "citation": "（待定文号）",
        "title": f"{year} 年度{law.scheme_title}申报通知", "spend_from": window.first, "spend_until": window.last,
        "filing_from": dt.date(year + 1, 1, 1), "filing_until": dt.date(year + 1, 1, 31),
    }  # fmt: skip
    if terms is None:
        ceiling = law.annual_cap.value
        rate = Decimal(rate_text(law.local_rate.value))
        return fields | {
            "appropriation_fen": ceiling, "annual_cap_fen": ceiling, "local_rate": rate, "external_rate": rate
        }  # fmt: skip
    same = {field.name for field in Call._meta.concrete_fields} & set(CallTerms.__dataclass_fields__)
    own = {
        name: getattr(terms, name) for name in same - fields.keys() - {"class_rates", "excludes_schemes", "shortage"}
    }
    own["local_rate"], own["external_rate"] = (Decimal(rate_text(own[f"{at}_rate"])) for at in ("local", "external"))
    classes = {item.code: rate_text(item.rate) for item in terms.class_rates}
    return fields | own | {"class_rates": classes, "excludes_schemes": list(terms.excludes_schemes)}


def amend_call(call: Call, values: Mapping[str, Any], *, seen: str, user) -> Call:
    """Change a draft that still stands as `seen` says. Raises `CallError` for one that was published or has changed,
    and where the values exceed the law or contradict each other; nothing has changed then.
    """
    with transaction.atomic():
        call = Call.objects.select_for_update().get(pk=call.pk)
        if call.published_at is not None:
            raise CallError("该通知已经发布，不能修改。如需修改，请起草新的一版。")
        if mark_of(call) != seen:
            raise CallError("这份草稿刚刚被其他人改过，没有保存。您填写的内容还在，请核对后再保存一次。")
        for name, value in values.items():
            setattr(call, name, value)
        _require_lawful(call)
        _save(call, user)
        _record(call, "call.amend", user)
    return call


def publish_as(call: Call, *, seen: str, user) -> Call:
    """Publish a draft that `user` saw as it stands and did not write last. Raises `CallError`."""
    with transaction.atomic():
        call = Call.objects.select_for_update().get(pk=call.pk)
        if last_hand(call) == user.pk:
            raise CallError("这一版最后由您修改，请由另一名审批人员发布。")
        if mark_of(call) != seen:
            raise CallError("这份草稿刚刚被改过，没有发布。请重新核对后再发布。")
        _require_lawful(call)
        return publish(call, actor=f"user:{user.pk} {user.name}")


def _require_lawful(call: Call) -> None:
    """Raises `CallError` in the words of whatever the call breaks."""
    try:
        check_terms(terms_of(call), governing(call.scheme, call.fiscal_year))
    except (CallExceedsLaw, TermsError, NoLawInForce) as broken:
        raise CallError(str(broken)) from broken


def _save(call: Call, user) -> None:
    call._history_user = user  # type: ignore[attr-defined]  # whom the history of the row names
    call.save()


def _record(call: Call, action: str, user) -> None:
    detail = {"scheme": call.scheme, "fiscal_year": call.fiscal_year, "version": call.version}
    at = settings.CLOCK.now()
    record(actor=f"user:{user.pk} {user.name}", action=action, subject=f"call:{call.pk}", at=at, detail=detail)


def mark_of(call: Call) -> str:
    """A mark of the call as it stands."""
    return str(call.history.order_by("-history_id").values_list("history_id", flat=True).first() or "")


def last_hand(call: Call) -> int | None:
    """Who changed the call last, by id."""
    return call.history.order_by("-history_id").values_list("history_user_id", flat=True).first()


def publish(call: Call, *, actor: str) -> Call:
    """Publish a call that stays inside the law.

    Raises `CallExceedsLaw` naming the clause it breaks, `NoLawInForce` for a year without a law, and `CallError`
    when it is published already.
    """
    with transaction.atomic():
        # Refreshed under a lock: two officials may press the button together, and what is checked is what stands.
        call = Call.objects.select_for_update().get(pk=call.pk) if call.pk else call
        law = governing(call.scheme, call.fiscal_year)
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
