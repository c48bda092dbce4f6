"""Sharing a pool that is too small among all that stand against it. Plain: data in, shares out, int fen."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vouchers.rules.sharing import settled


@dataclass(frozen=True, slots=True)
class Asking:
    """A claim that waits for the settlement: `wanted_fen` is what its lines are worth, before any cap."""

    claim: int
    applicant: int
    wanted_fen: int


@dataclass(frozen=True, slots=True)
class Share:
    """What a claim asked for within its applicant's cap, and what it gets. `dropped`: that was below the minimum."""

    claim: int
    asked_fen: int
    share_fen: int
    dropped: bool = False


def settle(
    asking: Iterable[Asking], rooms: Mapping[int, int], pool_fen: int, min_grant_fen: int = 0
) -> list[Share]:  # fmt: skip
    """One settlement of `pool_fen` among `asking`, which come in the order of their filing; the shares in that order.

    Annual caps first: an applicant's claims take its room (`rooms`, fen left under the cap) one after the other. Where
    all of that exceeds the pool, everybody gets the same part of it, floored to the fen; the fen left over go to the
    largest remainders, the earlier first, so that the shares sum to the pool exactly. Shares below `min_grant_fen` are
    dropped, once, and the pool is shared again among the rest, whose shares can only grow. Raises ValueError.
    """
    if pool_fen < 0 or min_grant_fen < 0:
        raise ValueError("a pool and a minimum are not below zero")
    left, claims, asked = dict(rooms), list[int](), list[int]()
    for each in asking:
        if each.wanted_fen < 0:
            raise ValueError("nobody asks for less than nothing")
        fen = min(each.wanted_fen, max(left[each.applicant], 0))
        left[each.applicant] -= fen
        claims.append(each.claim)
        asked.append(fen)
    shares = settled(asked, pool_fen, min_grant_fen)
    return [
        Share(claim, fen, share, dropped=fen > 0 and share < min_grant_fen)
        for claim, fen, share in zip(claims, asked, shares, strict=True)
    ]


def digest_of(shares: Iterable[Share]) -> str:
    """sha256 over every share: what the two who sign a settlement vouch for."""
    found = hashlib.sha256()
    for each in shares:
        found.update(f"{each.claim}:{each.asked_fen}:{each.share_fen}:{each.dropped:d}\n".encode())
    return found.hexdigest()
