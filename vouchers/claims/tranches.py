"""Claiming the next part of what was agreed case by case."""

from __future__ import annotations

from vouchers.claims.agreements import Tranche
from vouchers.claims.intake import ClaimError
from vouchers.claims.models import Claim, Voucher
from vouchers.claims.services import open_claim, require_member


def open_tranche(tranche: Tranche, *, user) -> Claim:
    """Open a draft claim for a tranche, under the latest voucher of its scheme. Raises `ClaimError`.

    A draft that is there already is given back: a tranche is claimed once.
    """
    agreement = tranche.agreement
    require_member(user, agreement.organisation)
    draft = Claim.objects.filter(tranche=tranche, state="draft").first()
    if draft is not None:
        return draft
    own = Voucher.objects.filter(organisation=agreement.organisation, scheme=agreement.scheme, state="issued")
    voucher = own.select_related("organisation", "call").order_by("-fiscal_year", "-pk").first()
    if voucher is None:
        raise ClaimError("请先申领该项目当年的兑付资格，发放后再申请本期拨付。")
    return open_claim(voucher, user=user, tranche=tranche)
