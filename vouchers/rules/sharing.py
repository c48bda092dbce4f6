"""Sharing a pool that is too small: what a settlement gives, and what the what-if supposes that it would give."""

from __future__ import annotations

from collections.abc import Sequence

from vouchers import money


def settled(asked: Sequence[int], pool_fen: int, least_fen: int) -> list[int]:
    """`asked` cut alike to what the pool has; who would get less than `least_fen` drops out once, the rest share anew.

    Floored to the fen; the fen left over go to the largest remainders, the earlier first. The minimum is held against
    the part before those: it can only grow when others drop out, so that nobody who stays ends below the minimum.
    """
    total = sum(asked)
    floors = asked if total <= pool_fen else [fen * pool_fen // total for fen in asked]
    kept = [fen if floor >= least_fen else 0 for fen, floor in zip(asked, floors, strict=True)]
    return _cut(kept, pool_fen)


def _cut(asked: Sequence[int], pool_fen: int) -> list[int]:
    return list(asked) if sum(asked) <= pool_fen else money.share(pool_fen, asked)
