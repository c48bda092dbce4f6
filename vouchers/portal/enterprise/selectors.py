"""What an enterprise reads of its own: messages, and where its vouchers stand."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from applicants.models import Organisation
from vouchers.calls.models import Call
from vouchers.claims.models import Voucher
from vouchers.messages.models import Message
from vouchers.policy import Law, law_for
from vouchers.review.models import VoucherEvent


def messages_of(organisation: Organisation) -> QuerySet[Message]:
    """The portal's messages to the organisation and to those that merged into it, the newest first."""
    mine = Q(organisation=organisation) | Q(organisation__merged_into=organisation)
    return Message.objects.filter(mine, channel="portal")


@dataclass(frozen=True)
class Offer:
    """An open call, and the organisation's latest voucher under its year; `reason` is why it was refused."""

    call: Call
    law: Law
    voucher: Voucher | None
    reason: str

    @property
    def may_apply(self) -> bool:
        """Whether there is no voucher yet, or only a refused one."""
        return self.voucher is None or self.voucher.state == "refused"


def offer_to(organisation: Organisation, call: Call) -> Offer:
    """What an open call offers the organisation, and what it has under it."""
    own = Voucher.objects.filter(organisation=organisation, scheme=call.scheme, fiscal_year=call.fiscal_year)
    voucher = own.order_by("-applied_at", "-pk").first()
    reason = ""
    if voucher is not None and voucher.state in ("refused", "revoked"):
        events = VoucherEvent.objects.filter(voucher=voucher).order_by("-version")
        reason = events.values_list("reason", flat=True).first() or ""
    return Offer(call, law_for(call.scheme, call.fiscal_year), voucher, reason)
