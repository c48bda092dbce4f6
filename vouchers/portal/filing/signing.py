"""Signing and submitting in one go."""

from __future__ import annotations

from vouchers.claims.models import Claim
from vouchers.claims.services import sign_declaration
from vouchers.portal.filing.track import own_verbs
from vouchers.review.actors import Actor
from vouchers.review.errors import StaleClaim
from vouchers.review.services import fire


def declare_and_submit(claim: Claim, *, seen: str, user) -> None:
    """Sign the declaration and submit, or submit again after correction.

    Two steps on purpose: a submission that is refused must leave its own traces (a clash of invoice numbers), and a
    signature without a submission means nothing. Raises what either raises; `StaleClaim` before anything is signed.
    """
    if seen != str(claim.version):
        raise StaleClaim
    verb = "resubmit" if "resubmit" in own_verbs(claim) else "submit"
    sign_declaration(claim, user=user)
    fire(claim, verb, actor=Actor(user), seen_version=claim.version)
